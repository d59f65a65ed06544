"""Databases to plan against: some tables with rows and indexes, made quickly."""

from __future__ import annotations

from typing import Protocol

import psycopg


class Reachable(Protocol):
    """A server, wherever it comes from."""

    def conninfo(self, database: str = "postgres", /) -> str: ...


_CHUNK = 250

# One DO block makes a chunk of tables: a single transaction for all would need too many locks.
_MAKE = """
DO $$
DECLARE t text;
BEGIN
    FOR n IN {first}..{last} LOOP
        t := 'table_' || lpad(n::text, {digits}, '0');
        EXECUTE format('CREATE TABLE %I (id bigint PRIMARY KEY, other_id bigint, amount integer NOT NULL DEFAULT 1,
            note text, name varchar(100), price numeric(12, 2), created_at timestamptz DEFAULT now(),
            updated_at timestamptz, is_active boolean, tags text[], payload jsonb, day date)', t);
        EXECUTE format('CREATE INDEX ON %I (other_id)', t);
        EXECUTE format('CREATE INDEX %I ON %I (created_at)', t || '_created_at', t);
        EXECUTE format('CREATE INDEX ON %I (name, day)', t);
        EXECUTE format('CREATE INDEX ON %I (lower(name)) WHERE is_active', t);
    END LOOP;
END $$
"""


def make(server: Reachable, name: str, tables: int, *, rows: int = 0) -> str:
    """A database of that name with tables of twelve columns and five indexes; returns how to reach it."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    conninfo = server.conninfo(name)
    digits = max(3, len(str(tables - 1)))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for first in range(0, tables, _CHUNK):
            last = min(first + _CHUNK, tables) - 1
            connection.execute(_MAKE.format(first=first, last=last, digits=digits).encode())
        if rows:
            _fill(connection, tables, rows)
        connection.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
        connection.execute("ANALYZE")
    return conninfo


def _fill(connection: psycopg.Connection, tables: int, rows: int) -> None:
    numbers = f"SELECT i, i, 'x' FROM generate_series(1, {rows}) i"
    for n in range(tables):
        connection.execute(f"INSERT INTO table_{n:03} (id, other_id, note) {numbers}".encode())


def mark(conninfo: str, ids: list[str]) -> None:
    """As dbmate would."""
    with psycopg.connect(conninfo, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO schema_migrations VALUES (%s)", [(one,) for one in ids])
