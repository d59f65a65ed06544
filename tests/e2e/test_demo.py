"""The demo: everything goes as it is told there, and nothing stays behind."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.ordinary import ROOT


def left_behind() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("gate-demo-*"))


@pytest.mark.slow
@pytest.mark.majors(newest=True)
def test_the_demo_tells_the_whole_story(major: int) -> None:
    before = left_behind()
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "shop" / "demo.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("demo: ")]
    at = [next(number for number, line in enumerate(told) if part in line) for part in STORY]
    assert at == sorted(at)
    assert left_behind() == before


STORY = (
    "$ gate plan",
    "exit code 10",
    "the team mends what was refused",
    "first the plain way",
    "'rails console' ends its transaction; until now: ",
    "the plain way: worst stall ",
    "gate release:  worst stall ",
    "kill -9 ",
    "order_lines_price is there, and invalid",
    "exit code 30",
    "order_lines_price is valid",
    "all that while: worst stall ",
)
