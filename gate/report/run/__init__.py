"""A run of `gate release` becomes text, markdown or JSON: one file per format, found by walking this room.

A format is a module with `render(run, look) -> str`, as for a plan. Only the one that is asked for is imported.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol, cast

from gate.model.run import Run
from gate.report import Look


class Format(Protocol):
    """What every module of this room offers."""

    def render(self, run: Run, look: Look) -> str:
        """The whole report, with a line break at its end."""
        ...


def formats() -> tuple[str, ...]:
    """The names of all formats; what several of them share stands in a package."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))


def render(name: str, run: Run, look: Look) -> str:
    """The run in the format of that name, which must be one of `formats()`."""
    return cast("Format", importlib.import_module(f"{__name__}.{name}")).render(run, look)
