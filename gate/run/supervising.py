"""A program from its first unit that is not done to its last: each run, marked and told; what failed is taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gate.model.errors import GateError
from gate.model.migration import Query, ScriptStatement
from gate.model.program import Program, Unit, UnitKind
from gate.model.run import Leftover, Outcome, State, UnitRun
from gate.run import gathering, sending
from gate.run.batches import BackfillRun
from gate.run.concurrent import Concurrent
from gate.run.halting import Done, Halt, rejected, stopped
from gate.run.journalling import Kept, Mark, ProgramState
from gate.run.limits import session
from gate.run.outcomes import is_retried
from gate.run.performing import perform
from gate.run.sending import FORGETS
from gate.run.site import Site
from gate.run.telling import MigrationEnded, TookUp, UnitBegan, UnitEnded
from gate.run.transactions import Transaction
from gate.run.world import Sent
from gate.sql.masking import masked

_GATHER_TRIES = 5
_GATHER_LOCK_S = 30.0
_POLL_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """A program, its texts (none where it is taken back without its file), and where the journal has it.

    `bookkeeping` are the tool's own rows; `is_applied` tells whether they are there, for a journal that has no marks of
    its own. `kept` has the marks of an earlier run; None for a program that is new.
    """

    program: Program
    texts: Sequence[ScriptStatement]
    bookkeeping: Sequence[Query]
    key: int
    kept: Kept | None = None
    is_applied: Callable[[], bool] = lambda: False


@dataclass
class Supervisor:
    """Runs jobs, one after the other; `units` is what became of each unit so far."""

    site: Site
    units: list[UnitRun] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)

    def run(self, job: Job) -> None:
        """The whole migration. Raises Halt; what was finished is in the journal then."""
        begun_s = self.site.clock.now()
        program = job.program
        if job.kept is not None:
            unit = job.kept.next_unit
            at = unit.ordinal if unit is not None else len(program.units)
            self.site.tell(TookUp(migration=program.migration, run=job.kept.run, at=at, of=len(program.units)))
        for unit in program.units:
            if self._mark_of(job, unit).state is not State.DONE:
                self._unit(job, unit)
        self._forget_settings()
        self.done.append(program.migration)
        self.site.tell(MigrationEnded(migration=program.migration, seconds=self.site.clock.now() - begun_s))

    # --- one unit -----------------------------------------------------------------------------------------------------

    def _unit(self, job: Job, unit: Unit) -> None:
        self.site.check()
        told = UnitRun(
            migration=job.program.migration,
            path=job.program.path,
            ordinal=unit.ordinal,
            kind=unit.kind.value,
            why=unit.why,
            sql=masked(self._text(job, unit)),
            state=State.WAITING,
            line=unit.line,
            planned=unit.seconds,
            began_at=self.site.clock.utc(),
        )
        self._tell_begun(job, unit, told)
        begun_s = self.site.clock.now()
        try:
            done = self._run(job, unit)
        except Halt as halt:
            spent = halt.spent or _took(0.0, 0)
            told = self._halted(job, unit, _with(told, spent), halt)
            self._ended(job, replace(told, seconds=self.site.clock.now() - begun_s))
            raise
        self._ended(job, replace(_with(told, done), state=State.DONE, seconds=done.seconds))

    def _tell_begun(self, job: Job, unit: Unit, told: UnitRun) -> None:
        self.site.tell(
            UnitBegan(
                migration=told.migration,
                path=told.path,
                at=unit.ordinal,
                of=len(job.program.units),
                why=unit.why,
                # How a batch walks the table says nobody anything.
                sql="" if unit.kind is UnitKind.BACKFILL else told.sql,
                line=unit.line,
                seconds=unit.seconds,
            )
        )

    def _halted(self, job: Job, unit: Unit, told: UnitRun, halt: Halt) -> UnitRun:
        """With the server's error, and the statement that it is about."""
        if halt.outcome is not Outcome.FAILED:
            return replace(told, in_the_way=halt.in_the_way or told.in_the_way)
        told = replace(told, state=State.FAILED, error=masked(halt.problem))
        if halt.error is not None:
            error = halt.error
            told = replace(
                told,
                error=masked(error.problem),
                sqlstate=error.sqlstate,
                detail=masked(error.detail),
                hint=masked(error.hint),
            )
        if halt.command is not None and len(unit.commands) > 1:
            command = unit.commands[halt.command]
            line = job.texts[command.place].line if command.place is not None else told.line
            told = replace(told, sql=masked(sending.said(command, job.texts).sql), line=line)
        return told

    def _run(self, job: Job, unit: Unit) -> Done:
        match unit.kind:
            case UnitKind.TRANSACTION:
                return self._transaction(job, unit).run()
            case UnitKind.STATEMENT:
                return self._concurrent(job, unit)
            case UnitKind.BACKFILL:
                return self._backfill(job, unit).run()
            case UnitKind.GATHER:
                return self._gather(job, unit)
            case UnitKind.WAIT:
                return self._wait(job, unit)

    def _transaction(self, job: Job, unit: Unit) -> Transaction:
        mark = Mark(ordinal=unit.ordinal, state=State.DONE)
        return Transaction(
            site=self.site,
            migration=job.program.migration,
            unit=unit,
            texts=job.texts,
            bookkeeping=job.bookkeeping if unit.writes_bookkeeping else (),
            marks=(*self.site.journal.mark(job.key, mark, run=self.site.run), *self._finish(job, unit)),
            is_marked=lambda: self._read(job, unit).state,
        )

    def _finish(self, job: Job, unit: Unit) -> Sequence[Query]:
        is_last = unit.ordinal == job.program.units[-1].ordinal
        return self.site.journal.finish(job.key, ProgramState.DONE) if is_last else ()

    def _concurrent(self, job: Job, unit: Unit) -> Done:
        is_resumed = self._mark_of(job, unit).state is State.BEGUN
        self._record(job, Mark(ordinal=unit.ordinal, state=State.BEGUN))
        concurrent = Concurrent(
            site=self.site, migration=job.program.migration, unit=unit, texts=job.texts, is_resumed=is_resumed
        )
        try:
            done = concurrent.run()
        except Halt as halt:
            if halt.outcome is not Outcome.UNREACHABLE:
                self._clean_up(concurrent)
            raise
        self._record(job, Mark(ordinal=unit.ordinal, state=State.DONE, note=done.note))
        self._finish_alone(job, unit)
        return done

    def _clean_up(self, concurrent: Concurrent) -> None:
        """An index that was being built would cost every write: it is dropped, while there is time for that."""
        try:
            with self.site.taking_away():
                why = concurrent.clean_up()
        except (Halt, GateError) as error:
            why = error.problem
        if why:
            name = ".".join(concurrent.unit.builds or ())
            self.leftovers.append(Leftover(what=f"index {name}, not valid ({why})", sql=concurrent.unit.undo))

    def _backfill(self, job: Job, unit: Unit) -> BackfillRun:
        def marks(mark: Mark) -> Sequence[Query]:
            own = self.site.journal.mark(job.key, mark, run=self.site.run)
            return (*own, *self._finish(job, unit)) if mark.state is State.DONE else own

        return BackfillRun(
            site=self.site,
            migration=job.program.migration,
            unit=unit,
            texts=job.texts,
            marks=marks,
            read=lambda: self._read(job, unit),
        )

    def _gather(self, job: Job, unit: Unit) -> Done:
        """ANALYZE shuts out neither readers nor writers; each is a transaction of its own, and may be done again."""
        begun_s = self.site.clock.now()
        limits = self.site.limits(ordinal=unit.ordinal, lock_s=_GATHER_LOCK_S, stall_s=self.site.release.stall_s)
        tries = 0
        for stage in gathering.stages(unit.columns, self.site.eyes.ask(gathering.asked(unit.relation))):
            own = session(unit.limits, limits, is_block=True)
            sent = (sending.BEGIN, own, *sending.settings(unit, job.texts), own, *stage, sending.COMMIT)
            tries = self._patiently(sent, tries)
        self._record(job, Mark(ordinal=unit.ordinal, state=State.DONE))
        self._finish_alone(job, unit)
        return _took(self.site.clock.now() - begun_s, tries + 1)

    def _patiently(self, sent: Sequence[Sent], tries: int) -> int:
        while True:
            performed = perform(self.site, sent, self.site.guard(is_blocking=False))
            error = performed.answer.error
            if error is None:
                return tries
            if performed.is_lost:
                self.site.hands.renew()
            else:
                perform(self.site, [sending.ROLLBACK], self.site.guard(is_blocking=False))
            if performed.stopped:
                raise stopped(performed.stopped)
            tries += 1
            if tries >= _GATHER_TRIES or not (performed.is_lost or is_retried(error)):
                raise rejected(error)

    def _wait(self, job: Job, unit: Unit) -> Done:
        begun_s = self.site.clock.now()
        sql = self._text(job, unit)
        while (rows := self.site.eyes.ask(Query(sql))) != ():
            waited_s = self.site.clock.now() - begun_s
            what = f"{unit.why}: {len(rows)} left"
            if waited_s > self.site.release.lock_wait_s:
                raise Halt(Outcome.LOCK_NOT_ACQUIRED, f"waited in vain for {what}", remedy="release again later")
            self.site.tell_waiting(
                job.program.migration, unit.ordinal, what, (), begun_s, self.site.release.lock_wait_s
            )
            self.site.rest(_POLL_S)
        self._record(job, Mark(ordinal=unit.ordinal, state=State.DONE))
        self._finish_alone(job, unit)
        return _took(self.site.clock.now() - begun_s, 1)

    # --- the journal --------------------------------------------------------------------------------------------------

    def _mark_of(self, job: Job, unit: Unit) -> Mark:
        if job.kept is None:
            return Mark(ordinal=unit.ordinal, state=State.WAITING)
        return job.kept.mark_of(unit.ordinal)

    def _read(self, job: Job, unit: Unit) -> Mark:
        """As it stands now, asked by the watchdog's connection: the other one may just have been lost."""
        for query in self.site.journal.asks(job.key, unit.ordinal):
            found = self.site.journal.read(self.site.eyes.ask(query))
            if found is not None:
                return found
        is_done = not self.site.journal.keeps_programs and unit.writes_bookkeeping and job.is_applied()
        return Mark(ordinal=unit.ordinal, state=State.DONE if is_done else State.WAITING)

    def _record(self, job: Job, mark: Mark) -> None:
        self.site.journal.record(job.key, mark, run=self.site.run)

    def _finish_alone(self, job: Job, unit: Unit) -> None:
        for query in self._finish(job, unit):
            self.site.write(query)

    def _ended(self, job: Job, told: UnitRun) -> None:
        self.units.append(told)
        self.site.journal.measure(job.key, told, run=self.site.run)
        self.site.tell(UnitEnded(unit=told, of=len(job.program.units)))

    def _forget_settings(self) -> None:
        """What the file has set is no setting of the next one."""
        for item in FORGETS:
            perform(self.site, [item], self.site.guard(is_blocking=False))

    def _text(self, job: Job, unit: Unit) -> str:
        if unit.batches is not None:
            return unit.batches.sql
        return ";\n".join(sending.said(command, job.texts).sql for command in unit.commands)


def _with(told: UnitRun, spent: Done) -> UnitRun:
    return replace(
        told,
        attempts=spent.attempts,
        waited_s=spent.waited_s,
        blocked_s=spent.blocked_s,
        in_the_way=spent.in_the_way,
        note=spent.note,
        rows_done=spent.rows,
    )


def _took(seconds: float, attempts: int) -> Done:
    return Done(attempts=attempts, waited_s=0.0, seconds=seconds, blocked_s=0.0, in_the_way=())
