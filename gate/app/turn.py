"""Waiting for one's turn: asked again and again, never in the server, and told at once and then every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

POLL_S = 0.5
_TELL_EVERY_S = 10.0


def polled(
    is_had: Callable[[], bool],
    *,
    for_s: float,
    who: Callable[[], str],
    say: Callable[[str], object],
    rest: Callable[[float], object] = time.sleep,
) -> bool:
    """Whether it was had within `for_s`; `who` says who has it meanwhile, for `say`."""
    until_s, told_s = time.monotonic() + for_s, -_TELL_EVERY_S
    while not is_had():
        now_s = time.monotonic()
        left_s = until_s - now_s
        if left_s < POLL_S:
            return False
        if now_s - told_s >= _TELL_EVERY_S:
            told_s = now_s
            say(f"{who()}: waiting for it, {left_s:.0f} s at most")
        rest(POLL_S)
    return True
