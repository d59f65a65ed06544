"""A plan becomes text, json, ...: one file per format, found by walking this room.

A format is a module with `render(plan, look) -> str`. Only the one that is asked for is imported.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from gate.model.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Look:
    """Where the report will be read: `width` in columns, and whether colour is welcome.

    `shows_rows`: keys of violating rows and other people's queries may be shown as they are, because only the person
    at the terminal sees them, or because they were asked for. Otherwise there are counts, and queries without literals.
    """

    width: int = 80
    is_coloured: bool = False
    shows_rows: bool = False


class Format(Protocol):
    """What every module of this room offers for a plan, and those of the rooms in it for what is told there."""

    def render(self, told: Any, look: Look, /) -> str:
        """The whole report, with a line break at its end."""
        ...


def formats_in(path: Iterable[str]) -> tuple[str, ...]:
    """The names of all formats of a room, by its `__path__`; packages in it hold what several of them share."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(path) if not module.ispkg))


def format_in(room: str, name: str) -> Format:
    """The one of that name, which must be one of `formats_in`; only this one is imported."""
    return cast("Format", importlib.import_module(f"{room}.{name}"))


def formats() -> tuple[str, ...]:
    """The names of all formats of a plan."""
    return formats_in(__path__)


def render(name: str, plan: Plan, look: Look) -> str:
    """The plan in the format of that name, which must be one of `formats()`."""
    return format_in(__name__, name).render(plan, look)
