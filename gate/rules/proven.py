"""What a table's checks prove already, and its columns by name.

Source: PostgreSQL 18 `tablecmds.c` NotNullImpliedByRelConstraints.
"""

from __future__ import annotations

from gate.model.catalog import Column, Constraint, Relation
from gate.model.effects import ServerWouldReject
from gate.model.expressions import Expression, NotNullOf
from gate.sql.terms import expression_of_text
from gate.sql.tree import DoesNotParse


def expression_of(constraint: Constraint) -> Expression | None:
    """A check's expression, read; None where its text is unknown or not in this grammar."""
    if constraint.expression is None:
        return None
    try:
        return expression_of_text(constraint.expression)
    except DoesNotParse:
        return None


def proves_not_null(table: Relation, column: str) -> bool:
    """Whether a valid check of the table makes the scan of SET NOT NULL needless."""
    for constraint in table.constraints:
        if constraint.kind == "c" and constraint.is_valid and constraint.is_enforced:
            expression = expression_of(constraint)
            if expression is not None and NotNullOf(column) in expression.conjuncts:
                return True
    return False


def needs_null_scan(table: Relation, column: Column) -> bool:
    """Whether making the column NOT NULL reads the table."""
    return table.has_storage and not column.is_not_null and not proves_not_null(table, column.name)


def column_named(table: Relation, name: str) -> Column:
    """The column, or the server's 42703."""
    column = table.column(name)
    if column is None:
        raise ServerWouldReject(f'column "{name}" of relation "{table.name}" does not exist', sqlstate="42703")
    return column
