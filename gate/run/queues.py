"""Who waits behind whom, worked out from one reading of `pg_locks`: the conflict table, and the order of the queue.

`pg_blocking_pids` would say the same for one session, but takes the lock manager's own locks exclusively each time.
Somebody waits for every holder of a lock that conflicts with the one that it wants, and for everybody who was there
before it and wants one that conflicts.

Source: PostgreSQL 18, `src/backend/storage/lmgr/proc.c` (ProcSleep, JoinWaitQueue), `lock.c` (GetBlockerStatusData).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from gate.model.locks import LockMode

Party: TypeAlias = int | str
"""A session's pid, that of its leader for a parallel worker; the virtual transaction of a prepared one."""

_ROWS = frozenset({LockMode.ACCESS_SHARE, LockMode.ROW_SHARE, LockMode.ROW_EXCLUSIVE})
_OF_ROWS = frozenset({"transactionid", "tuple", "spectoken", "page", "extend"})
"""What is waited for by whoever found a row, or a place for one, taken; `pg_locks.locktype`."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A row of `pg_locks`: `kind` is its `locktype`, `target` is what is locked, the same for nothing else.

    `relation` is an oid, None where none is named. `waited_s` is None for who holds, and just after a wait began.
    """

    party: Party
    transaction: str
    mode: LockMode
    is_granted: bool
    kind: str
    target: tuple[str, str]
    relation: int | None = None
    waited_s: float | None = None

    # Asked for again and again, for hundreds of locks twenty times a second.
    @cached_property
    def bit(self) -> int:
        """Its mode as a bit of a mask."""
        return _BIT[self.mode]

    @cached_property
    def conflicts(self) -> int:
        """The modes that it cannot be beside, as a mask."""
        return _CONFLICTS[self.mode]

    @property
    def is_for_rows(self) -> bool:
        """Whether somebody with this lock wants to read or write rows; VACUUM and other DDL want more."""
        return self.kind in _OF_ROWS or (self.kind == "relation" and self.mode in _ROWS)


@dataclass(frozen=True, kw_only=True)
class Behind:
    """A lock that is awaited behind somebody; `waits_anyway`: without them it would wait as well, for somebody else."""

    lock: Lock
    waits_anyway: bool


@dataclass(frozen=True)
class Queues:
    """All that is awaited, with everybody who holds or awaits it, the longest waiting first."""

    holders: Mapping[tuple[str, str], tuple[Lock, ...]] = field(default_factory=dict)
    waiters: Mapping[tuple[str, str], tuple[Lock, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, locks: Iterable[Lock]) -> Queues:
        """From all locks on whatever anybody waits for."""
        holders: dict[tuple[str, str], list[Lock]] = defaultdict(list)
        waiters: dict[tuple[str, str], list[Lock]] = defaultdict(list)
        for lock in locks:
            (holders if lock.is_granted else waiters)[lock.target].append(lock)
        return cls(
            holders={target: tuple(found) for target, found in holders.items()},
            waiters={target: _queued(found, holders.get(target, ())) for target, found in waiters.items()},
        )

    def awaited_by(self, party: Party) -> tuple[Lock, ...]:
        """What it waits for; of a parallel query several workers may wait."""
        return self._awaited.get(party, ())

    def blockers_of(self, party: Party) -> tuple[Lock, ...]:
        """The locks, held or awaited before it, that it waits for; one of each party, the strongest that is held."""
        found: dict[Party, Lock] = {}
        for wanted in self.awaited_by(party):
            for lock in self._in_the_way_of(wanted):
                known = found.get(lock.party)
                if lock.party != party and (known is None or weight(lock) > weight(known)):
                    found[lock.party] = lock
        return tuple(found.values())

    @cached_property
    def _awaited(self) -> Mapping[Party, tuple[Lock, ...]]:
        found: dict[Party, tuple[Lock, ...]] = {}
        for waiters in self.waiters.values():
            for lock in waiters:
                found[lock.party] = (*found.get(lock.party, ()), lock)
        return found

    def _in_the_way_of(self, wanted: Lock) -> Iterable[Lock]:
        conflicts = wanted.conflicts
        for lock in self.holders.get(wanted.target, ()):
            if conflicts & lock.bit:
                yield lock
        for lock in self.waiters[wanted.target]:
            if lock is wanted:
                return
            if conflicts & lock.bit:
                yield lock

    def behind(self, party: Party) -> tuple[Behind, ...]:
        """Everybody who waits for it, for somebody who waits for it, and so on."""
        parties: set[Party] = {party}
        found: dict[int, Behind] = {}
        is_growing = True
        while is_growing:
            before = len(parties)
            for target, waiters in self.waiters.items():
                found.update(_behind(self.holders.get(target, ()), waiters, parties))
            is_growing = len(parties) > before
        return tuple(item for item in found.values() if item.lock.party != party)


def _queued(waiters: Iterable[Lock], holders: Iterable[Lock]) -> tuple[Lock, ...]:
    """In the order of the queue: as they came, but who holds what one in it waits for is let in before that one."""
    held: dict[Party, int] = defaultdict(int)
    for lock in holders:
        held[lock.party] |= lock.bit
    queue: list[Lock] = []
    # The sort is stable: of those without a time, who have only just begun, the order stays as it was read.
    for lock in sorted(waiters, key=lambda lock: -(lock.waited_s or 0.0)):
        own = held.get(lock.party, 0)
        place = next((at for at, other in enumerate(queue) if other.conflicts & own), None) if own else None
        queue.insert(len(queue) if place is None else place, lock)
    return tuple(queue)


def _behind(holders: Iterable[Lock], waiters: Iterable[Lock], parties: set[Party]) -> Iterable[tuple[int, Behind]]:
    """Those of one queue who wait for one of `parties`, who become such themselves."""
    ours = others = 0
    for lock in holders:
        if lock.party in parties:
            ours |= lock.bit
        else:
            others |= lock.bit
    for lock in waiters:
        if lock.party in parties or lock.conflicts & ours:
            parties.add(lock.party)
            yield id(lock), Behind(lock=lock, waits_anyway=bool(lock.conflicts & others))
            ours |= lock.bit
        else:
            others |= lock.bit


def weight(lock: Lock) -> tuple[bool, int]:
    """Of several locks of one party the one that is named: a held one before an awaited one, then the strongest."""
    return (lock.is_granted, lock.mode.strength)


_BIT = {mode: 1 << mode.strength for mode in LockMode}
_CONFLICTS = {mode: sum(_BIT[other] for other in LockMode if mode.conflicts(other)) for mode in LockMode}
