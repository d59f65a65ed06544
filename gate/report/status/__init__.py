"""What `gate status` found becomes text or JSON: one file per format, found by walking this room.

A format is a module with `render(stock, look) -> str`, as for a plan. Only the one that is asked for is imported.
"""

from __future__ import annotations

from gate.report import Look, format_in, formats_in
from gate.run.stock import Stock


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return formats_in(__path__)


def render(name: str, stock: Stock, look: Look) -> str:
    """The stock in the format of that name, which must be one of `formats()`."""
    return format_in(__name__, name).render(stock, look)
