"""A release that has something to do: one runner, what others left, the plan, the run of it, and how it ends."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from gate.app import pending
from gate.app.admitting import admitted, check_time
from gate.app.bookkeeping import check, rows_of
from gate.app.clock import Clock
from gate.app.direct import Address, direct_variable, pooled_variable
from gate.app.ground import Ground, looks_for_s
from gate.app.hooks import Hooks, JournalLedger
from gate.app.journals import others, ours
from gate.app.judging import Judged, judge_live
from gate.app.old_code import check as check_old_code
from gate.app.old_code import evidence, is_asked_for, notes
from gate.app.release import Releasing, connected
from gate.app.tool_lock import ToolLock
from gate.app.unfinished import Afresh, GoOn, LetBe, TakeBack, cannot_take_back, let_be, what_to_do
from gate.app.way_back import WayBack
from gate.app.world import Interrupted
from gate.db.connect import bound
from gate.db.errors import translated
from gate.db.leftovers import leftovers
from gate.db.rows import fetch
from gate.db.session import pooler
from gate.model.errors import Exit, GateError, MissingPrivilege, Unreachable, UsageError
from gate.model.migration import Migration, Query
from gate.model.plan import Plan
from gate.model.program import Program
from gate.model.rates import PastRun
from gate.model.run import HookRun, InTheWay, Leftover, Outcome, Run, State, UnitRun
from gate.model.run_document import to_json
from gate.model.version import VERSION
from gate.policy.policy import Undo as UndoPolicy
from gate.run.draining import still_waiting
from gate.run.ending import Target, end_run
from gate.run.halting import Halt, stopped
from gate.run.hooking import event_of, settings_of
from gate.run.journalling import Kept, ProgramState, Start
from gate.run.supervising import Job, Supervisor
from gate.run.undoing import Undo

_SERVER = Query(
    "SELECT pg_catalog.pg_backend_pid() AS pid, pg_catalog.pg_is_in_recovery() AS is_standby, "
    "(SELECT setting::float8 / 1000 FROM pg_catalog.pg_settings "
    "WHERE name OPERATOR(pg_catalog.=) 'deadlock_timeout') AS deadlock_timeout_s"
)
_EVIDENCE_S = 30.0
_OUTCOMES = {Exit.UNREACHABLE: Outcome.UNREACHABLE, Exit.LOCK_NOT_ACQUIRED: Outcome.LOCK_NOT_ACQUIRED}


def run_release(releasing: Releasing, connection: psycopg.Connection) -> Run:
    """The run; `connection` is the one that found something pending, and is used for looking only."""
    with ExitStack() as stack:
        connection = _still_there(releasing, connection, stack)
        bound(connection, looks_for_s(releasing))
        server = fetch(connection, _SERVER)[0]
        _check_server(releasing, connection, server)
        _stays_idle(connection)
        try:
            return _Release(releasing, connection, Ground(releasing, stack)).run(float(server["deadlock_timeout_s"]))
        except psycopg.OperationalError as error:
            # A connection that was lost as soon as it was made.
            raise translated(error) from error


def _still_there(releasing: Releasing, connection: psycopg.Connection, stack: ExitStack) -> psycopg.Connection:
    """The role may end a session that was idle while what a release needs was loaded."""
    try:
        connection.execute(b"SELECT 1")
    except psycopg.OperationalError:
        connection = connected(releasing)
        stack.callback(connection.close)
    return connection


def _stays_idle(connection: psycopg.Connection) -> None:
    """It looks now and then, and is idle while everything else is done."""
    connection.execute(b"SELECT pg_catalog.set_config('idle_session_timeout', '0', false)")


def _check_server(releasing: Releasing, connection: psycopg.Connection, server: dict[str, Any]) -> None:
    info = connection.info
    used = Address(host=(info.host or "").lower(), port=info.port, database=info.dbname, user=info.user)
    named = pooled_variable(used, os.environ)
    between = pooler(connection, server["pid"]) or (f"{named} is a pooler's address" if named is not None else None)
    if between is not None and releasing.settings.pooler != "session":
        direct = direct_variable(used, os.environ)
        way_out = (
            f"{direct} holds the direct address: gate release --database-url env:{direct}"
            if direct is not None
            else "give gate the server's own address in GATE_DATABASE_URL"
        )
        raise UsageError(
            f"{between}: a release needs sessions of its own, for its lock, its limits and its watchdog",
            remedy=f"{way_out}, or say --pooler session if each client of the pooler has a session of its own",
        )
    if server["is_standby"]:
        raise UsageError("this is a standby: nothing can be written here", remedy="give gate the primary's address")


@dataclass
class _Release:
    releasing: Releasing
    reader: psycopg.Connection
    ground: Ground
    plan: Plan | None = None
    job: Job | None = None
    units: list[UnitRun] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    took_up: str | None = None
    is_begun: bool = False
    history: tuple[PastRun, ...] = ()
    called: list[HookRun] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = self.ground.world
        self.journal = self.ground.journal
        self.hooks = Hooks(
            policy=self.releasing.settings.policy,
            platform=self.releasing.platform,
            now_s=self.world.now,
            beat=self.world.beat_if_due,
            earlier=self._earlier,
        )

    def run(self, deadlock_timeout_s: float) -> Run:
        """One runner at a time, with all its connections, or how it ends without."""
        try:
            return self._alone(deadlock_timeout_s)
        except Halt as halt:
            # The journal cannot be made, or begun: nothing else is.
            return self._with_hooks(self._ended(halt.outcome, problem=halt.problem, remedy=halt.remedy))

    def _alone(self, deadlock_timeout_s: float) -> Run:
        early = self._another() or self._tool_at_work() or self._not_accepted()
        if early is not None:
            return self._with_hooks(early)
        answer = pending.read(self._looking(), self.releasing.source)
        check(self.reader, self.releasing.source, map(self.releasing.source.load, answer.migrations))
        self.journal.prepare()
        self.site = self.ground.open(deadlock_timeout_s)
        self.supervisor = Supervisor(site=self.site, units=self.units, done=self.done, leftovers=self.leftovers)
        with self.world.signals(), self.ground.running():
            return self._recorded()

    def _another(self) -> Run | None:
        """Who else runs; None once the lock is ours."""
        wait_s = self.releasing.deadlines.runner_wait_at_s(self.world.now())
        runner = self.ground.runner
        # Before the lock is had: a release that stands still keeps it from others for no longer than three heartbeats.
        runner.die_with_us()
        if runner.lock(wait_s, say=self.releasing.request.warn):
            return None
        return self._ended(
            Outcome.ANOTHER_GATE,
            problem=runner.other(),
            remedy="let it end, then release again; gate status tells how far it is",
        )

    def _tool_at_work(self) -> Run | None:
        """Whether the migration tool itself migrates; None once its lock is free."""
        lock, wait_s = self._tool_lock(), self.releasing.deadlines.runner_wait_at_s(self.world.now())
        if lock.awaited(wait_s, say=self.releasing.request.warn, rest=self.world.rest):
            return None
        return self._ended(Outcome.ANOTHER_GATE, problem=lock.problem(), remedy=lock.remedy())

    def _tool_lock(self) -> ToolLock:
        reader, source = self._looking(), self.releasing.source
        place, new = pending.where(reader, source)
        return ToolLock(tool=source.name, keys=source.locks(reader.info.dbname, place or new), ask=self.ground.ask)

    def _not_accepted(self) -> Run | None:
        finding = self.journal.needs_acceptance()
        if finding is None or self.releasing.settings.policy.release.is_journal_published:
            return None
        return self._ended(Outcome.REFUSED, problem=finding.problem, remedy=finding.remedy)

    # --- from its begin to its end ------------------------------------------------------------------------------------

    def _recorded(self) -> Run:
        """Begun and ended in the journal; what raises an error of its own is there as well."""
        info = self.reader.info
        self.journal.begin_run(
            Start(
                id=self.releasing.id,
                gate=VERSION,
                source=self.releasing.source.name,
                database=info.dbname,
                server_version=(info.parameter_status("server_version") or "").partition(" ")[0],
                budget_s=self.releasing.deadlines.budget_s,
            )
        )
        self.hooks.ledger = JournalLedger(journal=self.journal, run=self.releasing.id, database=info.dbname)
        try:
            ended = self._worked()
        except GateError as error:
            outcome = _OUTCOMES.get(Exit(error.exit_code), Outcome.REFUSED)
            self.called += self.hooks.restore(outcome, self._hooks_left_s)
            self._write_end(self._ended(outcome, problem=error.problem, remedy=error.remedy))
            raise
        ended = self._with_hooks(ended)
        self._write_end(ended)
        return ended

    def _write_end(self, ended: Run) -> None:
        # Where the server is gone nothing can be written, and how the run ended is said all the same.
        with suppress(Halt, GateError):
            self.journal.end_run(ended)

    def _worked(self) -> Run:
        try:
            self._work()
        except Halt as halt:
            return self._halted(halt)
        except Interrupted:
            return self._halted(stopped(f"stopped by {self.world.stop}"))
        except Unreachable as error:
            if not self.is_begun:
                raise
            return self._halted(Halt(Outcome.UNREACHABLE, error.problem, remedy=error.remedy))
        except MissingPrivilege as error:
            if not self.is_begun:
                raise
            return self._halted(Halt(Outcome.NEEDS_PERSON, error.problem, remedy=error.remedy))
        return self._ended(Outcome.DONE if self.done else Outcome.NOTHING_PENDING)

    def _work(self) -> None:
        self._end_what_dead_runs_left()
        standing = self.journal.standing()
        self.releasing.notes += others(standing, self.releasing.source)
        for kept in ours(standing, self.releasing.source):
            self._take_up(kept)
        answer = pending.read(self._looking(), self.releasing.source)
        if answer.migrations or not self.done:
            self._release(answer)

    def _end_what_dead_runs_left(self) -> None:
        targets = [
            Target(backend=other.backend, who=f"pid {other.backend.pid} ({other.application})", why="its run is dead")
            for other in leftovers(self.site.eyes.ask)
        ]
        if not targets:
            return
        ended = end_run(self.site.eyes, self.world, targets, grace_s=0.0)
        self.site.acts += ended.acts
        if ended.alive:
            # What they still do may be what would be done here, and then it is done twice.
            pids = ", ".join(str(backend.pid) for backend in ended.alive)
            raise Halt(
                Outcome.LOCK_NOT_ACQUIRED,
                f"what a dead run left is still at work, and could not be ended: pid {pids}",
                remedy="end it as the role that began it, or as one with pg_signal_backend, then release again",
            )

    # --- what an earlier run left -------------------------------------------------------------------------------------

    def _take_up(self, kept: Kept) -> None:
        answer = pending.read(self._looking(), self.releasing.source)
        what = what_to_do(kept, self.releasing.source, answer)
        if not isinstance(what, Afresh):
            self.took_up = kept.run
            self.journal.take_up(kept.key, run=self.releasing.id)
        match what:
            case Afresh():
                self._close(kept, ProgramState.UNDONE)
            case LetBe():
                self._close(kept, ProgramState.SETTLED)
                self.releasing.notes.append(let_be(kept))
            case TakeBack():
                self._check_tool(answer)
                self._take_back(kept)
            case GoOn():
                assert kept.program is not None
                self._check_tool(answer)
                check_time(self.releasing, (_what_is_left(kept.program, kept),), self.world.now())
                self._run(self._job(kept.program, what.migration, kept.key, kept))

    def _close(self, kept: Kept, state: ProgramState) -> None:
        """No run looks at it again."""
        for query in self.journal.finish(kept.key, state):
            self.ground.ask(query)

    def _take_back(self, kept: Kept) -> None:
        """What the file was before is undone, so that what it is now can be planned."""
        assert kept.program is not None
        self._begin()
        undo = Undo(site=self.site, job=self._job(kept.program, None, kept.key, kept))
        if not undo.run({mark.ordinal: mark for mark in kept.marks}):
            self.leftovers += undo.left
            raise cannot_take_back(kept, undo.left)
        self.site.say(f"{kept.migration} has changed since run {kept.run} began it: its steps were taken back")

    # --- what is pending ----------------------------------------------------------------------------------------------

    def _release(self, answer: pending.Answer) -> None:
        with self.world.interruptible():
            judged = self._judged(answer)
            made = self._admitted(judged)
            self._check_tool(answer)
        for program, read in zip(made, judged.migrations, strict=True):
            self.ground.check_current()
            key = self.journal.keep(program, run=self.releasing.id)
            self._run(self._job(program, read.migration, key))

    def _judged(self, answer: pending.Answer) -> Judged:
        settings, mode = self.releasing.settings, self.releasing.mode
        self.history = self.journal.past_runs()
        clock = Clock(self.releasing.request.say)
        judged = judge_live(
            self._looking(),
            self.releasing.source,
            answer,
            replace(settings, policy=replace(settings.policy, mode=mode)),
            clock,
            is_release=True,
            history=lambda: self.history,
        )
        self.plan = replace(judged.plan, timings=tuple(clock.phases), mode=mode)
        return replace(judged, plan=self.plan)

    def _admitted(self, judged: Judged) -> tuple[Program, ...]:
        source = self.releasing.source
        waiting = {migration.id for migration in pending.read(self._looking(), source).migrations}
        settled = [migration.id for migration in source.migrations() if migration.id and migration.id not in waiting]
        return admitted(
            self.releasing,
            judged,
            self.journal,
            now_s=self.world.now(),
            settled=(*self.done, *settled),
            history=self.history,
        )

    def _check_tool(self, answer: pending.Answer) -> None:
        """Before the first act, once more: the tool may have begun since, and what it has done is not pending."""
        if self.is_begun:
            return
        lock, wait_s = self._tool_lock(), self.releasing.deadlines.runner_wait_at_s(self.world.now())
        if not lock.awaited(wait_s, say=self.releasing.request.warn, rest=self.site.rest):
            raise Halt(Outcome.ANOTHER_GATE, lock.problem(), remedy=lock.remedy())
        if pending.read(self._looking(), self.releasing.source).ids != answer.ids:
            raise Halt(
                Outcome.ANOTHER_GATE,
                f"{lock.tool} itself, or whoever writes its bookkeeping, was at work while this release was planned",
                remedy="release again: what is left is planned anew",
            )

    def _job(self, program: Program, migration: Migration | None, key: int, kept: Kept | None = None) -> Job:
        return Job(
            program=program,
            texts=migration.statements if migration is not None else (),
            bookkeeping=rows_of(self._looking(), self.releasing.source, migration) if migration is not None else (),
            key=key,
            kept=kept,
            is_applied=lambda: self._is_applied(program.migration),
        )

    def _looking(self) -> psycopg.Connection:
        """The connection that only looks: after hours beside a long step it may be gone."""
        try:
            self.reader.execute(b"SELECT 1")
        except psycopg.OperationalError:
            self.reader = self.ground.connection("plan")
            self.ground.stack.callback(self.reader.close)
            _stays_idle(self.reader)
        return self.reader

    def _is_applied(self, name: str) -> bool:
        waiting = pending.read(self._looking(), self.releasing.source).migrations
        return name not in {migration.id or migration.name for migration in waiting}

    def _run(self, job: Job) -> None:
        self._begin()
        self.job = job
        self.supervisor.run(job)

    def _begin(self) -> None:
        """Before the first act, whatever that is: hooks are tried out, and those of `on_begin` are called."""
        if self.is_begun:
            return
        for problem in self.hooks.check(self._work_left_s):
            self.releasing.request.warn(problem)
            self.releasing.notes.append(problem)
        self._check_old_code()
        if self.releasing.request.calls_hooks:
            begun = self.hooks.begin(to_json(self._ended(Outcome.RUNNING)), self._work_left_s)
            self.called += begun
            for hook in begun:
                self.site.say(f"{hook.event} {hook.name}: {hook.problem or hook.output or 'done'}")
            self._check_begun(begun)
        self.is_begun = True

    def _check_old_code(self) -> None:
        if self.plan is None or not is_asked_for(self.plan):
            return
        left_s = self.hooks.within(_EVIDENCE_S, self._work_left_s)
        found = evidence(self.releasing.platform, self.hooks.around(), left_s)
        check_old_code(found)
        self.releasing.notes += notes(found)

    def _check_begun(self, begun: Sequence[HookRun]) -> None:
        if self.world.stop is not None:
            raise stopped(f"stopped by {self.world.stop}")
        failed = self.hooks.has_failed(begun)
        if failed is not None:
            raise Halt(
                Outcome.REFUSED,
                f"{failed.name}, which has to work before anything is begun, does not: {failed.problem}",
                remedy="put it right, or write required = false beside it in gate.toml; nothing was begun",
            )

    def _work_left_s(self) -> float:
        return 0.0 if self.world.stop is not None else self.releasing.deadlines.left_s(self.world.now())

    # --- how it ends --------------------------------------------------------------------------------------------------

    def _halted(self, halt: Halt) -> Run:
        """What is in flight is ended by now; what is finished is taken back where the policy wants that."""
        by_signal = self.world.stop is not None
        stopped_s = self.world.stopped_s or self.world.now()
        self.site.ends_s = self.releasing.deadlines.cleans_up_until_s(stopped_s, by_signal=by_signal)
        self.site.ignores_stop = True
        self.leftovers += self._taken_back(halt)
        waiting = self._not_drained()
        if waiting and self.releasing.platform.restart:
            command = self.releasing.platform.restart
            self.releasing.notes.append(f"{command} ends the sessions of those who still wait, if they do not go on")
        return self._ended(
            halt.outcome,
            problem=halt.problem,
            remedy=halt.remedy,
            in_the_way=halt.in_the_way,
            still_waiting=waiting,
        )

    def _taken_back(self, halt: Halt) -> list[Leftover]:
        """By its own steps, and then by the tool's own way back, as far as the policy wants either."""
        release, job = self.releasing.settings.policy.release, self.job
        if job is None:
            return []
        has_failed = halt.outcome is Outcome.FAILED
        is_wanted = release.undo is UndoPolicy.ALWAYS or (release.undo is UndoPolicy.FAILED and has_failed)
        left = self._undone(job) if is_wanted and self.journal.keeps_programs else []
        if not (release.down and has_failed):
            return left
        back = WayBack(
            reader=self._looking(),
            source=self.releasing.source,
            settings=self.releasing.settings,
            site=self.site,
            done=self.done,
        )
        return back.go(job, left)

    def _undone(self, job: Job) -> list[Leftover]:
        undo = Undo(site=self.site, job=job)
        try:
            kept = self.journal.standing().unfinished_of(job.program.source, job.program.migration)
            if kept is not None:
                undo.run({mark.ordinal: mark for mark in kept.marks})
                self.units[:] = [_as_undone(unit, job, undo.undone) for unit in self.units]
        except (Halt, GateError) as error:
            return [*undo.left, Leftover(what=f"{job.program.migration}, as far as it came: {error}")]
        return undo.left

    def _not_drained(self) -> tuple[InTheWay, ...]:
        try:
            return still_waiting(self.site)
        except (Halt, GateError):
            # Nobody can be asked: then nobody can be named.
            return ()

    def _with_hooks(self, ended: Run) -> Run:
        """What was changed outside is put back, then people are told; neither changes how the run ended."""
        event = event_of(ended.outcome) if self.releasing.request.calls_hooks else None
        then = settings_of(self.releasing.settings.policy.release, event) if event is not None else ()
        self.called += self.hooks.restore(ended.outcome, self._hooks_left_s, then)
        if event is not None:
            document = to_json(replace(ended, hooks=tuple(self.called)))
            self.called += self.hooks.call(event, document, self._hooks_left_s)
        return replace(ended, hooks=tuple(self.called))

    def _earlier(self) -> tuple[Mapping[str, Any], ...]:
        """The documents of the runs in the journal, as far as they can be read."""
        try:
            return tuple(run.document for run in self.journal.standing().runs)
        except (Halt, GateError):
            return ()

    def _hooks_left_s(self) -> float:
        """A signal that comes meanwhile shortens it."""
        stopped_s = self.world.stopped_s or self.world.now()
        until_s = self.releasing.deadlines.cleans_up_until_s(stopped_s, by_signal=self.world.stop is not None)
        return until_s - self.world.now()

    def _ended(self, outcome: Outcome, **more: Any) -> Run:
        site = getattr(self, "site", None)
        return self.releasing.run(
            self.reader,
            outcome,
            plan=self.plan,
            migrations=tuple(self.done),
            units=tuple(self.units),
            acts=tuple(site.acts) if site is not None else (),
            leftovers=tuple(self.leftovers),
            hooks=tuple(self.called),
            took_up=self.took_up,
            **more,
        )


def _as_undone(unit: UnitRun, job: Job, undone: Sequence[int]) -> UnitRun:
    is_back = unit.migration == job.program.migration and unit.ordinal in undone and unit.state is State.DONE
    return replace(unit, state=State.UNDONE) if is_back else unit


def _what_is_left(program: Program, kept: Kept) -> Program:
    units = tuple(unit for unit in program.units if kept.mark_of(unit.ordinal).state is not State.DONE)
    return replace(program, units=units)
