"""ADD FOREIGN KEY: not valid first, which reads nothing; then validated under a lock that shuts nobody out.

A partitioned table takes no key that is not valid before 18: each partition gets its own, and the table's then takes
them over without reading a row.

Source: PostgreSQL 14 to 18 `tablecmds.c` (ATAddForeignKeyConstraint, tryAttachPartitionForeignKey).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from gate.model.actions import AddConstraint, ConstraintSpec
from gate.model.catalog import Relation
from gate.model.chosen_names import constraint_name, constraint_names, object_name
from gate.model.snapshot import Snapshot
from gate.model.steps import StatementStep, Step, StepKind
from gate.splits.case import Case
from gate.splits.finding import family, is_only, name_of, part_of, relation, table_of
from gate.sql.rewriting.constraints import add_constraint, drop_constraint, validate_constraint

_FINAL = "; this cannot be taken back: keys that partitions had before would be dropped with it"


def foreign_key(case: Case) -> tuple[Step, ...]:
    """See the module."""
    spec, table = part_of(case, AddConstraint).spec, table_of(case)
    assert spec.referenced is not None
    referenced = relation(case.before, spec.referenced)
    if not (spec.is_valid and spec.is_enforced):
        return (StatementStep(sql=case.sql, why=f"checks new rows of {name_of(table)} only"),)
    name = spec.name or constraint_name(case.before, table.schema, table.name, spec.columns, "fkey")
    if table.kind == "p" and (case.before.server.major < 18 or _is_partly_there(case, table, referenced)):
        return tuple(_by_partition(case, table, referenced, name))
    return tuple(_two_steps(case, table, referenced, name))


def _is_partly_there(case: Case, table: Relation, referenced: Relation) -> bool:
    """Whether a partition brings the key: if the table's own were taken back, the partition's would go with it."""
    spec = part_of(case, AddConstraint).spec
    return any(_has_like(spec, referenced, item) for item in family(case.before, table))


def _two_steps(case: Case, table: Relation, referenced: Relation, name: str) -> Iterator[Step]:
    on = name_of(table)
    yield StatementStep(
        sql=add_constraint(case.sql, on, name, is_valid=False, referenced=name_of(referenced)),
        why=f"new rows of {on} are checked from now on; old ones are not read",
        undo=drop_constraint(on, name, missing_ok=True),
    )
    yield StatementStep(
        sql=validate_constraint(on, name),
        why=f"reads {on} and {name_of(referenced)} while both are read and written",
        kind=StepKind.VALIDATION,
    )


def _by_partition(case: Case, table: Relation, referenced: Relation, name: str) -> Iterator[Step]:
    spec = part_of(case, AddConstraint).spec
    takes_over = _is_partly_there(case, table, referenced)
    for leaf in _lacking(case.before, table, spec, referenced):
        yield from _two_steps(case, leaf, referenced, _name_on(leaf, name, case))
    yield StatementStep(
        sql=add_constraint(
            case.sql, name_of(table), name, is_valid=True, referenced=name_of(referenced), only=is_only(case)
        ),
        why=f"takes over the keys of the partitions without reading a row; ACCESS EXCLUSIVE on {name_of(referenced)} "
        "for an instant" + (_FINAL if takes_over else ""),
        undo="" if takes_over else drop_constraint(name_of(table), name, missing_ok=True),
        is_final=takes_over,
    )


def _lacking(world: Snapshot, table: Relation, spec: ConstraintSpec, referenced: Relation) -> Iterator[Relation]:
    """The leaves that need a key of their own: one that a partition brings is taken over with all that is below it."""
    if table.has_storage:
        yield table
    for child in (world.relations[oid] for oid in table.children if oid in world.relations):
        if not _has_like(spec, referenced, child):
            yield from _lacking(world, child, spec, referenced)


def _name_on(leaf: Relation, name: str, case: Case) -> str:
    """The table's own name for it, unless the partition uses that for something else (addFkConstraint)."""
    if leaf.constraint(name) is None:
        return name
    if case.before.server.major >= 18:
        taken = constraint_names(case.before, leaf.schema)
        numbered = (object_name(name, None, str(number)) for number in count(1))
        return next(item for item in numbered if item not in taken)
    spec = part_of(case, AddConstraint).spec
    return constraint_name(case.before, leaf.schema, leaf.name, spec.columns, "fkey")


def _has_like(spec: ConstraintSpec, referenced: Relation, leaf: Relation) -> bool:
    """Whether the partition brings the same key, validated, which will be taken over."""
    numbers = tuple(column.number for column in map(leaf.column, spec.columns) if column)
    wanted = (
        referenced.primary_key.columns
        if referenced.primary_key and not spec.referenced_columns
        else tuple(column.number for column in map(referenced.column, spec.referenced_columns) if column)
    )
    return any(
        item.kind == "f"
        and item.is_valid
        and not item.parent
        and (item.referenced, item.columns, item.referenced_columns) == (referenced.oid, numbers, wanted)
        and (item.on_delete, item.on_update, item.match) == (spec.on_delete, spec.on_update, spec.match)
        and (item.is_deferrable, item.is_deferred) == (spec.is_deferrable, spec.is_deferred)
        for item in leaf.constraints
    )


SPLITS = {"AddConstraint:f": foreign_key}
