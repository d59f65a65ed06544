"""A publication that would take the journal in: it is said beforehand, with the right SQL for the subscriber."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gate.journal.database import DatabaseJournal
from gate.model.plan import Finding, Severity
from gate.model.run import State
from gate.run.journalling import Mark
from tests.journal.asking import asking, journal_of, program, run, start
from tests.servers import Database

TABLE = "CREATE TABLE t (a integer PRIMARY KEY)"
TABLES = (
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity"
    " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    " WHERE c.relnamespace = 'gate'::regnamespace ORDER BY 1, a.attnum"
)


def found(database: Database) -> Finding | None:
    with journal_of(database) as journal:
        return journal.needs_acceptance()


def on_subscriber(finding: Finding) -> str:
    return finding.remedy.partition("On the subscriber:\n")[2]


def test_all_tables(clone: Callable[[str], Database]) -> None:
    published, subscriber = clone(""), clone("")
    published.execute("CREATE PUBLICATION everything FOR ALL TABLES; CREATE PUBLICATION nothing")
    finding = found(published)
    assert finding is not None
    assert (finding.rule, finding.severity) == ("journal-is-published", Severity.REFUSE)
    assert "the publication everything takes in every new table" in finding.problem
    assert "journal_published = true" in finding.remedy
    subscriber.execute(on_subscriber(finding))
    with journal_of(published) as journal:
        journal.prepare()
        # Rows of the journal are changed although they are published: each table has an identity.
        journal.begin_run(start())
        journal.keep(program(), run="run1")
        journal.end_run(run())
        assert journal.needs_acceptance() is None
    assert subscriber.fetch(TABLES) == published.fetch(TABLES)


@pytest.mark.majors(since=15)
def test_all_tables_of_the_schema(database: Database) -> None:
    database.execute("CREATE SCHEMA gate; CREATE PUBLICATION part FOR TABLES IN SCHEMA gate")
    finding = found(database)
    assert finding is not None
    assert "the publication part takes in" in finding.problem
    assert on_subscriber(finding).startswith("CREATE TABLE")


def test_publications_of_other_tables_do_not_matter(database: Database, major: int) -> None:
    database.execute("CREATE TABLE t (a integer); CREATE PUBLICATION part FOR TABLE t")
    if major >= 15:
        database.execute("CREATE PUBLICATION whole FOR TABLES IN SCHEMA public")
    assert found(database) is None


def test_the_acceptance_does_not_ask_for_privileges(database: Database) -> None:
    """Whether it is published can be seen by everybody."""
    database.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    with database.connect() as connection:
        connection.execute("SET ROLE pg_monitor")
        assert DatabaseJournal(asking(connection)).needs_acceptance() is not None


@contextmanager
def subscribed(published: Database, subscriber: Database) -> Iterator[None]:
    """In one cluster the slot has to be made apart, or CREATE SUBSCRIPTION waits for itself."""
    slot = f"slot_{subscriber.name}"
    published.execute(f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')")
    conninfo = published.conninfo.replace("'", "''")
    subscriber.execute(
        f"CREATE SUBSCRIPTION {slot} CONNECTION '{conninfo}' PUBLICATION everything"
        f" WITH (create_slot = false, slot_name = '{slot}', copy_data = false)"
    )
    try:
        yield
    finally:
        subscriber.execute(f"ALTER SUBSCRIPTION {slot} DISABLE")
        subscriber.execute(f"ALTER SUBSCRIPTION {slot} SET (slot_name = NONE)")
        subscriber.execute(f"DROP SUBSCRIPTION {slot}")
        until(published, f"SELECT FROM pg_replication_slots WHERE slot_name = '{slot}' AND NOT active")


def until(database: Database, query: str) -> None:
    """Until there is a row."""
    while not database.fetch(query):
        time.sleep(0.05)


def write_to_the_journal(published: Database) -> None:
    with journal_of(published) as journal:
        journal.prepare()
        journal.begin_run(start())
        key = journal.keep(program(), run="run1")
        journal.record(key, Mark(ordinal=1, state=State.DONE), run="run1")
        journal.end_run(run())
    published.execute("INSERT INTO t VALUES (1)")


@pytest.mark.slow
def test_a_subscriber_that_ran_the_sql_goes_on(clone: Callable[[str], Database]) -> None:
    published, subscriber = clone(TABLE), clone(TABLE)
    published.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    finding = found(published)
    assert finding is not None
    subscriber.execute(on_subscriber(finding))
    with subscribed(published, subscriber):
        write_to_the_journal(published)
        until(subscriber, "SELECT FROM t")


@pytest.mark.slow
@pytest.mark.majors(since=15)
def test_a_subscriber_without_the_tables_stops(clone: Callable[[str], Database]) -> None:
    """15 is the first that counts the errors."""
    published, subscriber = clone(TABLE), clone(TABLE)
    published.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    with subscribed(published, subscriber):
        write_to_the_journal(published)
        until(subscriber, "SELECT FROM pg_stat_subscription_stats WHERE apply_error_count > 0")
        assert subscriber.fetch("SELECT FROM t") == []
