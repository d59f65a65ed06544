"""The tool's own way back, where the policy lets it be gone: judged, split and supervised as the way there was.

It is for a migration that failed after some of its statements were done and that its own steps cannot take back, and
then for those that the same release has finished before it, newest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import psycopg

from gate.app import pending
from gate.app.clock import Clock
from gate.app.looking import look
from gate.app.settings import Settings
from gate.app.weighing import Weighing, weigh
from gate.model.errors import GateError
from gate.model.migration import Migration, Query
from gate.model.plan import MigrationPlan, Mode, Severity, Verdict
from gate.model.program import Program, Unit, UnitKind
from gate.model.run import Leftover, State
from gate.plan.known import all_rules
from gate.plan.reading import ReadMigration, read
from gate.policy.policy import Policy, RuleSetting
from gate.run.halting import Halt
from gate.run.journalling import Mark, ProgramState
from gate.run.programming import ToRun, programs
from gate.run.site import Site
from gate.run.supervising import Job, Supervisor
from gate.sources.tool import Source
from gate.sql.masking import masked

UNMARKS = "the migration is pending again: takes it out of the bookkeeping"
_BEGAN_WITH_THE_RELEASE = ("drops-", "renames-")
_REASON = "what the release made is taken back: no code but its own knows it"


class _Stays(Exception):
    """Why a migration stays as it is."""


@dataclass
class WayBack:
    """`reader` looks, `site` does. What is taken back leaves `done`, which has the ids in the order of the release.

    It never raises Halt: what stays is told.
    """

    reader: psycopg.Connection
    source: Source
    settings: Settings
    site: Site
    done: list[str]

    def go(self, failed: Job, left: Sequence[Leftover]) -> list[Leftover]:
        """What stays, and why; `left` is what the failed migration's own steps could not take back."""
        if self._is_there(failed):
            stays = self._back(failed.program.migration, failed)
            if stays is not None:
                return [*left, stays]
            left = ()
        while self.done:
            stays = self._back(self.done[-1], None)
            if stays is not None:
                return [*left, stays]
            self.done.pop()
        return list(left)

    def _is_there(self, failed: Job) -> bool:
        """Whether any of its steps is done: the journal knows."""
        try:
            kept = self.site.journal.standing().unfinished_of(failed.program.source, failed.program.migration)
        except (Halt, GateError):
            return True
        return kept is not None and any(mark.state in (State.DONE, State.BEGUN) for mark in kept.marks)

    def _back(self, named: str, failed: Job | None) -> Leftover | None:
        down: Migration | None = None
        try:
            migration = self._migration(named)
            down = self.source.down(migration)
            if down is not None:
                self._run(migration, down, failed)
                return None
            why = f"{self.source.name} has no way back for it"
        except (_Stays, Halt, GateError) as error:
            why = str(error)
        what = "stays as far as it came" if failed is not None else "stays applied"
        sql = "" if down is None else masked(";\n".join(statement.sql for statement in down.statements))
        return Leftover(what=f"{named} {what}: {why}", sql=sql, needs_person=failed is not None)

    def _migration(self, named: str) -> Migration:
        for migration in self.source.migrations():
            if (migration.id or migration.name) == named:
                return migration
        raise _Stays("its file is gone")

    def _run(self, migration: Migration, down: Migration, failed: Job | None) -> None:
        (loaded,) = read((down,))
        program = self._program(self._judged(loaded), loaded)
        place, _ = pending.where(self.reader, self.source)
        unmarks = self.source.unmarks(migration, place) if place is not None else ()
        if not program.is_whole and not self.site.journal.keeps_programs:
            raise _Stays("its way back is no single transaction, and a journal in a file has no room for its steps")
        key = self.site.journal.keep(program, run=self.site.run)
        job = Job(
            program=program,
            texts=down.statements,
            bookkeeping=(*unmarks, *self._closes(failed)),
            key=key,
            is_applied=lambda: self._is_pending(program.migration),
        )
        try:
            Supervisor(site=self.site).run(job)
        except (Halt, GateError):
            # Nobody takes it up: what is left of it needs a person, who is told now.
            for query in self.site.journal.finish(key, ProgramState.SETTLED):
                self.site.write(query)
            raise

    def _closes(self, failed: Job | None) -> Iterator[Query]:
        """Together with the way back itself: no run is to take up what is not there any more."""
        journal = self.site.journal
        if failed is None or not journal.keeps_programs:
            return
        for unit in failed.program.units:
            yield from journal.mark(failed.key, Mark(ordinal=unit.ordinal, state=State.UNDONE), run=self.site.run)
        yield from journal.finish(failed.key, ProgramState.UNDONE)

    def _judged(self, loaded: ReadMigration) -> MigrationPlan:
        snapshot = look(self.reader, (loaded,), release_role=self.settings.release_role)
        weighing = Weighing(source=self.source.name, policy=_lenient(self.settings.policy))
        plan = weigh(self.reader, (loaded,), snapshot, weighing, Clock(lambda _: None))
        (migration,) = plan.migrations
        if migration.verdict is Verdict.REFUSE:
            raise _Stays("; ".join(("its way back would be refused", *_refusals(migration))))
        return migration

    def _program(self, plan: MigrationPlan, loaded: ReadMigration) -> Program:
        to_run = ToRun(plan=plan, read=loaded)
        source = f"{self.source.name}, back"
        (program,) = programs((to_run,), source=source, stall_s=self.site.release.stall_s)
        return unmarked_first(program)

    def _is_pending(self, named: str) -> bool:
        waiting = pending.read(self.reader, self.source).migrations
        return named in {migration.id or migration.name for migration in waiting}


def unmarked_first(program: Program) -> Program:
    """Where the way back is no single transaction the bookkeeping comes first.

    If it is cut off, the migration is then pending, and the next release judges it against what it finds; the other way
    round it would be taken as applied, with half of it gone.
    """
    if program.is_whole:
        return program
    first = Unit(ordinal=1, kind=UnitKind.TRANSACTION, why=UNMARKS, writes_bookkeeping=True)
    kept = [unit for unit in program.units if unit.commands or unit.kind is not UnitKind.TRANSACTION]
    units = [first, *(replace(unit, writes_bookkeeping=False) for unit in kept)]
    return replace(program, units=tuple(replace(unit, ordinal=number) for number, unit in enumerate(units, start=1)))


def _lenient(policy: Policy) -> Policy:
    """Old code cannot miss what the release has made; what locks, works or fails is judged as ever."""
    off = {
        rule.name: RuleSetting(is_off=True, reason=_REASON)
        for rule in all_rules()
        if rule.may_be_off and rule.name.startswith(_BEGAN_WITH_THE_RELEASE)
    }
    return replace(policy, rules={**policy.rules, **off}, mode=Mode.ENFORCE)


def _refusals(migration: MigrationPlan) -> Iterator[str]:
    refused = (statement for statement in migration.statements if statement.verdict is Verdict.REFUSE)
    findings = (*migration.findings, *(finding for statement in refused for finding in statement.findings))
    return (finding.problem for finding in findings if finding.severity is Severity.REFUSE)
