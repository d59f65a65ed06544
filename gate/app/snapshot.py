"""`gate snapshot`: the catalog as text, with what the tools have written down, and no other row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg

from gate.app.opening import open_connection
from gate.app.request import Request
from gate.app.settings import load
from gate.db import snapshot as catalog
from gate.db.rows import fetch
from gate.model.errors import MissingPrivilege
from gate.model.migration import Bookkeeping
from gate.model.stored import Stored, to_text
from gate.model.version import VERSION
from gate.model.wants import Wants
from gate.sources import state, tools
from gate.sources.tool import Options, Place, Source

_ALL = Wants(needs_database=True, needs_casts=True)


def store(request: Request) -> str:
    """The text for the file."""
    settings = load(request)
    with open_connection(request, settings, name="gate snapshot") as connection:
        request.say("reading the catalog")
        snapshot = catalog.read(connection, _ALL, release_role=settings.release_role)
        request.say("reading the bookkeeping")
        stored = Stored(
            snapshot=snapshot,
            bookkeeping={name: tuple(found) for name, found in _bookkeeping(connection, request) if found},
            has_user_tables=bool(fetch(connection, state.USER_TABLES)[0]["has_user_tables"]),
            gate=VERSION,
        )
    return to_text(stored)


def _bookkeeping(connection: psycopg.Connection, request: Request) -> Iterator[tuple[str, list[Bookkeeping]]]:
    """Of every tool, wherever it is found: who plans with this snapshot will have files of one of them."""
    for tool in tools():
        source = tool.source(Path(), Options())
        try:
            yield tool.name, [_rows(connection, source, place) for place in _places(connection, source)]
        except MissingPrivilege as error:
            request.warn(f"the bookkeeping of {tool.name} is left out: {error}; {error.remedy}")


def _places(connection: psycopg.Connection, source: Source) -> Iterator[Place]:
    for table in state.found_tables(fetch(connection, state.search(source))):
        if table.place.table == state.table_name(source) and source.is_bookkeeping(table):
            yield table.place


def _rows(connection: psycopg.Connection, source: Source, place: Place) -> Bookkeeping:
    rows = tuple(fetch(connection, source.rows(place)))
    return Bookkeeping(schema=place.schema, table=place.table, columns=tuple(rows[0] if rows else ()), rows=rows)
