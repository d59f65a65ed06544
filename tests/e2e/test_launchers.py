"""The launchers in bin: they make their own environment, and say what is missing."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.ordinary import ROOT, ordinary_user

LAUNCHERS = ("bench", "check", "demo", "gate", "test")
TOOLS = ("cksum", "cut", "dirname", "find", "id", "ln", "mkdir", "readlink", "rm", "sed", "sh", "sleep")

# Stands for a Python of some version: makes an "environment" whose pip and programs only say what they were told.
PYTHON = """#!/bin/sh
case "$*" in
    "-c import sys"*) exit {too_old} ;;
    "-c import ensurepip"*) exit {no_venv} ;;
    "-m venv --clear "*) echo created >> "$LOG"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
    "-m pip "*) echo "pip $*" >> "$LOG"; sleep {slowly}; exit {pip_fails} ;;
    *) echo "ran $*" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the launchers and a pyproject.toml alone."""
    place = tmp_path / "check out"
    shutil.copytree(ROOT / "bin", place / "bin")
    shutil.copy(ROOT / "pyproject.toml", place)
    return place


class Machine:
    """A machine with the shell's tools and the Pythons given, a home, and a log of what was made."""

    def __init__(self, place: Path) -> None:
        self.bin = place / "machine"
        self.log = place / "log"
        self.environment = {"PATH": str(self.bin), "HOME": str(place / "home"), "LOG": str(self.log)}
        (place / "home").mkdir()
        self.bin.mkdir()
        self.log.touch()
        for tool in (*TOOLS, "cp"):
            (self.bin / tool).symlink_to(shutil.which(tool) or "/nowhere")

    def python(self, name: str, **outcomes: int) -> None:
        """Install a Python that is new enough and works, but for `outcomes`."""
        program = self.bin / name
        program.write_text(PYTHON.format(**{"too_old": 0, "no_venv": 0, "pip_fails": 0, "slowly": 0, **outcomes}))
        program.chmod(0o755)

    def run(self, launcher: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return run([str(launcher), *arguments], {**self.environment, **extra})


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def run(command: list[str], environment: Mapping[str, str], cwd: str = "/") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, timeout=300, check=False)


@pytest.mark.parametrize("name", LAUNCHERS)
def test_a_launcher_is_thin_and_ends_in_exec(name: str) -> None:
    lines = (ROOT / "bin" / name).read_text().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert lines[-1].startswith("exec ")
    assert len(lines) < 15
    assert os.access(ROOT / "bin" / name, os.X_OK)


def test_no_python_is_said(checkout: Path, machine: Machine) -> None:
    done = machine.run(checkout / "bin" / "test")
    assert done.returncode == 2
    assert done.stderr == (
        "test: Python 3.11 or newer is missing: none of python3.13, python3.12, python3.11, python3 is one\n"
        "  remedy: install it, or name one: GATE_PYTHON=/path/to/python3\n"
    )


def test_a_python_that_is_too_old_is_passed_over(checkout: Path, machine: Machine) -> None:
    machine.python("python3", too_old=1)
    assert "Python 3.11 or newer is missing" in machine.run(checkout / "bin" / "test").stderr


def test_a_missing_venv_is_said(checkout: Path, machine: Machine) -> None:
    machine.python("python3.11", no_venv=1)
    done = machine.run(checkout / "bin" / "demo")
    assert done.returncode == 2
    assert done.stderr == (
        "demo: python3.11 has no venv and pip\n"
        "  remedy: install them (on Debian and Ubuntu: apt install python3-venv)\n"
    )


def test_an_environment_is_made_once(checkout: Path, machine: Machine) -> None:
    machine.python("python3")
    first, second = (machine.run(checkout / "bin" / "gate", "plan", "a b") for _ in range(2))
    assert first.stdout == second.stdout == "ran -P -m gate plan a b\n"
    assert "making the environment" in first.stderr
    assert second.stderr == ""
    assert machine.log.read_text().count("created") == 1


def test_it_is_made_anew_when_what_is_installed_changes(checkout: Path, machine: Machine) -> None:
    machine.python("python3")
    project = checkout / "pyproject.toml"
    text = project.read_text()
    for changed in (text, text + "\n# a linter's setting\n", text.replace('"typer>=0.12"', '"typer>=0.13"')):
        project.write_text(changed)
        assert machine.run(checkout / "bin" / "gate").returncode == 0
    assert machine.log.read_text().count("created") == 2, "the linters' settings install nothing"


def test_a_failed_install_is_said_and_tried_again(checkout: Path, machine: Machine) -> None:
    machine.python("python3", pip_fails=1)
    done = machine.run(checkout / "bin" / "test")
    assert done.returncode == 2
    assert "test: pip could not install what pyproject.toml names" in done.stderr
    machine.python("python3")
    assert machine.run(checkout / "bin" / "test").returncode == 0


def test_two_at_once_make_one_environment(checkout: Path, machine: Machine) -> None:
    machine.python("python3", slowly=1)
    launcher = [str(checkout / "bin" / "gate")]
    both = [subprocess.Popen(launcher, env=machine.environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in both] == ["ran -P -m gate\n"] * 2
    assert machine.log.read_text().count("created") == 1


def test_the_lock_of_a_killed_launcher_is_taken_over(checkout: Path, machine: Machine) -> None:
    machine.python("python3", slowly=600)
    with subprocess.Popen([str(checkout / "bin" / "gate")], env=machine.environment, start_new_session=True) as process:
        while "pip" not in machine.log.read_text():
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    machine.python("python3")
    assert machine.run(checkout / "bin" / "gate").stdout == "ran -P -m gate\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs somebody else's home")
def test_a_home_of_somebody_else_is_left_alone(checkout: Path, machine: Machine, tmp_path: Path) -> None:
    home = Path(machine.environment["HOME"])
    os.chown(home, 12345, 12345)
    machine.python("python3", no_venv=1)
    machine.run(checkout / "bin" / "gate")
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_an_ordinary_user_can_use_a_checkout_of_roots(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The real thing: an environment of its own, in a checkout that it may not write to."""
    with ordinary_user() as ordinary:
        place = ordinary.home / "checkout"
        ignored = shutil.ignore_patterns(".git", "__pycache__")
        shutil.copytree(ROOT, place, ignore=ignored)
        environment = {**ordinary.environment, **{name: value for name, value in os.environ.items() if "PIP_" in name}}
        command = [*ordinary.prefix, str(place / "bin" / "test"), "tests/unit/test_servers.py", "--no-fetch"]
        done = run(command, environment)
        assert re.search(r"\d+ passed", done.stdout), done.stdout + done.stderr
        assert list((ordinary.home / ".cache" / "deploy-gate").glob("env-*/ready"))
        left = [each.name for each in place.rglob("*") if each.stat().st_uid != 0]
        assert left == [], "nothing may be written into the checkout"
