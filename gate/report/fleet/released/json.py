"""The release of a fleet as JSON, described by `gate schema fleet-run`."""

from __future__ import annotations

import json

from gate.model.fleet import FleetRun
from gate.model.fleet_document import of_run
from gate.report import Look


def render(fleet: FleetRun, look: Look) -> str:  # noqa: ARG001 - as every format; children were asked for no rows
    """The document, indented."""
    return json.dumps(of_run(fleet), indent=2, ensure_ascii=False) + "\n"
