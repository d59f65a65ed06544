"""What an earlier run left: gone on with, taken back, or let be, before anything else is planned."""

from __future__ import annotations

from dataclasses import dataclass

from gate.app import pending
from gate.model.migration import Migration
from gate.model.plan import Severity
from gate.model.run import Leftover, Outcome, State
from gate.run.halting import Halt
from gate.run.journalling import Kept
from gate.run.programming import fingerprint
from gate.sources.tool import Source


@dataclass(frozen=True, kw_only=True)
class GoOn:
    """From its first unit that is not done."""

    migration: Migration


@dataclass(frozen=True, kw_only=True)
class Afresh:
    """Nothing of it is there."""


@dataclass(frozen=True, kw_only=True)
class TakeBack:
    """Its file has changed since it was begun."""


@dataclass(frozen=True, kw_only=True)
class LetBe:
    """The tool's bookkeeping has it although this program did not write it there."""


def what_to_do(kept: Kept, source: Source, answer: pending.Answer) -> GoOn | Afresh | TakeBack | LetBe:
    """With an unfinished program whose file is among these.

    Raises Halt for one that only a newer gate understands, and for one that the tool has neither as applied nor as
    pending, because it was run by hand meanwhile and failed.
    """
    if not any(mark.state in (State.DONE, State.BEGUN) for mark in kept.marks):
        return Afresh()
    if kept.program is None:
        raise Halt(
            Outcome.REFUSED,
            f"{kept.migration} was begun by a newer gate, in a form that this one does not know",
            remedy="finish it with that gate",
        )
    waiting = {migration.id or migration.name for migration in answer.migrations}
    wrote = next(unit.ordinal for unit in kept.program.units if unit.writes_bookkeeping)
    if kept.migration not in waiting and kept.mark_of(wrote).state is not State.DONE:
        _check_state(kept, answer)
        return LetBe()
    migration = named(source, kept.migration)
    return GoOn(migration=migration) if fingerprint(migration) == kept.fingerprint else TakeBack()


def _check_state(kept: Kept, answer: pending.Answer) -> None:
    """Where the tool itself would not go on, nothing is pending, and that says nothing of what is applied."""
    for finding in answer.findings:
        if finding.severity == Severity.REFUSE.value:
            raise Halt(
                Outcome.REFUSED,
                f"{finding.problem}; run {kept.run} of gate had begun {kept.path or kept.migration} before, and its "
                "steps are left as they are",
                remedy=f"{finding.remedy}; once {kept.source} has it as not applied, the next gate release goes "
                "on with it",
            )


def named(source: Source, name: str) -> Migration:
    """The migration of that id, with its text."""
    return next(source.load(item) for item in source.migrations() if (item.id or item.name) == name)


def let_be(kept: Kept) -> str:
    """What is said of it."""
    return (
        f"{kept.path or kept.migration} was begun by run {kept.run} and brought to its end by somebody else: it is let "
        "be; gate status tells what its steps left"
    )


def cannot_take_back(kept: Kept, left: list[Leftover]) -> Halt:
    """A changed file whose earlier form has left something that stays."""
    return Halt(
        Outcome.REFUSED,
        f"{kept.migration} has changed since run {kept.run} began it, and not all of that can be taken back: "
        + "; ".join(item.what for item in left),
        remedy="restore the file as it was and release again, or take the rest back by hand",
    )
