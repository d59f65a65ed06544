"""What `gate kill` saw and did becomes text or JSON: one file per format, found by walking this room."""

from __future__ import annotations

from gate.report import Look, format_in, formats_in
from gate.run.kill import Killed


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return formats_in(__path__)


def render(name: str, killed: Killed, look: Look) -> str:
    """In the format of that name, which must be one of `formats()`."""
    return format_in(__name__, name).render(killed, look)
