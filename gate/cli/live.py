"""What a release says while it lasts, on standard error: a line an event, and a bar for long work at a terminal.

Standard output is for the report alone: with `--format json` it holds the document and nothing else. In the log of a
release phase both stand one after the other.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from gate.cli.secrets import masked
from gate.report.run.prose.events import lines
from gate.run.telling import Event, Progressed, UnitBegan

PREFIX = "gate: "
PROGRESS_EVERY_S = 30.0
"""Of long work a log says no more."""
_PAUSE_AFTER_S = 10.0
# What is said every thirty seconds comes a moment early now and then.
_SLACK_S = 1.0
_LAST_WORDS_S = 2.0


class Teller(Protocol):
    """Takes events, one after the other; `close` leaves the terminal as it was."""

    def __call__(self, event: Event, /) -> None: ...
    def close(self) -> None: ...


def teller() -> Teller:
    """Lines for a log; with a bar where a person watches."""
    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return LogLines(_to_stderr)
    # Imported here: a release phase has no terminal, and needs none of it.
    from gate.cli.live_terminal import LiveLines

    return LiveLines(sys.stderr)


def _to_stderr(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()


class LogLines:
    """At once, one line an event; of long work a line every thirty seconds."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._said_s = clock()
        self._is_paused = False
        self._before: Event | None = None

    def __call__(self, event: Event) -> None:
        """Says it, unless it is progress that is not due."""
        now = self._clock()
        if isinstance(event, Progressed) and not self._is_due(event, now):
            return
        if isinstance(event, Progressed | UnitBegan):
            self._said_s = now
            self._is_paused = isinstance(event, Progressed) and bool(event.paused_for)
        for line in lines(event, self._before):
            self._write(f"{PREFIX}{masked(line.text)}\n")
        self._before = event

    def _is_due(self, event: Progressed, now: float) -> bool:
        """A pause is told sooner, for whoever wonders why nothing moves."""
        is_new = bool(event.paused_for) and not self._is_paused
        return now - self._said_s >= (_PAUSE_AFTER_S if is_new else PROGRESS_EVERY_S) - _SLACK_S

    def close(self) -> None:
        """Nothing is open."""


class Telling:
    """`with Telling(teller()) as tell: ...`: says what it is told in a thread of its own.

    Whoever supervises a lock must not wait for a pipe that nobody reads, or for a terminal that was stopped by a key;
    and a log that has gone is no reason to stop.
    """

    def __init__(self, says: Teller) -> None:
        self._says = says
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="telling", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.put(None)
        self._thread.join(_LAST_WORDS_S)

    def __call__(self, event: Event) -> None:
        """Returns at once."""
        self._events.put(event)

    def _run(self) -> None:
        try:
            while (event := self._events.get()) is not None:
                self._says(event)
            self._says.close()
        except (OSError, ValueError):
            # Nobody is there to be told: the stream is closed.
            return
