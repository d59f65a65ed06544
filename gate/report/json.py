"""The plan as JSON: the contract that other programs rely on, described by `schema/plan-1.json`."""

from __future__ import annotations

from gate.model.plan import Plan
from gate.report import Look


def render(plan: Plan, look: Look) -> str:  # noqa: ARG001 - a document looks the same everywhere
    """The document, indented: it is read in release logs too."""
    return plan.to_json() + "\n"
