"""The watchdog: when others wait behind us for longer than they may, it is our statement that is cancelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gate.model.locks import LockMode
from gate.run.sample import Sample, Waiter

_ROWS = frozenset({LockMode.ACCESS_SHARE, LockMode.ROW_SHARE, LockMode.ROW_EXCLUSIVE})

FAST_S, SLOW_S = 0.05, 1.0
"""How often is looked while a blocking lock is awaited or held, and otherwise."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What a statement may do to others: `stall_s` is how long they may wait; `is_blocking` looks often."""

    stall_s: float
    is_blocking: bool

    @property
    def every_s(self) -> float:
        """How often to look."""
        return FAST_S if self.is_blocking else SLOW_S


def kept_waiting(waiters: Iterable[Waiter]) -> tuple[Waiter, ...]:
    """Those that want to read or write rows; VACUUM and other DDL do not count."""
    return tuple(waiter for waiter in waiters if waiter.mode is None or waiter.mode in _ROWS)


def must_cancel(guard: Guard, sample: Sample, behind_since_s: Mapping[int, float]) -> tuple[Waiter, ...]:
    """Those who have waited behind us for too long; none: let it go on.

    `behind_since_s` maps pids to when they were first seen waiting for nobody but us: before that somebody else was
    to blame, and a cancel of ours would have helped nobody.
    """
    return tuple(
        waiter
        for waiter in kept_waiting(sample.waiters)
        if not waiter.waits_anyway and _behind_s(waiter, sample, behind_since_s) > guard.stall_s
    )


def _behind_s(waiter: Waiter, sample: Sample, behind_since_s: Mapping[int, float]) -> float:
    since_s = behind_since_s.get(waiter.other.backend.pid, sample.at_s)
    return min(waiter.waited_s or 0.0, sample.at_s - since_s)
