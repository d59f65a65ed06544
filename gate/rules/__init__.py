"""What each family of statements does: facts with proofs, `derive` and `apply`. The room is walked, in name order.

A family is a module with `DERIVES` (action type -> function of (action, world) that yields touches), `APPLIES`
(action type -> function of (action, snapshot) that returns the snapshot after it), `CHECKS` (action type -> function of
(action, snapshot) that yields questions about rows), `PARTS` (subcommands of ALTER TABLE, see `alter_table`), `FACTS`,
and `RULES` (see `ruling`). Each of them may be missing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from types import ModuleType
from typing import Any

from gate.model.actions import Action
from gate.model.checks import Check
from gate.model.effects import NotUnderstood, Touch
from gate.model.facts import Fact
from gate.model.snapshot import Snapshot
from gate.rules.ruling import FamilyRule


@cache
def families() -> tuple[ModuleType, ...]:
    """Every module of this room, in name order."""
    found = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in found)


@cache
def facts() -> tuple[Fact, ...]:
    """Every fact of every family."""
    return tuple(fact for family in families() for fact in getattr(family, "FACTS", ()))


@cache
def rules() -> tuple[FamilyRule, ...]:
    """Every rule of every family."""
    return tuple(rule for family in families() for rule in getattr(family, "RULES", ()))


def checks(action: Action, before: Snapshot) -> tuple[Check, ...]:
    """What has to be asked about rows before it is known whether the server takes the statement."""
    function = _by_action("CHECKS").get(type(action))
    asked: Iterable[Check] = () if function is None else function(action, before)
    return tuple(dict.fromkeys(asked))


@cache
def _by_action(attribute: str) -> dict[type[Action], Callable[..., Any]]:
    found: dict[type[Action], Callable[..., Any]] = {}
    for family in families():
        found.update(getattr(family, attribute, {}))
    return found


def derive(action: Action, world: Snapshot) -> tuple[Touch, ...]:
    """What the action does to each relation, unmerged. Raises ServerWouldReject and NotUnderstood."""
    function = _by_action("DERIVES").get(type(action))
    if function is None:
        raise NotUnderstood(f"no fact covers {type(action).__name__}")
    touches: Iterable[Touch] = function(action, world)
    return tuple(touches)


def apply(action: Action, snapshot: Snapshot) -> Snapshot:
    """The snapshot after the action; one that changes nothing a later statement meets returns it as it is."""
    function = _by_action("APPLIES").get(type(action))
    if function is None:
        return snapshot
    after: Snapshot = function(action, snapshot)
    return after
