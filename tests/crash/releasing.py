"""One `gate release` in a process of its own, through the proxy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
LIMIT_S = 120.0
_LAST_WORDS_S = 5.0
_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Released:
    """How it ended: `code` is negative for a signal; `said` is both streams. `hung` if it had to be ended."""

    code: int
    said: str
    seconds: float
    hung: bool = False


@dataclass
class Release:
    """Begins at once, in the directory `at`, on the database of `conninfo`."""

    at: Path
    conninfo: str
    begun_s: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.output: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed when it has been read
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-X", "faulthandler", "-m", "gate", "release", "--sample", "0"],
            cwd=self.at,
            env={**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "GATE_DATABASE_URL": self.conninfo},
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait(self, limit_s: float = LIMIT_S, is_left: Callable[[], bool] = bool) -> Released | None:
        """To its end; what does not end says where it stands. None if it is left as it is, for another time."""
        until_s = time.monotonic() + limit_s
        while self.process.poll() is None:
            if is_left():
                return None
            if time.monotonic() > until_s:
                self.process.send_signal(signal.SIGABRT)
                self.process.wait(_LAST_WORDS_S)
                return self._released(hung=True)
            time.sleep(_POLL_S)
        return self._released()

    def _released(self, *, hung: bool = False) -> Released:
        with self.output:
            self.output.seek(0)
            said = self.output.read()
        seconds = time.monotonic() - self.begun_s
        return Released(code=self.process.returncode, said=said, seconds=seconds, hung=hung)
