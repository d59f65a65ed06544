"""How `gate watch` ended becomes text or JSON: one file per format, found by walking this room.

A format is a module with `render(watched, look) -> str`, as for a plan. Only the one that is asked for is imported.
"""

from __future__ import annotations

from gate.report import Look, format_in, formats_in
from gate.run.holding import Watched


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return formats_in(__path__)


def render(name: str, watched: Watched, look: Look) -> str:
    """The answer in the format of that name, which must be one of `formats()`."""
    return format_in(__name__, name).render(watched, look)
