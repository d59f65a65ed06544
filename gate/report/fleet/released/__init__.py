"""The release of a fleet becomes text, markdown or JSON: one file per format, found by walking this room."""

from __future__ import annotations

from gate.model.fleet import FleetRun
from gate.report import Look, format_in, formats_in


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return formats_in(__path__)


def render(name: str, fleet: FleetRun, look: Look) -> str:
    """The fleet in the format of that name, which must be one of `formats()`."""
    return format_in(__name__, name).render(fleet, look)
