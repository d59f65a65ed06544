"""Old snapshots that a step CONCURRENTLY has to outlive, and synchronous standbys, on a server of every major."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from gate.db.connect import connect
from gate.db.lane import Lane
from gate.db.standing_sessions import missing, missing_synchronous_standby, old_snapshots
from gate.db.watching import Watch
from gate.model.run import Backend
from gate.run.world import Sent
from tests.servers import Database, LiveServer


class Cast:
    def __init__(self, database: Database, stack: ExitStack) -> None:
        self.database = database
        self.stack = stack
        self.watch = Watch(lambda: connect(database.conninfo))
        stack.callback(self.watch.close)

    def session(self, *done: str) -> Lane:
        lane = Lane(self.database.connect)
        self.stack.callback(lane.close)
        for text in done:
            assert lane.ask((Sent(sql=text),)).error is None
        return lane

    def building(self, sql: str) -> set[int]:
        """Pids that a build on a table of its own comes to wait for."""
        lane = self.session()
        lane.start((Sent(sql=sql),))
        deadline = time.monotonic() + 20.0
        met: set[int] = set()
        while lane.answer() is None and time.monotonic() < deadline:
            self.watch.look(lane.backend)
            time.sleep(0.02)
            seen = self.watch.seen()
            if seen is not None and seen.awaits_lock:
                met |= {other.backend.pid for other in seen.blocked_by}
                for pid in met:
                    self.database.execute(f"SELECT pg_terminate_backend({pid})")
        assert time.monotonic() < deadline
        return met


@pytest.fixture
def cast(clone: Callable[[str], Database]) -> Iterator[Cast]:
    with ExitStack() as stack:
        yield Cast(clone("CREATE TABLE t (a integer); CREATE TABLE other (a integer)"), stack)


def test_those_that_an_index_build_waits_for_and_no_others(cast: Cast, clone: Callable[[str], Database]) -> None:
    repeatable = cast.session("BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT * FROM other")
    # In READ COMMITTED nothing is left of a query that has been read to its end.
    for text in ("SELECT * FROM other", "INSERT INTO other VALUES (1)"):
        idle = cast.stack.enter_context(cast.database.connect(autocommit=False))
        idle.execute(text.encode())
    elsewhere = Cast(clone(""), cast.stack)
    elsewhere.session("BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1")
    reading = cast.session()
    reading.start((Sent(sql="SELECT pg_sleep(60)"),))
    deadline = time.monotonic() + 20.0
    while len(old_snapshots(cast.watch.ask)) < 2:
        assert time.monotonic() < deadline
    found = old_snapshots(cast.watch.ask)
    assert [other.backend for other in found] == [repeatable.backend, reading.backend]
    assert (found[0].state, found[0].query) == ("idle in transaction", "SELECT * FROM other")
    assert found[1].query == "SELECT pg_sleep($1)"
    met = cast.building("CREATE INDEX CONCURRENTLY ON t (a)")
    assert met == {repeatable.backend.pid, reading.backend.pid}
    assert old_snapshots(cast.watch.ask) == ()


def test_another_build_counts_only_with_an_expression(cast: Cast) -> None:
    cast.database.execute(
        "INSERT INTO other VALUES (1); CREATE FUNCTION slow(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS "
        "$$BEGIN PERFORM pg_sleep(60); RETURN $1; END$$"
    )
    other = cast.session()
    other.start((Sent(sql="CREATE INDEX CONCURRENTLY ON other (slow(a))"),))
    deadline = time.monotonic() + 20.0
    while not old_snapshots(cast.watch.ask):
        assert time.monotonic() < deadline
    assert [found.backend for found in old_snapshots(cast.watch.ask)] == [other.backend]


def test_prepared_transactions_on_the_relation(cast: Cast) -> None:
    cast.session("BEGIN", "INSERT INTO t VALUES (1)", "PREPARE TRANSACTION 'one'")
    cast.session("BEGIN", "INSERT INTO other VALUES (1)", "PREPARE TRANSACTION 'two'")
    assert old_snapshots(cast.watch.ask) == ()
    (found,) = old_snapshots(cast.watch.ask, ["public.t"])
    assert (found.backend, found.kind, found.application) == (
        Backend(pid=0, started_at=""),
        "prepared transaction",
        "one",
    )


def test_a_standby_that_is_not_there(server: LiveServer, database: Database) -> None:
    def said(commit: str) -> str | None:
        with closing(Watch(lambda: connect(database.conninfo, options=f"-csynchronous_commit={commit}"))) as watch:
            return missing_synchronous_standby(watch.ask)

    assert said("on") is None
    # No other session here waits for a commit to reach anything.
    server.admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.admin.execute("SELECT pg_reload_conf()")
    try:
        deadline = time.monotonic() + 20.0
        while said("on") is None:
            assert time.monotonic() < deadline
        assert "none of them is connected" in (said("on") or "")
        assert said("local") is None
    finally:
        server.admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        server.admin.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("names", "replicas", "is_missing"),
    [
        ("", [], False),
        ("a", [], True),
        ("a", [("a", "sync")], False),
        ("a", [("b", "async")], True),
        ("a, b", [("b", "sync")], False),
        ("FIRST 2 (a, b)", [("a", "sync")], True),
        ("2 (a, b)", [("a", "sync"), ("b", "sync")], False),
        ("any 1 (a, b)", [("b", "quorum")], False),
        ("ANY 2 (*)", [("b", "quorum")], True),
        ("*", [("x", None)], False),
        ('"A b"', [("a B", None)], False),
        ("a", [("b", None)], True),
    ],
)
def test_how_many_are_asked_for(names: str, replicas: list[tuple[str, str | None]], is_missing: object) -> None:
    assert (missing(names, "on", replicas) is not None) == is_missing
    assert missing(names, "local", replicas) is None
    assert missing(names, "off", replicas) is None


def test_in_words() -> None:
    assert missing("FIRST 2 (a, b)", "on", [("a", "sync")]) == (
        "synchronous_standby_names is 'FIRST 2 (a, b)': a COMMIT waits for 2 standbys, and 1 of them is connected"
    )
    assert missing("a", "on", []) == (
        "synchronous_standby_names is 'a': a COMMIT waits for 1 standby, and none of them is connected"
    )
