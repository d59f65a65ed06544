"""Every rule there is: the plain refusals, those of the policy itself, and those that the families hold."""

from __future__ import annotations

from functools import cache

from gate.model.rules import RULES, Rule
from gate.policy.rules import RULES as OF_THE_POLICY
from gate.rules import rules


@cache
def all_rules() -> tuple[Rule, ...]:
    """In the order in which they are listed for people."""
    return (*RULES, *OF_THE_POLICY, *(item.rule for item in rules()))
