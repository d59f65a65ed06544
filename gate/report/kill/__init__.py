"""What `gate kill` saw and did becomes text or JSON: one file per format, found by walking this room."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol, cast

from gate.report import Look
from gate.run.kill import Killed


class Format(Protocol):
    """What every module of this room offers."""

    def render(self, killed: Killed, look: Look) -> str:
        """The whole report, with a line break at its end."""
        ...


def formats() -> tuple[str, ...]:
    """The names of all formats."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg))


def render(name: str, killed: Killed, look: Look) -> str:
    """In the format of that name, which must be one of `formats()`."""
    return cast("Format", importlib.import_module(f"{__name__}.{name}")).render(killed, look)
