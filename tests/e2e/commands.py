"""Runs the real command in a process of its own, as a release phase would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")


def command(*arguments: str) -> list[str]:
    """`gate` of this checkout; a directory named gate where it runs is not taken for the package."""
    return [sys.executable, "-P", "-m", "gate", *arguments]


def environment(conninfo: str = "", **more: str) -> dict[str, str]:
    """Nothing of the developer's own settings."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    named = {"DATABASE_URL": conninfo} if conninfo else {}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **named, **more}


def gate(*arguments: str, at: Path, conninfo: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """One run in that directory."""
    return subprocess.run(
        command(*arguments),
        cwd=at,
        env=environment(conninfo, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
