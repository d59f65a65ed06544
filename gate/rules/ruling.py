"""A rule as a family holds it: its words, the function that finds it, and two examples that a server proves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gate.model.actions import Action
from gate.model.effects import Effect
from gate.model.plan import Finding
from gate.model.rules import Rule
from gate.model.snapshot import Snapshot

Finds = Callable[[Action, tuple[Effect, ...], Snapshot], Iterable[Finding]]
"""From the action, what it does, and the catalog before it."""


@dataclass(frozen=True, kw_only=True)
class FamilyRule:
    """`bad` is a statement that the rule finds after `setup`, `good` a like one that it leaves alone."""

    rule: Rule
    finds: Finds
    setup: str
    bad: str
    good: str
