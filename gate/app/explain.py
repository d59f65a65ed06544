"""`gate explain`: what stands behind a finding."""

from __future__ import annotations

from difflib import get_close_matches

from gate.model.errors import UsageError
from gate.model.rules import find_rule
from gate.plan.known import all_rules
from gate.report import Look
from gate.report.prose import explaining
from gate.rules import facts, rules


def explained(name: str, look: Look) -> str:
    """The rule of that name in full, or a line for each of `all`."""
    known = all_rules()
    if name == "all":
        return "\n".join(explaining.everything(known, look)) + "\n"
    rule = find_rule(name, known)
    if rule is None:
        near = get_close_matches(name, [rule.name for rule in known], n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"no rule is called {name}", remedy=f"{hint}gate explain all lists them")
    found = next((item for item in rules() if item.rule.name == rule.name), None)
    return "\n".join(explaining.one(rule, found, facts(), look, asked=name)) + "\n"
