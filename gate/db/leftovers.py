"""gate's own backends: whose run is alive, and what a dead run left at work.

A run is alive as long as it has the runner's lock. A connection that only looks does nothing to anybody and ends by
itself; one that runs steps without that lock belongs to a run that is dead, or that stands still and may go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gate.db.queries import query
from gate.model.migration import Query
from gate.model.run import Backend
from gate.run.journalling import RUNNER_LOCK_CLASS
from gate.run.sample import Other
from gate.run.world import Row
from gate.sql.masking import normalised

Ask = Callable[[Query], tuple[Row, ...]]

_ONLY_LOOKS = frozenset({"runner", "eyes", "plan"})
"""Connections of a run that has not got the lock yet do something as well: they poll, and they read the catalog."""


@dataclass(frozen=True, kw_only=True)
class OwnBackend:
    """A connection of gate's: `run` is its run's short id, `what` it is for (`runner`, `eyes`, a step's number)."""

    other: Other
    run: str
    what: str
    has_lock: bool


def own_backends(ask: Ask) -> tuple[OwnBackend, ...]:
    """All of them in this database: who waits for a lock comes first.

    So they are to be ended in this order: when its holder goes first, a waiting one gets on with its work.
    """
    rows = ask(Query(query("watch_gates").decode(), (RUNNER_LOCK_CLASS,)))
    return tuple(map(_own, rows))


def leftovers(ask: Ask) -> tuple[Other, ...]:
    """Backends that run the steps of dead runs, idle ones too, in the order in which they are to be ended.

    To be asked by whoever has just got the lock, or by nobody's run.
    """
    found = own_backends(ask)
    alive = {own.run for own in found if own.has_lock}
    return tuple(own.other for own in found if is_left(own, alive))


def is_left(own: OwnBackend, alive: set[str]) -> bool:
    """Whether it runs the steps of a run that is not among those `alive`."""
    return not own.has_lock and own.run not in alive and own.what not in _ONLY_LOOKS


def _own(row: Row) -> OwnBackend:
    run, _, what = (row["application"] or "").removeprefix("gate/").partition("/")
    return OwnBackend(
        other=Other(
            backend=Backend(pid=row["pid"], started_at=row["started_at"] or ""),
            user=row["user"],
            application=row["application"] or None,
            state=row["state"],
            transaction_age_s=row["transaction_age_s"],
            state_age_s=row["state_age_s"],
            query=normalised(row["query"]) if row["query"] else None,
            is_waiting=row["is_waiting"],
        ),
        run=run,
        what=what,
        has_lock=row["has_lock"],
    )
