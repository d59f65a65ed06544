"""Waiting for an answer without standing still: a signal may shorten the time that is left, and the heart beats on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import TypeVar

from gate.run.hooking import Left

CHANGE_S = 2.0
"""A change that is on its way is waited for as much longer: what has not been answered may still be made later on, when
it has been found to be unmade.
"""
_POLL_S = 0.1
Answer = TypeVar("Answer")


def answered(ask: Callable[[], Answer], left_s: Left, *, longer_s: float = 0.0) -> Answer:
    """What `ask` returns or raises, in a thread of its own; `left_s` is asked here, again and again.

    Raises TimeoutError when nothing has been left for `longer_s`. What is asked then goes on by itself until its own
    limit, and nobody waits for it, the end of the process neither.
    """
    future: Future[Answer] = Future()

    def work() -> None:
        try:
            future.set_result(ask())
        except Exception as error:  # noqa: BLE001 - raised by whoever waits
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    over_s = 0.0
    while not wait((future,), timeout=_POLL_S).done:
        if left_s() > 0.0:
            continue
        if over_s >= longer_s:
            raise TimeoutError
        over_s += _POLL_S
    return future.result()


def whole(chunks: Iterable[bytes], until_s: float, most_bytes: int) -> bytes:
    """The body of an answer, or a little more of it than `most_bytes`.

    Raises TimeoutError for one that comes by drops, when its time is over.
    """
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if time.monotonic() > until_s:
            raise TimeoutError
        if len(content) > most_bytes:
            break
    return bytes(content)
