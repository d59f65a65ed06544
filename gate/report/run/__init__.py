"""A run of `gate release` becomes text, markdown or JSON: one file per format, found by walking this room.

A format is a module with `render(run, look) -> str`, as for a plan. Only the one that is asked for is imported.
"""

from __future__ import annotations

from gate.model.run import Run
from gate.report import Look, format_in, formats_in


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return formats_in(__path__)


def render(name: str, run: Run, look: Look) -> str:
    """The run in the format of that name, which must be one of `formats()`."""
    return format_in(__name__, name).render(run, look)
