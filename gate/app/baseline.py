"""`gate baseline`: marks migrations as applied, exactly as their tool would, and runs none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from gate.app import pending
from gate.app.opening import open_connection, open_source
from gate.app.request import Request
from gate.app.settings import load
from gate.db.errors import translated
from gate.model.errors import UsageError
from gate.model.migration import Migration, Query
from gate.sources.tool import Place, Source


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What was marked, and where."""

    ids: tuple[str, ...]
    place: Place


def baseline(request: Request, through: str) -> Baseline:
    """Up to and with `through`; UsageError where that is no migration, or where there is bookkeeping already."""
    settings = load(request)
    source = open_source(settings)
    chosen = _chosen(source, through)
    with open_connection(request, settings, name="gate baseline") as connection:
        place, new = pending.where(connection, source)
        if place is not None and pending.rows_at(connection, source, place):
            raise UsageError(
                f"{place} holds the bookkeeping of {source.name} already: there is nothing to adopt",
                remedy="gate plan says what is pending according to it",
            )
        _run(connection, _queries(source, chosen, place, new))
    return Baseline(ids=tuple(migration.id or migration.name for migration in chosen), place=place or new)


def _chosen(source: Source, through: str) -> list[Migration]:
    versioned = [migration for migration in source.migrations() if not migration.is_repeatable]
    ids = [migration.id for migration in versioned]
    if through not in ids:
        known = ", ".join(filter(None, ids[-5:])) or "none"
        raise UsageError(
            f"no migration of {source.name} in {source.directory} has the id {through}",
            remedy=f"give an id as the tool writes it down; the newest are: {known}",
        )
    return versioned[: ids.index(through) + 1]


def _queries(source: Source, chosen: list[Migration], place: Place | None, new: Place) -> Iterator[Query]:
    if place is None:
        yield from source.creates_bookkeeping(new)
    for migration in chosen:
        yield from source.marks(migration, place or new)


def _run(connection: psycopg.Connection, queries: Iterator[Query]) -> None:
    """All or nothing; never waits long for the bookkeeping's lock."""
    try:
        with connection.transaction():
            connection.execute(b"SET LOCAL lock_timeout = '2s'")
            for query in queries:
                connection.execute(query.sql.encode(), query.parameters or None, prepare=False)
    except psycopg.Error as error:
        raise translated(error) from error
