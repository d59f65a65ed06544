"""A release that has something to do: one runner, its connections, what others left, the plan, and the run of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import psycopg

from gate.app import pending
from gate.app.clock import Clock
from gate.app.database import target
from gate.app.expecting import differences, reviewed
from gate.app.journals import journal_with, others, ours
from gate.app.judging import Judged, judge_live
from gate.app.opening import open_connection
from gate.app.release import Releasing
from gate.app.runner import HEARTBEAT_S, LostLock, Runner
from gate.app.world import World
from gate.db.connect import connect
from gate.db.errors import scrubbed
from gate.db.lane import Lane, patiently
from gate.db.rows import fetch
from gate.db.session import pooler
from gate.db.standing import LiveCatalog
from gate.db.watching import Watch
from gate.model.errors import GateError, Unreachable, UsageError
from gate.model.migration import Migration, Query
from gate.model.plan import Mode, Plan, Verdict
from gate.model.program import Program, WantedLock
from gate.model.run import InTheWay, Leftover, Outcome, Run, State, UnitRun
from gate.model.run_document import to_json
from gate.model.version import VERSION
from gate.platforms.command import CommandHook
from gate.policy.policy import Undo as UndoPolicy
from gate.run.deadlines import does_not_fit, unknown_times
from gate.run.draining import still_waiting
from gate.run.halting import Halt
from gate.run.hooking import call_all, event_of, settings_of
from gate.run.journalling import Journal, Kept, ProgramState, Start
from gate.run.limits import dead_man
from gate.run.programming import ToRun, fingerprint, programs
from gate.run.sample import Holder, Other
from gate.run.site import Site
from gate.run.supervising import Job, Supervisor
from gate.run.telling import Judged as JudgedEvent
from gate.run.undoing import Undo

_LONG_S = 1.0
_SERVER = Query(
    "SELECT pg_catalog.pg_backend_pid() AS pid, pg_catalog.pg_is_in_recovery() AS is_standby, "
    "(SELECT setting::float8 / 1000 FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout') AS deadlock_timeout_s"
)


def run_release(releasing: Releasing, connection: psycopg.Connection) -> Run:
    """The run; `connection` is the one that found something pending, and is used for looking only."""
    server = fetch(connection, _SERVER)[0]
    _check_server(releasing, connection, server)
    return _Release(releasing, connection, float(server["deadlock_timeout_s"])).run()


def _check_server(releasing: Releasing, connection: psycopg.Connection, server: dict[str, object]) -> None:
    between = pooler(connection, int(str(server["pid"])))
    if between is not None and releasing.settings.pooler != "session":
        raise UsageError(
            f"{between}: a release needs sessions of its own, for its lock, its limits and its watchdog",
            remedy="give gate the server's own address in GATE_DATABASE_URL, or say --pooler session if each client of "
            "the pooler has a session of its own",
        )
    if server["is_standby"]:
        raise UsageError("this is a standby: nothing can be written here", remedy="give gate the primary's address")


@dataclass
class _Release:
    releasing: Releasing
    reader: psycopg.Connection
    deadlock_timeout_s: float
    world: World = field(default_factory=World)
    plan: Plan | None = None
    units: list[UnitRun] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    took_up: str | None = None

    # --- who runs -----------------------------------------------------------------------------------------------------

    def run(self) -> Run:
        with ExitStack() as stack:
            self.runner = Runner(lambda: self._connection("runner"), self.releasing.settings.journal_schema)
            stack.callback(self.runner.close)
            holder = self._locked()
            if holder is not None:
                return self._with_hooks(holder)
            self.journal: Journal = journal_with(self.releasing.settings, self._ask)
            refused = self._not_accepted()
            if refused is not None:
                return self._with_hooks(refused)
            self.journal.prepare()
            self._open(stack)
            return self._begun()

    def _locked(self) -> Run | None:
        """The lock, or how it ends without."""
        deadlines = self.releasing.deadlines
        if self.runner.lock(deadlines.runner_wait_at_s(self.world.now()), lambda: self.world.stop is not None):
            return None
        holder = self.runner.holder() or {}
        named = f"pid {holder['pid']}, {holder['application'] or 'unnamed'}" if holder else "it ended this moment"
        return self._ended(
            Outcome.ANOTHER_GATE,
            problem=f"another gate is running on this database ({named})",
            remedy="let it end, then release again; gate status tells how far it is",
        )

    def _not_accepted(self) -> Run | None:
        finding = self.journal.needs_acceptance()
        if finding is None or self.releasing.settings.policy.release.is_journal_published:
            return None
        return self._ended(Outcome.REFUSED, problem=finding.problem, remedy=finding.remedy)

    def _open(self, stack: ExitStack) -> None:
        """All connections before the first act: a server that is full must be found out now."""
        self.hands = Lane(lambda: self._connection("hands"))
        stack.callback(self.hands.close)
        self.eyes = Watch(lambda: self._connection("eyes"))
        stack.callback(self.eyes.close)
        self.world.lanes = [self.hands, self.eyes]
        release = self.releasing.settings.policy.release
        self.site = Site(
            hands=self.hands,
            eyes=self.eyes,
            catalog=LiveCatalog(self.eyes.ask),
            clock=self.world,
            journal=self.journal,
            release=release,
            tell=self.releasing.tell,
            run=self.releasing.id,
            ends_s=self.releasing.deadlines.works_until_s,
            dead_man=tuple(_accepted(self.hands)),
            deadlock_timeout_s=self.deadlock_timeout_s,
        )
        if self.releasing.settings.replica_url is not None:
            self._spare(self.releasing.settings.replica_url, stack)
        self.supervisor = Supervisor(site=self.site, units=self.units, done=self.done, leftovers=self.leftovers)

    def _spare(self, url: str, stack: ExitStack) -> None:
        """Long queries of a standby are waited for: to follow an ACCESS EXCLUSIVE it would have to cancel them."""
        name = f"gate/{self.releasing.id[:8]}/replica"
        standby = Watch(lambda: connect(target(url).conninfo, application_name=name))
        stack.callback(standby.close)

        def away(wanted: Sequence[WantedLock]) -> tuple[Holder, ...]:
            found = standby.holders(standby.backend, wanted)
            return tuple(holder for holder in found if holder.other is not None and _is_long(holder.other))

        self.site.away = away

    def _connection(self, what: str) -> psycopg.Connection:
        """A new one each time, with the URL and the password as they are now."""
        releasing = self.releasing
        return patiently(
            lambda: open_connection(releasing.request, releasing.settings, name=f"gate/{releasing.id[:8]}/{what}"),
            for_s=releasing.deadlines.connect_at_s(self.world.now()),
            is_stopped=lambda: self.world.stop is not None,
            say=releasing.request.warn,
        )

    def _ask(self, query: Query) -> tuple[dict[str, object], ...]:
        """The journal's questions and writes."""
        try:
            return self.runner.ask(query)
        except LostLock:
            raise Halt(
                Outcome.STOPPED,
                "the runner's lock was lost, and another run has it now",
                remedy="the other run takes up what is left",
            ) from None
        except Unreachable as error:
            raise Halt(Outcome.UNREACHABLE, error.problem, remedy=error.remedy) from error

    def _beat(self) -> None:
        try:
            self.journal.heartbeat(self.releasing.id)
        except (Halt, GateError) as error:
            self.world.ask_to_stop(f"the loss of the runner's connection ({error})")

    # --- from its begin to its end ------------------------------------------------------------------------------------

    def _begun(self) -> Run:
        releasing = self.releasing
        info = self.reader.info
        self.journal.begin_run(
            Start(
                id=releasing.id,
                gate=VERSION,
                source=releasing.source.name,
                database=info.dbname,
                server_version=(info.parameter_status("server_version") or "").partition(" ")[0],
                budget_s=releasing.deadlines.budget_s,
            )
        )
        try:
            ended = self._worked()
        except BaseException:
            self.journal.end_run(self._ended(Outcome.STOPPED, problem="ended before anything was run"))
            raise
        with self._running():
            ended = self._with_hooks(ended)
        self.journal.end_run(ended)
        return ended

    def _with_hooks(self, ended: Run) -> Run:
        """The hooks that the policy has for such an end; they change nothing of it."""
        event = event_of(ended.outcome)
        if event is None or not self.releasing.request.calls_hooks:
            return ended
        hooks = [
            CommandHook(setting=setting, masked=scrubbed)
            for setting in settings_of(self.releasing.settings.policy.release, event)
        ]
        if not hooks:
            return ended
        return replace(ended, hooks=call_all(hooks, event, to_json(ended), self._hooks_left_s, self.world.now))

    def _hooks_left_s(self) -> float:
        """A signal that comes meanwhile shortens it."""
        stopped_s = self.world.stopped_s or self.world.now()
        until_s = self.releasing.deadlines.cleans_up_until_s(stopped_s, by_signal=self.world.stop is not None)
        return until_s - self.world.now()

    def _worked(self) -> Run:
        try:
            self._work()
        except Halt as halt:
            with self._running():
                return self._halted(halt)
        return self._ended(Outcome.DONE if self.done else Outcome.NOTHING_PENDING)

    def _work(self) -> None:
        releasing = self.releasing
        standing = self.journal.standing()
        releasing.notes += others(standing, releasing.source)
        answer = pending.read(self.reader, releasing.source)
        unfinished = ours(standing, releasing.source)
        for kept in unfinished:
            self._take_up(kept, answer)
        if unfinished:
            answer = pending.read(self.reader, releasing.source)
        if answer.migrations or not self.done:
            self._release(answer)

    @contextmanager
    def _running(self) -> Iterator[None]:
        """While statements are run signals are heard in the loop, and the heartbeat goes on."""
        self.runner.die_with_us()
        self.world.beat, self.world.beat_every_s = self._beat, HEARTBEAT_S
        with self.world.signals():
            yield

    # --- what an earlier run left -------------------------------------------------------------------------------------

    def _take_up(self, kept: Kept, answer: pending.Answer) -> None:
        migration = self._migration(kept.migration)
        if kept.program is None:
            raise Halt(
                Outcome.REFUSED,
                f"{kept.migration} was begun by a newer gate, in a form that this one does not know",
                remedy="finish it with that gate",
            )
        if not any(mark.state in (State.DONE, State.BEGUN) for mark in kept.marks):
            # Nothing of it is there: it is planned afresh, against the catalog as it is now.
            self._close(kept, ProgramState.UNDONE)
            return
        self.took_up = kept.run
        self.journal.take_up(kept.key, run=self.releasing.id)
        if self._is_settled(kept, answer):
            self._settle(kept)
        elif fingerprint(migration) != kept.fingerprint:
            self._take_back_changed(kept)
        else:
            job = self._job(kept.program, migration, kept.key, kept)
            with self._running():
                self._run_job(job)

    def _migration(self, named: str) -> Migration:
        source = self.releasing.source
        return next(
            source.load(migration) for migration in source.migrations() if (migration.id or migration.name) == named
        )

    def _is_settled(self, kept: Kept, answer: pending.Answer) -> bool:
        """Whether the tool's bookkeeping has it although this program did not write it there."""
        waiting = {migration.id or migration.name for migration in answer.migrations}
        program = kept.program
        if kept.migration in waiting or program is None:
            return False
        wrote = next(unit.ordinal for unit in program.units if unit.writes_bookkeeping)
        return kept.mark_of(wrote).state is not State.DONE

    def _settle(self, kept: Kept) -> None:
        self.releasing.notes.append(
            f"{kept.migration} was begun by run {kept.run} and brought to its end by somebody else: it is let be; look "
            "with gate status for what its steps left"
        )
        self._close(kept, ProgramState.SETTLED)

    def _close(self, kept: Kept, state: ProgramState) -> None:
        for query in self.journal.finish(kept.key, state):
            self._ask(query)

    def _take_back_changed(self, kept: Kept) -> None:
        """What the file was before is undone, so that what it is now can be planned."""
        assert kept.program is not None
        undo = Undo(site=self.site, job=self._job(kept.program, None, kept.key, kept))
        with self._running():
            is_undone = undo.run({mark.ordinal: mark for mark in kept.marks})
        if is_undone:
            self.site.say(f"{kept.migration} has changed since run {kept.run} began it: its steps were taken back")
            return
        self.leftovers += undo.left
        raise Halt(
            Outcome.REFUSED,
            f"{kept.migration} has changed since run {kept.run} began it, and not all of that can be taken back: "
            + "; ".join(left.what for left in undo.left),
            remedy="restore the file as it was and release again, or take the rest back by hand",
        )

    # --- what is pending ----------------------------------------------------------------------------------------------

    def _release(self, answer: pending.Answer) -> None:
        releasing = self.releasing
        judged = self._judged(answer)
        self.plan = judged.plan
        self._hold_against_review(judged.plan)
        left_s = releasing.deadlines.left_s(self.world.now())
        releasing.tell(JudgedEvent(plan=judged.plan, budget_s=left_s))
        if judged.plan.verdict is Verdict.REFUSE and releasing.mode is Mode.ENFORCE:
            raise Halt(Outcome.REFUSED, "the plan is refused", remedy="each finding names its way out")
        stall_s = releasing.settings.policy.release.stall_s
        to_run = (
            ToRun(plan=plan, read=read) for plan, read in zip(judged.plan.migrations, judged.migrations, strict=True)
        )
        made = programs(to_run, source=releasing.source.name, stall_s=stall_s)
        self._check(made, left_s)
        with self._running():
            for program, read in zip(made, judged.migrations, strict=True):
                key = self.journal.keep(program, run=releasing.id)
                self._run_job(self._job(program, read.migration, key))

    def _judged(self, answer: pending.Answer) -> Judged:
        releasing = self.releasing
        settings = releasing.settings
        policy = replace(settings.policy, mode=releasing.mode)
        clock = Clock(releasing.request.say)
        judged = judge_live(
            self.reader,
            releasing.source,
            answer,
            replace(settings, policy=policy),
            clock,
            is_release=True,
            history=self.journal.past_runs,
        )
        return replace(judged, plan=replace(judged.plan, timings=tuple(clock.phases), mode=releasing.mode))

    def _hold_against_review(self, plan: Plan) -> None:
        named = self.releasing.request.expect
        if named is None:
            return
        found = differences(reviewed(named, self.releasing.settings.database), plan, settled=tuple(self.done))
        if found:
            raise Halt(
                Outcome.REFUSED,
                f"this is not the plan that was reviewed in {named}: " + "; ".join(found[:10]),
                remedy="review the new plan: gate plan --format json -o " + named,
            )

    def _check(self, made: Sequence[Program], left_s: float) -> None:
        if not self.journal.keeps_programs:
            apart = [program.migration for program in made if not program.is_whole]
            if apart:
                raise Halt(
                    Outcome.REFUSED,
                    f"{', '.join(apart)} is run step by step, and a journal in a file cannot say after a crash which "
                    "of the steps are done",
                    remedy="let the journal be in the database: leave out --journal",
                )
        too_long = does_not_fit(made, left_s, self.releasing.platform.detached)
        if too_long is not None:
            raise Halt(Outcome.REFUSED, too_long, remedy=self.releasing.platform.detached())
        unknown = unknown_times(made, left_s)
        if unknown is not None:
            self.releasing.notes.append(unknown)

    def _job(self, program: Program, migration: Migration | None, key: int, kept: Kept | None = None) -> Job:
        return Job(
            program=program,
            texts=migration.statements if migration is not None else (),
            bookkeeping=self._bookkeeping(migration) if migration is not None else (),
            key=key,
            kept=kept,
            is_applied=lambda: self._is_applied(program.migration),
        )

    def _bookkeeping(self, migration: Migration) -> tuple[Query, ...]:
        """The tool's rows as it writes them itself, its table too where it is not there yet."""
        source = self.releasing.source
        place, new = pending.where(self.reader, source)
        creates = source.creates_bookkeeping(new) if place is None else ()
        meant = place or new
        return (*creates, *source.begins(migration, meant), *source.marks(migration, meant))

    def _is_applied(self, named: str) -> bool:
        waiting = pending.read(self.reader, self.releasing.source).migrations
        return named not in {migration.id or migration.name for migration in waiting}

    def _run_job(self, job: Job) -> None:
        self.job = job
        self.supervisor.run(job)

    # --- how it ends --------------------------------------------------------------------------------------------------

    def _halted(self, halt: Halt) -> Run:
        deadlines = self.releasing.deadlines
        stopped_s = self.world.stopped_s or self.world.now()
        self.site.ends_s = deadlines.cleans_up_until_s(stopped_s, by_signal=self.world.stop is not None)
        self.site.ignores_stop = True
        left = self._taken_back(halt)
        self.leftovers += left
        return self._ended(
            halt.outcome,
            problem=halt.problem,
            remedy=halt.remedy,
            in_the_way=(*halt.in_the_way, *self._not_drained()),
        )

    def _not_drained(self) -> tuple[InTheWay, ...]:
        try:
            return still_waiting(self.site)
        except GateError:
            # Nobody can be asked: then nobody can be named.
            return ()

    def _taken_back(self, halt: Halt) -> list[Leftover]:
        """The finished units of the migration that did not come to its end, where the policy wants them taken back."""
        when = self.releasing.settings.policy.release.undo
        is_wanted = when is UndoPolicy.ALWAYS or (when is UndoPolicy.FAILED and halt.outcome is Outcome.FAILED)
        job = getattr(self, "job", None)
        if not is_wanted or job is None or not self.journal.keeps_programs:
            return []
        try:
            kept = self.journal.standing().unfinished_of(job.program.source, job.program.migration)
            if kept is None:
                return []
            undo = Undo(site=self.site, job=job)
            undo.run({mark.ordinal: mark for mark in kept.marks})
        except (Halt, GateError) as error:
            return [Leftover(what=f"{job.program.migration}, as far as it came: {error}")]
        return undo.left

    def _ended(self, outcome: Outcome, **more: object) -> Run:
        site = getattr(self, "site", None)
        return self.releasing.run(
            self.reader,
            outcome,
            plan=self.plan,
            migrations=tuple(self.done),
            units=tuple(self.units),
            acts=tuple(site.acts) if site is not None else (),
            leftovers=tuple(self.leftovers),
            took_up=self.took_up,
            **more,
        )


def _is_long(other: Other) -> bool:
    """Whose age cannot be seen counts as long."""
    return other.transaction_age_s is None or other.transaction_age_s >= _LONG_S


def _accepted(hands: Lane) -> Iterator[tuple[str, str]]:
    """The settings of the dead man's switch that this server takes: not every platform has all of them."""
    from gate.run.world import Sent

    for name, value in dead_man(hands.major):
        answer = hands.ask([Sent(sql="SELECT pg_catalog.set_config($1, $2, false)", parameters=(name, value))])
        if answer.error is None:
            yield name, value
