"""The present moment, traffic, the server's grammar, and bookkeeping rows, on a server of every major."""

from __future__ import annotations

import time

import pytest

from gate.db import moment, rows, syntax, traffic
from gate.db.connect import connect
from gate.model.errors import MissingPrivilege, Unreachable, UsageError
from gate.model.locks import LockMode
from gate.model.migration import Query
from tests.servers import Database


def oid_of(database: Database, name: str) -> int:
    ((oid,),) = database.fetch(f"SELECT '{name}'::regclass::oid")
    assert isinstance(oid, int)
    return oid


def test_who_holds_and_who_waits(database: Database) -> None:
    database.execute("CREATE TABLE t (a integer)")
    with (
        connect(database.conninfo) as reader,
        database.connect(application_name="pg_dump") as holder,
        holder.transaction(),
    ):
        holder.execute("SELECT * FROM t")
        seen = moment.read(reader, [oid_of(database, "t")])
    (lock,) = seen.locks
    assert (lock.mode, lock.is_granted) == (LockMode.ACCESS_SHARE, True)
    session = seen.session(lock.pid)
    assert session is not None
    assert (session.application, session.state) == ("pg_dump", "idle in transaction")
    assert session.transaction_age_s is not None
    assert session.transaction_age_s >= 0


def test_a_prepared_transaction_has_no_pid(database: Database) -> None:
    database.execute("CREATE TABLE t (a integer)")
    database.execute("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'later'")
    with connect(database.conninfo) as reader:
        seen = moment.read(reader, [oid_of(database, "t")])
    assert [lock.pid for lock in seen.locks] == [0]
    assert [item.gid for item in seen.prepared] == ["later"]


def test_two_looks_make_a_rate(database: Database) -> None:
    database.execute("CREATE TABLE t (a integer)")
    oid = oid_of(database, "t")
    with connect(database.conninfo) as reader:
        first = traffic.first(reader, [oid], 10.0)
        # The counters of a session that ends are written at once.
        database.execute("INSERT INTO t SELECT generate_series(1, 100)")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            rate = traffic.second(reader, first, 12.0)[oid]
            if rate.writes_per_s:
                break
            time.sleep(0.05)
        assert (rate.window_s, rate.writes_per_s) == (2.0, 50.0)
        assert traffic.second(reader, first, 10.0) == {}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t", "EXPLAIN ANALYZE INSERT INTO t VALUES (1)", "CREATE TABLE x AS SELECT * FROM t",
        "ALTER TABLE t ADD COLUMN c integer", "DECLARE c CURSOR FOR SELECT * FROM t", "CALL f()", "SELECT 1 -- end",
        "COPY t FROM stdin", "-- nothing", "INSERT INTO t VALUES (1)", "VACUUM t",
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END",
    ],
)  # fmt: skip
def test_the_grammar_is_asked_without_a_lock(database: Database, sql: str) -> None:
    database.execute("CREATE TABLE t (a integer)")
    with connect(database.conninfo) as reader, database.connect() as other, other.transaction():
        other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        reader.execute("SET lock_timeout = '100ms'")
        assert syntax.accepts(reader, sql) is None
        locks = "SELECT count(*) FROM pg_locks WHERE pid = %s AND relation = 't'::regclass"
        assert other.execute(locks, (reader.info.backend_pid,)).fetchone() == (0,)
    assert database.fetch("SELECT count(*) FROM t") == [(0,)]


@pytest.mark.parametrize("sql", ["SELEC 1", "CREATE TABLE (", "ALTER TABLE t ALTER a SET NOT NULL NOT VALID"])
def test_the_grammar_refuses(database: Database, sql: str) -> None:
    with connect(database.conninfo) as reader:
        assert "syntax error" in (syntax.accepts(reader, sql) or "")
        assert reader.execute("SELECT 1").fetchone() == (1,)


def test_newer_grammar_is_the_server_s_own(database: Database) -> None:
    merge = "MERGE INTO t USING u ON true WHEN MATCHED THEN DO NOTHING"
    with connect(database.conninfo) as reader:
        assert (syntax.accepts(reader, merge) is None) == (database.major >= 15)


def test_bookkeeping_rows(database: Database) -> None:
    database.execute("CREATE TABLE done (id text, at date); INSERT INTO done VALUES ('1', '2024-01-01')")
    with connect(database.conninfo) as reader:
        assert rows.fetch(reader, Query("SELECT id FROM done WHERE id = %s", ("1",))) == [{"id": "1"}]
        with pytest.raises(UsageError):
            rows.fetch(reader, Query("SELECT * FROM missing"))
        with database.connect() as other, other.transaction():
            other.execute("LOCK TABLE done IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(Unreachable):
                rows.fetch(reader, Query("SELECT * FROM done"))


def test_bookkeeping_that_may_not_be_read(database: Database) -> None:
    role = f"plain_{database.name}"
    database.execute(f"CREATE ROLE {role} LOGIN; CREATE TABLE done (id text)")
    try:
        with connect(database.conninfo, user=role) as reader, pytest.raises(MissingPrivilege) as caught:
            rows.fetch(reader, Query("SELECT * FROM done"))
        assert role in caught.value.remedy
    finally:
        database.execute(f"DROP ROLE {role}")
