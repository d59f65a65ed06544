"""One `gate release` in a process of its own, through the proxy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT_S = 90.0
_LAST_WORDS_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Released:
    """How it ended: `code` is negative for a signal; `said` is both streams. `hung` if it had to be ended."""

    code: int
    said: str
    seconds: float
    hung: bool = False


def release(
    at: Path, conninfo: str, started: Callable[[subprocess.Popen[str]], object] = bool, *, limit_s: float = LIMIT_S
) -> Released:
    """Runs to its end; what does not end says where it stands."""
    begun_s = time.monotonic()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-X", "faulthandler", "-m", "gate", "release", "--sample", "0"],
            cwd=at,
            env={**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "GATE_DATABASE_URL": conninfo},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started(process)
        hung = False
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            hung = True
            process.send_signal(signal.SIGABRT)
            process.wait(_LAST_WORDS_S)
        output.seek(0)
        said = output.read()
    return Released(code=process.returncode, said=said, seconds=time.monotonic() - begun_s, hung=hung)
