"""How `gate watch` ended becomes text or JSON: one file per format, found by walking this room.

A format is a module with `render(watched, look) -> str`, as for a plan. Only the one that is asked for is imported.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol, cast

from gate.report import Look
from gate.run.holding import Watched


class Format(Protocol):
    """What every module of this room offers."""

    def render(self, watched: Watched, look: Look) -> str:
        """The whole report, with a line break at its end."""
        ...


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def render(name: str, watched: Watched, look: Look) -> str:
    """The answer in the format of that name, which must be one of `formats()`."""
    return cast("Format", importlib.import_module(f"{__name__}.{name}")).render(watched, look)
