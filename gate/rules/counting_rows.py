"""How many rows an UPDATE or DELETE may meet: as many as there are, unless its conditions say less for certain.

Source: PostgreSQL 18 `selfuncs.c` for what ANALYZE's figures mean; `pg_statistic.stadistinct` is a share of the rows
where it is negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod

from gate.model.actions import Action, Change, Qual, Query, RelationUse, Run
from gate.model.catalog import Column, Index, Relation
from gate.model.effects import Effect
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.code import code_of
from gate.rules.lookup import family, maybe_relation

MANY_ROWS = 10_000
"""A relation with more rows than this is a large one."""

_COMMON = 10.0
# A value that is looked for may be more frequent than the average one by so much.
_LEAST_ROW_BYTES = 36
# A tuple's header with its line pointer, with the least that can stand behind it.
_INTEGERS = frozenset({20, 21, 23})


def queries_of(action: Action) -> Iterator[tuple[Query, bool]]:
    """The queries that the statement is or, in a DO block, holds; and whether it is the statement itself."""
    if isinstance(action, Query) and action.runs:
        yield action, True
    elif isinstance(action, Run) and action.body is not None:
        for item in code_of(action).statements:
            inner = item.statement.action
            if isinstance(inner, Query) and inner.runs:
                yield inner, False


def targets(query: Query, before: Snapshot) -> Iterator[tuple[RelationUse, Relation]]:
    """What the query updates or deletes from, once each; of a view the tables that it reads."""
    for use in query.uses:
        table = maybe_relation(before, use.name) if use.events & {"update", "delete"} else None
        for found in _tables(table, before, frozenset()) if table is not None else ():
            yield use, found


def _tables(relation: Relation, before: Snapshot, seen: frozenset[int]) -> Iterator[Relation]:
    if relation.kind in "rp":
        yield relation
    elif relation.kind == "v" and relation.oid not in seen:
        for oid in relation.reads:
            found = before.relations.get(oid)
            if found is not None:
                yield from _tables(found, before, seen | {relation.oid})


def rows_met(use: RelationUse, table: Relation, effects: Iterable[Effect], before: Snapshot) -> float | None:
    """How many rows of relations that are in use it may change; None where that is not known."""
    written = {effect.oid for effect in effects if Work.WRITE in effect.work and not effect.is_unused}
    found = 0.0
    for part in family(before, table, only=use.only and table.kind != "p"):
        if part.oid not in written or not part.has_storage:
            continue
        met = _rows_of_part(part, use.quals)
        if met is None:
            return None
        found += met
    return found


def limited(change: Change | None, table: Relation) -> float | None:
    """How many rows a LIMIT in a subquery leaves, where it picks them by a key or by their place."""
    if change is None or table.kind != "r" or (table.children and not change.only):
        return None
    keys = {"ctid"} | {names[0] for index in table.indexes if len(names := _key_columns(table, index)) == 1}
    return min((float(number) for column, number in change.limits if column in keys), default=None)


def rows_in(relation: Relation) -> float | None:
    """As many as the planner believes; where it was never analysed as many as fit, if they are few."""
    if relation.rows is not None:
        return relation.rows
    if relation.heap_bytes is not None and relation.heap_bytes / _LEAST_ROW_BYTES <= MANY_ROWS:
        return relation.heap_bytes / _LEAST_ROW_BYTES
    return None


def _rows_of_part(part: Relation, quals: tuple[Qual, ...]) -> float | None:
    rows = rows_in(part)
    bounds = [bound for bound in (_by_key(part, quals), _by_range(part, quals)) if bound is not None]
    if rows is None:
        return min(bounds, default=None)
    return min([rows, *bounds, *(rows * share for qual in quals if (share := _share(part, qual, rows)) is not None)])


# --- for certain ------------------------------------------------------------------------------------------------------


def _by_key(part: Relation, quals: tuple[Qual, ...]) -> float | None:
    """Literals for all columns of a unique key: one row each."""
    known = {
        qual.column: float(len(qual.values))
        for qual in quals
        if qual.operator in ("=", "in") and None not in qual.values
    }
    for index in part.indexes:
        columns = _key_columns(part, index)
        if columns and all(name in known for name in columns):
            return prod(known[name] for name in columns)
    return None


def _key_columns(part: Relation, index: Index) -> tuple[str, ...]:
    if not index.is_unique or not index.is_valid or index.has_predicate or index.has_expressions:
        return ()
    found = (part.column_number(key.column) for key in index.keys)
    return tuple(column.name for column in found if column is not None)


def _by_range(part: Relation, quals: tuple[Qual, ...]) -> float | None:
    """Both ends of a unique integer: no more rows than numbers in between."""
    single = {names[0] for index in part.indexes if len(names := _key_columns(part, index)) == 1}
    for name in single:
        column = part.column(name)
        if column is None or column.type not in _INTEGERS:
            continue
        lower = [end for qual in quals if (end := _end(qual, name, (">", ">="))) is not None]
        upper = [end for qual in quals if (end := _end(qual, name, ("<", "<="))) is not None]
        if lower and upper:
            return max(0.0, min(upper) - max(lower) + 1)
    return None


def _end(qual: Qual, name: str, operators: tuple[str, str]) -> float | None:
    if qual.column != name or qual.operator not in operators or qual.values[:1] == (None,):
        return None
    try:
        return float(qual.values[0] or "")
    except ValueError:
        return None


# --- by what ANALYZE found --------------------------------------------------------------------------------------------


def _share(part: Relation, qual: Qual, rows: float) -> float | None:
    """The share of the rows that meet the condition; None where nothing is known."""
    if qual.operator == "never":
        return 0.0
    if qual.operator == "or":
        return _any_of(part, qual, rows)
    column = part.column(qual.column)
    if column is None or column.gathered is None:
        return None
    return _share_of_column(column, qual, rows)


def _any_of(part: Relation, qual: Qual, rows: float) -> float | None:
    total = 0.0
    for branch in qual.branches:
        shares = [share for item in branch if (share := _share(part, item, rows)) is not None]
        if not shares:
            return None
        total += min(shares)
    return min(1.0, total)


def _share_of_column(column: Column, qual: Qual, rows: float) -> float | None:
    assert column.gathered is not None
    nulls, distinct = column.gathered.null_share, column.gathered.distinct
    match qual.operator:
        case "null":
            # A sample that has none of them may have missed a few.
            return max(nulls, 0.001)
        case "not null":
            return 1.0 - nulls
        case "=" | "in" if None not in qual.values and distinct:
            values = distinct if distinct > 0 else -distinct * rows
            return min(1.0, _COMMON * len(qual.values) * (1.0 - nulls) / max(values, 1.0))
        case _:
            return None
