"""What a failed migration has finished is taken back: newest first, within a time, up to what cannot be."""

from __future__ import annotations

from dataclasses import dataclass, field

from gate.model.locks import LockMode
from gate.model.program import Command, Unit, UnitKind, WantedLock
from gate.model.run import Leftover, State
from gate.model.steps import StepKind
from gate.run.concurrent import Concurrent
from gate.run.halting import Halt
from gate.run.journalling import Mark, ProgramState
from gate.run.site import Site
from gate.run.supervising import Job
from gate.run.telling import Undoing
from gate.run.transactions import Transaction
from gate.sql.masking import masked
from gate.sql.parse import parse_all
from gate.sql.script import split_script


@dataclass
class Undo:
    """Takes back the units of `job` that are done. `left` is what stays, in the words of the report."""

    site: Site
    job: Job
    undone: list[int] = field(default_factory=list)
    left: list[Leftover] = field(default_factory=list)

    def run(self, marks: dict[int, Mark]) -> bool:
        """True when nothing of the migration is left. Never raises Halt: what cannot be taken back is named."""
        for unit in reversed(self.job.program.units):
            mark = marks.get(unit.ordinal)
            if mark is None or mark.state in (State.WAITING, State.UNDONE):
                continue
            if not self._unit(unit, mark):
                return False
        for query in self.site.journal.finish(self.job.key, ProgramState.UNDONE):
            self.site.write(query)
        return True

    def _unit(self, unit: Unit, mark: Mark) -> bool:
        if mark.state is State.FAILED and unit.kind is UnitKind.TRANSACTION:
            return True
        if _stays(unit, mark):
            self._keeps(unit, "it cannot be taken back")
            return False
        try:
            for text in split_script(unit.undo):
                self._take_back(unit, text.sql)
        except Halt as halt:
            self._keeps(unit, halt.problem)
            return False
        self.site.journal.record(self.job.key, Mark(ordinal=unit.ordinal, state=State.UNDONE), run=self.site.run)
        self.undone.append(unit.ordinal)
        return True

    def _take_back(self, unit: Unit, sql: str) -> None:
        self.site.tell(Undoing(migration=self.job.program.migration, at=unit.ordinal, sql=masked(sql)))
        (parsed,) = parse_all(sql)
        bare = parsed.statement.forbids_transaction
        taking = Unit(
            ordinal=unit.ordinal,
            kind=UnitKind.STATEMENT if bare else UnitKind.TRANSACTION,
            limits=StepKind.CONCURRENT if bare else StepKind.CATALOG,
            why=f"takes back: {unit.why}",
            commands=(Command(sql=sql),),
            locks=() if bare else _watched(unit),
            touches=unit.touches,
        )
        if bare:
            Concurrent(
                site=self.site, migration=self.job.program.migration, unit=taking, texts=(), is_resumed=False
            ).run()
            return
        Transaction(
            site=self.site,
            migration=self.job.program.migration,
            unit=taking,
            texts=(),
            bookkeeping=(),
            marks=(),
            is_marked=lambda: State.WAITING,
        ).run()

    def _keeps(self, unit: Unit, why: str) -> None:
        self.left.append(Leftover(what=f"step {unit.ordinal} ({unit.why}): {why}", sql=masked(unit.undo)))


def _stays(unit: Unit, mark: Mark) -> bool:
    """What is done, and batches that would be done twice if the migration began anew."""
    if unit.batches is not None and mark.cursor is not None:
        return unit.is_final or not unit.batches.is_repeatable
    return unit.is_final and mark.state is State.DONE


def _watched(unit: Unit) -> tuple[WantedLock, ...]:
    """What is taken back may need the strongest lock on what was touched; the statement takes it by itself."""
    found = []
    for relation in unit.touches:
        schema, _, name = relation.partition(".")
        found.append(WantedLock(schema=schema, name=name, mode=LockMode.ACCESS_EXCLUSIVE, is_table=False))
    return tuple(found)
