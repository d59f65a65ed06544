"""What is sent for one unit: its limits, its locks, its commands, the mark, and the commit, in one round trip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gate.model.migration import Query, ScriptStatement
from gate.model.names import quoted
from gate.model.program import Command, Unit, WantedLock
from gate.run.limits import Limits, configured, remaining, session, starts_clock
from gate.run.world import Sent

_BOOL, _INT8, _INT4, _FLOAT8, _TEXT_ARRAY = 16, 20, 23, 701, 1009
"""Oids of `pg_type.dat`."""
_MOMENT_S = 0.01
BEGIN, COMMIT, ROLLBACK = Sent(sql="BEGIN"), Sent(sql="COMMIT"), Sent(sql="ROLLBACK")
OWN_ROLE = (Sent(sql="RESET SESSION AUTHORIZATION"), Sent(sql="RESET ROLE"))
"""Whatever role the file has taken, the journal is written by the one that gate came with."""
FORGETS = (Sent(sql="RESET ALL"), *OWN_ROLE)
"""After a file: what it has set is no setting of the next one."""


@dataclass(frozen=True, kw_only=True)
class Locking:
    """Which locks are taken beforehand, how long each may wait (0: not at all), and where an autovacuum is in the way.

    `yield_s` is how long it may take to give way: the server's own `deadlock_timeout` and a moment.
    """

    locks: tuple[WantedLock, ...] = ()
    wait_s: float = 0.0
    yields: tuple[str, ...] = ()
    yield_s: float = 1.5

    @property
    def lock_s(self) -> float:
        """For locks that only the statement itself can take: a moment, where the others are not waited for at all."""
        return self.wait_s or _MOMENT_S


@dataclass(frozen=True, kw_only=True)
class Message:
    """`sent`, of which `locked` is the first that runs with its locks taken; `places` are of the commands, in order."""

    sent: tuple[Sent, ...]
    locked: int
    places: tuple[int, ...]


def transaction(
    unit: Unit,
    texts: Sequence[ScriptStatement],
    limits: Limits,
    locking: Locking,
    *,
    bookkeeping: Sequence[Query] = (),
    marks: Sequence[Query] = (),
) -> Message:
    """A unit that is one transaction: whatever happens, either all of it is there or nothing, the marks included.

    `limits.lock_s` holds for locks that shut nobody out; the tool's own rows are written as the role that the file has
    set, the marks of the journal as the one that gate came with.
    """
    own = session(unit.limits, limits, is_block=True)
    sent = [BEGIN, own, *settings(unit, texts)]
    if unit.settings:
        sent.append(own)
    early, late = unit.commands[: unit.locked_from], unit.commands[unit.locked_from :]
    places = []
    for command in early:
        places.append(len(sent))
        sent += [said(command, texts), own]
    # Where nobody is kept out, work may take as long as it takes.
    is_timed = bool(unit.locks)
    again = [remaining(limits, locking.lock_s)] if is_timed else []
    if is_timed:
        sent += _locks(limits, locking)
    locked = len(sent)
    for command in late:
        places.append(len(sent))
        sent += [said(command, texts), *(again or [own])]
    sent += [numbered(query) for query in bookkeeping]
    sent += [*OWN_ROLE, *(numbered(mark) for mark in marks), *again]
    return Message(sent=(*sent, COMMIT), locked=locked, places=tuple(places))


def _locks(limits: Limits, locking: Locking) -> list[Sent]:
    sent: list[Sent] = []
    for lock in locking.locks:
        if lock.relation in locking.yields:
            sent.append(configured([("lock_timeout", str(math.ceil(locking.yield_s * 1000)))], is_local=True))
            sent.append(Sent(sql=f"LOCK TABLE ONLY {name_of(lock)} IN SHARE UPDATE EXCLUSIVE MODE"))
    again = remaining(limits, locking.lock_s)
    sent += [starts_clock(), again]
    for lock in locking.locks:
        nowait = "" if locking.wait_s else " NOWAIT"
        sent += [Sent(sql=f"LOCK TABLE ONLY {name_of(lock)} IN {lock.mode.value} MODE{nowait}"), again]
    return sent


def settings(unit: Unit, texts: Sequence[ScriptStatement]) -> list[Sent]:
    """The file's own SET statements that are in force, once more."""
    return [Sent(sql=texts[place].sql) for place in unit.settings]


def said(command: Command, texts: Sequence[ScriptStatement]) -> Sent:
    """The statement itself, the file's own as it stands there."""
    if command.place is None:
        return Sent(sql=command.sql)
    own = texts[command.place]
    return Sent(sql=own.sql, data=own.data)


def numbered(query: Query) -> Sent:
    """A query with `%s` places as the server takes it, its values as text."""
    if not query.parameters:
        return Sent(sql=query.sql)
    parts = query.sql.split("%s")
    sql = parts[0] + "".join(f"${number}{part}" for number, part in enumerate(parts[1:], start=1))
    return Sent(
        sql=sql.replace("%%", "%"),
        parameters=tuple(map(_text, query.parameters)),
        types=tuple(map(_type, query.parameters)),
    )


def _type(value: object) -> int:
    """As a driver would declare it: in INSERT ... SELECT the server takes what it cannot infer for text."""
    match value:
        case bool():
            return _BOOL
        case int():
            return _INT4 if -(2**31) <= value < 2**31 else _INT8
        case float():
            return _FLOAT8
        case list() | tuple():
            return _TEXT_ARRAY
        case _:
            return 0


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return "{" + ",".join(map(_element, value)) + "}"
        case _:
            return str(value)


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def name_of(lock: WantedLock) -> str:
    """As SQL."""
    return f"{quoted(lock.schema)}.{quoted(lock.name)}"
