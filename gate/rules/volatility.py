"""How volatile an expression is: the worst of the functions and operators that it calls.

Source: PostgreSQL 18 `clauses.c`, contain_volatile_functions; `pg_proc.provolatile`.
"""

from __future__ import annotations

from gate.model.effects import NotUnderstood, ServerWouldReject
from gate.model.expressions import Expression
from gate.model.snapshot import Snapshot
from gate.rules.lookup import functions

_ORDER = {"i": 0, "s": 1, "v": 2}


def volatility(expression: Expression, world: Snapshot) -> str:
    """`i`, `s` or `v`. Raises NotUnderstood where overloads differ and nothing decides between them."""
    worst = "s" if expression.is_stable else "i"
    for call in expression.calls:
        found = functions(world, call.name, call.arguments)
        if not found:
            raise ServerWouldReject(
                f"function {call.name} with {call.arguments} arguments does not exist", sqlstate="42883"
            )
        kinds = {item.volatility for item in found}
        if "v" in kinds and kinds != {"v"}:
            raise NotUnderstood(
                f"{call.name} has a volatile variant and others",
                remedy="cast its arguments so that one variant is meant, and read pg_proc.provolatile",
            )
        worst = max([worst, *kinds], key=_ORDER.__getitem__)
    names = set(expression.operators)
    for operator in world.operators:
        if operator.name in names:
            worst = max(worst, operator.volatility, key=_ORDER.__getitem__)
    return worst
