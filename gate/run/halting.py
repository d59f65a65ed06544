"""How a run ends before its time: one exception, which the loop that began the run turns into its outcome."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.run import InTheWay, Outcome
from gate.run.outcomes import in_words
from gate.run.world import ServerError


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a unit took: `attempts`, `waited_s` for locks, `seconds` of the try that did it, and who was in the way.

    `rows` were looked at by a backfill. Of a unit that was not done it is what it has taken so far.
    """

    attempts: int
    waited_s: float
    seconds: float
    blocked_s: float
    in_the_way: tuple[InTheWay, ...]
    note: str = ""
    rows: int | None = None


class Halt(Exception):
    """`outcome` says how; `problem` and `remedy` are for people; `in_the_way` are whoever was waited for.

    `error` is the server's, of the unit's command at `command` (from 0) where that is known. `spent` is what the unit
    took until then.
    """

    def __init__(
        self,
        outcome: Outcome,
        problem: str,
        *,
        remedy: str = "",
        in_the_way: tuple[InTheWay, ...] = (),
        error: ServerError | None = None,
        command: int | None = None,
    ) -> None:
        super().__init__(problem)
        self.outcome = outcome
        self.problem = problem
        self.remedy = remedy
        self.in_the_way = in_the_way
        self.error = error
        self.command = command
        self.spent: Done | None = None


def failed(problem: str, *, remedy: str = "") -> Halt:
    """What is there stands against it."""
    return Halt(Outcome.FAILED, problem, remedy=remedy)


def rejected(error: ServerError, *, command: int | None = None) -> Halt:
    """A statement that the server rejects."""
    remedy = "correct the migration, then release again"
    return Halt(Outcome.FAILED, in_words(error), remedy=remedy, error=error, command=command)


def stopped(why: str) -> Halt:
    """A signal, or the deadline; the next run takes up what is left."""
    return Halt(Outcome.STOPPED, why)
