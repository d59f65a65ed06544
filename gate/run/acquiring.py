"""Getting a lock without hurting anybody: look who is in the way, wait outside the queue, then try for a moment.

A lock that is awaited shuts out whoever comes after, so the queue is entered only where there is a chance, and left
again after a part of what others may be made to wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gate.run.sample import Holder

_POLL_S, _SLOW_POLL_S = 0.05, 0.25
_FIRST_WAIT_S = 0.01
_SHARE_OF_STALL = 0.75
_LONG_S = 1.0
"""Whoever has held a lock for so long does not give it back within the next moment."""
_HOPEFUL_EVERY_S = 3.0
_TOO_LONG = 5


@dataclass(frozen=True, kw_only=True)
class Acquiring:
    """`stall_s` is what others may wait at most, in the queue and behind the lock; `give_up_s` ends the waiting."""

    stall_s: float
    give_up_s: float


@dataclass(frozen=True, kw_only=True)
class Trying:
    """How far it has come. `wait_s` is of the next try.

    `seen` maps transactions in the way to when they were first seen; `overran` counts the tries that had their locks
    and did not end in time.
    """

    begun_s: float
    tries: int = 0
    wait_s: float = 0.0
    not_before_s: float = 0.0
    hoped_s: float = 0.0
    overran: int = 0
    seen: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Outside the queue, then look again; `holders` are in the way."""

    seconds: float
    holders: tuple[Holder, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Try:
    """Now, waiting `wait_s` in the queue at most (0: not at all). `yields` are relations that an autovacuum holds.

    There SHARE UPDATE EXCLUSIVE is taken first: that keeps out no reader and no writer, and makes it give way.
    """

    wait_s: float
    yields: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """The time is over; `holders` were in the way at the end."""

    holders: tuple[Holder, ...]


Action: TypeAlias = Rest | Try | GiveUp


def advance(
    acquiring: Acquiring, trying: Trying, holders: Sequence[Holder], *, now_s: float, chance: float
) -> tuple[Action, Trying]:
    """What to do, seeing who is in the way at `now_s`; `chance` is 0 to 1."""
    seen = {key: trying.seen.get(key, now_s) for key in map(_key, holders)}
    trying = replace(trying, seen=seen)
    if now_s - trying.begun_s >= acquiring.give_up_s:
        return GiveUp(holders=tuple(holders)), trying
    if now_s < trying.not_before_s:
        return Rest(seconds=trying.not_before_s - now_s, holders=tuple(holders)), trying
    vacuums = tuple(sorted({holder.relation for holder in holders if _gives_way(holder)}))
    others = [holder for holder in holders if not _gives_way(holder)]
    if any(_stays(holder, seen, now_s) for holder in others):
        is_hopeful = now_s - max(trying.hoped_s, trying.begun_s) >= _HOPEFUL_EVERY_S
        if not is_hopeful or any(_never_ends_soon(holder) for holder in others):
            poll_s = _POLL_S if now_s - trying.begun_s < 10 else _SLOW_POLL_S
            return Rest(seconds=poll_s * (0.75 + chance / 2), holders=tuple(holders)), trying
        return Try(wait_s=_longest(acquiring), yields=vacuums), replace(trying, hoped_s=now_s)
    if not holders:
        return Try(wait_s=trying.wait_s), trying
    return Try(wait_s=max(_FIRST_WAIT_S, trying.wait_s), yields=vacuums), trying


def failed(
    acquiring: Acquiring, trying: Trying, *, waited_s: float, now_s: float, chance: float, overran: bool = False
) -> Trying:
    """After a try that did not get its locks, or had them too long: the queue drains, and the next wait is longer."""
    longer_s = _FIRST_WAIT_S if trying.wait_s == 0 else trying.wait_s * 2
    if overran:
        # It got its locks, and the wait for them was a part of its time: the next try has all of it.
        longer_s = 0.0
    drain_s = max(_POLL_S, waited_s) * (1 + chance)
    return replace(
        trying,
        tries=trying.tries + 1,
        wait_s=min(longer_s, _longest(acquiring)),
        not_before_s=now_s + drain_s,
        overran=trying.overran + overran,
    )


def takes_too_long(trying: Trying) -> bool:
    """Every time that it had its locks it did not end within the limit: more tries only hurt."""
    return trying.overran >= _TOO_LONG


def _longest(acquiring: Acquiring) -> float:
    """The rest of the limit is for what is done under the lock."""
    return acquiring.stall_s * _SHARE_OF_STALL


def _key(holder: Holder) -> str:
    if holder.other is None:
        return f"prepared {holder.gid}"
    return f"{holder.other.backend.pid} {holder.other.transaction}"


def _gives_way(holder: Holder) -> bool:
    return holder.other is not None and holder.other.is_autovacuum and not holder.other.prevents_wraparound


def _stays(holder: Holder, seen: Mapping[str, float], now_s: float) -> bool:
    """Whether there is no chance that it ends within the next moment."""
    if _never_ends_soon(holder):
        return True
    assert holder.other is not None
    age_s = holder.other.transaction_age_s
    return max(now_s - seen[_key(holder)], age_s or 0.0) >= _LONG_S


def _never_ends_soon(holder: Holder) -> bool:
    """What nobody is working on, and what takes hours."""
    other = holder.other
    if other is None:
        return True
    return (other.is_idle_in_transaction and (other.state_age_s or 0.0) >= _LONG_S) or other.prevents_wraparound
