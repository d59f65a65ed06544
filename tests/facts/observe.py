"""What a statement does to a live server: the locks it takes, the files it rewrites, the tables it scans.

Three readings settle it: the strongest mode in `pg_locks` that our own transaction did not hold before, a changed
`pg_relation_filenode`, the difference of `pg_stat_xact_all_tables.seq_scan`. Statements that refuse a transaction block
are watched from a second connection while locks that others hold make them wait, over and over: see `watch_phases`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Self

import psycopg
from psycopg import pq, sql

from gate.model.locks import LockMode, from_server_name

# A relation's oid and the lock on it.
Lock = tuple[int, LockMode]

NAMED_KINDS = frozenset("rpfmvS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen, by `schema.name` as it was before the statement.

    `rebuilt` names indexes with a new file on tables that kept theirs, `built_on` their tables and those with a new
    index, unless it took over an old one's file. `index_shut` names tables of which only an index was locked
    ACCESS EXCLUSIVE. `scanned` is None where no transaction of our own could count; `read` and `written` count the rows
    that scans returned and that were changed; no record holds them. An error leaves nothing but its `sqlstate`.
    """

    locks: Mapping[str, LockMode] = field(default_factory=dict)
    rewritten: frozenset[str] = frozenset()
    rebuilt: frozenset[str] = frozenset()
    built_on: frozenset[str] = frozenset()
    index_shut: frozenset[str] = frozenset()
    scanned: frozenset[str] | None = frozenset()
    read: Mapping[str, int] = field(default_factory=dict, compare=False)
    written: Mapping[str, int] = field(default_factory=dict, compare=False)
    loses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Relation:
    name: str
    kind: str
    file: int | None
    table: int | None  # an index's
    scans: int
    read: int
    written: int
    columns: frozenset[str]
    analyzed: frozenset[str]


_RELATIONS = """
SELECT c.oid, n.nspname || '.' || c.relname, c.relkind::text, pg_relation_filenode(c.oid)::bigint, x.indrelid,
       coalesce(s.seq_scan, 0), coalesce(s.seq_tup_read, 0),
       coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0),
       ARRAY(SELECT attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT attisdropped),
       ARRAY(SELECT attname::text FROM pg_attribute a JOIN pg_statistic ON starelid = attrelid AND staattnum = attnum
             WHERE a.attrelid = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index x ON x.indexrelid = c.oid
LEFT JOIN pg_stat_xact_all_tables s ON s.relid = c.oid
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relpersistence <> 't'
"""

_TABLE = """
SELECT oid::regclass::text, relkind::text, quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = %s
"""

_LOCKS = """
SELECT relation, mode, granted FROM pg_locks
WHERE pid = %s AND locktype = 'relation' AND mode <> 'SIReadLock'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def observe(connection: psycopg.Connection[Any], statement: str, *, local: str = "", is_kept: bool = False) -> Seen:
    """Run the statement in a transaction; `local` runs before it and is not observed.

    It is rolled back, unless it `is_kept`: then an error is raised.
    """
    with connection.transaction(force_rollback=not is_kept):
        if local:
            connection.execute(local.encode())
        before, held = _relations(connection), _own_locks(connection)
        try:
            connection.execute(statement.encode())
            locks, after = _own_locks(connection) - held, _relations(connection)
        except psycopg.Error as error:
            if is_kept:
                raise
            return Seen(sqlstate=error.sqlstate)
    return _seen(before, after, locks, counts_scans=True)


def observe_alone(conninfo: str, statement: str) -> Seen:
    """Run for good a statement that refuses a transaction block, in a connection of its own."""
    with psycopg.connect(conninfo, autocommit=True) as watcher, psycopg.connect(conninfo, autocommit=True) as runner:
        before = _relations(watcher)
        tables = [oid for oid, relation in before.items() if relation.kind in "rpm"]
        locks, result = watch_phases(runner.pgconn, conninfo, statement, tables)
        if result.status == pq.ExecStatus.FATAL_ERROR:
            return Seen(sqlstate=(result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode())
        return _seen(before, _relations(watcher), locks, counts_scans=False)


def watch_phases(
    runner: pq.abc.PGconn, conninfo: str, statement: str, tables: Iterable[int]
) -> tuple[set[Lock], pq.abc.PGresult]:
    """All locks that `statement` holds or waits for while `runner` runs it, and its result.

    Each of `tables` is locked by a connection of its own, first in ACCESS EXCLUSIVE mode: the statement cannot touch
    it without waiting, and what it waits for is seen. Then the holder gives way just so far, which catches the
    statement again when it comes back for more.
    """
    with ExitStack() as stack:
        watcher = stack.enter_context(psycopg.connect(conninfo, autocommit=True))
        watcher.execute("SET search_path = pg_catalog")
        holders = {holder.pid: holder for holder in (_Holder.of(stack, conninfo, table) for table in tables)}
        runner.send_query(statement.encode())
        locks: set[Lock] = set()
        while _is_running(runner):
            # Whoever waits now is seen waiting by the query after this one: only we can end the wait.
            blockers = _blockers(watcher, runner.backend_pid)
            locks |= _locks(watcher, runner.backend_pid)
            awaited = dict(_locks(watcher, runner.backend_pid, is_granted=False))
            for pid in blockers:
                if pid in holders:
                    holders[pid].give_way(awaited.get(holders[pid].table))
            time.sleep(0.002)
        return locks, _result(runner)


@dataclass(kw_only=True)
class _Holder:
    """Holds a table in all of `modes`, one savepoint each. It keeps no snapshot, which would itself be waited for."""

    connection: psycopg.Connection[Any]
    table: int
    modes: list[LockMode]

    @classmethod
    def of(cls, stack: ExitStack, conninfo: str, table: int) -> Self:
        connection = stack.enter_context(psycopg.connect(conninfo, autocommit=True))
        stack.callback(connection.close)
        name, kind, owner = connection.execute(_TABLE, (table,)).fetchone() or ("", "", "")
        locking = {mode: f"LOCK TABLE ONLY {name} IN {mode.value} MODE" for mode in LockMode}
        if kind == "m":
            # LOCK TABLE takes no materialized view; to give one to the owner that it has changes nothing.
            locking = {LockMode.ACCESS_EXCLUSIVE: f"ALTER MATERIALIZED VIEW {name} OWNER TO {owner}"}
        # Planning a query locks the indexes too.
        locking[LockMode.ACCESS_SHARE] = f"EXPLAIN SELECT FROM ONLY {name}"
        modes = sorted(locking)
        connection.execute("BEGIN")
        for mode in modes:
            connection.execute(f'SAVEPOINT "{mode.value}"; {locking[mode]}'.encode())
        return cls(connection=connection, table=table, modes=modes)

    @property
    def pid(self) -> int:
        return self.connection.info.backend_pid

    def give_way(self, awaited: LockMode | None) -> None:
        """Let go of what keeps `awaited` out; of everything where the table's own lock is not what is waited for."""
        kept = list(takewhile(lambda mode: awaited is not None and not mode.conflicts(awaited), self.modes))
        if kept and len(kept) < len(self.modes):
            self.connection.execute(f'ROLLBACK TO SAVEPOINT "{self.modes[len(kept)].value}"'.encode())
        else:
            kept = []
            self.connection.execute("ROLLBACK")
        self.modes = kept


def _is_running(runner: pq.abc.PGconn) -> bool:
    runner.consume_input()
    return bool(runner.is_busy())


def _result(runner: pq.abc.PGconn) -> pq.abc.PGresult:
    result = last = runner.get_result()
    while last is not None:
        result, last = last, runner.get_result()
    if result is None:
        raise AssertionError("the server sent no result")
    return result


def _blockers(watcher: psycopg.Connection[Any], pid: int) -> list[int]:
    return [blocker for (blocker,) in watcher.execute("SELECT unnest(pg_blocking_pids(%s))", (pid,)).fetchall()]


def _own_locks(connection: psycopg.Connection[Any]) -> set[Lock]:
    return _locks(connection, connection.info.backend_pid)


def _locks(connection: psycopg.Connection[Any], pid: int, *, is_granted: bool | None = None) -> set[Lock]:
    rows = connection.execute(_LOCKS, (pid,)).fetchall()
    return {(oid, from_server_name(mode)) for oid, mode, granted in rows if is_granted in (None, granted)}


def _relations(connection: psycopg.Connection[Any]) -> dict[int, _Relation]:
    return {
        oid: _Relation(
            name=name,
            kind=kind,
            file=file,
            table=table,
            scans=scans,
            read=read,
            written=written,
            columns=frozenset(columns),
            analyzed=frozenset(analyzed),
        )
        for oid, name, kind, file, table, scans, read, written, columns, analyzed in connection.execute(
            sql.SQL(_RELATIONS)
        ).fetchall()
    }


def _seen(
    before: Mapping[int, _Relation], after: Mapping[int, _Relation], locks: Iterable[Lock], *, counts_scans: bool
) -> Seen:
    rewritten = {oid for oid, old in _kept(before, after, "rm") if after[oid].file != old.file}
    rebuilt = [
        old for oid, old in _kept(before, after, "i") if after[oid].file != old.file and old.table not in rewritten
    ]
    built_on = {index.table for index in (*rebuilt, *_new_indexes(before, after)) if index.table in before} - rewritten
    return Seen(
        locks=_strongest(before, locks),
        rewritten=frozenset(before[oid].name for oid in rewritten),
        rebuilt=frozenset(old.name for old in rebuilt),
        built_on=frozenset(before[oid].name for oid in built_on if oid is not None),
        index_shut=_index_shut(before, after, locks),
        scanned=frozenset(old.name for oid, old in _kept(before, after, "rm") if after[oid].scans > old.scans)
        if counts_scans
        else None,
        read=_more(before, after, "read"),
        written=_more(before, after, "written"),
        loses=_lost(before, after),
    )


def _more(before: Mapping[int, _Relation], after: Mapping[int, _Relation], what: str) -> dict[str, int]:
    more = {old.name: getattr(after[oid], what) - getattr(old, what) for oid, old in _kept(before, after, "rm")}
    return {name: count for name, count in more.items() if count > 0}


def _kept(
    before: Mapping[int, _Relation], after: Mapping[int, _Relation], kinds: str
) -> Iterable[tuple[int, _Relation]]:
    return [(oid, old) for oid, old in before.items() if old.kind in kinds and oid in after]


def _strongest(before: Mapping[int, _Relation], locks: Iterable[Lock]) -> dict[str, LockMode]:
    strongest: dict[str, LockMode] = {}
    for oid, mode in sorted(locks, key=lambda lock: lock[1].strength):
        if oid in before and before[oid].kind in NAMED_KINDS:
            strongest[before[oid].name] = mode
    return strongest


def _new_indexes(before: Mapping[int, _Relation], after: Mapping[int, _Relation]) -> list[_Relation]:
    """A type change that needs no rewrite makes indexes anew and gives them the old ones' files: nothing is built."""
    files = {old.file for old in before.values() if old.kind == "i"}
    new = [index for oid, index in after.items() if oid not in before and index.kind == "i"]
    return [index for index in new if index.file not in files]


def _index_shut(
    before: Mapping[int, _Relation], after: Mapping[int, _Relation], locks: Iterable[Lock]
) -> frozenset[str]:
    """An index that is dropped concurrently is locked so too, when no query uses it any more."""
    exclusive = {oid for oid, mode in locks if oid in before and oid in after and mode is LockMode.ACCESS_EXCLUSIVE}
    tables = {before[oid].table for oid in exclusive} - exclusive
    return frozenset(before[table].name for table in tables if table is not None)


def _lost(before: Mapping[int, _Relation], after: Mapping[int, _Relation]) -> dict[str, tuple[str, ...]]:
    """Columns that were analysed, are still there, and have no statistics any more."""
    lost = {
        old.name: tuple(sorted((old.analyzed & after[oid].columns) - after[oid].analyzed))
        for oid, old in _kept(before, after, "rpmf")
    }
    return {name: columns for name, columns in lost.items() if columns}
