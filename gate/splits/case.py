"""What a recipe gets: one statement that does one thing, and the catalog that it will meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gate.model.actions import Action
from gate.model.effects import Effect
from gate.model.snapshot import Snapshot
from gate.model.steps import Step


@dataclass(frozen=True, kw_only=True)
class Case:
    """`sql` is the statement's text; of an ALTER TABLE with several parts each comes alone. `before` is the catalog.

    `defaults` are the parts that take away and give the default of a column whose type the statement changes: what is
    to be done in the same transaction as the change, in that order.
    """

    sql: str
    action: Action
    effects: tuple[Effect, ...]
    before: Snapshot
    defaults: tuple[str, ...] = ()


Recipe = Callable[[Case], tuple[Step, ...]]
"""The steps instead of the statement; raises CannotSplit where there is no safer way, with the reason.

A recipe need not be complete: a step of its that still does long work under a blocking lock is split again.
"""
