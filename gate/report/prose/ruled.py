"""What stands behind the findings: every rule that gate knows, by name."""

from __future__ import annotations

from gate.model.rules import RULES, Rule, find_rule


def all_rules() -> tuple[Rule, ...]:
    """The plain refusals, and the rules that the families hold."""
    from gate.rules import rules

    return (*RULES, *(item.rule for item in rules()))


def rule_of(name: str) -> Rule | None:
    """The rule of that name; the families are asked only for what is not a plain refusal."""
    return find_rule(name) or find_rule(name, all_rules())
