"""`gate explain`: what stands behind a finding."""

from __future__ import annotations

from difflib import get_close_matches

from gate.model.errors import UsageError
from gate.model.rules import Rule, find_rule
from gate.plan.known import all_rules
from gate.report import Look
from gate.report.prose.words import painted, wrapped


def explained(name: str, look: Look) -> str:
    """The rule of that name in full, or a line for each of `all`."""
    known = all_rules()
    if name == "all":
        width = max(len(rule.name) for rule in known)
        return "".join(f"{rule.name:<{width}}  {rule.about}\n" for rule in known)
    rule = find_rule(name, known)
    if rule is None:
        near = get_close_matches(name, [rule.name for rule in known], n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"no rule is called {name}", remedy=f"{hint}gate explain all lists them")
    return "\n".join(_lines(rule, look)) + "\n"


def _lines(rule: Rule, look: Look) -> list[str]:
    width = max(60, min(look.width, 100))
    lines = [f"{painted(rule.name, 'bold', look.is_coloured)}  (about {rule.about})", ""]
    lines += wrapped(f"harm: {rule.harm}", width, "  ", "        ")
    lines += ["", *wrapped(f"way out: {rule.way_out}", width, "  ", "           ")]
    if rule.aliases:
        lines += ["", *wrapped(f"once called {', '.join(rule.aliases)}", width, "  ")]
    return lines
