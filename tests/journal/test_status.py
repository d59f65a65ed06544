"""What gate status finds in a journal that releases have written, on every major."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gate.app.request import Request
from gate.app.status import status
from gate.journal.database import DatabaseJournal
from gate.model.errors import MissingPrivilege, UsageError
from gate.model.program import Command, UnitKind
from gate.model.run import Leftover, Outcome, State
from gate.report import Look
from gate.report.status import render
from gate.run.journalling import DEFAULT_SCHEMA, Mark, ProgramState, takes_runner_lock
from tests.journal.asking import asking, journal_of, program, run, start, unit
from tests.servers import Database

TABLES = "CREATE TABLE t (a integer, b integer); INSERT INTO t SELECT g, g FROM generate_series(1, 10) g"

BEGUN = program(
    "20260101000000",
    unit(1, undo='ALTER TABLE public.t DROP COLUMN "half %s"', why="adds a column"),
    unit(2, undo="ALTER TABLE public.t DROP CONSTRAINT IF EXISTS t_check"),
    unit(3, undo="DROP TRIGGER keep ON public.t; DROP FUNCTION public.keep()"),
    unit(4, kind=UnitKind.STATEMENT, undo="DROP INDEX CONCURRENTLY IF EXISTS public.t_b", why="builds t_b", line=7),
    unit(5, undo="DROP INDEX CONCURRENTLY IF EXISTS public.t_a; DROP TABLE public.later"),
    unit(6, commands=(Command(place=0),), writes_bookkeeping=True),
)
MAKES = """
ALTER TABLE t ADD COLUMN "half %s" integer;
ALTER TABLE t ADD CONSTRAINT t_check CHECK (a > 0) NOT VALID;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER keep BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION keep();
CREATE INDEX t_b ON t (b);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_b'::regclass;
"""


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def taken(database: Database, **more: Any) -> tuple[int, dict[str, Any]]:
    """The exit code and the document."""
    stock = status(Request(database_url=database.conninfo, **more))
    return int(stock.exit), json.loads(render("json", stock, Look()))


def half_way(journal: DatabaseJournal) -> int:
    """Four steps begun, the last of them not done."""
    journal.prepare()
    journal.begin_run(start())
    key = journal.keep(BEGUN, run="run1")
    for ordinal in (1, 2, 3):
        journal.record(key, Mark(ordinal=ordinal, state=State.DONE), run="run1")
    journal.record(key, Mark(ordinal=4, state=State.BEGUN), run="run1")
    return key


def test_what_is_half_done_is_named_and_what_is_whole_is_not(database: Database) -> None:
    database.execute(TABLES + ";" + MAKES + "CREATE TABLE later (a integer)")
    with journal_of(database) as journal:
        key = half_way(journal)
        code, found = taken(database)
        assert code == 30
        (unfinished,) = found["unfinished"]
        assert (unfinished["done"], unfinished["units"], unfinished["next"], unfinished["line"]) == (3, 6, 4, 7)
        # `later` belongs to a step that was not begun.
        assert [leftover["sql"] for leftover in found["leftovers"]] == [
            'ALTER TABLE public.t DROP COLUMN "half %s"',
            "ALTER TABLE public.t DROP CONSTRAINT IF EXISTS t_check",
            "DROP TRIGGER keep ON public.t",
            "DROP FUNCTION public.keep()",
            "DROP INDEX CONCURRENTLY IF EXISTS public.t_b",
        ]
        # Each can be taken away with what is printed.
        for leftover in found["leftovers"]:
            database.execute(leftover["sql"])
        assert taken(database)[1]["leftovers"] == []
        database.execute("CREATE INDEX t_b ON t (b); ALTER TABLE t ADD CONSTRAINT t_check CHECK (a > 0)")
        assert taken(database)[1]["leftovers"] == []
        journal.ask(*journal.finish(key, ProgramState.DONE))
        journal.end_run(run())
    code, found = taken(database)
    assert (code, found["unfinished"], found["runs"][0]["outcome"]) == (0, [], "done")


def test_an_index_that_the_file_itself_was_building(database: Database) -> None:
    """No step takes it back, for the statement is the file's own."""
    database.execute(TABLES)
    own = program(
        "20260102000000",
        unit(1, kind=UnitKind.STATEMENT, builds=("public", "t_A"), touches=("public.t",)),
        unit(2, kind=UnitKind.STATEMENT, touches=("public.t",)),
        unit(3, kind=UnitKind.STATEMENT, builds=("public", "later"), touches=("public.t",)),
    )
    with journal_of(database) as journal:
        journal.prepare()
        journal.begin_run(start())
        key = journal.keep(own, run="run1")
        journal.record(key, Mark(ordinal=1, state=State.BEGUN), run="run1")
        fails(database, 'CREATE UNIQUE INDEX CONCURRENTLY "t_A" ON t ((1))')
        assert [item["sql"] for item in taken(database)[1]["leftovers"]] == [
            'DROP INDEX CONCURRENTLY IF EXISTS public."t_A"'
        ]
        database.execute('DROP INDEX "t_A"')
        # What REINDEX CONCURRENTLY leaves behind when it is cut short.
        journal.record(key, Mark(ordinal=1, state=State.DONE), run="run1")
        journal.record(key, Mark(ordinal=2, state=State.BEGUN), run="run1")
        database.execute(
            "CREATE FUNCTION odd(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS"
            " 'BEGIN RETURN current_setting(''odd.works'')::integer; END'"
        )
        with database.connect() as connection:
            connection.execute("SET odd.works = '1'")
            connection.execute("CREATE INDEX rebuilt ON t (odd(a))")
        fails(database, "REINDEX INDEX CONCURRENTLY rebuilt")
        (found,) = taken(database)[1]["leftovers"]
        assert found["sql"] == "DROP INDEX CONCURRENTLY IF EXISTS public.rebuilt_ccnew"
        database.execute(found["sql"])
        assert taken(database)[1]["leftovers"] == []


def fails(database: Database, sql: str) -> None:
    with pytest.raises(psycopg.Error):
        database.execute(sql)


def test_a_run_is_alive_as_long_as_its_lock_is_held(database: Database) -> None:
    database.execute(TABLES)
    with database.connect(application_name="gate release") as runner:
        runner.execute("SELECT 1")
        journal = DatabaseJournal(asking(runner))
        journal.ask(takes_runner_lock(DEFAULT_SCHEMA))
        half_way(journal)
        code, found = taken(database)
        assert (code, found["running"]["pid"]) == (30, runner.info.backend_pid)
        assert found["runs"][0]["dead"] is False
        assert found["runs"][0]["heartbeat_age_s"] >= 0
    until_gone(database, found["running"]["pid"])
    code, found = taken(database)
    assert (code, found["running"], found["runs"][0]["dead"]) == (30, None, True)


def until_gone(database: Database, pid: int) -> None:
    while database.fetch(f"SELECT FROM pg_stat_activity WHERE pid = {pid}"):
        pass


def test_what_needs_a_person_does_so_until_it_is_gone(database: Database) -> None:
    database.execute(TABLES)
    left = Leftover(what="the column b stayed", sql="ALTER TABLE public.t DROP COLUMN b", needs_person=True)
    with journal_of(database) as journal:
        journal.prepare()
        journal.begin_run(start())
        journal.end_run(run(outcome=Outcome.FAILED, leftovers=(left,)))
    code, found = taken(database)
    assert (code, found["leftovers"][0]["what"]) == (31, "the column b stayed")
    database.execute(left.sql)
    assert taken(database)[0] == 0
    with journal_of(database) as journal:
        journal.begin_run(start("run2"))
        vague = replace(left, sql="")
        journal.end_run(run("run2", outcome=Outcome.NEEDS_PERSON, leftovers=(vague,)))
        assert taken(database)[0] == 31
        journal.begin_run(start("run3"))
        journal.end_run(run("run3"))
    assert taken(database)[0] == 0


def test_what_a_settled_migration_left_behind(database: Database) -> None:
    """Somebody has finished it by hand: its columns are meant to be there, a trigger of its steps is not."""
    database.execute(TABLES + ";" + MAKES)
    with journal_of(database) as journal:
        key = half_way(journal)
        journal.ask(*journal.finish(key, ProgramState.SETTLED))
        journal.end_run(run())
    code, found = taken(database)
    assert (code, found["unfinished"], found["needs_person"]) == (31, [], True)
    assert [leftover["sql"].partition(" ON ")[0] for leftover in found["leftovers"]] == [
        "ALTER TABLE public.t DROP CONSTRAINT IF EXISTS t_check",
        "DROP TRIGGER keep",
        "DROP FUNCTION public.keep()",
        "DROP INDEX CONCURRENTLY IF EXISTS public.t_b",
    ]
    for leftover in found["leftovers"]:
        database.execute(leftover["sql"])
    assert taken(database)[0] == 0


@contextmanager
def reader(database: Database) -> Iterator[str]:
    """The URL of a role that has nothing of its own."""
    database.execute("DROP ROLE IF EXISTS status_reader; CREATE ROLE status_reader LOGIN")
    try:
        yield database.conninfo.replace("user=postgres", "user=status_reader")
    finally:
        database.execute("DROP OWNED BY status_reader; DROP ROLE status_reader")


def test_a_role_that_may_only_read(database: Database) -> None:
    database.execute(TABLES + ";" + MAKES)
    with journal_of(database) as journal:
        half_way(journal)
    with reader(database) as conninfo:
        with pytest.raises(MissingPrivilege, match="may not read the journal in schema gate") as refused:
            taken(replace(database, conninfo=conninfo))
        database.execute(refused.value.remedy)
        code, found = taken(replace(database, conninfo=conninfo))
        assert code == 30
        assert len(found["leftovers"]) == 5


def test_a_database_that_is_read_only(database: Database) -> None:
    with journal_of(database) as journal:
        half_way(journal)
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    assert taken(database)[0] == 30


def test_a_broken_journal_is_told_as_such(database: Database) -> None:
    with journal_of(database) as journal:
        journal.prepare()
    database.execute("DROP TABLE gate.units")
    with pytest.raises(UsageError, match=r"gate\.units is missing"):
        taken(database)


@pytest.mark.majors(newest=True)
def test_another_schema_and_a_file(database: Database) -> None:
    with journal_of(database, "else where") as journal:
        half_way(journal)
    assert taken(database)[0] == 0
    assert taken(database, journal_schema="else where")[0] == 30
    code, found = taken(database, journal="file:runs.jsonl")
    assert (code, found["journal"]["place"]) == (0, "file runs.jsonl")
    assert not Path("runs.jsonl").exists()
