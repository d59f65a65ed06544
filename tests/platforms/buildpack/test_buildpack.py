"""This repository as a buildpack: its scripts on the build directories of apps, and the result where a dyno has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gate.model.version import VERSION
from tests.ordinary import ordinary_user
from tests.servers import Database

ROOT = Path(__file__).parents[3]
SYSTEM = "/usr/bin:/bin"
TOOLS = ("cat", "chmod", "cksum", "cp", "cut", "dirname", "env", "find", "head", "id", "ln", "ls", "mkdir", "mktemp",
         "mv", "readlink", "rm", "sed", "sh", "sleep", "sort", "tr", "uname")  # fmt: skip
APPS = {
    "rails": {"Gemfile": "gem 'rails'\n", "config.ru": "run Rails.application\n", "bin/rails": "#!/usr/bin/env ruby\n"},
    "node": {
        "package.json": '{"name": "shop", "scripts": {"start": "node index.js"}}\n',
        "gate/index.js": "// its own\n",
    },
    "python": {
        "requirements.txt": "django\n",
        "manage.py": "import django\n",
        "gate/__init__.py": "raise SystemExit(9)\n",
    },
}
UV = """#!/bin/sh
# Stands for uv: what it installs is the Python of the tests.
[ "$1" = --version ] && exit 0
echo "$*" >>"$0.log"
[ "$1 $2" = "python install" ] || exit 1
mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython-3.13/bin"
printf '#!/bin/sh\\nexec {python} "$@"\\n' >"$UV_PYTHON_INSTALL_DIR/cpython-3.13/bin/python3"
chmod 755 "$UV_PYTHON_INSTALL_DIR/cpython-3.13/bin/python3"
"""


def app(place: Path, kind: str) -> Path:
    """A build directory."""
    files = {**APPS[kind], "Procfile": "release: gate release\n"}
    files["db/migrations/20260101000000_a.sql"] = "-- migrate:up\nCREATE TABLE a (id bigint PRIMARY KEY);\n"
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


@dataclass
class Platform:
    """A checkout that is the buildpack, a cache, and what a build has around it."""

    place: Path
    around: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.buildpack = self.place / "buildpack"
        self.cache = self.place / "cache"
        self.variables = self.place / "variables"
        self.variables.mkdir()
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("bin", "gate"):
            shutil.copytree(ROOT / name, self.buildpack / name, ignore=ignored)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, self.buildpack)

    def run(self, script: str, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        index = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "UV_"))}
        return subprocess.run(
            [str(self.buildpack / "bin" / script), *map(str, arguments)],
            env={"PATH": SYSTEM, "HOME": os.environ["HOME"], "STACK": "heroku-24", **index, **self.around, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def compile(self, build: Path, **more: str) -> subprocess.CompletedProcess[str]:
        return self.run("compile", build, self.cache, self.variables, **more)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """With a cache that one build has filled."""
    made = Platform(tmp_path_factory.mktemp("platform"))
    done = made.compile(app(made.place / "build_first", "node"))
    assert done.returncode == 0, done.stderr
    return made


def dyno(build: Path, place: Path, command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs it where the slug lies on a dyno, with what is in the environment there, and a Python of the app's own."""
    home = place / "app"
    if build.exists():
        build.rename(home)
    around = {
        "PATH": SYSTEM,
        "HOME": str(home),
        "DYNO": "release.1234",
        "PYTHONPATH": str(home),
        "PYTHONHOME": "/nowhere",
    }
    profile = 'for each in "$HOME"/.profile.d/*.sh; do . "$each"; done; '
    return subprocess.run(
        ["bash", "-c", profile + command],
        cwd=home, env={**around, **more}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("kind", APPS)
def test_an_app_in_any_language_releases(kind: str, platform: Platform, tmp_path: Path, database: Database) -> None:
    """From the cache, without a network; an app's directory named gate is not taken for the program."""
    build = app(tmp_path / "build", kind)
    assert platform.run("detect", build).stdout == "gate\n"
    done = platform.compile(build, **OFFLINE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"-----> Installing gate {VERSION}",
        "       from the cache",
        "       gate is on the path of every dyno: release: gate release",
    ]
    assert dyno(build, tmp_path, "gate --version").stdout == f"gate {VERSION}\n"
    url = {"DATABASE_URL": database.conninfo}
    database.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
    planned = dyno(build, tmp_path, "gate plan --sample 0", **url)
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.startswith("PASS  1 pending migration")
    assert dyno(build, tmp_path, "gate release --sample 0", **url).returncode == 0
    assert database.fetch("SELECT to_regclass('a')::text") == [("a",)]


def test_what_is_made_knows_nothing_of_where_it_was_made(platform: Platform) -> None:
    build = platform.place / "build_first"
    programs = [build / ".gate/bin/gate", build / ".profile.d/gate.sh", build / ".gate/launch.py"]
    assert [path for path in programs if str(build) in path.read_text()] == []
    links = [
        path for path in (build / ".gate").rglob("*") if path.is_symlink() and not path.resolve().is_relative_to(build)
    ]
    assert links == []


def test_programs_that_gate_starts_have_the_apps_own_environment(platform: Platform, tmp_path: Path) -> None:
    build = app(tmp_path / "build", "python")
    platform.compile(build)
    (build / ".gate/python/shared").mkdir(exist_ok=True)
    (build / ".gate/launch.py").write_text(
        (build / ".gate/launch.py").read_text().replace("\nmain()", "\nos.execvp('env', ['env'])")
    )
    for told in ({}, {"LD_LIBRARY_PATH": "/app/.heroku/vendor/lib"}):
        seen = dict(line.split("=", 1) for line in dyno(build, tmp_path, "gate", **told).stdout.splitlines())
        assert "GATE_LIBRARY_PATH" not in seen
        assert seen.get("LD_LIBRARY_PATH") == told.get("LD_LIBRARY_PATH")
        assert (seen["PYTHONPATH"], seen["PYTHONHOME"]) == (str(tmp_path / "app"), "/nowhere")


def test_it_can_be_compiled_again_in_the_same_directory(platform: Platform, tmp_path: Path) -> None:
    build = app(tmp_path / "build", "rails")
    first, second = platform.compile(build, **OFFLINE), platform.compile(build, **OFFLINE)
    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    assert not (build / ".gate/.gate").exists()
    assert sorted(path.name for path in build.iterdir() if path.name.startswith(".")) == [".gate", ".profile.d"]


def test_a_cache_that_is_broken_is_said_and_built_anew(platform: Platform, tmp_path: Path) -> None:
    other = Platform(tmp_path)
    other.buildpack, other.cache = platform.buildpack, tmp_path / "broken"
    shutil.copytree(platform.cache, other.cache, symlinks=True)
    (kept,) = (other.cache / "gate/made").iterdir()
    shutil.rmtree(kept / "packages/gate")
    done = other.compile(app(tmp_path / "build", "node"))
    assert done.returncode == 0, done.stderr
    assert "what the cache holds of gate does not work" in done.stderr
    assert dyno(tmp_path / "build", tmp_path, "gate --version").returncode == 0


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    made = Platform(tmp_path)
    made.cache = tmp_path / "file"
    made.cache.write_text("")
    done = made.compile(app(tmp_path / "build", "node"))
    assert done.returncode == 0
    assert "nothing can be kept in the cache" in done.stderr


def machine(tmp_path: Path, **programs: str) -> str:
    """A PATH with the shell's tools and these programs alone; /usr/bin/python3 is hidden by GATE_PYTHON."""
    place = tmp_path / "machine"
    place.mkdir()
    for tool in TOOLS:
        (place / tool).symlink_to(shutil.which(tool) or "/nowhere")
    for name, text in programs.items():
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    return str(place)


@pytest.mark.parametrize("how", ["on the path", "named"])
def test_uv_brings_a_python(how: str, tmp_path: Path) -> None:
    made = Platform(tmp_path)
    (made.variables / "GATE_PYTHON").write_text("3.13")
    uv = UV.replace("{python}", sys.executable)
    if how == "named":
        path = machine(tmp_path)
        (tmp_path / "my-uv").write_text(uv)
        (tmp_path / "my-uv").chmod(0o755)
        (made.variables / "GATE_UV").write_text(str(tmp_path / "my-uv"))
    else:
        path = machine(tmp_path, uv=uv)
    build = app(tmp_path / "build", "rails")
    done = made.compile(build, PATH=path)
    assert done.returncode == 0, done.stderr
    assert "uv installs 3.13" in done.stdout
    (log,) = tmp_path.glob("**/*uv.log")
    assert log.read_text().endswith(" 3.13\n")
    assert dyno(build, tmp_path, "gate --version").stdout == f"gate {VERSION}\n"
    log.unlink()
    assert made.compile(app(tmp_path / "again", "rails"), PATH=path, **OFFLINE).returncode == 0
    assert not log.exists(), "the second build takes it from the cache"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"GATE_PYTHON": "/nowhere/python3"}, ("no Python 3.11 or newer", "take GATE_PYTHON out")),
        ({"GATE_PYTHON": "3.13", "GATE_UV": "/nowhere/uv"}, ("GATE_UV is /nowhere/uv", "by its path")),
        ({"GATE_PYTHON": "3.13", **OFFLINE}, ("and so is uv", "GATE_UV=/path/to/uv")),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(told: dict[str, str], words: tuple[str, ...], tmp_path: Path) -> None:
    made = Platform(tmp_path)
    build = app(tmp_path / "build", "node")
    done = made.compile(build, PATH=machine(tmp_path), **told)
    assert done.returncode == 1
    assert all(line.startswith(" !     ") for line in done.stderr.splitlines())
    assert all(word in done.stderr for word in words), done.stderr
    assert not (build / ".gate").exists()
    assert not (build / ".profile.d").exists()


def test_what_cannot_be_installed_is_said(tmp_path: Path) -> None:
    made = Platform(tmp_path)
    done = made.compile(app(tmp_path / "build", "node"), **OFFLINE)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        " !     what gate needs could not be installed",
        " !     the lines above say why: a package index must be reachable (PIP_INDEX_URL names another one)",
    ]
    assert not (tmp_path / "build/.gate").exists()


def test_a_build_directory_that_cannot_be_written(tmp_path: Path) -> None:
    with ordinary_user() as ordinary:
        place = ordinary.home / "buildpack"
        for name in ("bin", "gate"):
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", place)
        build = app(ordinary.home / "build", "node")
        done = subprocess.run(
            [*ordinary.prefix, str(place / "bin/compile"), str(build)],
            env=ordinary.environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert "nothing can be written in" in done.stderr


def test_a_directory_of_the_apps_own_is_left_alone(platform: Platform, tmp_path: Path) -> None:
    build = app(tmp_path / "build", "node")
    (build / ".gate").mkdir()
    (build / ".gate/notes").write_text("ours")
    done = platform.compile(build)
    assert (done.returncode, (build / ".gate/notes").read_text()) == (1, "ours")
    assert " !     the app has a .gate of its own" in done.stderr


def test_a_directory_without_an_app_is_not_detected(platform: Platform, tmp_path: Path) -> None:
    assert platform.run("detect", tmp_path).returncode == 1
    assert platform.run("detect", tmp_path / "missing").returncode == 1


def test_no_process_type_comes_from_the_buildpack(platform: Platform, tmp_path: Path) -> None:
    assert platform.run("release", app(tmp_path, "rails")).stdout == "--- {}\n"


@pytest.mark.parametrize("has_variables", [False, True])
def test_heroku_cis_hook_leaves_the_tests_to_the_app(
    *, has_variables: bool, platform: Platform, tmp_path: Path
) -> None:
    """No Python is on the path: nothing is made, nothing is run."""
    build = app(tmp_path / "build", "rails")
    done = platform.run("test", build, *[platform.variables] * has_variables, PATH=machine(tmp_path))
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert "nothing to test here" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("tests/unit",), ("{checkout}/tests/unit",), ("-k", "/tmp"), ("/missing",)])
def test_a_developers_call_still_runs_tests(arguments: tuple[str, ...], platform: Platform, tmp_path: Path) -> None:
    """It asks for an environment; without a Python that is where it ends."""
    (platform.buildpack / "tests/unit").mkdir(parents=True, exist_ok=True)
    named = [argument.format(checkout=platform.buildpack) for argument in arguments]
    done = platform.run("test", *named, PATH=machine(tmp_path), GATE_PYTHON="/nowhere/python3", HOME=str(tmp_path))
    assert done.returncode == 2
    assert "Python 3.11 or newer is missing" in done.stderr
