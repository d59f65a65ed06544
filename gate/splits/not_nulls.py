"""SET NOT NULL: what proves it is validated first, under a lock that shuts nobody out.

Before 18 the proof is a check, which goes when it has served; 18 has a NOT NULL that is not valid yet.

Source: PostgreSQL 14 to 18 `tablecmds.c` (NotNullImpliedByRelConstraints, ATExecSetNotNull,
QueueNNConstraintValidation).
"""

from __future__ import annotations

from dataclasses import replace

from gate.model.actions import AddConstraint, NamedPart
from gate.model.catalog import Constraint, Relation
from gate.model.chosen_names import constraint_name
from gate.model.names import quoted
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, StatementStep, Step, StepKind
from gate.splits.case import Case
from gate.splits.finding import family, is_only, name_of, part_of, table_of
from gate.sql.rewriting.constraints import (
    add_check_not_null,
    add_constraint,
    add_not_null,
    drop_constraint,
    drop_not_null,
    set_not_null,
    validate_constraint,
)


def not_null(case: Case) -> tuple[Step, ...]:
    """SET NOT NULL."""
    table, column = table_of(case), part_of(case, NamedPart).column
    if case.before.server.major < 18:
        return _by_check(case, table, column)
    begun = _not_valid(table, column)
    if begun is not None:
        # What has been validated cannot be NOT VALID again.
        return (replace(_validated(table, begun.name), is_final=True),)
    name = constraint_name(case.before, table.schema, table.name, (column,), "not_null")
    sql = add_not_null(name_of(table), name, column, only=is_only(case))
    return _by_constraint(table, name, column, sql)


def not_null_constraint(case: Case) -> tuple[Step, ...]:
    """ADD CONSTRAINT ... NOT NULL, of 18."""
    spec, table = part_of(case, AddConstraint).spec, table_of(case)
    (column,) = spec.columns
    if not spec.is_valid:
        return (StatementStep(sql=case.sql, why=f"checks new rows of {name_of(table)} only"),)
    name = spec.name or constraint_name(case.before, table.schema, table.name, (column,), "not_null")
    return _by_constraint(table, name, column, add_constraint(case.sql, name_of(table), name, is_valid=False))


def _by_constraint(table: Relation, name: str, column: str, sql: str) -> tuple[Step, ...]:
    return (
        StatementStep(
            sql=sql,
            why=f"no new row of {name_of(table)} gets NULL in {quoted(column)}; old ones are not read",
            undo=drop_constraint(name_of(table), name, missing_ok=True),
        ),
        _validated(table, name),
    )


def _by_check(case: Case, table: Relation, column: str) -> tuple[Step, ...]:
    on, only = name_of(table), is_only(case)
    if only and table.kind == "p":
        raise CannotSplit(f"ONLY {on} has no rows of its own to be read")
    helper = constraint_name(case.before, table.schema, table.name, (column,), "is_not_null")
    undo = without_not_null(case.before, table, column, only=only)
    return (
        StatementStep(
            sql=add_check_not_null(on, helper, column, no_inherit=only),
            why=f"no new row of {on} gets NULL in {quoted(column)}; old ones are not read",
            undo=drop_constraint(on, helper, missing_ok=True),
        ),
        _validated(table, helper),
        StatementStep(
            sql=f"{set_not_null(on, column, only=only)}; {drop_constraint(on, helper)}",
            why="the check proves it, so nothing is read; then the check has served"
            + ("" if undo else "; this cannot be taken back: partitions that had NOT NULL before would lose it"),
            undo=undo,
            is_final=not undo,
        ),
    )


def without_not_null(world: Snapshot, table: Relation, column: str, *, only: bool) -> str:
    """DROP NOT NULL where SET NOT NULL came to; nothing where what was NOT NULL before would lose it.

    Before 18 it is dropped on all that is below too, whoever had it; of a partitioned table there is no other way.
    """
    below = () if only else family(world, table)[1:]
    had = {item.oid for item in below if is_not_null(item, column)}
    if not had or world.server.major >= 18:
        return drop_not_null(name_of(table), column, only=only)
    if table.kind == "p":
        return ""
    return "; ".join(drop_not_null(name_of(item), column, only=True) for item in (table, *below) if item.oid not in had)


def is_not_null(table: Relation, name: str) -> bool:
    """Whether no row has NULL there; a column that is not there is left to the server."""
    column = table.column(name)
    return column is None or column.is_not_null


def _validated(table: Relation, name: str) -> Step:
    return StatementStep(
        sql=validate_constraint(name_of(table), name),
        why=f"reads {name_of(table)} while it is read and written",
        kind=StepKind.VALIDATION,
    )


def _not_valid(table: Relation, name: str) -> Constraint | None:
    """A NOT NULL of that column that was added NOT VALID."""
    column = table.column(name)
    return next(
        (
            item
            for item in table.constraints
            if item.kind == "n" and not item.is_valid and column is not None and column.number in item.columns
        ),
        None,
    )


SPLITS = {"SetNotNull": not_null, "AddConstraint:n": not_null_constraint}
