"""A rule as a family holds it: its words, the function that finds it, and two examples that a server proves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gate.model.actions import Action, SetSetting
from gate.model.effects import Effect
from gate.model.plan import Finding
from gate.model.rules import Rule
from gate.model.snapshot import Snapshot

Finds = Callable[[Action, tuple[Effect, ...], Snapshot], Iterable[Finding]]
"""From the action, what it does, and the catalog before it."""


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One statement of a migration; those with the same `transaction` commit together.

    `action` is None where the statement was not understood, or would be rejected: no rule speaks of it then.
    `most_rows` is how many rows of a relation, by `schema.name`, one statement may change.
    """

    sql: str
    action: Action | None
    effects: tuple[Effect, ...]
    before: Snapshot
    transaction: int
    most_rows: Callable[[str], float]


@dataclass(frozen=True, kw_only=True)
class Among:
    """A statement with all others of its migration.

    `kinds` are the kinds of action that the migration has: who looks for one of them need not look at every statement.
    `is_wrapped`: the tool opens a transaction around the file; None where no tool runs it.
    """

    deeds: Sequence[Deed]
    place: int
    kinds: frozenset[type[Action]]
    is_wrapped: bool | None = None

    @property
    def deed(self) -> Deed:
        """The statement itself."""
        return self.deeds[self.place]

    def earlier(self) -> Iterator[Deed]:
        """Those of the same transaction that came before it."""
        return (deed for deed in self.deeds[: self.place] if deed.transaction == self.deed.transaction)

    def later(self) -> Iterator[Action]:
        """What the same transaction still does: nobody else sees the catalog in between."""
        for deed in self.deeds[self.place + 1 :]:
            if deed.transaction == self.deed.transaction and deed.action is not None:
                yield deed.action

    def rest(self) -> Iterator[Action]:
        """What the migration still does, committed by then or not."""
        return (deed.action for deed in self.deeds[self.place + 1 :] if deed.action is not None)

    def resets(self, setting: str) -> bool:
        """Whether the migration gives the setting back later on."""
        return any(
            isinstance(action, SetSetting) and action.name in (setting, "all") and action.value is None
            for action in self.rest()
        )


FindsAmong = Callable[[Among], Iterable[Finding]]
"""From a statement and those around it: for what a later statement of the same transaction makes good again."""


def never(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> tuple[Finding, ...]:  # noqa: ARG001
    """Nothing by the statement alone."""
    return ()


@dataclass(frozen=True, kw_only=True)
class FamilyRule:
    """`bad` is a statement that the rule finds after `setup`, `good` a like one that it leaves alone.

    `finds` judges the statement by itself, `finds_among` with those around it. Either example may be several
    statements. `needs_standby`: only where a standby streams; `needs_old_server`: only on minor releases that no
    test has.
    """

    rule: Rule
    setup: str
    bad: str
    good: str
    finds: Finds = never
    finds_among: FindsAmong | None = None
    needs_standby: bool = False
    needs_old_server: bool = False
