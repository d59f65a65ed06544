"""Whether an index that stands is the one that a CREATE INDEX would make, part by part, never by its name.

What has a name is held against the catalog. Expressions and predicates, which the server keeps in words of its own, are
held against each other by the server: it is asked to explain both, which takes ACCESS SHARE, runs nothing, and writes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gate.db.queries import query
from gate.model.errors import GateError, Unreachable
from gate.model.migration import Query
from gate.model.names import Name
from gate.run.world import Row
from gate.sql.index_shape import IndexShape, KeyShape, expressions_query, index_shape
from gate.sql.tree import DoesNotParse

Ask = Callable[[Query], tuple[Row, ...]]
Named = tuple[str | None, str | None, bool | None]
"""Schema, name, and whether the name alone finds it."""


def is_same_index(ask: Ask, schema: str, name: str, sql: str) -> bool | None:
    """Whether `sql` would make the index of that name; None where that cannot be told, or there is no such index.

    `schema` is where the statement would make it, so that an unqualified table is the one of that schema; functions and
    operator classes without a schema are looked for where `ask` looks. The index's name in `sql`, CONCURRENTLY and IF
    NOT EXISTS do not count, and a tablespace only where one is written.

    Raises:
        Unreachable: no answer.
    """
    try:
        wanted = index_shape(sql)
        row = next(iter(ask(Query(query("standing_shape").decode(), (schema, name)))), None)
        standing = index_shape(row["definition"]) if row is not None else None
    except DoesNotParse:
        return None
    if wanted is None or row is None or standing is None:
        return None
    if row["is_of_constraint"] or not _are_alike(wanted, standing, row):
        return False
    return _are_said_alike(ask, wanted, standing, Name(row["table_name"], row["table_schema"]))


def _are_alike(wanted: IndexShape, standing: IndexShape, row: Row) -> bool:
    """All but what needs the server's understanding."""
    if not _fits(wanted.table, (row["table_schema"], row["table_name"], True)):
        return False
    if wanted.tablespace and wanted.tablespace != row["tablespace"]:
        return False
    if len(wanted.keys) != len(standing.keys) or bool(wanted.where) != bool(standing.where):
        return False
    own = (wanted.method, wanted.is_unique, wanted.is_nulls_not_distinct, wanted.include, wanted.options)
    others = (
        standing.method,
        standing.is_unique,
        standing.is_nulls_not_distinct,
        standing.include,
        standing.options,
    )
    return own == others and all(
        _is_same_key(one, another, known)
        for one, another, known in zip(wanted.keys, standing.keys, row["keys"], strict=True)
    )


def _is_same_key(wanted: KeyShape, standing: KeyShape, known: Sequence[Any]) -> bool:
    """The server prints a collation and an operator class where they are not the type's own; so does a person."""
    if wanted.is_column and standing.is_column and wanted.expression != standing.expression:
        return False
    if (wanted.is_descending, wanted.is_nulls_first) != (standing.is_descending, standing.is_nulls_first):
        return False
    collation, opclass = (known[0], known[1], known[2]), (known[3], known[4], known[5])
    return (
        wanted.opclass_options == standing.opclass_options
        and (standing.collation is None if wanted.collation is None else _fits(wanted.collation, collation))
        and (_is_default(standing) if wanted.opclass is None else _fits(wanted.opclass, opclass))
    )


def _is_default(standing: KeyShape) -> bool:
    """Whether its operator class is the type's own; with options it is printed all the same."""
    return standing.opclass is None


def _fits(name: Name, known: Named) -> bool:
    schema, bare, is_visible = known
    return name.name == bare and (bool(is_visible) if name.schema is None else name.schema == schema)


def _are_said_alike(ask: Ask, wanted: IndexShape, standing: IndexShape, table: Name) -> bool | None:
    """Expressions and predicates, of which many are written alike already."""
    pairs = [(one, another) for one, another in _texts(wanted, standing) if one != another]
    if not pairs:
        return True
    try:
        question = Query(expressions_query(table, [text for pair in pairs for text in pair]))
        said = ask(question)[0]["QUERY PLAN"][0]["Plan"]["Output"]
    except Unreachable:
        raise
    except (GateError, DoesNotParse):
        # A function that is not found, or that may not be called: then nobody can tell.
        return None
    return all(said[place] == said[place + 1] for place in range(0, len(said), 2))


def _texts(wanted: IndexShape, standing: IndexShape) -> Iterator[tuple[str, str]]:
    for one, another in zip(wanted.keys, standing.keys, strict=True):
        yield one.expression, another.expression
    yield wanted.where, standing.where
