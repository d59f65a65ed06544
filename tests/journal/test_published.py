"""A publication that would take the journal in: it is said beforehand, with the right SQL for the subscriber."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gate.journal.database import DatabaseJournal
from gate.model.plan import Finding, Severity
from tests.journal.asking import asking, journal_of, program, run, start
from tests.servers import Database

TABLES = (
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity"
    " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    " WHERE c.relnamespace = 'gate'::regnamespace ORDER BY 1, a.attnum"
)


def found(database: Database) -> Finding | None:
    with journal_of(database) as journal:
        return journal.needs_acceptance()


def on_subscriber(finding: Finding) -> str:
    return finding.remedy.partition("On the subscriber: ")[2]


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
