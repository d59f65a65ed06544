"""What is being done, for a person who waits more than a second at a terminal."""

from __future__ import annotations

import sys
import threading
from typing import Self

_AFTER_S = 1.0
_CLEAR = "\r\x1b[K"


class Progress:
    """`with Progress() as progress: ... progress("reading the catalog")`; silent where nobody is watching."""

    def __init__(self) -> None:
        self._phase = ""
        self._is_shown = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(_AFTER_S, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._is_shown:
                sys.stderr.write(_CLEAR)
            self._is_shown = False

    def __call__(self, phase: str) -> None:
        with self._lock:
            self._phase = phase
            if self._is_shown:
                self._write()

    def _show(self) -> None:
        with self._lock:
            self._is_shown = True
            self._write()

    def _write(self) -> None:
        sys.stderr.write(f"{_CLEAR}gate: {self._phase} ...")
        sys.stderr.flush()
