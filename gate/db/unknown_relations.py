"""Names that somebody wrote down, held against the catalog."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from gate.db.queries import query
from gate.db.rows import fetch
from gate.model.migration import Query


def unknown_relations(connection: psycopg.Connection, names: Iterable[str]) -> tuple[str, ...]:
    """Those of these `schema.name`, unquoted, that no relation of this database has."""
    wanted = list(names)
    if not wanted:
        return ()
    rows = fetch(connection, Query(query("unknown_relations").decode(), (wanted,)))
    return tuple(row["name"] for row in rows)
