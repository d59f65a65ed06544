"""The release of a fleet becomes text, markdown or JSON: one file per format, found by walking this room."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol, cast

from gate.model.fleet import FleetRun
from gate.report import Look


class Format(Protocol):
    """What every module of this room offers."""

    def render(self, fleet: FleetRun, look: Look) -> str:
        """The whole report, with a line break at its end."""
        ...


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def render(name: str, fleet: FleetRun, look: Look) -> str:
    """The fleet in the format of that name, which must be one of `formats()`."""
    return cast("Format", importlib.import_module(f"{__name__}.{name}")).render(fleet, look)
