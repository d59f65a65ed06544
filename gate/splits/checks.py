"""ADD CHECK: not valid first, which reads nothing; then validated under a lock that shuts nobody out."""

from __future__ import annotations

from gate.model.actions import AddConstraint
from gate.model.chosen_names import constraint_name, named_after
from gate.model.steps import StatementStep, Step, StepKind
from gate.splits.case import Case
from gate.splits.finding import name_of, part_of, table_of
from gate.sql.rewriting.constraints import add_constraint, drop_constraint, validate_constraint


def check(case: Case) -> tuple[Step, ...]:
    """On the children too, as the statement itself: they inherit the constraint, and its validation."""
    spec, table = part_of(case, AddConstraint).spec, table_of(case)
    if not (spec.is_valid and spec.is_enforced):
        return (StatementStep(sql=case.sql, why=f"checks new rows of {name_of(table)} only"),)
    assert spec.expression is not None
    used = named_after(spec.expression.columns, table)
    name = spec.name or constraint_name(case.before, table.schema, table.name, used, "check")
    on = name_of(table)
    return (
        StatementStep(
            sql=add_constraint(case.sql, on, name, is_valid=False),
            why=f"new rows of {on} are checked from now on; old ones are not read",
            undo=drop_constraint(on, name),
        ),
        StatementStep(
            sql=validate_constraint(on, name),
            why=f"reads {on} while it is read and written",
            kind=StepKind.VALIDATION,
        ),
    )


SPLITS = {"AddConstraint:c": check}
