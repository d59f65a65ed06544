"""A server ends with its owner, however the owner ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from gate.embedded import Binaries, Server, serve
from gate.embedded.lives import server_identity
from gate.embedded.reach import lent_to
from gate.embedded.workdir import sweep
from tests.ordinary import ROOT, ordinary_user
from tests.servers import Farm

HERE = Path(__file__).parent
GONE_S = 60.0

pytestmark = pytest.mark.majors(newest=True)


@pytest.fixture
def binaries(servers: Farm, major: int) -> Binaries:
    return servers.binaries[major]


@contextmanager
def owner(command: Sequence[str], environment: dict[str, str]) -> Iterator[tuple[int, int, Path]]:
    """The pids of a fresh owner and its postmaster, and the data directory; the owner is killed at the latest after."""
    directory = "/nowhere/data"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            pid, directory = process.stdout.readline().split()
            yield process.pid, int(pid), Path(directory)
        finally:
            process.kill()
            # Its next server would do that, but an owner made up for a test has no next one.
            shutil.rmtree(Path(directory).parent, ignore_errors=True)


@contextmanager
def owner_command(user: str, binaries: Binaries, way: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """How to run `owner.py` as `user`, and its environment."""
    name = f"GATE_PG_BIN_{binaries.major}"
    arguments = [str(binaries.major), way]
    if user == "self":
        environment = {**os.environ, name: str(binaries.bindir), "PYTHONPATH": str(ROOT)}
        yield [sys.executable, str(HERE / "owner.py"), *arguments], environment
        return
    with ordinary_user(is_known=user == "ordinary") as ordinary:
        # Neither the checkout nor root's cache need be readable for others.
        shutil.copytree(ROOT / "gate", ordinary.home / "gate")
        shutil.copy(HERE / "owner.py", ordinary.home)
        environment = {**ordinary.environment, name: str(lent(binaries)), "PYTHONPATH": str(ordinary.home)}
        yield [*ordinary.prefix, ordinary.python(), str(ordinary.home / "owner.py"), *arguments], environment


def lent(binaries: Binaries) -> Path:
    """Where root's own servers run from: anyone can read that."""
    return lent_to(server_identity(), binaries).bindir


def wait_until_gone(pids: list[int], directory: Path) -> list[int]:
    """What of `pids` still runs after a while; a zombie does not."""
    deadline = time.monotonic() + GONE_S
    while time.monotonic() < deadline and any(map(runs, pids)):
        time.sleep(0.02)
    return [pid for pid in pids if runs(pid)] + processes_in(directory)


def runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def processes_in(directory: Path) -> list[int]:
    """Every process that works in `directory`, whoever its parent is by now."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if (each / "cwd").readlink() == directory and runs(int(each.name)):
                found.append(int(each.name))
        except OSError:
            continue
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
USERS = ["self", "ordinary", "without a passwd entry"]


@needs_proc
@pytest.mark.parametrize("way", ["main", "guard", "thread"])
@pytest.mark.parametrize("user", USERS)
def test_nothing_is_left_when_the_owner_is_killed(binaries: Binaries, way: str, user: str) -> None:
    assert left_after(signal.SIGKILL, binaries, way, user) == []


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_nothing_is_left_when_the_owner_is_told_to_end(binaries: Binaries, number: signal.Signals) -> None:
    assert left_after(number, binaries, "main", "self") == []


def left_after(number: signal.Signals, binaries: Binaries, way: str, user: str) -> list[int]:
    """What still runs after an owner got the signal."""
    with (
        owner_command(user, binaries, way) as (command, environment),
        owner(command, environment) as (pid, postmaster, directory),
    ):
        backends = processes_in(directory)
        assert postmaster in backends
        assert len(backends) > 1, "a postmaster without its children proves nothing"
        os.kill(pid, number)
        return wait_until_gone([pid, *backends], directory)


@needs_proc
def test_an_owner_killed_during_initdb_leaves_nothing(binaries: Binaries, tmp_path: Path) -> None:
    with owner_command("self", binaries, "main") as (command, environment):
        environment["XDG_CACHE_HOME"] = str(tmp_path)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            initdb = first_initdb(process.pid)
            process.kill()
    assert wait_until_gone([initdb], Path("/nowhere")) == []


def first_initdb(owner_pid: int) -> int:
    deadline = time.monotonic() + GONE_S
    while time.monotonic() < deadline:
        for pid in Path(f"/proc/{owner_pid}/task/{owner_pid}/children").read_text().split():
            if "initdb" in program_of(pid):
                return int(pid)
        time.sleep(0.002)
    pytest.fail("initdb was never seen")


def program_of(pid: str) -> str:
    """What the process runs; nothing where it has ended since it was listed, as one that tells its version does."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


@needs_proc
def test_leftovers_of_a_dead_owner_are_swept_and_those_of_a_living_one_stay(binaries: Binaries) -> None:
    with (
        serve(binaries) as living,
        owner_command("self", binaries, "main") as (command, environment),
        owner(command, environment) as (pid, postmaster, directory),
    ):
        os.kill(pid, signal.SIGKILL)
        assert wait_until_gone([pid, postmaster], directory) == []
        assert directory.exists()
        sweep()
        assert not directory.parent.exists()
        assert answers(living)


def test_a_server_started_in_a_thread_outlives_the_thread(binaries: Binaries) -> None:
    context = serve(binaries)
    started: list[Server] = []
    worker = threading.Thread(target=lambda: started.append(context.__enter__()))
    worker.start()
    worker.join()
    try:
        time.sleep(0.2)
        assert answers(started[0])
    finally:
        context.__exit__(None, None, None)


def test_an_interrupt_at_the_terminal_is_the_owners_to_handle(binaries: Binaries) -> None:
    with serve(binaries) as server:
        assert os.getpgid(server.pid) != os.getpgrp()


def test_its_directory_goes_with_it(binaries: Binaries) -> None:
    with serve(binaries) as server:
        assert answers(server)
        assert len(os.fsencode(server.directory / ".s.PGSQL.5432")) < 100
    assert not server.directory.parent.exists()


def answers(server: Server) -> bool:
    with psycopg.connect(server.conninfo()) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)
