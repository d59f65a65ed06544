"""What a foreign key asks of the rows.

Source: PostgreSQL 18 `ri_triggers.c` RI_Initial_Check.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import ConstraintSpec
from gate.model.catalog import Constraint, Relation
from gate.model.checks import Check, Field, OrphansOf
from gate.model.snapshot import Snapshot
from gate.rules.foreign_keys import key_columns
from gate.rules.lookup import maybe_relation
from gate.rules.rows_of import has_rows, unasked
from gate.rules.terms_of import fields_of, fills_of
from gate.sql.evaluating import NotEvaluable


def foreign_key(spec: ConstraintSpec, table: Relation, world: Snapshot) -> Iterator[Check]:
    """A foreign key as written, on a table that is there."""
    referenced = maybe_relation(world, spec.referenced) if spec.referenced else None
    if referenced is None:
        return
    yield from _orphans(
        table,
        tuple(spec.columns),
        referenced,
        key_columns(referenced, spec),
        world,
        name=spec.name or "",
        match=spec.match,
    )


def stored_foreign_key(
    constraint: Constraint, table: Relation, world: Snapshot, *, on: Relation | None = None
) -> Iterator[Check]:
    """A foreign key that the catalog holds; `on` is a partition-to-be that it will hold for."""
    referenced = world.relations.get(constraint.referenced)
    found = [column for column in map(table.column_number, constraint.columns) if column is not None]
    if referenced is None or len(found) != len(constraint.columns):
        return
    yield from _orphans(
        on or table,
        tuple(column.name for column in found),
        referenced,
        constraint.referenced_columns,
        world,
        name=constraint.name,
        match=constraint.match,
        is_stored=on is None,
    )


def _orphans(
    table: Relation,
    columns: tuple[str, ...],
    referenced: Relation,
    numbers: tuple[int, ...],
    world: Snapshot,
    *,
    name: str,
    match: str,
    is_stored: bool = False,
) -> Iterator[Check]:
    if not has_rows(table):
        return
    what = f"orphans by {', '.join(columns)}"
    found = [table.column(item) for item in columns]
    if any(column is not None and column.filled == "NULL" for column in found) and (match != "f" or len(found) == 1):
        return
    if referenced.oid < 0:
        yield unasked(
            table,
            what,
            f"{referenced.full_name} is made by this release: what will stand in it is not known",
            remedy="add the foreign key in a later release, NOT VALID first",
        )
        return
    keys = [column for column in map(referenced.column_number, numbers) if column is not None]
    if any(column.is_new for column in keys):
        yield unasked(table, what, f"the referenced column of {referenced.full_name} is made by this release")
        return
    try:
        yield OrphansOf(
            relations=(table.oid, referenced.oid),
            table=table.full_name,
            fields=fields_of(table, columns),
            fills=fills_of(table, columns, world),
            only=table.kind != "p",
            columns=columns,
            keys=tuple(Field(column.number, column.name, column.type) for column in keys),
            referenced=referenced.full_name,
            is_full=match == "f",
            is_partitioned=referenced.kind == "p",
            name=name,
            is_stored=is_stored,
        )
    except NotEvaluable as error:
        yield unasked(table, what, str(error))
