"""Waiting for an answer without standing still: a signal may shorten the time that is left, and the heart beats on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from gate.run.hooking import Left

_POLL_S = 0.1
Answer = TypeVar("Answer")


def answered(ask: Callable[[], Answer], left_s: Left) -> Answer:
    """What `ask` returns or raises, in a thread of its own; `left_s` is asked here, again and again.

    Raises TimeoutError when nothing is left. What is asked then goes on by itself until its own limit, and nobody
    waits for it, the end of the process neither.
    """
    future: Future[Answer] = Future()

    def work() -> None:
        try:
            future.set_result(ask())
        except Exception as error:  # noqa: BLE001 - raised by whoever waits
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    while not wait((future,), timeout=_POLL_S).done:
        if left_s() <= 0.0:
            raise TimeoutError
    return future.result()
