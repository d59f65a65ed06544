"""Programs and their marks in a database of every major: kept, taken up, and torn by nothing."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from gate.journal.database import DatabaseJournal
from gate.model.errors import UsageError
from gate.model.migration import Query
from gate.model.run import Backend, InTheWay, State, UnitRun
from gate.model.work import Work
from gate.run.journalling import Mark, ProgramState
from tests.journal.asking import FULL, asking, asking_raw, journal_of, program, start
from tests.servers import Database


def send(connection: psycopg.Connection, queries: tuple[Query, ...]) -> None:
    for query in queries:
        connection.execute(query.sql.encode(), query.parameters)


def test_a_program_comes_back_as_it_was(database: Database) -> None:
    with journal_of(database) as journal:
        journal.prepare()
        key = journal.keep(FULL, run="run1")
        (kept,) = journal.standing().unfinished
    assert kept.program == FULL
    assert (kept.key, kept.source, kept.migration, kept.path) == (key, FULL.source, FULL.migration, FULL.path)
    assert (kept.fingerprint, kept.state, kept.run) == ("sha256:1", ProgramState.UNFINISHED, "run1")
    assert kept.kept_at.endswith("Z")
    assert [mark.state for mark in kept.marks] == [State.WAITING] * 5
    assert kept.next_unit == FULL.units[0]


def test_the_driver_may_send_all_as_text(database: Database) -> None:
    with database.connect() as connection:
        journal = DatabaseJournal(asking_raw(connection), 'a "b" %s')
        journal.prepare()
        journal.begin_run(start(budget_s=2.5, took_up="run0"))
        key = journal.keep(FULL, run="run1")
        journal.record(
            key, Mark(ordinal=2, state=State.BEGUN, cursor=("7", None), pins=("x",), rows_done=3), run="run1"
        )
        journal.measure(key, measured(2), run="run1")
        journal.heartbeat("run1")
        journal.take_up(key, run="run2")
        for query in journal.finish(key, ProgramState.DONE):
            journal.ask(query)
        (asked,) = journal.asks(key, 2)
        mark = journal.read(journal.ask(asked))
        standing = journal.standing()
    assert mark is not None
    assert (mark.cursor, mark.pins, mark.rows_done) == (("7", None), ("x",), 3)
    assert standing.unfinished == ()


def test_a_mark_and_its_step_are_both_there_or_neither(database: Database) -> None:
    """What a crash does to a transaction is what ROLLBACK does; what COMMIT does is both."""
    database.execute("CREATE TABLE t (a integer)")
    with journal_of(database) as journal, database.connect() as hands:
        journal.prepare()
        key = journal.keep(program(), run="run1")
        done = journal.mark(key, Mark(ordinal=1, state=State.DONE), run="run1")
        hands.execute("BEGIN")
        hands.execute("ALTER TABLE t ADD COLUMN b integer")
        send(hands, done)
        hands.execute("ROLLBACK")
        assert state_of(journal, key, 1) is State.WAITING
        hands.execute("BEGIN")
        hands.execute("ALTER TABLE t ADD COLUMN b integer")
        send(hands, done)
        hands.execute("COMMIT")
        assert state_of(journal, key, 1) is State.DONE
        (kept,) = journal.standing().unfinished
    assert kept.next_unit is not None
    assert kept.next_unit.ordinal == 2


@pytest.mark.parametrize(("set_by_the_file", "then"), [("off", "on"), ("local", "local"), ("on", "on")])
def test_what_is_marked_survives_a_crash_of_the_server(database: Database, set_by_the_file: str, then: str) -> None:
    with journal_of(database) as journal, database.connect() as hands:
        journal.prepare()
        key = journal.keep(program(), run="run1")
        hands.execute(f"SET synchronous_commit = {set_by_the_file}")
        hands.execute("BEGIN")
        send(hands, journal.mark(key, Mark(ordinal=1, state=State.DONE), run="run1"))
        assert hands.execute("SHOW synchronous_commit").fetchone() == (then,)


def test_a_backend_that_is_killed_in_its_transaction_leaves_no_mark(database: Database) -> None:
    hands = database.connect()
    with journal_of(database) as journal:
        journal.prepare()
        key = journal.keep(program(), run="run1")
        hands.execute("BEGIN")
        send(hands, journal.mark(key, Mark(ordinal=1, state=State.DONE), run="run1"))
        pid = hands.info.backend_pid
        assert database.fetch(f"SELECT pg_terminate_backend({pid}, 60000)") == [(True,)]
        assert state_of(journal, key, 1) is State.WAITING
    hands.close()


def test_the_cursor_of_a_batch_commits_with_its_rows(database: Database) -> None:
    database.execute("CREATE TABLE t (a integer, n integer); INSERT INTO t SELECT g, 0 FROM generate_series(1, 20) g")
    with journal_of(database) as journal, database.connect() as hands:
        journal.prepare()
        key = journal.keep(FULL, run="run1")
        journal.record(key, Mark(ordinal=2, state=State.BEGUN, pins=("2026-01-01", None)), run="run1")
        for last, is_kept in ((10, True), (20, False)):
            hands.execute("BEGIN")
            hands.execute(f"UPDATE t SET n = n + 1 WHERE a <= {last} AND a > {last - 10}")
            mark = Mark(ordinal=2, state=State.BEGUN, cursor=(str(last), 'ü"%s'), rows_done=last)
            send(hands, journal.mark(key, mark, run="run1"))
            hands.execute("COMMIT" if is_kept else "ROLLBACK")
        (asked,) = journal.asks(key, 2)
        found = journal.read(journal.ask(asked))
    assert found is not None
    assert (found.cursor, found.rows_done, found.pins) == (("10", 'ü"%s'), 10, ("2026-01-01", None))
    assert database.fetch("SELECT sum(n) FROM t") == [(10,)]


def test_a_mark_can_be_made_under_any_search_path(database: Database) -> None:
    """A migration's own settings hold while the mark is written: it must not mean another operator or type."""
    database.execute(
        "CREATE SCHEMA trap; CREATE DOMAIN trap.text AS varchar(1); CREATE DOMAIN trap.int8 AS integer;"
        "CREATE FUNCTION trap.never(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
        "CREATE OPERATOR trap.= (FUNCTION = trap.never, LEFTARG = bigint, RIGHTARG = bigint);"
        "CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'",
    )
    with journal_of(database, "100%s") as journal, database.connect() as hands:
        journal.prepare()
        key = journal.keep(program(), run="run1")
        hands.execute(
            "SET search_path = trap, pg_catalog; SET standard_conforming_strings = off; SET TimeZone = 'Asia/Tokyo'"
        )
        hands.execute("BEGIN")
        send(hands, journal.mark(key, Mark(ordinal=1, state=State.DONE, note="adopted"), run="run1"))
        send(hands, journal.finish(key, ProgramState.SETTLED))
        hands.execute("COMMIT")
        assert state_of(journal, key, 1) is State.DONE
        assert journal.standing().unfinished == ()


def test_what_a_mark_leaves_out_stays_and_undone_forgets_it(database: Database) -> None:
    with journal_of(database) as journal:
        journal.prepare()
        key = journal.keep(FULL, run="run1")
        said = Mark(ordinal=2, state=State.FAILED, cursor=("1",), rows_done=5, attempts=2, error="no", sqlstate="23505")
        journal.record(key, said, run="run1")
        journal.record(key, Mark(ordinal=2, state=State.BEGUN), run="run2")
        (kept,) = journal.standing().unfinished
        assert kept.mark_of(2) == replace(said, state=State.BEGUN)
        journal.record(key, Mark(ordinal=2, state=State.UNDONE), run="run2")
        (kept,) = journal.standing().unfinished
        assert kept.mark_of(2) == Mark(ordinal=2, state=State.UNDONE)


def test_secrets_are_not_written(database: Database) -> None:
    with journal_of(database) as journal:
        journal.prepare()
        key = journal.keep(FULL, run="run1")
        error = "syntax error at CREATE ROLE a PASSWORD 'hunter2'"
        journal.record(key, Mark(ordinal=1, state=State.FAILED, error=error), run="run1")
        unit = replace(measured(1), error=error)
        others = tuple(replace(other, query="ALTER ROLE a PASSWORD 'hunter2'") for other in unit.in_the_way)
        journal.measure(key, replace(unit, in_the_way=others), run="run1")
    ((text,),) = database.fetch("SELECT string_agg(u::text, '') FROM gate.units u")
    assert "hunter2" not in text
    assert text.count("***") == 2


def test_one_migration_has_one_unfinished_program(database: Database) -> None:
    with journal_of(database) as journal:
        journal.prepare()
        key = journal.keep(program(), run="run1")
        # The answer to the first may have been lost; another run's program is never written over.
        assert journal.keep(program(), run="run1") == key
        with pytest.raises(UsageError, match="unfinished program in the journal already"):
            journal.keep(program(), run="run2")
        journal.ask(*journal.finish(key, ProgramState.UNDONE))
        journal.keep(replace(program(), fingerprint="sha256:2"), run="run2")
        (kept,) = journal.standing().unfinished
        assert kept.fingerprint == "sha256:2"
        assert journal.standing().unfinished_of("dbmate", kept.migration) == kept
        assert journal.standing().unfinished_of("goose", kept.migration) is None


def test_what_units_took_is_what_later_estimates_learn_from(database: Database) -> None:
    with journal_of(database) as journal:
        journal.prepare()
        key = journal.keep(FULL, run="run1")
        for ordinal in (1, 3):
            journal.record(key, Mark(ordinal=ordinal, state=State.DONE), run="run1")
            journal.measure(key, measured(ordinal), run="run1")
        (past,) = journal.past_runs()
        assert (past.work, past.size_bytes, past.rows, past.seconds, past.estimated_s) == (
            Work.INDEX_BUILD, 8192, 100.0, 2.5, 1.0,
        )  # fmt: skip
        # What another run has finished was timed in part only.
        journal.record(key, Mark(ordinal=1, state=State.DONE), run="run2")
        assert journal.past_runs() == ()


def test_every_table_has_a_primary_key(database: Database) -> None:
    """A publication of updates refuses rows without an identity."""
    with journal_of(database) as journal:
        journal.prepare()
    without = (
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'gate'::regnamespace AND c.relkind = 'r'"
        " AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)"
    )
    assert database.fetch(without) == []
    assert len(database.fetch("SELECT FROM pg_class WHERE relnamespace = 'gate'::regnamespace AND relkind = 'r'")) == 5


def measured(ordinal: int) -> UnitRun:
    return UnitRun(
        migration="20260101000000",
        ordinal=ordinal,
        kind="statement",
        why="",
        sql="",
        state=State.DONE,
        attempts=3,
        seconds=2.5,
        waited_s=0.5,
        blocked_s=0.1,
        in_the_way=(InTheWay(relation="public.t", held="ACCESS SHARE", backend=Backend(pid=1, started_at="")),),
    )


def state_of(journal: DatabaseJournal, key: int, ordinal: int) -> State | None:
    (asked,) = journal.asks(key, ordinal)
    mark = journal.read(journal.ask(asked))
    return None if mark is None else mark.state


def test_a_unit_that_nobody_kept_has_no_mark(database: Database) -> None:
    with database.connect() as connection:
        journal = DatabaseJournal(asking(connection))
        journal.prepare()
        assert state_of(journal, 1, 1) is None


@pytest.mark.parametrize("setting", ["RESET role", "SET role = journal_owner"])
def test_a_migration_may_take_another_role(database: Database, setting: str) -> None:
    """The journal belongs to the role that connects, or to the one that it takes by its own setting."""
    database.execute(
        "CREATE ROLE journal_login LOGIN; CREATE ROLE journal_owner; CREATE ROLE journal_app;"
        "GRANT journal_owner, journal_app TO journal_login;"
        f"GRANT CREATE ON DATABASE {database.name} TO journal_owner, journal_login"
    )
    try:
        database.execute(f"ALTER ROLE journal_login {setting}")
        with (
            journal_of(database, user="journal_login") as journal,
            database.connect(user="journal_login") as hands,
        ):
            journal.prepare()
            key = journal.keep(program(), run="run1")
            hands.execute("SET ROLE journal_app")
            hands.execute("BEGIN")
            send(hands, journal.mark(key, Mark(ordinal=1, state=State.DONE), run="run1"))
            send(hands, journal.finish(key, ProgramState.DONE))
            hands.execute("COMMIT")
            assert state_of(journal, key, 1) is State.DONE
            assert hands.execute("SELECT current_user").fetchone() == ("journal_app",)
    finally:
        database.execute(
            "DROP OWNED BY journal_login, journal_owner, journal_app CASCADE;"
            "DROP ROLE journal_login, journal_owner, journal_app"
        )
