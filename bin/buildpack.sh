# Sourced by the scripts that a buildpack consists of: bin/compile, and bin/test, which Heroku CI calls.
#
# The dyno's image has other programs than the image that builds: the run images of heroku-24 and heroku-26 have no
# Python, and the build images have one without pip. So gate's Python is always carried along, in BUILD_DIR/.gate/python:
# the image's own where that is new enough, else one that uv installs. Nothing in .gate knows where it lies: it is made
# in a directory of the build, and run in /app.

OLDEST_PYTHON='sys.version_info < (3, 11)'
UV_PYTHON_VERSION=3.13

heading() {
    printf -- '-----> %s\n' "$1"
}

say() {
    printf '       %s\n' "$1"
}

warn() {
    printf ' !     %s\n' "$1" >&2
}

# What is wrong, and then what to do, a line each; half of a gate is none.
fail() {
    [ ! -e "${gate:-}/made-by-buildpack" ] || rm -rf "$gate"
    for line in "$@"; do
        warn "$line"
    done
    exit 1
}

# Heroku CI calls bin/test with the app's directory, and perhaps that of its variables; a developer names tests of this
# checkout. The app's tests are the business of the buildpack of its language.
leave_to_the_app() {
    if is_an_app "$@"; then
        printf 'gate: nothing to test here: the tests of the app in %s are run by the buildpack of its language\n' "$1"
        exit 0
    fi
}

is_an_app() {
    [ $# -eq 1 ] || [ $# -eq 2 ] || return 1
    [ -z "${2:-}" ] || [ -d "$2" ] || return 1
    case $1 in /*) [ -d "$1" ] || return 1 ;; *) return 1 ;; esac
    checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
    case $(CDPATH='' cd -- "$1" && pwd -P)/ in "$checkout"/*) return 1 ;; esac
}

# --- what is asked for ---------------------------------------------------------------------------------------------

# Sets $root, $build, $cache and $work from the arguments of bin/compile; none of the app's own settings of Python count.
begin() {
    root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
    if [ $# -lt 1 ] || [ $# -gt 3 ]; then
        fail "bin/compile takes BUILD_DIR, CACHE_DIR and ENV_DIR" "Heroku calls it; by hand: bin/compile /tmp/app /tmp/cache"
    fi
    [ -d "$1" ] || fail "the build directory $1 does not exist" "name the directory of the app"
    build=$(CDPATH='' cd -- "$1" && pwd -P)
    cache=${2:-}
    gate=$build/.gate
    version=$(sed -n 's/^VERSION = "\(.*\)"$/\1/p' "$root/gate/model/version.py")
    unset PYTHONPATH PYTHONHOME PYTHONSTARTUP PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_VIRTUALENV
    read_settings "${3:-}"
    if [ -e "$gate" ] && [ ! -e "$gate/made-by-buildpack" ]; then
        fail "the app has a .gate of its own, which is where gate would be put" "call it something else"
    fi
    work=$(mktemp -d) || fail "no directory for what is needed while gate is built" "the line above says why"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# The app's variables that decide how gate is installed, and no others; they end with this process.
read_settings() {
    for name in GATE_PYTHON GATE_UV PIP_INDEX_URL PIP_EXTRA_INDEX_URL UV_PYTHON_INSTALL_MIRROR \
        HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
        if [ -n "$1" ] && [ -f "$1/$name" ]; then
            value=$(cat -- "$1/$name")
            export "$name=$value"
        fi
    done
    GATE_PYTHON=${GATE_PYTHON:-}
    GATE_UV=${GATE_UV:-}
}

# Sets $python to one that can be carried along; it stays empty where uv has to install one, of $uv_version.
find_python() {
    python=
    uv_version=$UV_PYTHON_VERSION
    case $GATE_PYTHON in
        '') ;;
        [0-9]*)
            uv_version=$GATE_PYTHON
            return
            ;;
        *)
            is_new_enough "$GATE_PYTHON" || fail "GATE_PYTHON is $GATE_PYTHON, which is no Python 3.11 or newer" \
                "name one that is there while the app is built, or a version, such as 3.13, or take GATE_PYTHON out"
            python=$GATE_PYTHON
            return
            ;;
    esac
    for candidate in python3.14 python3.13 python3.12 python3.11 python3 /usr/bin/python3; do
        if is_new_enough "$candidate"; then
            python=$candidate
            return
        fi
    done
}

is_new_enough() {
    "$1" -c "import sys; sys.exit($OLDEST_PYTHON)" >/dev/null 2>&1
}

# Whatever changes what would be made: the code, what it needs, the image, the Python.
key() {
    {
        printf '%s\n' "${STACK:-}" "$(uname -m)" "$version" "$uv_version" "${python:-uv}"
        [ -z "$python" ] || "$python" -c 'import sys; print(sys.version, sys.base_prefix)'
        cd "$root" && find gate bin pyproject.toml -type f ! -name '*.pyc' -exec cksum {} + | LC_ALL=C sort
    } | cksum | tr ' ' -
}

# --- what the cache has ----------------------------------------------------------------------------------------------

is_restored() {
    [ -n "$cache" ] && [ -e "$cache/gate/made/$key/made-by-buildpack" ] || return 1
    copy "$cache/gate/made/$key" "$gate" 2>/dev/null && works && return
    warn "what the cache holds of gate does not work: it is built anew"
    return 1
}

# A cache that cannot be written costs the next build its time, and this one nothing.
keep() {
    [ -n "$cache" ] || return 0
    if ! { mkdir -p "$cache/gate" && rm -rf "$cache/gate/next" && copy "$gate" "$cache/gate/next" &&
        rm -rf "$cache/gate/made" && mkdir "$cache/gate/made" && mv "$cache/gate/next" "$cache/gate/made/$key"; } \
        2>"$work/why"; then
        warn "nothing can be kept in the cache, and the next build takes as long: $(head -n 1 "$work/why")"
    fi
}

copy() {
    cp -R -p -- "$1" "$2"
}

# --- what is made ----------------------------------------------------------------------------------------------------

# Everything that is in .gate; what fails leaves none of it.
make_gate() {
    rm -rf "$gate"
    mkdir "$gate" 2>"$work/why" || fail "nothing can be written in $build: $(head -n 1 "$work/why")" \
        "make it writable for this user (uid $(id -u))"
    : >"$gate/made-by-buildpack"
    if [ -n "$python" ]; then carry_python; else install_python; fi
    say "with Python $(carried -c 'import platform; print(platform.python_version())')"
    install_packages
    write_launcher
    # Without sources to be compared with: neither the cache nor a slug has to keep times. What no Python of this
    # version could read is not what gate reads.
    carried -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$build" -p /app "$gate" >/dev/null 2>&1 || :
    works || fail "gate was installed, and does not start: $(head -n 3 "$work/why")" \
        "report this with the lines above; GATE_PYTHON chooses another Python"
}

# Makes a whole of it, or ends with $1 and the reason that stands in $work/log.
or_fail() {
    sed 's/^/       /' "$work/log" >&2
    fail "$@"
}

carry_python() {
    "$python" -I "$root/bin/carry.py" "$gate/python" >"$work/log" 2>&1 ||
        or_fail "$python cannot be carried along" "the lines above say why; GATE_PYTHON chooses another one"
    installer=$python
}

install_python() {
    find_uv
    say "no Python 3.11 or newer in this image: uv installs $uv_version"
    UV_PYTHON_INSTALL_DIR=$work/pythons UV_PYTHON_INSTALL_BIN=0 UV_PYTHON_BIN_DIR=$work/bin UV_CACHE_DIR=$work/uv-cache \
        "$uv" python install --install-dir "$work/pythons" "$uv_version" >"$work/log" 2>&1 ||
        or_fail "uv could not install Python $uv_version" \
            "the lines above say why; UV_PYTHON_INSTALL_MIRROR names another place to fetch it from"
    for found in "$work"/pythons/*/bin/python3 "$work"/pythons/bin/python3; do
        if is_new_enough "$found"; then
            mv "${found%/bin/python3}" "$gate/python"
            installer=$gate/python/bin/python3
            return
        fi
    done
    or_fail "uv installed no Python 3.11 or newer" "ask for another version: GATE_PYTHON=3.13"
}

# Sets $uv: the one that is named, the one that is there, or one that a Python too old for gate installs for this build.
find_uv() {
    if [ -n "$GATE_UV" ]; then
        "$GATE_UV" --version >/dev/null 2>&1 || fail "GATE_UV is $GATE_UV, which does not start" \
            "name the program itself, by its path while the app is built"
        uv=$GATE_UV
        return
    fi
    uv=$(command -v uv) && return
    for old in python3 /usr/bin/python3; do
        if command -v "$old" >/dev/null && run_pip "$old" install --quiet --target "$work/uv" uv >"$work/log" 2>&1; then
            uv=$work/uv/bin/uv
            return
        fi
    done
    fail "Python 3.11 or newer is missing in this image, and so is uv, which would install one" \
        "put a buildpack that brings either before this one (heroku buildpacks:add --index 1 heroku/python)," \
        "or name one: GATE_PYTHON=/path/to/python3, GATE_UV=/path/to/uv"
}

install_packages() {
    if ! run_pip "$installer" install --quiet --no-compile --target "$gate/packages" "$root" >"$work/log" 2>&1; then
        cp "$work/log" "$work/pip-log"
        uv=${GATE_UV:-$(command -v uv)} || uv=
        [ -n "$uv" ] && "$uv" pip install --quiet --python "$gate/python/bin/python3" --target "$gate/packages" "$root" \
            >>"$work/pip-log" 2>&1 || {
            mv "$work/pip-log" "$work/log"
            or_fail "what gate needs could not be installed" \
                "the lines above say why: a package index must be reachable (PIP_INDEX_URL names another one)"
        }
    fi
    # Its programs name the Python that has installed them.
    rm -rf "$gate/packages/bin"
}

# With the Python $1: its own pip, else that of the distribution, which is unpacked for this build alone.
run_pip() {
    with=$1
    shift
    [ -n "${PIP_CACHE_DIR:-}" ] || [ -z "$cache" ] || PIP_CACHE_DIR=$cache/gate/pip
    [ -z "${PIP_CACHE_DIR:-}" ] || export PIP_CACHE_DIR
    if "$with" -m pip --version >/dev/null 2>&1; then
        (cd "$work" && "$with" -m pip --no-input --disable-pip-version-check "$@")
    else
        unpack_pip && (cd "$work" && PYTHONPATH=$work/pip/usr/lib/python3/dist-packages \
            "$with" -m pip --no-input --disable-pip-version-check "$@")
    fi
}

unpack_pip() {
    [ ! -d "$work/pip" ] || return 0
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
        echo "there is no pip, and no apt-get to fetch it with"
        return 1
    }
    mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial"
    (cd "$work/apt" && for act in update 'download python3-pip'; do
        # shellcheck disable=SC2086 - two words
        apt-get -qq -o debug::nolocking=true -o dir::state="$work/apt" -o dir::cache="$work/apt" $act || exit 1
    done) && dpkg-deb -x "$work"/apt/python3-pip_*.deb "$work/pip"
}

# --- how it is started -----------------------------------------------------------------------------------------------

carried() {
    LD_LIBRARY_PATH=$gate/python/shared "$gate/python/bin/python3" -I "$@"
}

# As a dyno will: with nothing of this build around it.
works() {
    env -i PATH="$PATH" HOME=/ "$gate/bin/gate" --version >"$work/said" 2>"$work/why" &&
        [ "$(cat "$work/said")" = "gate $version" ]
}

write_launcher() {
    mkdir -p "$gate/bin"
    cat >"$gate/bin/gate" <<'LAUNCHER'
#!/bin/sh
# Runs gate with the Python that was brought along, whatever Python the app has, and whatever it tells that one.
self=$(readlink -f -- "$0")
here=${self%/bin/gate}
if [ -d "$here/python/shared" ]; then
    # For this one process: the programs that gate starts get the app's own again.
    GATE_LIBRARY_PATH=${LD_LIBRARY_PATH-}
    LD_LIBRARY_PATH=$here/python/shared${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export GATE_LIBRARY_PATH LD_LIBRARY_PATH
fi
exec "$here/python/bin/python3" -I "$here/launch.py" "$@"
LAUNCHER
    chmod 755 "$gate/bin/gate"
    cp "$root/bin/launch.py" "$gate/launch.py"
}

write_profile() {
    mkdir -p "$build/.profile.d" && cat >"$build/.profile.d/gate.sh" <<'PROFILE'
# Nothing but gate is in that directory.
export PATH="$HOME/.gate/bin:$PATH"
PROFILE
}
