"""What the watchdog sees, with real sessions that hold and wait, on a server of every major."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from gate.db.connect import connect
from gate.db.lane import Lane
from gate.db.watching import Watch
from gate.embedded import serve
from gate.model.errors import GateError, MissingPrivilege, Unreachable
from gate.model.locks import LockMode
from gate.model.migration import Query
from gate.model.program import WantedLock
from gate.model.run import Backend
from gate.run.sample import Sample
from gate.run.world import Sent
from tests.servers import Database, Farm, LiveServer

LONG_S = 20.0
TABLE = "CREATE TABLE t (id integer PRIMARY KEY, n integer); INSERT INTO t VALUES (1, 1), (2, 2)"
WANTED = (WantedLock(schema="public", name="t", mode=LockMode.ACCESS_EXCLUSIVE),)


class Cast:
    """Sessions that are given something to do, and are not waited for."""

    def __init__(self, database: Database, stack: ExitStack) -> None:
        self.database = database
        self.stack = stack
        self.watch = self.watched_by()

    def watched_by(self, **parameters: Any) -> Watch:
        watch = Watch(lambda: connect(self.database.conninfo, application_name="gate/12345678/eyes", **parameters))
        self.stack.callback(watch.close)
        return watch

    def session(self, *done: str, **parameters: Any) -> Lane:
        """With statements that have been run."""
        lane = Lane(lambda: self.database.connect(**parameters))
        self.stack.callback(lane.close)
        for text in done:
            answer = lane.ask((Sent(sql=text),))
            assert answer.error is None, answer.error
        return lane

    def waiting(self, *texts: str, **parameters: Any) -> Lane:
        """In the middle of the last of these, for which it has to wait."""
        lane = self.session(*texts[:-1], **parameters)
        lane.start((Sent(sql=texts[-1]),))
        self.until(lambda: self.waits(lane.backend.pid))
        return lane

    def waits(self, pid: int) -> bool:
        ((number,),) = self.database.fetch(f"SELECT count(*) FROM pg_locks WHERE pid = {pid} AND NOT granted")
        return bool(number)

    @staticmethod
    def until(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LONG_S
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def sample(self, ours: Lane, *wanted: WantedLock, watch: Watch | None = None, for_load: bool = False) -> Sample:
        watch = watch or self.watch
        watch.look(ours.backend, wanted, for_load=for_load)
        deadline = time.monotonic() + LONG_S
        while (seen := watch.seen()) is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        return seen


@pytest.fixture
def cast(clone: Callable[[str], Database]) -> Iterator[Cast]:
    with ExitStack() as stack:
        yield Cast(clone(TABLE), stack)


@pytest.fixture
def plain(server: LiveServer, database: Database) -> Iterator[str]:
    """A role that may do nothing in particular."""
    name = f"plain_{database.name}"
    server.admin.execute(f"CREATE ROLE {name} LOGIN".encode())
    yield name
    server.drop(database)
    server.admin.execute(f"DROP ROLE {name}".encode())


# --- our own backend --------------------------------------------------------------------------------------------------


def test_an_idle_backend_of_ours(cast: Cast) -> None:
    ours = cast.session("BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    seen = cast.sample(ours)
    assert (seen.is_running, seen.awaits_lock, seen.blocked_by, seen.waiters, seen.holders) == (
        False,
        False,
        (),
        (),
        (),
    )


def test_whom_we_wait_for(cast: Cast) -> None:
    blocker = cast.session("BEGIN", "SELECT * FROM t WHERE n = 4711", application_name="psql")
    ours = cast.waiting("ALTER TABLE t ADD COLUMN a integer")
    seen = cast.sample(ours)
    assert (seen.is_running, seen.awaits_lock) == (True, True)
    (other,) = seen.blocked_by
    assert other.backend == blocker.backend
    assert (other.user, other.application, other.kind) == ("postgres", "psql", "client backend")
    assert other.is_idle_in_transaction
    assert not other.is_waiting
    assert other.query == "SELECT * FROM t WHERE n = $1"
    assert other.transaction_age_s is not None
    assert other.state_age_s is not None
    assert other.transaction_age_s >= other.state_age_s >= 0


def test_an_ended_backend_of_ours(cast: Cast) -> None:
    ours = cast.session()
    ours.close()
    cast.until(lambda: cast.watch.is_gone(ours.backend))
    assert not cast.sample(ours).is_running


def test_a_transaction_is_told_from_the_next(cast: Cast) -> None:
    blocker = cast.session("BEGIN", "SELECT * FROM t")
    ours = cast.session()
    (first,) = cast.sample(ours, *WANTED).holders
    for text in ("COMMIT", "BEGIN", "SELECT * FROM t"):
        blocker.ask((Sent(sql=text),))
    (second,) = cast.sample(ours, *WANTED).holders
    assert first.other is not None
    assert second.other is not None
    assert first.other.backend == second.other.backend
    assert first.other.transaction != second.other.transaction


# --- who waits behind us ----------------------------------------------------------------------------------------------


def test_a_reader_behind_the_lock_that_we_hold(cast: Cast) -> None:
    ours = cast.session("BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    reader = cast.waiting("SELECT * FROM t")
    (waiter,) = cast.sample(ours).waiters
    assert (waiter.other.backend, waiter.relation, waiter.mode) == (reader.backend, "public.t", LockMode.ACCESS_SHARE)
    assert waiter.waited_s is not None
    assert waiter.waited_s > 0
    assert not waiter.waits_anyway
    assert waiter.other.is_waiting
    assert waiter.other.waits_for == (ours.backend.pid,)


def test_a_reader_behind_the_lock_that_we_await(cast: Cast) -> None:
    blocker = cast.session("BEGIN", "SELECT * FROM t")
    ours = cast.waiting("ALTER TABLE t ADD COLUMN a integer")
    reader = cast.waiting("SELECT * FROM t")
    seen = cast.sample(ours)
    assert [other.backend for other in seen.blocked_by] == [blocker.backend]
    (waiter,) = seen.waiters
    assert (waiter.other.backend, waiter.waits_anyway) == (reader.backend, False)


def test_who_would_wait_without_us_as_well(cast: Cast) -> None:
    cast.session("BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    ours = cast.waiting("ALTER TABLE t ADD COLUMN a integer")
    cast.waiting("SELECT * FROM t")
    (waiter,) = cast.sample(ours).waiters
    assert waiter.waits_anyway


def test_a_writer_behind_somebody_else_who_waits_behind_us(cast: Cast) -> None:
    ours = cast.session("BEGIN", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
    other = cast.waiting("BEGIN", "LOCK TABLE t IN SHARE MODE")
    writer = cast.waiting("UPDATE t SET n = 0 WHERE id = 1")
    seen = cast.sample(ours)
    (waiter,) = seen.waiters
    assert (waiter.other.backend, waiter.mode) == (writer.backend, LockMode.ROW_EXCLUSIVE)
    assert waiter.other.waits_for == (other.backend.pid,)


def test_vacuum_and_other_ddl_behind_us_do_not_count(cast: Cast) -> None:
    ours = cast.session("BEGIN", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
    cast.waiting("VACUUM t")
    cast.waiting("CREATE INDEX ON t (n)")
    seen = cast.sample(ours)
    assert seen.waiters == ()


def test_who_waits_for_somebody_else_is_not_behind_us(cast: Cast) -> None:
    cast.database.execute("CREATE TABLE other (a integer)")
    ours = cast.session("BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    cast.session("BEGIN", "LOCK TABLE other IN ACCESS EXCLUSIVE MODE")
    cast.waiting("SELECT * FROM other")
    # Before us in the queue, and held up by nobody.
    assert cast.sample(ours).waiters == ()


def test_a_chain_over_another_table(cast: Cast) -> None:
    cast.database.execute("CREATE TABLE other (a integer)")
    ours = cast.session("BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    between = cast.waiting("BEGIN", "LOCK TABLE other IN EXCLUSIVE MODE", "SELECT * FROM t")
    last = cast.waiting("INSERT INTO other VALUES (1)")
    found = {waiter.other.backend: (waiter.relation, waiter.mode) for waiter in cast.sample(ours).waiters}
    assert found == {
        between.backend: ("public.t", LockMode.ACCESS_SHARE),
        last.backend: ("public.other", LockMode.ROW_EXCLUSIVE),
    }


def test_who_waits_for_our_rows(cast: Cast) -> None:
    ours = cast.session("BEGIN", "UPDATE t SET n = n + 1")
    first = cast.waiting("UPDATE t SET n = 0 WHERE id = 1")
    # The second waits for the first, who has the row's place in the queue.
    second = cast.waiting("UPDATE t SET n = 0 WHERE id = 1")
    waiters = cast.sample(ours).waiters
    assert {waiter.other.backend for waiter in waiters} == {first.backend, second.backend}
    assert all(waiter.mode is None and not waiter.waits_anyway for waiter in waiters)


def test_who_waits_for_the_same_new_key(cast: Cast) -> None:
    ours = cast.session("BEGIN", "INSERT INTO t VALUES (9, 9)")
    other = cast.waiting("INSERT INTO t VALUES (9, 0)")
    (waiter,) = cast.sample(ours).waiters
    assert (waiter.other.backend, waiter.mode) == (other.backend, None)


def test_the_same_oid_in_another_database_is_another_table(cast: Cast, clone: Callable[[str], Database]) -> None:
    twin = clone(TABLE)
    oid = "SELECT 't'::regclass::oid"
    assert twin.fetch(oid) == cast.database.fetch(oid)
    ours = cast.session("BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    there = Cast(twin, cast.stack)
    there.session("BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    there.waiting("SELECT * FROM t")
    seen = cast.sample(ours, *WANTED)
    assert (seen.waiters, seen.holders) == ((), ())


MODES = ("ACCESS SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE")


@pytest.mark.parametrize("seed", [0, 7, 12, 28])
def test_whoever_waits_waits_for_whom_the_server_says(cast: Cast, seed: int) -> None:
    chance = random.Random(seed)
    cast.database.execute("CREATE TABLE u (id integer PRIMARY KEY, n integer); INSERT INTO u VALUES (1, 1), (2, 2)")
    lanes = [cast.session("BEGIN", options="-cdeadlock_timeout=1h") for _ in range(8)]
    for _ in range(24):
        idle = [each for each in lanes if not each.is_busy]
        if not idle:
            break
        lane, table = chance.choice(idle), chance.choice(["t", "u"])
        update = f"UPDATE {table} SET n = 0 WHERE id = {chance.choice([1, 2])}"
        lock = f"LOCK TABLE {table} IN {chance.choice(MODES)} MODE"
        lane.start((Sent(sql=chance.choice([update, lock, lock])),))
        cast.until(lambda lane=lane: lane.answer() is not None or cast.waits(lane.backend.pid))  # type: ignore[misc]

    def is_agreed() -> bool:
        waiting = [each.backend.pid for each in lanes if cast.waits(each.backend.pid)]
        queues = cast.watch.sighting().queues
        said = {pid: set(cast.database.fetch(f"SELECT pg_blocking_pids({pid})")[0][0]) for pid in waiting}
        return bool(waiting) and said == {pid: {lock.party for lock in queues.blockers_of(pid)} for pid in waiting}

    # Somebody who has just been let in goes on to its next lock meanwhile.
    cast.until(is_agreed)


# --- who is in the way ------------------------------------------------------------------------------------------------


def test_holders_of_what_conflicts(cast: Cast) -> None:
    reader = cast.session("BEGIN", "SELECT * FROM t")
    writer = cast.session("BEGIN", "SELECT * FROM t", "UPDATE t SET n = 0 WHERE id = 1")
    ours = cast.session()
    found = {item.other.backend: item for item in cast.sample(ours, *WANTED).holders if item.other is not None}
    assert {backend: item.mode for backend, item in found.items()} == {
        reader.backend: LockMode.ACCESS_SHARE,
        writer.backend: LockMode.ROW_EXCLUSIVE,
    }
    share = WantedLock(schema="public", name="t", mode=LockMode.SHARE)
    assert [item.other and item.other.backend for item in cast.sample(ours, share).holders] == [writer.backend]
    shared = WantedLock(schema="public", name="t", mode=LockMode.ROW_EXCLUSIVE)
    assert cast.sample(ours, shared).holders == ()
    (asked,) = cast.watch.holders(ours.backend, (share,))
    assert (asked.other and asked.other.backend, asked.mode) == (writer.backend, LockMode.ROW_EXCLUSIVE)


def test_our_own_locks_are_in_nobody_s_way(cast: Cast) -> None:
    ours = cast.session("BEGIN", "SELECT * FROM t")
    assert cast.sample(ours, *WANTED).holders == ()


def test_who_awaits_a_lock_before_us(cast: Cast) -> None:
    cast.session("BEGIN", "SELECT * FROM t")
    ahead = cast.waiting("TRUNCATE t")
    ours = cast.session()
    wanted = WantedLock(schema="public", name="t", mode=LockMode.ACCESS_SHARE)
    (found,) = cast.sample(ours, wanted).holders
    assert found.other is not None
    assert (found.other.backend, found.mode, found.is_granted) == (ahead.backend, LockMode.ACCESS_EXCLUSIVE, False)
    assert found.other.is_waiting


def test_who_awaits_a_lock_after_us_is_not_in_our_way(cast: Cast) -> None:
    blocker = cast.session("BEGIN", "SELECT * FROM t")
    ours = cast.waiting("ALTER TABLE t ADD COLUMN a integer")
    cast.waiting("SELECT * FROM t")
    assert [item.other and item.other.backend for item in cast.sample(ours, *WANTED).holders] == [blocker.backend]


def test_a_prepared_transaction_in_the_way(cast: Cast) -> None:
    cast.session("BEGIN", "UPDATE t SET n = 0", "PREPARE TRANSACTION 'it''s later'")
    ours = cast.waiting("ALTER TABLE t ADD COLUMN a integer")
    seen = cast.sample(ours, *WANTED)
    (found,) = seen.holders
    assert (found.other, found.gid, found.mode) == (None, "it's later", LockMode.ROW_EXCLUSIVE)
    (other,) = seen.blocked_by
    assert (other.backend.pid, other.kind, other.application) == (0, "prepared transaction", "it's later")
    assert other.transaction_age_s is not None


def test_a_partitioned_parent_alone_is_the_parent_alone(cast: Cast) -> None:
    cast.database.execute(
        "CREATE TABLE p (a integer) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)"
    )
    on_partition = cast.session("BEGIN", "SELECT * FROM p1")
    ours = cast.session()
    parent = WantedLock(schema="public", name="p", mode=LockMode.ACCESS_EXCLUSIVE)
    partition = WantedLock(schema="public", name="p1", mode=LockMode.ACCESS_EXCLUSIVE)
    assert cast.sample(ours, parent).holders == ()
    (found,) = cast.sample(ours, parent, partition).holders
    assert (found.other and found.other.backend, found.relation) == (on_partition.backend, "public.p1")


def test_an_index_is_watched_where_it_is_named(cast: Cast) -> None:
    """What reads an index alone is in the way of DROP INDEX, and of nothing that wants the table."""
    holder = cast.session("BEGIN", "SELECT * FROM t", "CREATE TABLE other ()")
    ours = cast.session()
    index = WantedLock(schema="public", name="t_pkey", mode=LockMode.ACCESS_EXCLUSIVE)
    (found,) = cast.sample(ours, index).holders
    assert (found.other and found.other.backend, found.relation) == (holder.backend, "public.t_pkey")


def test_a_wanted_relation_that_is_gone(cast: Cast) -> None:
    gone = WantedLock(schema="public", name="no such table", mode=LockMode.ACCESS_EXCLUSIVE)
    assert cast.sample(cast.session(), gone).holders == ()


def test_names_need_no_quoting(cast: Cast) -> None:
    cast.database.execute('CREATE SCHEMA "s p"; CREATE TABLE "s p"."a,""b\\{}" ()')
    holder = cast.session("BEGIN", 'SELECT * FROM "s p"."a,""b\\{}"')
    wanted = WantedLock(schema="s p", name='a,"b\\{}', mode=LockMode.ACCESS_EXCLUSIVE)
    (found,) = cast.sample(cast.session(), wanted).holders
    assert (found.other and found.other.backend, found.relation) == (holder.backend, 's p.a,"b\\{}')


# --- autovacuum -------------------------------------------------------------------------------------------------------

BURNS = """
CREATE PROCEDURE burn() LANGUAGE plpgsql AS $$
BEGIN FOR i IN 1..100100 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$
"""
SLOW = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"


@pytest.fixture
def vacuumed(major: int, servers: Farm) -> Iterator[Database]:
    """A server of its own, whose autovacuum is at work at once, and for ever."""
    settings = {"autovacuum": "on", "autovacuum_naptime": "1s", "autovacuum_max_workers": "5"}
    with serve(servers.binaries[major], settings=settings, in_memory=True) as running:
        yield Database(name="postgres", conninfo=running.conninfo(), major=major)


@pytest.mark.slow
def test_an_autovacuum_and_one_that_prevents_wraparound(vacuumed: Database) -> None:
    vacuumed.execute(BURNS)
    vacuumed.execute("CREATE ROLE plain LOGIN")
    # Only what prevents wraparound is done where autovacuum is off.
    old = f"{SLOW}, autovacuum_enabled = false, autovacuum_freeze_max_age = 100000"
    for name, options in (("t", SLOW), ("old", old)):
        vacuumed.execute(f"CREATE TABLE {name} (a integer, b text) WITH ({options})")
        vacuumed.execute(f"INSERT INTO {name} SELECT g, repeat('x', 300) FROM generate_series(1, 20000) g")
    vacuumed.execute("CALL burn()")
    vacuumed.execute("DELETE FROM t WHERE a % 2 = 0")
    wanted = tuple(WantedLock(schema="public", name=name, mode=LockMode.SHARE) for name in ("t", "old"))
    with ExitStack() as stack:
        cast = Cast(vacuumed, stack)
        ours = cast.session()
        cast.until(lambda: len(cast.sample(ours, *wanted).holders) == 2)
        for role in ("postgres", "plain"):
            watch = cast.watched_by(user=role)
            holders = {item.relation: item.other for item in cast.sample(ours, *wanted, watch=watch).holders}
            assert all(other is not None and other.is_autovacuum for other in holders.values())
            found = {name: other is not None and other.prevents_wraparound for name, other in holders.items()}
            assert found == {"public.t": False, "public.old": True}


# --- long work --------------------------------------------------------------------------------------------------------


def test_an_index_build_that_waits(cast: Cast) -> None:
    writer = cast.session("BEGIN", "UPDATE t SET n = 0")
    ours = cast.session()
    ours.start((Sent(sql="CREATE INDEX CONCURRENTLY i ON t (n)"),))
    cast.until(lambda: (seen := cast.sample(ours)).index is not None and seen.index.waits_for is not None)
    seen = cast.sample(ours)
    assert seen.index is not None
    assert (seen.index.phase, seen.index.done) == ("waiting for writers before build", 0.0)
    assert seen.index.waits_for == writer.backend.pid
    assert [other.backend for other in seen.blocked_by] == [writer.backend]
    assert seen.awaits_lock


def test_load(cast: Cast) -> None:
    busy = cast.session()
    busy.start((Sent(sql="SELECT pg_sleep(60)"),))
    cast.database.execute("SELECT pg_create_physical_replication_slot('kept', true)")
    try:
        ours = cast.session()
        cast.until(lambda: (cast.sample(ours, for_load=True).active or 0) >= 1)
        seen = cast.sample(ours, for_load=True)
    finally:
        cast.database.execute("SELECT pg_drop_replication_slot('kept')")
    assert seen.database_bytes is not None
    assert seen.database_bytes > 1_000_000
    assert seen.retained_bytes is not None
    assert seen.retained_bytes >= 0
    assert (seen.lag_s, seen.lag_bytes) == (None, None)
    assert cast.sample(ours).database_bytes is None


# --- what a plain role sees -------------------------------------------------------------------------------------------


def test_a_plain_role_sees_who_and_is_told_the_grant(database: Database, plain: str) -> None:
    database.execute(TABLE + f"; GRANT ALL ON t TO {plain}; ALTER TABLE t OWNER TO {plain}")
    with ExitStack() as stack:
        cast = Cast(database, stack)
        watch = cast.watched_by(user=plain)
        blocker = cast.session("BEGIN", "SELECT * FROM t", application_name="psql")
        ours = cast.waiting("ALTER TABLE t ADD COLUMN a integer", user=plain)
        seen = cast.sample(ours, *WANTED, watch=watch, for_load=True)
        (other,) = seen.blocked_by
        assert other.backend == Backend(pid=blocker.backend.pid, started_at="")
        assert (other.user, other.state, other.query, other.transaction_age_s) == ("postgres", None, None, None)
        assert other.kind == "client backend"
        assert [item.other for item in seen.holders] == [other]
        assert seen.unseen == (f"what other sessions do, and since when: GRANT pg_monitor TO {plain} would show it",)
        assert seen.active is None
        assert seen.database_bytes is not None
        # Nobody is ended who cannot be told from another.
        assert not watch.end(other.backend, "terminate")
        assert not watch.end(blocker.backend, "terminate")
        assert cast.sample(ours).blocked_by
        # Its own it may end.
        assert watch.end(ours.backend, "cancel")
        cast.until(lambda: ours.answer() is not None)


def test_a_refused_signal_is_no_error_and_names_the_grant(database: Database, plain: str) -> None:
    database.execute(f"GRANT pg_monitor TO {plain}")
    with ExitStack() as stack:
        cast = Cast(database, stack)
        watch = cast.watched_by(user=plain)
        other = cast.session()
        assert not watch.end(other.backend, "terminate")
        assert "pg_signal_backend" in watch.problem_of_ending(other.backend, "terminate")
        assert "pg_signal_backend" in " ".join(cast.sample(other, watch=watch).unseen)
        assert not watch.is_gone(other.backend)


# --- ending -----------------------------------------------------------------------------------------------------------


def test_a_cancelled_statement_and_a_terminated_backend(cast: Cast) -> None:
    ours = cast.session()
    ours.start((Sent(sql="SELECT pg_sleep(60)"),))
    cast.until(lambda: cast.sample(ours).is_running)
    assert cast.watch.end(ours.backend, "cancel")
    cast.until(lambda: not cast.sample(ours).is_running)
    answer = ours.answer()
    assert answer is not None
    assert answer.error is not None
    assert answer.error.sqlstate == "57014"
    assert not cast.watch.is_gone(ours.backend)
    assert cast.watch.end(ours.backend, "terminate")
    cast.until(lambda: cast.watch.is_gone(ours.backend))
    assert not cast.watch.end(ours.backend, "terminate")


def test_a_later_process_with_the_same_pid_is_left_alone(cast: Cast) -> None:
    other = cast.session()
    earlier = Backend(pid=other.backend.pid, started_at="2001-01-01T00:00:00.000000Z")
    assert not cast.watch.end(earlier, "terminate")
    assert cast.watch.is_gone(earlier)
    assert not cast.watch.is_gone(other.backend)


# --- questions, and a connection that is lost -------------------------------------------------------------------------


def test_a_question(cast: Cast) -> None:
    query = Query("SELECT %s::int + 1 AS n, '%%' AS s, %s::text[] AS names", (1, ["a", 'b"c']))
    assert cast.watch.ask(query) == ({"n": 2, "s": "%", "names": ["a", 'b"c']},)


def test_a_question_beside_a_look(cast: Cast) -> None:
    ours = cast.session()
    cast.watch.look(ours.backend)
    assert cast.watch.ask(Query("SELECT 1 AS n")) == ({"n": 1},)
    assert cast.watch.seen() is not None
    assert cast.watch.seen() is None


def test_a_question_is_bounded(cast: Cast) -> None:
    with pytest.raises(Unreachable):
        cast.watch.ask(Query("SELECT pg_sleep(60)"))
    assert cast.watch.ask(Query("SELECT 1 AS n"))


def test_a_forbidden_question(database: Database, plain: str) -> None:
    database.execute(TABLE)
    with ExitStack() as stack:
        watch = Cast(database, stack).watched_by(user=plain)
        with pytest.raises(MissingPrivilege):
            watch.ask(Query("SELECT * FROM t"))
        with pytest.raises(GateError):
            watch.ask(Query("SELECT * FROM no_such"))


def test_a_look_that_nobody_answers_is_given_up(cast: Cast) -> None:
    """As of a connection that is half-open: its backend stands still, and is there."""
    ours, silent = cast.session(), cast.watch.backend

    def sees() -> bool:
        cast.watch.look(ours.backend)
        return cast.watch.seen() is not None

    os.kill(silent.pid, signal.SIGSTOP)
    try:
        cast.until(sees)
    finally:
        os.kill(silent.pid, signal.SIGCONT)
    assert cast.watch.backend != silent


def test_a_lost_connection_is_made_anew(cast: Cast) -> None:
    ours = cast.session()
    lost = cast.watch.backend
    cast.sample(ours)
    with psycopg.connect(cast.database.conninfo, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (lost.pid,))
    assert cast.watch.ask(Query("SELECT 1 AS n"))
    assert cast.watch.backend != lost
    with psycopg.connect(cast.database.conninfo, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (cast.watch.backend.pid,))
    deadline = time.monotonic() + LONG_S
    while True:
        cast.watch.look(ours.backend)
        if cast.watch.seen() is not None:
            break
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_server_that_is_gone_is_no_error_while_looking(cast: Cast) -> None:
    lives = [True]

    def once() -> psycopg.Connection:
        return connect(cast.database.conninfo if lives[0] else "host=/nonexistent")

    watch = Watch(once)
    lives[0] = False
    watch.close()
    ours = cast.session()
    watch.look(ours.backend)
    assert watch.seen() is None
    assert not watch.end(ours.backend, "terminate")
    assert not watch.is_gone(ours.backend)
    with pytest.raises(Unreachable):
        watch.holders(ours.backend, WANTED)
