"""The plan as JSON: the contract that other programs rely on, described by `schema/plan-1.json`."""

from __future__ import annotations

from gate.model.plan import Plan
from gate.report import Look


def render(plan: Plan, look: Look) -> str:
    """The document, indented: it is read in release logs too."""
    return plan.to_json(shows_rows=look.shows_rows) + "\n"
