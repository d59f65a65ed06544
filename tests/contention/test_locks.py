"""Somebody is in the way of a lock: the release waits where it harms nobody, and says for whom."""

from __future__ import annotations

import psycopg
import pytest

from gate.model.run import Outcome
from gate.run.telling import Acted
from tests.contention.scene import ADDS, HAS_NOTE, Cue, Scene, once_begun, once_waiting, until, waits

READS = "SELECT count(*) FROM orders WHERE id < 50"
WRITES = "UPDATE orders SET total = total + 1 WHERE id = 7"


def test_an_idle_transaction_is_waited_for_outside_the_queue(scene: Scene) -> None:
    """While it is there, others read and write the table as if nobody wanted anything of it."""
    blocker = scene.session("BEGIN", READS, application_name="console")
    readers, writers = scene.clients(READS), scene.clients(WRITES, 1)

    def ends_later() -> None:
        readers.some_more()
        writers.some_more()
        blocker.execute("COMMIT")

    scene.migration(ADDS)
    told = scene.release(once_waiting(lambda: scene.beside(ends_later)))
    assert told.run.outcome is Outcome.DONE
    assert scene.value(HAS_NOTE) == 1
    assert readers.problems == writers.problems == []
    pid = blocker.info.backend_pid
    way = next(way for way in told.waits[0].in_the_way if way.pid == pid)
    assert (way.application, way.state) == ("console", "idle in transaction")
    assert pid in [way.pid for way in told.run.units[0].in_the_way]


def test_a_stream_of_short_readers_is_got_past(scene: Scene) -> None:
    """There is hardly a moment without one of them, and none of them is kept for long."""
    readers = scene.clients(f"BEGIN; {READS}; SELECT pg_sleep(0.03); COMMIT", 4)
    scene.migration(ADDS)
    told = scene.release()
    assert told.run.outcome is Outcome.DONE
    readers.some_more(8)
    assert readers.problems == []


def test_a_dump_is_waited_for(scene: Scene) -> None:
    """COPY TO whose reader is slow holds its lock all the time, and is at work."""
    scene.database.execute("INSERT INTO orders SELECT n, 1, 1 FROM generate_series(10000, 60000) n")
    dump = scene.session("BEGIN", application_name="pg_dump")
    readers = scene.clients(READS)

    def ends_later() -> None:
        readers.some_more()
        scene.database.execute(f"SELECT pg_terminate_backend({dump.info.backend_pid})")

    scene.migration(ADDS)
    # Nobody reads on: the server has filled the socket, and waits.
    dump.pgconn.exec_(b"COPY orders TO STDOUT")
    told = scene.release(once_waiting(lambda: scene.beside(ends_later)))
    assert told.run.outcome is Outcome.DONE
    assert readers.problems == []
    assert any(way.application == "pg_dump" and way.state == "active" for way in told.waits[0].in_the_way)


def test_a_prepared_transaction_is_never_queued_for(scene: Scene) -> None:
    other = scene.session("BEGIN", WRITES, "PREPARE TRANSACTION 'left'")
    readers = scene.clients(READS)
    scene.migration(ADDS)

    def goes_on() -> None:
        readers.some_more()
        other.execute("ROLLBACK PREPARED 'left'")

    told = scene.release(once_waiting(goes_on))
    assert told.run.outcome is Outcome.DONE
    assert "left" in [way.gid for way in told.waits[0].in_the_way]
    assert readers.problems == []


def test_a_queue_that_stands_already_is_not_joined(scene: Scene) -> None:
    """Somebody else's lock is awaited, and everybody waits behind that: one more would only make it longer."""
    blocker = scene.session("BEGIN", READS)
    ddl = scene.doing(scene.session(), "ALTER TABLE orders ADD COLUMN other text")
    until(lambda: waits(scene.database, ddl.pid))
    scene.migration(ADDS)
    told = scene.release(once_waiting(lambda: blocker.execute("COMMIT")))
    assert told.run.outcome is Outcome.DONE
    assert {way.pid for way in told.waits[0].in_the_way} == {blocker.info.backend_pid, ddl.pid}


def test_a_deadlock_is_tried_again(scene: Scene) -> None:
    """Ours was the victim: nothing of it is there, and it is not a failure."""
    scene.database.execute(f"ALTER DATABASE {scene.database.name} SET deadlock_timeout = '10ms'")
    other = scene.session("SET deadlock_timeout = '1min'", "BEGIN", "UPDATE customers SET id = id WHERE id = 1")
    scene.migration(
        "UPDATE orders SET total = 0 WHERE id = 1", "SELECT pg_sleep(0.5)", "DELETE FROM customers WHERE id = 1"
    )

    def crosses() -> None:
        scene.doing(other, "SELECT pg_sleep(0.2); UPDATE orders SET total = 1 WHERE id = 1; COMMIT")

    told = scene.release(once_begun(crosses))
    assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")
    assert told.run.units[0].attempts == 2
    assert scene.value("SELECT total FROM orders WHERE id = 1") == 0
    counted = f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{scene.database.name}'"
    assert until(lambda: scene.value(counted)) == 1


# --- whom the policy lets it end --------------------------------------------------------------------------------------


def test_a_blocker_that_a_filter_names_is_ended_and_nobody_else(scene: Scene) -> None:
    """Who is in the way and not named is waited for; who is named and not in the way is left alone."""
    named = scene.session("BEGIN", READS, application_name="console 1")
    away = scene.session("BEGIN", "SELECT count(*) FROM customers", application_name="console 2")
    other = scene.session("BEGIN", READS, application_name="report")
    scene.settings('[[release.kill]]\napplication = "console*"\nidle_in_transaction = "100ms"\nreason = "they forget"')
    scene.migration(ADDS)
    told = scene.release(Cue(Acted, lambda _: other.execute("COMMIT")))
    assert told.run.outcome is Outcome.DONE
    (act,) = told.run.acts
    assert (act.backend.pid, act.how, act.is_own, act.has_worked) == (named.info.backend_pid, "terminate", False, True)
    assert "they forget" in act.why
    away.execute("COMMIT")
    with pytest.raises(psycopg.OperationalError):
        named.execute("COMMIT")


def test_without_a_filter_nobody_is_ended(scene: Scene) -> None:
    """Exit 20: who was in the way is named, and the SQL that ends it works."""
    blocker = scene.session("BEGIN", WRITES, application_name="console")
    victim = scene.doing(scene.session(), WRITES)
    until(lambda: waits(scene.database, victim.pid))
    scene.settings('lock_wait = "1s"')
    scene.migration(ADDS)
    told = scene.release()
    assert (told.run.outcome, told.run.acts) == (Outcome.LOCK_NOT_ACQUIRED, ())
    way = next(way for way in told.run.in_the_way if way.pid == blocker.info.backend_pid)
    assert (way.application, way.held) == ("console", "ROW EXCLUSIVE")
    assert way.age_s is not None
    scene.database.execute(way.way_out)
    assert scene.release().run.outcome is Outcome.DONE
    victim.join()
    assert victim.problem == ""


# --- what waits in the queue, for no transaction may hold it ---------------------------------------------------------


def test_a_detach_that_keeps_readers_waiting_is_cancelled_and_tried_again(scene: Scene) -> None:
    """Its last lock shuts the partition, and no limit of the server's may end it: it would be left half detached."""
    scene.database.execute(
        "CREATE TABLE events (day integer) PARTITION BY LIST (day);"
        "CREATE TABLE monday PARTITION OF events FOR VALUES IN (1); INSERT INTO events VALUES (1)"
    )
    blocker = scene.session("BEGIN", "SELECT FROM monday", application_name="console")
    readers = scene.clients("SELECT FROM monday")
    scene.migration("ALTER TABLE events DETACH PARTITION monday CONCURRENTLY", options=" transaction:false")

    def ends_later() -> None:
        readers.some_more()
        blocker.execute("COMMIT")

    told = scene.release(Cue(Acted, lambda _: scene.beside(ends_later)))
    assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")
    assert {(act.how, act.is_own) for act in told.run.acts} == {("cancel", True)}
    assert blocker.info.backend_pid in [way.pid for way in told.run.units[0].in_the_way]
    assert readers.problems == []
    assert scene.value("SELECT count(*) FROM pg_inherits") == 0
