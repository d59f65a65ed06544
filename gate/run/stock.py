"""What a database stands at between releases: who runs, what is unfinished, what is left, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.errors import Exit
from gate.model.run import Backend, Leftover, Outcome
from gate.run.journalling import Kept, KnownRun, Standing


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whose connection has the runner's lock; `application` is None where it may not be seen."""

    backend: Backend
    application: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stock:
    """`holder` is of the run that is alive now, None without one.

    `leftovers` are half done by what is unfinished, and the next run's to take up or away; `left` are those that the
    last run has left to a person, and that are there still.
    """

    database: str
    standing: Standing
    holder: Holder | None = None
    leftovers: tuple[Leftover, ...] = ()
    left: tuple[Leftover, ...] = ()

    @property
    def last(self) -> KnownRun | None:
        """The newest run, as far as it is known."""
        return next(iter(self.standing.runs), None)

    @property
    def is_alive(self) -> bool:
        return self.holder is not None

    @property
    def dead(self) -> KnownRun | None:
        """The last run, where it never said how it ended and is over."""
        last = self.last
        return last if last is not None and last.outcome is Outcome.RUNNING and not self.is_alive else None

    @property
    def not_understood(self) -> tuple[Kept, ...]:
        """Unfinished programs that only the gate which wrote them can take up."""
        return tuple(kept for kept in self.standing.unfinished if kept.program is None)

    @property
    def needs_person(self) -> bool:
        """Whether the next run would not get on by itself."""
        ended = next((run for run in self.standing.runs if run.outcome is not Outcome.RUNNING), None)
        is_stuck = ended is not None and ended.outcome is Outcome.NEEDS_PERSON and bool(self.standing.unfinished)
        return bool(self.left or self.not_understood) or is_stuck

    @property
    def exit(self) -> Exit:
        """0 where nothing is unfinished; a run that is at work is not done."""
        if self.is_alive:
            return Exit.STOPPED_RESUMABLE
        if self.needs_person:
            return Exit.STOPPED_NEEDS_PERSON
        is_open = self.standing.unfinished or self.standing.changes
        return Exit.STOPPED_RESUMABLE if is_open else Exit.DONE
