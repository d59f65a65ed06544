"""The published JSON Schema of the plan; a package, so that it is installed and found wherever gate is."""

from __future__ import annotations

from importlib.resources import files

from gate.model.document import SCHEMA


def plan_schema() -> str:
    """The schema's text, for the plan of this version."""
    return files(__name__).joinpath(f"plan-{SCHEMA}.json").read_text(encoding="utf-8")
