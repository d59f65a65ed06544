"""The load and what it felt: what is counted, not how fast it is."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.bench.load import STALE, UNFINISHED, Done, Load, Statement, Transaction, felt, running
from tests.servers import Database

MAKE = "CREATE TABLE t (id integer PRIMARY KEY, a integer); INSERT INTO t SELECT g, 1 FROM generate_series(1, 10) g"
LOAD = Load(
    statements={
        "read": Statement(sql="SELECT id, a FROM t WHERE id = $1", parameters=((1, 10),)),
        "write": Statement(sql="UPDATE t SET a = $2 WHERE id = $1", parameters=((1, 10), (1, 100))),
    },
    transactions=[
        Transaction(weight=2, statements=("read",)),
        Transaction(weight=1, statements=("read", "write")),
    ],
    rate=100.0,
    clients=4,
)
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def done(due_s: float, took_s: float, state: str = "") -> Done:
    return Done(due_s=due_s, noticed_s=due_s, done_s=due_s + took_s, state=state)


def until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.01)


def test_what_was_felt_is_counted() -> None:
    found = felt([done(10, 0.25, "40P01"), done(10.125, 0.25), done(11, 0.125, STALE), done(11, 0.0078125)], 10, 12)
    assert (found.transactions, found.worst_s, found.p99_s) == (4, 0.25, 0.25)
    assert (found.failed, found.failures, found.stale_plans) == ({"40P01": 1}, 1, 1)


def test_time_in_which_two_were_blocked_counts_once() -> None:
    assert felt([done(10, 0.25), done(10.125, 0.25), done(11, 0.125), done(12, 0.01)], 10, 13).blocked_s == 0.5


def test_whoever_was_under_way_at_the_edges_counts() -> None:
    found = felt([done(1, 0.5), done(1.75, 0.5), done(3, 5), done(9, 1)], 2, 4)
    assert (found.transactions, found.worst_s) == (2, 5)


def test_nobody_at_all_is_no_measurement() -> None:
    with pytest.raises(ValueError, match="nobody"):
        felt([done(1, 0.5)], 2, 4)


@pytest.mark.majors(newest=True)
def test_a_lock_that_is_held_is_felt_by_everyone_who_was_due_meanwhile(clone: Callable[[str], Database]) -> None:
    database = clone(MAKE)
    with running(database.conninfo, LOAD) as load, database.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE t")
        until(lambda: database.fetch(WAITING) == [(LOAD.clients,)])
        begun = time.monotonic()
        time.sleep(0.3)
        ended = time.monotonic()
        holder.rollback()
        found = load.stop()
    met = [one for one in found if begun <= one.due_s <= ended]
    assert len(met) >= 0.3 * LOAD.rate - 1
    assert all(one.took_s >= ended - one.due_s for one in met)
    assert felt(found, begun, ended).worst_s >= ended - begun
    assert felt(found, begun, ended).failures == 0


@pytest.mark.majors(newest=True)
def test_a_result_that_changes_fails_once_a_client(clone: Callable[[str], Database]) -> None:
    database = clone(MAKE)
    with running(database.conninfo, LOAD) as load:
        database.execute("ALTER TABLE t ALTER COLUMN a TYPE bigint")
        time.sleep(0.3)
        found = load.stop()
    states = [one.state for one in found]
    assert 1 <= states.count(STALE) <= LOAD.clients
    assert {*states} == {"", STALE}


@pytest.mark.majors(newest=True)
def test_the_same_result_changing_twice_is_a_failure(clone: Callable[[str], Database]) -> None:
    database = clone(MAKE)
    with running(database.conninfo, LOAD) as load:
        for wanted in ("bigint", "numeric"):
            database.execute(f"ALTER TABLE t ALTER COLUMN a TYPE {wanted}")
            time.sleep(0.3)
        found = load.stop()
    assert {one.state for one in found} == {"", STALE, "0A000"}


@pytest.mark.majors(newest=True)
def test_failures_are_counted_by_their_sqlstate(clone: Callable[[str], Database]) -> None:
    database = clone(MAKE)
    with running(database.conninfo, LOAD) as load:
        database.execute("ALTER TABLE t RENAME TO u")
        time.sleep(0.3)
        found = load.stop()
    assert felt(found, 0, time.monotonic()).failed.keys() == {"42P01"}


@pytest.mark.majors(newest=True)
def test_a_session_that_is_ended_fails_and_is_made_anew(clone: Callable[[str], Database]) -> None:
    database = clone(MAKE)
    with running(database.conninfo, LOAD) as load, database.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE t")
        until(lambda: database.fetch(WAITING) == [(LOAD.clients,)])
        database.fetch("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted LIMIT 1")
        until(lambda: database.fetch(WAITING) == [(LOAD.clients,)])
        holder.rollback()
        found = load.stop()
    failed = felt(found, 0, time.monotonic()).failed
    assert sum(failed.values()) == 1
    assert failed.keys() <= {"57P01", "08006"}


@pytest.mark.majors(newest=True)
def test_what_never_came_to_an_end_is_said(clone: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.bench.load._DRAIN_S", 0.0)
    database = clone(MAKE)
    with running(database.conninfo, LOAD) as load, database.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE t")
        until(lambda: database.fetch(WAITING) == [(LOAD.clients,)])
        found = load.stop()
    assert [one.state for one in found].count(UNFINISHED) >= LOAD.clients
