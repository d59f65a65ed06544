"""Partition bounds: what a partition's own constraint says, and whether a table's checks already prove it.

Source: PostgreSQL 18 `partbounds.c` (get_qual_for_range, get_qual_for_list), `tablecmds.c`
ConstraintImpliedByRelConstraint. Only what is certain counts: constants of one kind that compare as the server does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gate.model.actions import Bound
from gate.model.catalog import Relation
from gate.model.expressions import Comparison, NotNullOf
from gate.rules.proven import expression_of

_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?\Z")


def implied(bound: Bound, table: Relation, keys: Iterable[str]) -> bool:
    """Whether valid checks and NOT NULL of the table prove the bound on one range or list key."""
    names = tuple(keys)
    if len(names) != 1 or bound.is_default or bound.strategy not in ("r", "l"):
        return False
    key = names[0]
    conjuncts = _conjuncts(table)
    if bound.strategy == "l":
        return (
            len(bound.values) == 1
            and Comparison(key, "=", bound.values[0] or "") in conjuncts
            and _not_null(table, key, conjuncts)
        )
    return _not_null(table, key, conjuncts) and _low(bound, key, conjuncts) and _high(bound, key, conjuncts)


def proves(table: Relation, check: str | None) -> bool:
    """Whether the table has that very check, valid: what the server compares by `equal` needs no reasoning."""
    if check is None:
        return False
    checks = (item for item in table.constraints if item.kind == "c" and item.is_valid and item.is_enforced)
    found = (expression_of(item) for item in checks)
    return any(expression is not None and expression.text == check for expression in found)


def _conjuncts(table: Relation) -> set[NotNullOf | Comparison]:
    found: set[NotNullOf | Comparison] = set()
    for constraint in table.constraints:
        if constraint.kind == "c" and constraint.is_valid and constraint.is_enforced:
            expression = expression_of(constraint)
            found.update(expression.conjuncts if expression else ())
    return found


def _not_null(table: Relation, key: str, conjuncts: set[NotNullOf | Comparison]) -> bool:
    column = table.column(key)
    return (column is not None and column.is_not_null) or NotNullOf(key) in conjuncts


def _low(bound: Bound, key: str, conjuncts: set[NotNullOf | Comparison]) -> bool:
    limit = bound.lower[0]
    if limit is None or limit.lower() == "minvalue":
        return limit is not None
    return any(
        isinstance(item, Comparison)
        and item.column == key
        and item.operator in (">=", ">", "=")
        and _at_least(item.value, limit)
        for item in conjuncts
    )


def _high(bound: Bound, key: str, conjuncts: set[NotNullOf | Comparison]) -> bool:
    limit = bound.upper[0]
    if limit is None or limit.lower() == "maxvalue":
        return limit is not None
    return any(
        isinstance(item, Comparison)
        and item.column == key
        and (
            (item.operator == "<" and _at_least(limit, item.value))
            or (item.operator in ("<=", "=") and _at_least(limit, item.value) and limit != item.value)
        )
        for item in conjuncts
    )


def _at_least(one: str, other: str) -> bool:
    """Whether one >= other, as numbers or as ISO dates; False where that is not certain."""
    if one == other:
        return True
    if _NUMBER.match(one) and _NUMBER.match(other):
        from decimal import Decimal

        return Decimal(one) >= Decimal(other)
    if _DATE.match(one) and _DATE.match(other) and len(one) == len(other):
        return one >= other
    return False
