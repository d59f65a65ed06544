"""The plan of a fleet as JSON, described by `gate schema fleet-plan`."""

from __future__ import annotations

import json

from gate.model.fleet import FleetPlan
from gate.model.fleet_document import of_plan
from gate.report import Look


def render(fleet: FleetPlan, look: Look) -> str:
    """The document, indented."""
    return json.dumps(of_plan(fleet, shows_rows=look.shows_rows), indent=2, ensure_ascii=False) + "\n"
