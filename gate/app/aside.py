"""A question asked in a thread of its own: a name that is looked up keeps to no limit, and lets no signal through."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from gate.model.errors import Unreachable

_Answer = TypeVar("_Answer")
_POLL_S = 0.05


def aside(ask: Callable[[], _Answer], for_s: float) -> _Answer:
    """What it answers, or raises; Unreachable after that time. What is given up ends with the process at the latest."""
    answers: queue.SimpleQueue[tuple[_Answer, None] | tuple[None, BaseException]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((ask(), None))
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked
            answers.put((None, error))

    threading.Thread(target=run, name="aside", daemon=True).start()
    until_s = time.monotonic() + for_s
    while (left_s := until_s - time.monotonic()) > 0:
        try:
            # Not longer at once: a signal is heard between two of these.
            answer, error = answers.get(timeout=min(_POLL_S, left_s))
        except queue.Empty:
            continue
        if error is not None:
            raise error
        return answer  # type: ignore[return-value]  # there is no error, so there is an answer
    raise Unreachable("the server was not reached in time", remedy="check the host's name and the network")
