"""One file per recipe: a statement that works under a blocking lock becomes steps that do not. The room is walked.

A module has `SPLITS`: what it splits -> its recipe. The key is an action's class name (`CreateIndex`), for ALTER TABLE
that of its part (`AddColumn`), or the parser's word for it (`SetNotNull`); a constraint's kind follows a colon
(`AddConstraint:f`).
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from gate.model.actions import Action, AddConstraint, AlterTable, NamedPart
from gate.splits.case import Recipe


@cache
def recipes() -> dict[str, Recipe]:
    """Every recipe by its key."""
    found: dict[str, Recipe] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda item: item.name):
        found.update(getattr(importlib.import_module(f"{__name__}.{module.name}"), "SPLITS", {}))
    return found


def recipe_for(action: Action) -> Recipe | None:
    """The recipe for an action; an ALTER TABLE must have a single part."""
    return recipes().get(key_of(action))


def key_of(action: Action) -> str:
    """See the module."""
    if not isinstance(action, AlterTable):
        return type(action).__name__
    match action.parts[0]:
        case AddConstraint(spec=spec):
            return f"AddConstraint:{spec.kind}"
        case NamedPart(what=what):
            return what
        case part:
            return type(part).__name__
