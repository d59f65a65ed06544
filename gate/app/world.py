"""The world of a release: time, chance, the signals, and rest until a connection has something to read."""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType
from typing import Protocol

from gate.model.errors import Exit

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal while nothing is being run: what is only looked at is left at once."""


class Watched(Protocol):
    """A connection, as far as waiting for it goes."""

    def fileno(self) -> int: ...
    @property
    def is_busy(self) -> bool: ...
    @property
    def wants_to_write(self) -> bool: ...


@dataclass
class World:
    """Satisfies `gate.run.world.Clock`. `lanes` are watched while it rests; `beat` is called about as often as told."""

    lanes: list[Watched] = field(default_factory=list)
    beat: Callable[[], None] = lambda: None
    beat_every_s: float = 10.0
    stop: str | None = None
    stopped_s: float | None = None
    is_interruptible: bool = False
    is_signalled: bool = False
    _beaten_s: float = field(default_factory=time.monotonic)
    _woken: tuple[int, int] | None = None

    def now(self) -> float:
        return time.monotonic()

    def utc(self) -> str:
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def chance(self) -> float:
        return random.random()  # noqa: S311 - jitter

    def rest(self, seconds: float) -> None:
        """Until then, or until a connection has something to read, or a signal came."""
        self.beat_if_due()
        readable = [lane for lane in self.lanes if lane.is_busy and lane.fileno() >= 0]
        writable = [lane for lane in readable if lane.wants_to_write]
        wakers = [self._woken[0]] if self._woken is not None and self.stop is None else []
        due_s = max(0.0, self._beaten_s + self.beat_every_s - time.monotonic())
        reading: list[int] = [*(lane.fileno() for lane in readable), *wakers]
        writing = [lane.fileno() for lane in writable]
        select.select(reading, writing, [], max(0.0, min(seconds, due_s)))

    def ask_to_stop(self, why: str) -> None:
        """As a signal does: whatever runs is cancelled."""
        if self.stop is None:
            self.stop, self.stopped_s = why, time.monotonic()

    def beat_if_due(self) -> None:
        """For whoever is at work for long without resting here."""
        if time.monotonic() - self._beaten_s >= self.beat_every_s:
            self._beaten_s = time.monotonic()
            self.beat()

    # --- signals ------------------------------------------------------------------------------------------------------

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Within this the first signal asks to stop; later ones change nothing, but a second Ctrl-C at a terminal."""
        self._woken = os.pipe()
        for end in self._woken:
            os.set_blocking(end, False)
        woken_before = signal.set_wakeup_fd(self._woken[1], warn_on_full_buffer=False)
        before = {number: signal.signal(number, self._stop) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                # A platform that says it several times must not end us in the middle of the report.
                signal.signal(number, signal.SIG_IGN if self.is_signalled else handler)
            signal.set_wakeup_fd(woken_before)
            for end in self._woken:
                os.close(end)
            self._woken = None

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within this a signal raises Interrupted; one that came before does so at once."""
        self.is_interruptible = True
        try:
            if self.stop is not None:
                raise Interrupted
            yield
        finally:
            self.is_interruptible = False

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        # Fly.io ends a machine by SIGINT: only a person at a terminal means to leave at once by a second one.
        is_repeated = self.stop is not None
        self.is_signalled = True
        self.ask_to_stop(signal.Signals(number).name)
        if is_repeated and number == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty():
            with suppress(OSError):
                os.write(2, b"gate: left at once; the next run, or gate kill, ends what is still running\n")
            os._exit(Exit.STOPPED_RESUMABLE)
        if self.is_interruptible:
            self.is_interruptible = False
            raise Interrupted
