"""What is pending: the tool's files held against its own bookkeeping, of which nothing but its rows is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

from gate.db.rows import fetch
from gate.model.migration import Bookkeeping, Migration, Query, StateFinding
from gate.model.plan import Finding, Severity
from gate.sources import state
from gate.sources.tool import FoundTable, Place, Source

_CURRENT_SCHEMA = Query("SELECT coalesce(pg_catalog.current_schema(), 'public')::text AS name")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`migrations` are pending and not loaded yet; `place` is where the bookkeeping is, None without one."""

    migrations: tuple[Migration, ...] = ()
    findings: tuple[StateFinding, ...] = ()
    place: Place | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Of what is pending; the name of a migration that has none."""
        return tuple(migration.id or migration.name for migration in self.migrations)


def read(connection: psycopg.Connection, source: Source) -> Answer:
    """Asks the database."""
    migrations = source.migrations()
    found = _found(connection, source)
    place = _place(connection, source, found)
    if place is not None:
        return _answer(source, migrations, fetch(connection, source.rows(place)), place)
    has_tables = bool(fetch(connection, state.USER_TABLES)[0]["has_user_tables"])
    return _absent(source, migrations, found, has_user_tables=has_tables)


def from_stored(source: Source, bookkeeping: Mapping[str, tuple[Bookkeeping, ...]], *, has_user_tables: bool) -> Answer:
    """Asks a stored snapshot instead."""
    migrations = source.migrations()
    kept = [item for item in bookkeeping.get(source.name, ()) if _is_meant(source, item)]
    if not kept:
        return _absent(source, migrations, (), has_user_tables=has_user_tables)
    place = Place(kept[0].schema, kept[0].table)
    return _answer(source, migrations, kept[0].rows, place)


def where(connection: psycopg.Connection, source: Source) -> tuple[Place | None, Place]:
    """Where the bookkeeping is, if it is; and where the tool would make it."""
    found = _found(connection, source)
    schema = str(fetch(connection, _CURRENT_SCHEMA)[0]["name"])
    return _place(connection, source, found), state.new_place(source, current_schema=schema)


def rows_at(connection: psycopg.Connection, source: Source, place: Place) -> Sequence[Mapping[str, object]]:
    """The rows of the bookkeeping."""
    return fetch(connection, source.rows(place))


def as_findings(said: tuple[StateFinding, ...]) -> tuple[Finding, ...]:
    """What the source says of the state, as findings of the plan."""
    return tuple(
        Finding(rule=item.rule, severity=Severity(item.severity), problem=item.problem, remedy=item.remedy)
        for item in said
    )


def _answer(
    source: Source,
    migrations: Sequence[Migration],
    rows: Sequence[Mapping[str, object]],
    place: Place,
) -> Answer:
    waiting = source.pending(migrations, rows)
    return Answer(migrations=waiting.migrations, findings=waiting.findings, place=place)


def _absent(
    source: Source,
    migrations: Sequence[Migration],
    found: Sequence[FoundTable],
    *,
    has_user_tables: bool,
) -> Answer:
    findings = state.absent_bookkeeping(source, migrations, found, has_user_tables=has_user_tables)
    if any(finding.severity == "refuse" for finding in findings):
        return Answer(findings=findings)
    waiting = source.pending(migrations, ())
    return Answer(migrations=waiting.migrations, findings=(*findings, *waiting.findings))


def _found(connection: psycopg.Connection, source: Source) -> tuple[FoundTable, ...]:
    return state.found_tables(fetch(connection, state.search(source)))


def _place(connection: psycopg.Connection, source: Source, found: Sequence[FoundTable]) -> Place | None:
    # The session's own schema decides only between several: one question less in the usual case.
    schema = str(fetch(connection, _CURRENT_SCHEMA)[0]["name"]) if len(found) > 1 else ""
    return state.bookkeeping_place(source, found, current_schema=schema)


def _is_meant(source: Source, kept: Bookkeeping) -> bool:
    return kept.table == state.table_name(source) and source.options.schema in (None, kept.schema)
