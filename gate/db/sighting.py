"""The rows of the watchdog's look (`watch_look.sql`) as values: sessions, queues, and the sample of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from gate.model.locks import LockMode, from_server_name
from gate.model.names import quoted
from gate.model.program import WantedLock
from gate.model.run import Backend
from gate.run.queues import Behind, Lock, Party, Queues, weight
from gate.run.sample import Holder, IndexProgress, Other, Sample, Waiter
from gate.run.world import Row
from gate.sql.masking import normalised

_HIDDEN = "<insufficient privilege>"
_FOR_WRAPAROUND = "(to prevent wraparound)"
PREPARED = "prepared transaction"
"""What stands for `Other.kind` where nobody's process is behind it; its `application` is the gid then."""


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A relation that somebody holds or awaits; `is_old`: an autovacuum of it would prevent wraparound."""

    name: str
    is_old: bool = False


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One look as it came: who holds and awaits what, and who they are. `ours` is the pid of our own backend.

    `sessions` are by pid, `prepared` by virtual transaction, `relations` by oid. `is_here` are those of this database.
    """

    ours: int
    locks: tuple[Lock, ...] = ()
    sessions: Mapping[int, Other] = field(default_factory=dict)
    prepared: Mapping[str, Other] = field(default_factory=dict)
    relations: Mapping[int, Relation] = field(default_factory=dict)
    here: frozenset[Party] = frozenset()
    building: Mapping[str, Any] | None = None

    @cached_property
    def queues(self) -> Queues:
        """Of everything that anybody waits for."""
        return Queues.of(self.locks)

    def other(self, party: Party) -> Other:
        """That session or prepared transaction, with whom it waits for; one that ended meanwhile has its pid alone."""
        if isinstance(party, str):
            return self.prepared.get(party, _nobody(0, kind=PREPARED))
        waits_for = tuple(_pid(lock.party) for lock in self.queues.blockers_of(party))
        known = self.sessions.get(party, _nobody(party))
        transaction = self._transactions.get(party, "")
        is_waiting = bool(self.queues.awaited_by(party))
        return replace(known, transaction=transaction, is_waiting=is_waiting, waits_for=waits_for)

    @cached_property
    def _transactions(self) -> Mapping[Party, str]:
        return {lock.party: lock.transaction for lock in self.locks}

    def name_of(self, lock: Lock) -> str:
        """`schema.name` of the relation that it is on, empty where it is on none of this database."""
        relation = self.relations.get(lock.relation or 0)
        return relation.name if relation else ""


def sighted(row: Row, ours: int) -> Sighting:
    """What `watch_look.sql` answered, whose arrays are taken apart here and nowhere else."""
    relations = {
        oid: Relation(name=f"{schema}.{name}", is_old=bool(is_old))
        for oid, schema, name, is_old in row["relations"] or ()
    }
    leaders, sessions, here = {}, {}, set[Party]()
    for pid, started_at, user, application, kind, state, age_s, state_age_s, leader, query, is_here in (
        row["sessions"] or ()
    ):
        leaders[pid] = leader or pid
        if is_here:
            here.add(pid)
        sessions[pid] = Other(
            backend=Backend(pid=pid, started_at=started_at or ""),
            user=user,
            application=application or None,
            kind=kind or "client backend",
            state=state,
            transaction_age_s=_age(age_s),
            state_age_s=_age(state_age_s),
            query=None if query in (None, "", _HIDDEN) else _without_literals(query),
            prevents_wraparound=kind == "autovacuum worker" and (query or "").endswith(_FOR_WRAPAROUND),
        )
    prepared = {}
    for transaction, gid, owner, age_s, is_here in row["prepared"] or ():
        prepared[transaction] = replace(
            _nobody(0, kind=PREPARED),
            transaction=transaction,
            user=owner,
            application=gid,
            transaction_age_s=_age(age_s),
        )
        if is_here:
            here.add(transaction)
    locks = tuple(_locks(row["locks"] or (), leaders))
    return Sighting(
        ours=ours,
        locks=locks,
        sessions=_with_hidden_wraparound(sessions, locks, relations),
        prepared=prepared,
        relations=relations,
        here=frozenset(here),
        building=row["building"],
    )


def _locks(rows: Iterable[Sequence[Any]], leaders: Mapping[int, int]) -> Iterator[Lock]:
    for pid, transaction, mode, is_granted, waited_s, kind, target, relation in rows:
        yield Lock(
            party=transaction if pid is None else leaders.get(pid, pid),
            transaction=transaction,
            mode=from_server_name(mode),
            is_granted=is_granted,
            kind=kind,
            target=(kind, target),
            relation=relation,
            waited_s=_age(waited_s),
        )


def _with_hidden_wraparound(
    sessions: dict[int, Other], locks: Iterable[Lock], relations: Mapping[int, Relation]
) -> Mapping[int, Other]:
    """Where the query of an autovacuum cannot be seen the age of what it holds tells which kind it is."""
    for lock in locks:
        session = sessions.get(lock.party) if isinstance(lock.party, int) else None
        if session is None or not session.is_autovacuum or session.query is not None:
            continue
        relation = relations.get(lock.relation or 0)
        if lock.is_granted and relation is not None and relation.is_old:
            sessions[session.backend.pid] = replace(session, prevents_wraparound=True)
    return sessions


def sample(sighting: Sighting, wanted: Iterable[WantedLock], *, at_s: float, load: Row | None = None) -> Sample:
    """What the supervisor wants to know of it."""
    queues, ours = sighting.queues, sighting.ours
    own = sighting.sessions.get(ours)
    blockers = queues.blockers_of(ours)
    load = load or {}
    return Sample(
        at_s=at_s,
        is_running=own is not None and own.state == "active",
        awaits_lock=bool(queues.awaited_by(ours)),
        blocked_by=tuple(sighting.other(lock.party) for lock in blockers),
        held_by=tuple(sighting.other(lock.party) for lock in blockers if lock.is_granted),
        waiters=waiters(sighting, queues.behind(ours)),
        holders=tuple(holders(sighting, wanted)),
        index=_progress(sighting.building),
        lag_bytes=load.get("lag_bytes"),
        lag_s=load.get("lag_s"),
        retained_bytes=load.get("retained_bytes"),
        database_bytes=load.get("database_bytes"),
        active=load.get("active"),
    )


def waiters(sighting: Sighting, behind: Iterable[Behind]) -> tuple[Waiter, ...]:
    """Of those behind us whoever wants to read or write rows."""
    return tuple(
        Waiter(
            other=sighting.other(item.lock.party),
            relation=sighting.name_of(item.lock),
            mode=item.lock.mode if item.lock.kind == "relation" else None,
            waited_s=item.lock.waited_s,
            waits_anyway=item.waits_anyway,
        )
        for item in behind
        if item.lock.is_for_rows and not _is_autovacuum(sighting, item.lock.party)
    )


def holders(sighting: Sighting, wanted: Iterable[WantedLock]) -> Iterator[Holder]:
    """Who holds what conflicts with a wanted lock, or awaits it before us, each with its strongest such mode."""
    modes: dict[str, LockMode] = {}
    for each in wanted:
        modes[each.relation] = max(each.mode, modes.get(each.relation, each.mode))
    after_us = {id(item.lock) for item in sighting.queues.behind(sighting.ours)}
    found: dict[tuple[str, Party], Lock] = {}
    for lock in sighting.locks:
        name = sighting.name_of(lock) if lock.kind == "relation" else ""
        if name not in modes or lock.party == sighting.ours or not lock.mode.conflicts(modes[name]):
            continue
        known = found.get((name, lock.party))
        if id(lock) not in after_us and (known is None or weight(lock) > weight(known)):
            found[name, lock.party] = lock
    for (name, party), lock in found.items():
        other = sighting.other(party)
        is_prepared = other.kind == PREPARED
        yield Holder(
            relation=name,
            mode=lock.mode,
            other=None if is_prepared else other,
            gid=(other.application or "") if is_prepared else "",
            is_granted=lock.is_granted,
        )


def hidden(sighting: Sighting, load: Row, role: str) -> tuple[str, ...]:
    """What the role could not see of the sessions that matter and of replicas, with the GRANT that would show it."""
    grant = f"GRANT pg_monitor TO {quoted(role)} would show it"
    found = []
    if not all(other.backend.started_at for pid, other in sighting.sessions.items() if pid != sighting.ours):
        found.append(f"what other sessions do, and since when: {grant}")
    if load.get("replicas_unseen"):
        found.append(f"how far replicas lag: {grant}")
    return tuple(found)


def _progress(row: Mapping[str, Any] | None) -> IndexProgress | None:
    if row is None:
        return None
    phase = row["phase"] or ""
    # The counters of an earlier phase stay as they were left.
    kind = "lockers" if phase.startswith("waiting") else "tuples" if "tuples" in phase else "blocks"
    total, done = row[f"{kind}_total"] or 0, row[f"{kind}_done"] or 0
    return IndexProgress(
        phase=phase, done=min(1.0, done / total) if total else None, waits_for=row["current_locker_pid"] or None
    )


def _is_autovacuum(sighting: Sighting, party: Party) -> bool:
    session = sighting.sessions.get(party) if isinstance(party, int) else None
    return session is not None and session.is_autovacuum


def _nobody(pid: int, *, kind: str = "client backend") -> Other:
    return Other(backend=Backend(pid=pid, started_at=""), kind=kind)


def _pid(party: Party) -> int:
    """0 for a prepared transaction, as `pg_blocking_pids` has it."""
    return party if isinstance(party, int) else 0


def _age(seconds: float | None) -> float | None:
    """A transaction that began after the question was sent is not younger than nothing."""
    return None if seconds is None else max(0.0, seconds)


@lru_cache(maxsize=2048)
def _without_literals(query: str) -> str:
    return normalised(query)
