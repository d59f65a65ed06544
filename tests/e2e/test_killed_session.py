"""A test session that is killed leaves no server behind, whatever it was doing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ordinary import ROOT

GONE_S = 20.0

SLEEPER = """
import pathlib, time, pytest

@pytest.mark.majors(newest=True)
def test_that_takes_long(server):
    {told}.with_suffix(".new").write_text(str(server.running.directory))
    {told}.with_suffix(".new").rename({told})
    time.sleep(600)
"""


@pytest.mark.majors(newest=True)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_no_server_outlives_a_killed_session(major: int, tmp_path: Path) -> None:
    told = tmp_path / "told"
    (tmp_path / "test_sleeper.py").write_text(SLEEPER.format(told=f"pathlib.Path({str(told)!r})"))
    options = f"-q -p tests.conftest -p no:cacheprovider --no-fetch --majors={major} --rootdir".split()
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path), str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as session:
        wait_for(told, session)
        directory = Path(told.read_text())
        assert working_in(directory)
        session.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + GONE_S
    while working_in(directory) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert working_in(directory) == []
    shutil.rmtree(directory.parent)


def wait_for(told: Path, session: subprocess.Popen[str]) -> None:
    while not told.exists():
        if session.poll() is not None:
            pytest.fail(f"the session ended: {session.stdout.read() if session.stdout else ''}")
        time.sleep(0.05)


def working_in(directory: Path) -> list[int]:
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(each / "cwd").startswith(str(directory)):  # noqa: PTH115 - "(deleted)" may follow
                found.append(int(each.name))
        except OSError:
            continue
    return found
