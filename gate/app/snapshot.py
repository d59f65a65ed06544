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
from gate.model.migration import Bookkeeping, Query
from gate.model.names import Name
from gate.model.stored import Stored, line_of, to_text
from gate.model.version import VERSION
from gate.model.wants import Wants
from gate.sources import state, tools
from gate.sources.tool import Options, Place, Source

# Any statement may name a type, a function or another object that no relation uses: the server's own ones too.
_NAMED = Query(
    """
    SELECT 'pg_type' AS catalog, n.nspname::text AS schema, t.typname::text AS name
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typrelid = 0 AND n.nspname NOT IN ('information_schema', 'pg_toast')
    UNION ALL
    SELECT 'pg_proc', n.nspname::text, p.proname::text
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname <> 'information_schema'
    UNION ALL SELECT 'pg_extension', NULL, extname::text FROM pg_catalog.pg_extension
    UNION ALL SELECT 'pg_language', NULL, lanname::text FROM pg_catalog.pg_language
    UNION ALL SELECT 'pg_am', NULL, amname::text FROM pg_catalog.pg_am
    UNION ALL SELECT 'pg_publication', NULL, pubname::text FROM pg_catalog.pg_publication
    UNION ALL SELECT 'pg_tablespace', NULL, spcname::text FROM pg_catalog.pg_tablespace
    UNION ALL SELECT 'pg_authid', NULL, rolname::text FROM pg_catalog.pg_roles
    UNION ALL SELECT 'pg_event_trigger', NULL, evtname::text FROM pg_catalog.pg_event_trigger
    UNION ALL SELECT 'pg_foreign_server', NULL, srvname::text FROM pg_catalog.pg_foreign_server
    UNION ALL SELECT 'pg_collation', n.nspname::text, c.collname::text
    FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    """,
)


def store(request: Request) -> str:
    """The text for the file."""
    settings = load(request)
    with open_connection(request, settings, name="gate snapshot") as connection:
        request.say("reading the catalog")
        lines: dict[int, str] = {}
        snapshot = catalog.read(
            connection,
            _everything(connection),
            release_role=settings.release_role,
            # Written while the server is at work on the next; a sequence's position comes last.
            told=lambda found: lines.update({item.oid: line_of(item) for item in found if item.kind != "S"}),
        )
        request.say("reading the bookkeeping")
        stored = Stored(
            snapshot=snapshot,
            bookkeeping={name: tuple(found) for name, found in _bookkeeping(connection, request) if found},
            has_user_tables=bool(fetch(connection, state.USER_TABLES)[0]["has_user_tables"]),
            gate=VERSION,
        )
    return to_text(stored, lines)


def _everything(connection: psycopg.Connection) -> Wants:
    pairs = [(row["catalog"], Name(row["name"], row["schema"])) for row in fetch(connection, _NAMED)]
    return Wants(
        needs_database=True,
        needs_casts=True,
        types=frozenset(name for kind, name in pairs if kind == "pg_type"),
        functions=frozenset(name for kind, name in pairs if kind == "pg_proc"),
        others=frozenset(pair for pair in pairs if pair[0] not in ("pg_type", "pg_proc")),
    )


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
