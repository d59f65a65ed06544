"""A column whose values become others: what was made for the old ones is made anew, and may not take the new ones.

Source: PostgreSQL 18 `tablecmds.c` (ATPostAlterTypeCleanup, ATRewriteTable): after ALTER COLUMN TYPE and SET EXPRESSION
the indexes, checks and foreign keys of the column are built and validated again.
"""

from __future__ import annotations

from dataclasses import replace

from gate.model.actions import SetExpression, SetType
from gate.model.catalog import Column, Constraint, Index, Relation
from gate.model.names import quoted
from gate.model.snapshot import Snapshot
from gate.rules.coercion import Shape, base_of, column_shape, rewrites, shape_of
from gate.rules.proven import column_named
from gate.sql.rewriting.renaming import with_column_renamed

_WHOLE = ("int2", "int4", "int8")
_TEXTS = ("text", "varchar")
_SAFE = frozenset(
    {("date", "timestamp"), ("date", "timestamptz"), ("float4", "float8"), ("int2", "float8"), ("int4", "float8")}
)
_MAKES_NULLS = frozenset(
    {("json", ""), ("jsonb", ""), ("timestamp", "time"), ("timestamptz", "time"), ("timestamptz", "timetz")}
)


def with_new_values(
    part: SetType | SetExpression, table: Relation, world: Snapshot
) -> tuple[Column, Column, Relation, Snapshot] | None:
    """The column as it was and as it will be, and the table that has both; None where all that differed still differs.

    The old one has another name there, and the new one holds an expression over it. Raises DoesNotParse.
    """
    column = column_named(table, part.column)
    if column.is_new or (not table.has_storage and table.kind != "p"):
        return None
    text = _new_values(part, column, world)
    if text is None:
        return None
    taken = {item.name for item in table.columns}
    names = (f"{column.name} before{'_' * count}" for count in range(len(taken) + 1))
    name = next(name for name in names if name not in taken)
    shape = shape_of(part.type, world) if isinstance(part, SetType) else column_shape(column, world)
    kind, typmod = base_of(shape, world)
    before = replace(column, name=name)
    after = replace(
        column,
        number=max(item.number for item in table.columns) + 1,
        type=kind.oid,
        typmod=typmod,
        collation=kind.collation,
        is_not_null=False,
        generated="",
        is_new=True,
        filled=with_column_renamed(text, column.name, name),
    )
    others = tuple(before if item.number == column.number else item for item in table.columns)
    both = replace(table, columns=(*others, after))
    return before, after, both, world.put(both)


def may_become_null(part: SetType | SetExpression, column: Column, world: Snapshot) -> bool:
    """Whether a value may turn into NULL where no USING says so."""
    if not column.is_not_null:
        return False
    if isinstance(part, SetExpression):
        return True
    source, target = column_shape(column, world).type.name, shape_of(part.type, world).type.name
    return (source, target) in _MAKES_NULLS or (source, "") in _MAKES_NULLS


def _new_values(part: SetType | SetExpression, column: Column, world: Snapshot) -> str | None:
    if isinstance(part, SetExpression):
        return part.expression.text if column.generated == "s" else None
    if column.generated:
        return None
    old, new = column_shape(column, world), shape_of(part.type, world)
    if part.using is not None and part.using.column != column.name:
        return part.using.text
    if part.collation is None and (not rewrites(old, new, world) or _keeps_apart(old, new, world)):
        return None
    return quoted(column.name)


def _keeps_apart(old: Shape, new: Shape, world: Snapshot) -> bool:
    """Whether values that differ still do: nothing is rounded, folded or read."""
    (source, before), (target, after) = base_of(old, world), base_of(new, world)
    if source.oid == target.oid == 1700:
        return after == -1 or (before != -1 and _scale(after) >= _scale(before))
    if target.name in _TEXTS or (source.name, target.name) in _SAFE:
        return True
    if source.name in _WHOLE:
        return target.name in _WHOLE or (target.name == "numeric" and (after == -1 or _scale(after) >= 0))
    return False


def _scale(typmod: int) -> int:
    return (((typmod - 4) & 0x7FF) ^ 1024) - 1024


def moved(constraint: Constraint, before: Column, after: Column) -> Constraint:
    """The constraint, of the new column."""
    numbers = tuple(after.number if number == before.number else number for number in constraint.columns)
    return replace(constraint, columns=numbers)


def key_names(index: Index, table: Relation, before: Column, after: Column) -> tuple[str, ...]:
    """The columns of a plain index, the new one for the old."""
    found = (table.column_number(key.column) for key in index.keys)
    return tuple(after.name if item.number == before.number else item.name for item in found if item is not None)
