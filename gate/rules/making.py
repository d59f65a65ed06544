"""The catalog after a constraint was added: the constraint, its index, both ends of a foreign key.

Source: PostgreSQL 18 `pg_constraint.c`, `indexcmds.c` (ChooseConstraintName, DefineIndex).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gate.model import chosen_names
from gate.model.actions import ConstraintSpec
from gate.model.catalog import Constraint, Index, IndexKey, Relation
from gate.model.snapshot import Snapshot
from gate.rules.alter_table import At
from gate.rules.foreign_keys import key_columns, key_index
from gate.rules.lookup import relation
from gate.rules.not_nulls import set_not_null


def with_constraint(spec: ConstraintSpec, at: At) -> Snapshot:
    """The catalog with the constraint on the table, and on its children where it is inherited."""
    world = at.world
    recurses = (spec.kind in "cn" and not spec.no_inherit) or at.table.kind == "p"
    name, unnamed = constraint_name(spec, at.table, world), replace(spec, name=None, index=None)
    for table in at.targets if recurses else (at.table,):
        inherits_name = table.oid == at.table.oid or spec.kind in "cfn"
        world = _with_one(spec, table.oid, world, name if inherits_name else constraint_name(unnamed, table, world))
    return world


def _with_one(spec: ConstraintSpec, oid: int, world: Snapshot, name: str) -> Snapshot:
    table = world.relations[oid]
    number, world = world.fresh_oid()
    columns = _numbers(table, spec.expression.columns if spec.expression else spec.columns)
    index, world, table = _its_index(spec, table, world, name, number, columns)
    columns = columns or tuple(key.column for item in table.indexes if item.oid == index for key in item.keys)
    referenced = relation(world, spec.referenced) if spec.referenced else None
    constraint = Constraint(
        oid=number,
        name=name,
        relation=oid,
        kind=spec.kind,
        columns=columns,
        is_valid=spec.is_valid,
        is_enforced=spec.is_enforced,
        is_deferrable=spec.is_deferrable,
        is_deferred=spec.is_deferred,
        no_inherit=spec.no_inherit,
        expression=spec.expression.text if spec.expression else None,
        index=index or (key_index(referenced, spec) if referenced else 0),
        referenced=referenced.oid if referenced else 0,
        referenced_columns=key_columns(referenced, spec) if referenced else (),
        on_delete=spec.on_delete,
        on_update=spec.on_update,
        match=spec.match if spec.kind == "f" else " ",
        set_columns=_numbers(table, spec.set_columns),
    )
    table = replace(table, constraints=(*table.constraints, constraint))
    if spec.kind in "np":
        table = set_not_null(
            table, tuple(spec.columns) if spec.index is None else _names_of(table, index), valid=spec.is_valid
        )
    world = world.put(table)
    if referenced is not None:
        referenced = world.relations[referenced.oid]
        world = world.put(replace(referenced, referenced_by=(*referenced.referenced_by, (oid, number))))
    return world


def _numbers(table: Relation, names: Iterable[str]) -> tuple[int, ...]:
    found = (table.column(name) for name in dict.fromkeys(names))
    return tuple(column.number for column in found if column is not None)


def _names_of(table: Relation, index: int) -> tuple[str, ...]:
    keys = next((item.keys for item in table.indexes if item.oid == index), ())
    found = (table.column_number(key.column) for key in keys)
    return tuple(column.name for column in found if column)


_LABELS = {"c": "check", "f": "fkey", "n": "not_null", "u": "key", "x": "excl", "p": "pkey"}


def constraint_name(spec: ConstraintSpec, table: Relation, world: Snapshot) -> str:
    """The name that was written, that of the index that it takes over, or the one that the server chooses."""
    written = spec.name or spec.index
    if written:
        return written
    label, columns = _LABELS[spec.kind], spec.columns
    if spec.kind in "pux":
        return chosen_names.index_name(world, table.schema, table.name, () if spec.kind == "p" else columns, label)
    if spec.kind == "c" and spec.expression is not None:
        columns = chosen_names.named_after(spec.expression.columns, table)
    return chosen_names.constraint_name(world, table.schema, table.name, columns, label)


def _its_index(
    spec: ConstraintSpec, table: Relation, world: Snapshot, name: str, constraint: int, columns: tuple[int, ...]
) -> tuple[int, Snapshot, Relation]:
    if spec.kind not in "pux":
        return 0, world, table
    if spec.index is not None:
        return _adopted(spec, table, world, name, constraint)
    oid, world = world.fresh_oid()
    index = Index(
        oid=oid,
        schema=table.schema,
        name=name,
        relation=table.oid,
        method=spec.method,
        keys=tuple(IndexKey(column=number) for number in columns),
        columns=columns,
        is_unique=spec.kind in "pu",
        is_primary=spec.kind == "p",
        is_exclusion=spec.kind == "x",
        has_expressions=spec.has_expressions,
        constraint=constraint,
    )
    return oid, world, replace(table, indexes=(*table.indexes, index))


def _adopted(
    spec: ConstraintSpec, table: Relation, world: Snapshot, name: str, constraint: int
) -> tuple[int, Snapshot, Relation]:
    found = next((item for item in table.indexes if item.name == spec.index), None)
    if found is None:
        return 0, world, table
    index = replace(found, constraint=constraint, is_primary=spec.kind == "p", name=name)
    return (
        found.oid,
        world,
        replace(table, indexes=tuple(index if item.oid == found.oid else item for item in table.indexes)),
    )
