"""Runs in a journal of every major: begun, alive, ended, dead, forgotten in the end."""

from __future__ import annotations

import psycopg
import pytest

from gate.journal import writing
from gate.model.run import Leftover, Outcome
from gate.run.journalling import DEFAULT_SCHEMA, ProgramState, runner_lock_holder, takes_runner_lock
from tests.journal.asking import asking, journal_of, program, run, start
from tests.servers import Database


def test_a_run_from_its_begin_to_its_end(database: Database) -> None:
    with database.connect() as connection, journal_of(database) as journal:
        journal.prepare()
        for _ in range(2):
            journal.begin_run(start(budget_s=600.0))
        (found,) = journal.standing().runs
        assert (found.id, found.outcome, found.document, found.ended_at) == ("run1", Outcome.RUNNING, {}, None)
        assert found.heartbeat_age_s is not None
        assert found.heartbeat_age_s >= 0
        assert found.backend is not None
        seen = connection.execute(
            "SELECT pid, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            " FROM pg_stat_activity WHERE pid = %s",
            (found.backend.pid,),
        ).fetchall()
        assert seen == [(found.backend.pid, found.backend.started_at)]
        with journal_of(database) as renewed:
            renewed.heartbeat("run1")
        (later,) = journal.standing().runs
        assert (later.heartbeat_at or "") > (found.heartbeat_at or "")
        assert later.backend != found.backend
        left = Leftover(what="an invalid index", sql="DROP INDEX i", needs_person=True)
        journal.end_run(run(outcome=Outcome.STOPPED, leftovers=(left,), problem="stopped by SIGTERM"))
        (ended,) = journal.standing().runs
    assert ended.outcome is Outcome.STOPPED
    assert ended.ended_at is not None
    assert ended.document["problem"] == "stopped by SIGTERM"
    assert ended.document["leftovers"] == [{"what": left.what, "sql": left.sql, "needs_person": True}]
    assert "plan" not in ended.document


def test_a_run_that_never_ended_is_dead_when_the_next_begins(database: Database) -> None:
    with journal_of(database) as journal:
        journal.prepare()
        journal.begin_run(start("run1"))
        journal.begin_run(start("run2", took_up="run1"))
        found = [(known.id, known.outcome, known.took_up) for known in journal.standing().runs]
    assert found == [("run2", Outcome.RUNNING, "run1"), ("run1", Outcome.ABANDONED, None)]


def test_what_no_text_can_hold_is_kept_all_the_same(database: Database) -> None:
    """A hook's output is anybody's bytes, and a journal that fails at the end helps nobody."""
    with journal_of(database) as journal:
        journal.prepare()
        journal.begin_run(start())
        journal.end_run(run(problem="a\0b \ud800 \N{SNOWMAN}", remedy="ALTER ROLE a PASSWORD 'hunter2'"))
        (found,) = journal.standing().runs
    assert "hunter2" not in str(found.document)
    assert found.document["problem"] == "a\0b \ud800 \N{SNOWMAN}"


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_in_any_encoding(database: Database, encoding: str) -> None:
    name = f"{database.name}_{encoding.lower()}"
    database.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        with psycopg.connect(database.conninfo, dbname=name, autocommit=True) as connection:
            from gate.journal.database import DatabaseJournal

            journal = DatabaseJournal(asking(connection))
            journal.prepare()
            journal.begin_run(start())
            kept = program(path="db/\N{SNOWMAN}.sql")
            journal.keep(kept, run="run1")
            journal.end_run(run(problem="\N{SNOWMAN}"))
            standing = journal.standing()
        assert standing.runs[0].document["problem"] == "\N{SNOWMAN}"
        assert [known.program for known in standing.unfinished] == [kept]
    finally:
        database.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_journal_does_not_grow_for_ever(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "RUNS_KEPT", 3)
    monkeypatch.setattr(writing, "PROGRAMS_KEPT", 2)
    with journal_of(database) as journal:
        journal.prepare()
        journal.keep(program("unfinished"), run="run0")
        for number in range(6):
            journal.begin_run(start(f"run{number}"))
            key = journal.keep(program(str(number)), run=f"run{number}")
            journal.ask(*journal.finish(key, ProgramState.DONE))
            journal.end_run(run(f"run{number}"))
        journal.begin_run(start("alive"))
        assert {known.id for known in journal.standing().runs} == {"run3", "run4", "run5", "alive"}
        assert [kept.migration for kept in journal.standing().unfinished] == ["unfinished"]
    assert database.fetch("SELECT migration FROM gate.programs ORDER BY id") == [("unfinished",), ("4",), ("5",)]
    assert database.fetch("SELECT count(DISTINCT program) FROM gate.units") == [(3,)]


def test_only_one_holds_the_runners_lock_and_is_named(database: Database) -> None:
    with database.connect(application_name="gate release") as one, database.connect() as other:
        assert asking(one)(takes_runner_lock(DEFAULT_SCHEMA)) == ({"is_taken": True},)
        assert asking(other)(takes_runner_lock(DEFAULT_SCHEMA)) == ({"is_taken": False},)
        assert asking(other)(takes_runner_lock("another")) == ({"is_taken": True},)
        (holder,) = asking(other)(runner_lock_holder(DEFAULT_SCHEMA))
        assert (holder["pid"], holder["application"]) == (one.info.backend_pid, "gate release")
        assert asking(one)(runner_lock_holder("nobodys")) == ()
    with database.connect() as third:
        assert asking(third)(takes_runner_lock(DEFAULT_SCHEMA)) == ({"is_taken": True},)
