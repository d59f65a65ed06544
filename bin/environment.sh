# Sourced by the launchers beside it: makes the Python environment they run in, once per user, checkout and pyproject.toml.
#
# It lives under the user's cache and not in the checkout, so that root and an ordinary user can use the same checkout
# by turns without meeting each other's files.
# Afterwards: $root is the checkout, $environment the environment, and its programs stand first on PATH.
# GATE_PYTHON names the Python to make it with.

die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    [ -z "${2:-}" ] || printf '  remedy: %s\n' "$2" >&2
    exit 2
}

# Whether $1 exists and is ours: a home that sudo left in place belongs to somebody else.
is_ours() {
    [ -d "$1" ] && [ -w "$1" ] && [ -n "$(find "$1" -prune -user "$(id -u)" 2>/dev/null)" ]
}

find_cache() {
    cache=${XDG_CACHE_HOME:+$XDG_CACHE_HOME/deploy-gate}
    if [ -n "$cache" ] && mkdir -p "$cache" 2>/dev/null && is_ours "$cache"; then
        return
    fi
    if [ -n "${HOME:-}" ] && is_ours "$HOME"; then
        cache=$HOME/.cache/deploy-gate
        mkdir -p "$cache" 2>/dev/null && is_ours "$cache" && return
    fi
    cache=/var/tmp/deploy-gate-$(id -u)
    (umask 077 && mkdir "$cache" 2>/dev/null) || :
    if [ -L "$cache" ] || ! is_ours "$cache"; then
        die "no directory for caches: neither HOME nor $cache belongs to uid $(id -u)" "set XDG_CACHE_HOME to a directory of yours"
    fi
    # Programs that look for a home would stumble over the unusable one.
    HOME=$cache
    export HOME
}

# Sets $python to the first Python that is new enough and can make an environment.
find_python() {
    without_venv=
    for python in ${GATE_PYTHON:-python3.13 python3.12 python3.11 python3}; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
        "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && return
        without_venv=$python
    done
    if [ -n "$without_venv" ]; then
        die "$without_venv has no venv and pip" "install them (on Debian and Ubuntu: apt install python3-venv)"
    fi
    die "Python 3.11 or newer is missing: none of ${GATE_PYTHON:-python3.13, python3.12, python3.11, python3} is one" \
        "install it, or name one: GATE_PYTHON=/path/to/python3"
}

# A symbolic link is made or refused in one act, and its target tells who holds it.
take_lock() {
    while ! ln -s "$$" "$environment.lock" 2>/dev/null; do
        holder=$(readlink "$environment.lock" 2>/dev/null) || continue
        kill -0 "$holder" 2>/dev/null || rm -f "$environment.lock"
        sleep 1
    done
    trap 'rm -f "$environment.lock"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

make_environment() {
    find_python
    printf '%s: making the environment %s (once, about half a minute)\n' "${0##*/}" "$environment" >&2
    "$python" -m venv --clear "$environment" >&2 ||
        die "$python could not make an environment in $environment" "the lines above say why"
    "$environment/bin/python" -m pip install -qq --disable-pip-version-check --no-input \
        --editable "$root[embedded,dev]" >&2 ||
        die "pip could not install what pyproject.toml names" "the lines above say why; a package index must be reachable"
    : >"$environment/ready"
    # Environments of an older pyproject.toml: not the youngest, somebody may be running in one.
    find "$cache" -mindepth 1 -maxdepth 1 -name "${environment##*/}" -o -name "env-$checkout-*" -mtime +0 -prune -exec rm -rf {} +
}

enter_environment() {
    root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
    find_cache
    checkout=$(printf %s "$root" | cksum | cut -d ' ' -f 1)
    # Only what decides what is installed: the linters' settings begin at the marked line.
    stamp=$( (sed '/^# ---- below this line/,$d' "$root/pyproject.toml" && printf %s "${GATE_PYTHON:-}") | cksum | cut -d ' ' -f 1)
    environment=$cache/env-$checkout-$stamp
    if ! is_ready; then
        take_lock
        is_ready || make_environment
        rm -f "$environment.lock"
        trap - EXIT INT TERM
    fi
    export_environment
}

# A Python that was upgraded away leaves a dangling link, which is not executable.
is_ready() {
    [ -e "$environment/ready" ] && [ -x "$environment/bin/python" ]
}

# Every tool's cache goes beside the environment: the checkout may be read-only for this user.
export_environment() {
    PATH=$environment/bin:$PATH
    VIRTUAL_ENV=$environment
    PYTHONPYCACHEPREFIX=$environment/cache/python
    # Bytecode goes there and nowhere else: without it every start would compile everything anew.
    unset PYTHONDONTWRITEBYTECODE
    RUFF_CACHE_DIR=$environment/cache/ruff
    MYPY_CACHE_DIR=$environment/cache/mypy
    HYPOTHESIS_STORAGE_DIRECTORY=$environment/cache/hypothesis
    export PATH VIRTUAL_ENV PYTHONPYCACHEPREFIX RUFF_CACHE_DIR MYPY_CACHE_DIR HYPOTHESIS_STORAGE_DIRECTORY
}
