"""What a statement gives to its target's columns: which defaults it evaluates, and where its rows go.

Source: PostgreSQL 18 `rewriteHandler.c` (rewriteTargetListIU, rewriteValuesRTE): a column that is not named gets its
default, one
without a default gets null.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import Cell, Qual, RelationUse
from gate.model.catalog import Column, Relation
from gate.model.effects import Touch
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.rules.columns import identity_sequences
from gate.rules.lookup import descendants
from gate.rules.pruning import Quals, by_column
from gate.rules.scope import Scope
from gate.sql.embedded import stored_expression, stored_literal

RX = LockMode.ROW_EXCLUSIVE
_ROUTED = 1000
"""More VALUES rows than this are not routed one by one: any partition may be theirs."""


def given(use: RelationUse, table: Relation, name: str) -> tuple[Cell, ...]:
    """What each row of an INSERT gives to the column; several where only a run can tell."""
    columns = use.columns or tuple(column.name for column in table.columns[: use.width or 0])
    if not columns and (use.width is None):
        return (Cell("other"), Cell("default")) if use.event == "merge" else (Cell("other"),)
    if name not in columns:
        return (Cell("default"),)
    place = columns.index(name)
    if use.rows is None:
        return (Cell("other"),)
    return tuple(dict.fromkeys(row[place] if place < len(row) else Cell("default") for row in use.rows))


def resolved(cell: Cell, column: Column) -> Cell:
    """The same with a default looked up: null without one, its literal, or something only a run can tell."""
    if cell.kind != "default":
        return cell
    if column.identity or column.generated:
        return Cell("other")
    if column.default is None:
        return Cell("null")
    literal = stored_literal(column.default)
    return Cell("other") if literal is None else literal


def may_be_present(use: RelationUse, table: Relation, column: Column) -> bool:
    """Whether an INSERT may put anything but null into the column."""
    return any(resolved(cell, column).kind != "null" for cell in given(use, table, column.name))


def changes(use: RelationUse) -> dict[str, Cell]:
    """What an UPDATE assigns, without what it leaves as it was."""
    before = {(qual.column, qual.values[0]) for qual in use.quals if qual.operator == "="}
    return {
        name: cell
        for name, cell in use.sets
        if cell.kind != "same" and not (cell.kind == "literal" and (name, cell.text) in before)
    }


# --- defaults ---------------------------------------------------------------------------------------------------------


def defaults(scope: Scope, use: RelationUse, table: Relation) -> Iterator[Touch]:
    """What evaluating the defaults does: sequences move, functions run."""
    for column in table.columns:
        if _is_evaluated(use, table, column):
            yield from _evaluated(scope, table, column)


def _is_evaluated(use: RelationUse, table: Relation, column: Column) -> bool:
    if column.default is None and not column.identity:
        return False
    if "insert" in use.events and any(cell.kind == "default" for cell in given(use, table, column.name)):
        return True
    return any(name == column.name and cell.kind == "default" for name, cell in use.sets)


def _evaluated(scope: Scope, table: Relation, column: Column) -> Iterator[Touch]:
    from gate.rules.expanding import query_touches

    if column.identity:
        for sequence in identity_sequences(scope.world, table, column.number):
            yield Touch(sequence.oid, RX)
    elif table.oid < 0 and column.default == "nextval":
        yield from ()
    elif column.default is not None:
        query = stored_expression(column.default)
        if query is not None:
            yield from query_touches(scope.stored, query)


# --- routing ----------------------------------------------------------------------------------------------------------


def destination(world: Snapshot, use: RelationUse, table: Relation) -> Iterator[Quals]:
    """What is known of the rows that are put into partitions, one value for each kind of row."""
    if "insert" in use.events:
        yield from _inserted(world, use, table)
    keys = _key_names(world, table)
    sets = changes(use)
    if use.event in ("update", "merge") and "update" in use.events and keys & set(sets):
        quals = [qual for qual in use.quals if qual.column not in sets]
        yield by_column([*quals, *(qual for name, cell in sets.items() for qual in _qual(name, cell))])


def _key_names(world: Snapshot, table: Relation) -> set[str]:
    found = (table, *descendants(world, table.oid))
    return {column.name for item in found for column in item.columns if column.number in item.partition_columns}


def _inserted(world: Snapshot, use: RelationUse, table: Relation) -> Iterator[Quals]:
    names = sorted(_key_names(world, table))
    columns = [column for column in table.columns if column.name in names]
    if use.rows is None or len(use.rows) > _ROUTED:
        yield _single(use, table, columns)
        return
    seen = set()
    for row in use.rows:
        one = RelationUse(name=use.name, event=use.event, columns=use.columns, rows=(row,), width=use.width)
        quals = _single(one, table, columns)
        key = tuple(sorted(quals.items()))
        if key not in seen:
            seen.add(key)
            yield quals


def _single(use: RelationUse, table: Relation, columns: list[Column]) -> Quals:
    """What is the same for all rows."""
    found: list[Qual] = []
    for column in columns:
        cells = {resolved(cell, column) for cell in given(use, table, column.name)}
        if len(cells) == 1:
            found.extend(_qual(column.name, cells.pop()))
    return by_column(found)


def _qual(name: str, cell: Cell) -> Iterator[Qual]:
    if cell.kind == "literal":
        yield Qual(name, "=", (cell.text,))
    elif cell.kind == "null":
        yield Qual(name, "null")
