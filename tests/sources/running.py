"""Runs what a source hands out as values, as the application does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from gate.model.migration import Migration, Query
from gate.sources import find_source
from gate.sources.state import (
    USER_TABLES,
    absent_bookkeeping,
    bookkeeping_place,
    found_tables,
    new_place,
    search,
)
from gate.sources.tool import DEFAULTS, Options, Pending, Place, Source
from tests.servers import Database

EXAMPLES = Path(__file__).parent / "examples"


@dataclass(frozen=True)
class World:
    """One source on one database."""

    source: Source
    database: Database

    def asked(self, query: Query) -> list[dict[str, Any]]:
        with self.database.connect(row_factory=dict_row) as connection:
            cursor: psycopg.Cursor[Any] = connection.execute(query.sql.encode(), query.parameters)
            return cursor.fetchall() if cursor.description else []

    def run(self, *queries: Query) -> None:
        for query in queries:
            self.asked(query)

    def place(self) -> Place | None:
        found = found_tables(self.asked(search(self.source)))
        return bookkeeping_place(self.source, found, current_schema="public")

    def state(self) -> Pending:
        """What is pending, from the files and the bookkeeping as it is."""
        migrations = self.source.migrations()
        found = found_tables(self.asked(search(self.source)))
        place = bookkeeping_place(self.source, found, current_schema="public")
        if place is not None:
            return self.source.pending(migrations, self.asked(self.source.rows(place)))
        has_user_tables = bool(self.asked(USER_TABLES)[0]["has_user_tables"])
        absent = absent_bookkeeping(self.source, migrations, found, has_user_tables=has_user_tables)
        pending = self.source.pending(migrations, None)
        return replace(pending, findings=(*absent, *pending.findings))

    def apply(self, migrations: Sequence[Migration], *, marks_beginnings: bool = False) -> None:
        """Creates the bookkeeping if need be, runs each statement and marks each migration."""
        place = self.place()
        if place is None:
            place = new_place(self.source, current_schema="public")
            self.run(*self.source.creates_bookkeeping(place))
        for migration in migrations:
            loaded = self.source.load(migration)
            if marks_beginnings:
                self.run(*self.source.begins(migration, place))
            with self.database.connect() as connection:
                for statement in loaded.statements:
                    if statement.data is None:
                        connection.execute(statement.sql.encode())
                        continue
                    with connection.cursor() as cursor, cursor.copy(statement.sql.encode()) as copy:
                        copy.write(statement.data)
            self.run(*self.source.marks(loaded, place))

    def take_back(self, migrations: Sequence[Migration]) -> None:
        """Newest first: each one's own way back, and then its marks."""
        place = self.place()
        assert place is not None
        for migration in reversed(migrations):
            down = self.source.down(migration)
            assert down is not None, migration.path
            with self.database.connect() as connection:
                for statement in down.statements:
                    connection.execute(statement.sql.encode())
            self.run(*self.source.unmarks(migration, place))

    def ids(self) -> list[str | None]:
        return [migration.id for migration in self.state().migrations]

    def rules(self) -> dict[str, str]:
        return {finding.rule: finding.severity for finding in self.state().findings}


def world(directory: Path, database: Database, options: Options = DEFAULTS) -> World:
    return World(find_source(directory, options=options), database)
