"""How the journal comes to be, or why it cannot: privileges, read-only databases, newer journals, odd names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from gate.journal.database import DatabaseJournal
from gate.journal.tables import VERSIONS, JournalVersion
from gate.model.errors import MissingPrivilege, UsageError
from gate.model.migration import Query
from gate.model.run import State
from gate.run.journalling import Mark, ProgramState
from gate.run.world import Row
from gate.sources.state import USER_TABLES
from tests.journal.asking import asking, journal_of, program, run, start
from tests.servers import Database, LiveServer

SECOND = JournalVersion(version=2, statements=("ALTER TABLE {schema}.runs ADD COLUMN more text",))
ROLES = ("plain", 'o"dd %s')


@contextmanager
def as_role(server: LiveServer, database: Database, name: str) -> Iterator[psycopg.Connection]:
    """A connection of a role that has nothing; the role is gone afterwards, with what it made."""
    role = sql.Identifier(name)
    server.admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))
    server.admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    try:
        with psycopg.connect(database.conninfo, user=name, autocommit=True) as connection:
            yield connection
    finally:
        with database.connect() as admin:
            admin.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
        server.admin.execute(sql.SQL("DROP ROLE {}").format(role))


def relations(database: Database) -> list[tuple[str, ...]]:
    return database.fetch("SELECT relname FROM pg_class WHERE oid > 16383 AND relkind = 'r'")


def test_nothing_is_there_and_looking_makes_nothing(database: Database) -> None:
    with journal_of(database) as journal:
        standing = journal.standing()
        assert (standing.version, standing.is_newer, standing.unfinished, standing.runs) == (None, False, (), ())
        assert standing.unreadable == ""
        assert journal.past_runs() == ()
        assert journal.needs_acceptance() is None
    assert relations(database) == []


@pytest.mark.parametrize(
    "schema", ["gate", "Gate", "100%s", 'a"b', "a'b", "$gate$", "select", "ü %% \\", "( a  b )", "x" * 63]
)
def test_it_can_be_in_a_schema_of_any_name(database: Database, schema: str) -> None:
    with journal_of(database, schema) as journal:
        for _ in range(2):
            journal.prepare()
        journal.begin_run(start())
        key = journal.keep(program(), run="run1")
        journal.record(key, Mark(ordinal=1, state=State.DONE), run="run1")
        journal.end_run(run())
        standing = journal.standing()
    assert standing.version == 1
    assert [kept.key for kept in standing.unfinished] == [key]
    with database.connect() as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE oid > 16383").fetchall()
    assert found == [(schema,)]


def test_it_is_made_under_any_settings(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("SET standard_conforming_strings = off; SET search_path = ''; SET default_tablespace = ''")
        connection.execute(
            "SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard'; SET TimeZone = 'Asia/Tokyo'"
        )
        journal = DatabaseJournal(asking(connection), "a%b\\c")
        journal.prepare()
        journal.begin_run(start())
        (found,) = journal.standing().runs
        assert connection.execute("SHOW search_path").fetchone() == ('""',)
        assert connection.execute("SHOW lock_timeout").fetchone() == ("0",)
    assert found.started_at.endswith("Z")


@pytest.mark.parametrize("name", ROLES)
def test_without_the_privilege_it_names_the_grant(server: LiveServer, database: Database, name: str) -> None:
    """Each GRANT that is named is run, and is enough to come a step further."""
    with as_role(server, database, name) as connection:
        journal = DatabaseJournal(asking(connection))
        with pytest.raises(MissingPrivilege, match="may not create the schema gate in test_") as refused:
            journal.prepare()
        grant, _, alternative = refused.value.remedy.partition("; or let an administrator make it once: ")
        database.execute(alternative)
        journal.prepare()
        database.execute("DROP SCHEMA gate CASCADE")
        database.execute(grant)
        journal.prepare()
        assert journal.standing().version == 1


@pytest.mark.parametrize("name", ROLES)
def test_an_empty_schema_of_somebody_else(server: LiveServer, database: Database, name: str) -> None:
    database.execute("CREATE SCHEMA gate")
    with as_role(server, database, name) as connection:
        journal = DatabaseJournal(asking(connection))
        with pytest.raises(MissingPrivilege, match="may not create tables in schema gate") as refused:
            journal.prepare()
        database.execute(refused.value.remedy)
        journal.prepare()


@pytest.mark.parametrize("name", ROLES)
def test_a_journal_of_another_role(server: LiveServer, database: Database, name: str) -> None:
    with journal_of(database) as journal:
        journal.prepare()
        journal.begin_run(start())
    with as_role(server, database, name) as connection:
        journal = DatabaseJournal(asking(connection))
        standing = journal.standing()
        assert standing.version is None
        assert "may not read the journal in schema gate" in standing.unreadable
        assert journal.past_runs() == ()
        database.execute(standing.remedy)
        assert [found.id for found in journal.standing().runs] == ["run1"]
        with pytest.raises(MissingPrivilege, match="may not write to the journal in schema gate") as refused:
            journal.prepare()
        database.execute(refused.value.remedy)
        journal.prepare()
        journal.end_run(run())
        key = journal.keep(program(), run="run1")
        journal.ask(*journal.finish(key, ProgramState.DONE))


def test_a_schema_with_other_tables_is_not_taken(database: Database) -> None:
    database.execute("CREATE SCHEMA gate; CREATE TABLE gate.keepers (a integer)")
    with journal_of(database) as journal:
        with pytest.raises(UsageError, match=r"in use by something else: it has gate\.keepers") as refused:
            journal.prepare()
        assert "--journal-schema" in refused.value.remedy
        assert journal.standing().version is None
    database.execute("DROP TABLE gate.keepers; CREATE TABLE gate.runs (a integer)")
    with journal_of(database) as journal:
        with pytest.raises(UsageError, match=r"it has gate\.runs"):
            journal.prepare()
        assert journal.standing().version is None


def test_the_bookkeeping_of_plain_files_is_gate_s_own(database: Database) -> None:
    database.execute("CREATE SCHEMA gate; CREATE TABLE gate.applied (id text PRIMARY KEY)")
    with journal_of(database) as journal:
        journal.prepare()
        assert journal.standing().version == 1


def test_a_journal_that_lost_a_table(database: Database) -> None:
    with journal_of(database) as journal:
        journal.prepare()
        database.execute("DROP TABLE gate.units")
        assert "gate.units is missing" in journal.standing().unreadable
        assert journal.past_runs() == ()
        with pytest.raises(UsageError, match=r"gate\.units is missing"):
            journal.prepare()


@pytest.mark.parametrize("who", ["ALTER DATABASE {} SET", "ALTER ROLE postgres IN DATABASE {} SET"])
def test_a_read_only_database_is_read(database: Database, who: str) -> None:
    with journal_of(database) as journal:
        journal.prepare()
        journal.begin_run(start())
    database.execute(f"{who.format(database.name)} default_transaction_read_only = on")
    with journal_of(database) as journal:
        assert [found.id for found in journal.standing().runs] == ["run1"]
        assert journal.needs_acceptance() is None
        with pytest.raises(UsageError, match="lets this session only read"):
            journal.prepare()
    with journal_of(database, "other") as journal:
        assert journal.standing().version is None
        with pytest.raises(UsageError, match="lets this session only read"):
            journal.prepare()


def test_a_newer_journal_is_read_and_never_written_to(database: Database) -> None:
    with database.connect() as connection:
        new = DatabaseJournal(asking(connection), versions=(*VERSIONS, SECOND), gate="9.0.0")
        new.prepare()
        new.begin_run(start())
        key = new.keep(program(), run="run1")
        connection.execute("UPDATE gate.programs SET program = replace(program::text, '{', '{\"new\": [1], ')::json")
        old = DatabaseJournal(asking(connection))
        standing = old.standing()
        assert (standing.version, standing.made_by, standing.is_newer) == (2, "9.0.0", True)
        assert [kept.program for kept in standing.unfinished] == [program()]
        assert old.needs_acceptance() is None
        with pytest.raises(UsageError, match=r"version 2, made by gate 9\.0\.0; gate .* knows version 1") as refused:
            old.prepare()
        assert "gate 9.0.0" in refused.value.remedy
        connection.execute("UPDATE gate.programs SET program = replace(program::text, 'transaction', 'spell')::json")
        connection.execute("UPDATE gate.runs SET outcome = 'enchanted'")
        (kept,) = old.standing().unfinished
        assert (kept.key, kept.program, kept.next_unit) == (key, None, None)
        assert [found.outcome for found in old.standing().runs] == [None]


def test_a_state_of_a_newer_gate_is_nobodys_to_act_on(database: Database) -> None:
    with journal_of(database) as journal:
        journal.prepare()
        journal.keep(program(), run="run1")
        database.execute("UPDATE gate.units SET state = 'enchanted' WHERE ordinal = 2")
        (kept,) = journal.standing().unfinished
    assert kept.program is None
    assert len(kept.marks) == 2


def test_an_older_journal_is_brought_up_to_date_as_a_whole(database: Database) -> None:
    broken = JournalVersion(version=3, statements=("CREATE TABLE {schema}.half (a integer)", "SELECT 1 / 0"))
    with database.connect() as connection:
        DatabaseJournal(asking(connection)).prepare()
        DatabaseJournal(asking(connection), versions=(*VERSIONS, SECOND)).prepare()
        with pytest.raises(psycopg.errors.DivisionByZero):
            DatabaseJournal(asking(connection), versions=(*VERSIONS, SECOND, broken)).prepare()
    assert database.fetch("SELECT version FROM gate.journal_versions ORDER BY 1") == [(1,), (2,)]
    assert ("half",) not in relations(database)


def test_what_is_locked_is_not_waited_for(database: Database) -> None:
    """Two seconds at most; nobody queues behind the journal's own migration for longer."""
    with database.connect() as holder, database.connect() as connection:
        DatabaseJournal(asking(connection)).prepare()
        holder.execute("BEGIN; LOCK TABLE gate.runs IN ACCESS SHARE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            DatabaseJournal(asking(connection), versions=(*VERSIONS, SECOND)).prepare()


def test_looking_takes_two_questions_at_most(database: Database) -> None:
    asked: list[Query] = []
    with database.connect() as connection:
        ask = asking(connection)

        def counted(query: Query) -> tuple[Row, ...]:
            asked.append(query)
            return ask(query)

        journal = DatabaseJournal(counted)
        journal.standing()
        assert len(asked) == 1
        journal.prepare()
        asked.clear()
        journal.standing()
        assert len(asked) == 2


def test_the_journal_is_no_table_of_the_users(database: Database) -> None:
    """A first release that came to nothing leaves a journal, and the next one is still a first release."""
    for schema in ("gate", "else where"):
        with journal_of(database, schema) as journal:
            journal.prepare()
            assert journal.ask(USER_TABLES) == ({"has_user_tables": False},)
            database.execute("CREATE TABLE t (a integer)")
            assert journal.ask(USER_TABLES) == ({"has_user_tables": True},)
            database.execute("DROP TABLE t")
