"""The present moment: who holds or awaits what on some relations, and what else stands in the way of their locks."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from gate.db.asking import Asking, Row
from gate.db.errors import translated
from gate.model.locks import from_server_name
from gate.model.moment import HeldLock, IndexBuild, Moment, PreparedTransaction, Replica, Session, Slot

_BEGIN = b"BEGIN READ ONLY"
_LIMITS = {"lock_timeout": "100ms", "statement_timeout": "10s", "scans": "on", "work_mem": "4MB"}


def read(connection: psycopg.Connection, relation_oids: Iterable[int]) -> Moment:
    """The locks of other sessions on these relations and their indexes, with those sessions; ages are seconds.

    Sessions of the same database that hold a snapshot, are in a transaction or vacuum are there too.
    A session that our role may not see has `is_visible` False and neither state nor ages.

    Raises:
        Unreachable: the server went away.
    """
    asking = Asking(connection)
    names = ("sessions", "prepared", "replicas", "slots", "index_builds")
    try:
        rows = asking.all(
            [("begin", _LIMITS), ("locks", {"relations": list(relation_oids)}), *((name, {}) for name in names)],
            before=(_BEGIN,),
            after=(b"ROLLBACK",),
        )
    except psycopg.Error as error:
        asking.end()
        raise translated(error) from error
    _, locks, sessions, prepared, replicas, slots, builds = rows
    return Moment(
        sessions=_sessions(sessions, {row["pid"] for row in locks}),
        locks=tuple(_lock(row) for row in locks),
        prepared=tuple(PreparedTransaction(**row) for row in prepared),
        replicas=tuple(Replica(**row) for row in replicas),
        slots=tuple(Slot(**row) for row in slots),
        index_builds=tuple(IndexBuild(**row) for row in builds),
    )


def _sessions(rows: Iterable[Row], holders: set[int]) -> tuple[Session, ...]:
    """Every session that can be seen; of the others those that hold a lock here."""
    return tuple(Session(**row) for row in rows if row["is_visible"] or row["pid"] in holders)


def _lock(row: Row) -> HeldLock:
    return HeldLock(
        relation=row["relation"], mode=from_server_name(row["mode"]), pid=row["pid"], is_granted=row["is_granted"]
    )
