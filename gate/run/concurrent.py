"""A statement that no transaction block may hold: looked for in the catalog before and after, for nothing marks it.

An index that is there, valid, and the same is adopted, never by its name alone; one that is not valid is dropped and
built anew. Such a statement waits for transactions that are older than it; it is the waiting that is limited, not the
work.

Source: https://www.postgresql.org/docs/18/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gate.model.actions import Action, AlterTable, DetachPartition, Drop, Reindex
from gate.model.migration import ScriptStatement
from gate.model.names import Name
from gate.model.program import Unit
from gate.model.run import InTheWay, Outcome
from gate.model.units import lasting
from gate.run import sending
from gate.run.guarding import Guard
from gate.run.halting import Done, Halt, failed, rejected, stopped
from gate.run.killing import end_blockers
from gate.run.limits import session
from gate.run.outcomes import in_words, is_retried
from gate.run.performing import Performed, perform
from gate.run.sample import Sample
from gate.run.site import PROGRESS_EVERY_S, Site, of_other
from gate.run.telling import Progressed
from gate.run.world import IndexState, Sent
from gate.sql.parse import parse_all
from gate.sql.rewriting.indexes import drop_index

_TRIES = 4
_LATER_S = 1.0
_IS_GONE = frozenset({"42704", "42P01"})
_IS_THERE = frozenset({"42P04", "42P06", "42P07", "42710", "42723"})


@dataclass
class Concurrent:
    """`is_resumed`: an earlier run began it, and nobody knows how far it came. `instead` brings that to its end."""

    site: Site
    migration: str
    unit: Unit
    texts: Sequence[ScriptStatement]
    is_resumed: bool
    attempts: int = 0
    begun_s: float = 0.0
    waiting_since_s: float | None = None
    waited_s: float = 0.0
    told_s: float = 0.0
    note: str = ""
    instead: str = ""
    met: dict[int, InTheWay] = field(default_factory=dict)

    def run(self) -> Done:
        """Until it is there. Raises Halt, with nothing invalid left behind where that could be helped."""
        try:
            return self._run()
        except Halt as halt:
            halt.spent = self._done(0.0)
            raise

    def _run(self) -> Done:
        self.begun_s = self.told_s = self.site.clock.now()
        if self._is_there():
            return self._done(0.0)
        self._announce()
        while True:
            self.site.check()
            self.attempts += 1
            performed = self._perform()
            if performed.is_lost:
                self.site.hands.renew()
            error = performed.answer.error
            if (error is None and self._is_whole()) or self._was_done_before(performed):
                return self._done(performed.seconds)
            may_try_again = error is not None and (is_retried(error) or performed.is_lost) and self.attempts < _TRIES
            if performed.for_waiters:
                self._let_them_by()
            elif performed.stopped or not may_try_again:
                self._give_up(performed)
            if self._is_there():
                return self._done(performed.seconds)

    # --- what the catalog says ----------------------------------------------------------------------------------------

    @property
    def _sql(self) -> str:
        return sending.said(self.unit.commands[0], self.texts).sql

    def _index(self) -> IndexState | None:
        if self.unit.builds is None:
            return None
        schema, name = self.unit.builds
        return self.site.catalog.index(schema, name, self._sql)

    def _is_there(self) -> bool:
        """Whether nothing has to be done any more; what is half done is taken away first."""
        found = self._index()
        if found is not None and found.is_valid and found.is_same:
            self.note = "adopted: a valid index of the same definition is there"
            return True
        if found is not None and found.is_valid:
            schema, name = self.unit.builds or ("", "")
            what = "another definition" if found.is_same is False else "a definition that cannot be compared"
            raise failed(
                f"{Name(name, schema)} is there already, with {what}: {found.definition}",
                remedy="rename or drop that index, or give the new one another name",
            )
        if found is not None:
            self._clear_the_way()
            self.note = "an invalid index of that name was dropped, and built anew"
            return False
        return (self.is_resumed or self.attempts > 0) and self._has_ended()

    def _has_ended(self) -> bool:
        """What an interrupted statement of another kind left: its end is recognised, or brought about."""
        match self._action():
            case Reindex():
                for schema, name in self.site.catalog.leftover_indexes(self.unit.touches):
                    self._bare(Sent(sql=drop_index(Name(name, schema), missing_ok=True)))
            case AlterTable(parts=(DetachPartition(is_concurrent=True),)):
                self.instead = ""
                for parent, child in self.site.catalog.half_detached(self.unit.touches):
                    self.instead = f"ALTER TABLE {parent} DETACH PARTITION {child} FINALIZE"
                    self.note = "an interrupted DETACH was brought to its end"
            case _:
                pass
        return False

    def _action(self) -> Action:
        return parse_all(self._sql)[0].statement.action

    def _was_done_before(self, performed: Performed) -> bool:
        """What is to be taken away is gone: an earlier try took it, whose answer was lost."""
        if performed.sqlstate not in _IS_GONE or not (self.is_resumed or self.attempts > 1):
            return False
        match self._action():
            case Drop() | AlterTable(parts=(DetachPartition(),)):
                self.note = "an earlier try had done it"
                return True
            case _:
                return False

    def _is_whole(self) -> bool:
        found = self._index()
        return found is None or found.is_valid

    def _clear_the_way(self) -> None:
        """The drop waits for whoever uses the table, as the build does."""
        for _ in range(_TRIES):
            dropped = self._drop_invalid()
            if dropped.is_lost:
                self.site.hands.renew()
            elif dropped.answer.error is not None:
                self._give_up(dropped)
            else:
                return
            self.site.check()

    def _drop_invalid(self) -> Performed:
        schema, name = self.unit.builds or ("", "")
        return self._bare(Sent(sql=drop_index(Name(name, schema), missing_ok=True)), judge=True)

    # --- the statement ------------------------------------------------------------------------------------------------

    def _perform(self) -> Performed:
        return self._bare(*sending.settings(self.unit, self.texts), Sent(sql=self.instead or self._sql), judge=True)

    def _bare(self, *sent: Sent, judge: bool = False) -> Performed:
        """Outside a block: the settings are the session's, and each statement goes by itself."""
        limits = self.site.limits(ordinal=self.unit.ordinal, lock_s=0.0, stall_s=self.site.release.stall_s)
        guard = self.site.guard(is_blocking=False)
        own = session(self.unit.limits, limits, is_block=False)
        # Once more after the file's own: they raise none of the limits.
        for item in (own, *sent[:-1], *([own] if sent[:-1] else [])):
            performed = perform(self.site, [item], guard)
            if performed.answer.error is not None:
                return performed
        if judge:
            return perform(self.site, sent[-1:], self._guard(), judge=self._judge)
        return perform(self.site, sent[-1:], guard)

    def _guard(self) -> Guard:
        """A partition is shut for all at the end of its DETACH, and that lock is waited for in the queue."""
        return self.site.guard(is_blocking=isinstance(self._action(), AlterTable))

    def _let_them_by(self) -> None:
        """It was cancelled for those who waited behind it: they go on, and it is tried again later."""
        site = self.site
        tried_s = site.clock.now() - self.begun_s
        if tried_s > site.release.lock_wait_s:
            raise Halt(
                Outcome.LOCK_NOT_ACQUIRED,
                f"in {lasting(tried_s)} it was tried {self.attempts} times, and each time others had to wait behind it",
                remedy="end what is in the way, or release again at a quieter time",
                in_the_way=tuple(self.met.values()),
            )
        site.rest(_LATER_S * (0.5 + site.clock.chance()))

    def _judge(self, sample: Sample) -> str:
        """Progress is told; waiting for others is limited as waiting for a lock is."""
        site, now = self.site, self.site.clock.now()
        others = sample.blocked_by if sample.awaits_lock else ()
        if not others:
            self.waiting_since_s = None
            self._tell_progress(sample)
            return ""
        if self.waiting_since_s is None:
            self.waiting_since_s = now
        for other in others:
            self.met.setdefault(other.backend.pid, of_other(other, held="an older transaction"))
        site.tell_waiting(
            self.migration,
            self.unit.ordinal,
            "older transactions to end",
            tuple(of_other(other, held="an older transaction") for other in others),
            self.waiting_since_s,
            site.release.lock_wait_s,
        )
        end_blockers(site, sample.held_by)
        waited_s = now - self.waiting_since_s
        self.waited_s = max(self.waited_s, waited_s)
        return f"waited {lasting(waited_s)} for older transactions" if waited_s > site.release.lock_wait_s else ""

    def _tell_progress(self, sample: Sample) -> None:
        now = self.site.clock.now()
        if sample.index is None or now - self.told_s < PROGRESS_EVERY_S:
            return
        self.told_s = now
        done = sample.index.done
        left_s = (now - self.begun_s) * (1 - done) / done if done else None
        self.site.tell(
            Progressed(
                migration=self.migration, at=self.unit.ordinal, what=sample.index.phase, done=done, left_s=left_s
            )
        )

    def _announce(self) -> None:
        """Whose transactions it will have to outlive."""
        old = self.site.catalog.old_snapshots()
        if old:
            self.site.tell_waiting(
                self.migration,
                self.unit.ordinal,
                "it will wait for transactions that are older",
                tuple(of_other(other, held="a snapshot") for other in old),
                self.begun_s,
                self.site.release.lock_wait_s,
            )

    # --- how it ended -------------------------------------------------------------------------------------------------

    def _done(self, seconds: float) -> Done:
        return Done(
            attempts=self.attempts,
            waited_s=self.waited_s,
            seconds=seconds,
            blocked_s=0.0,
            in_the_way=tuple(self.met.values()),
            note=self.note,
        )

    def _give_up(self, performed: Performed) -> None:
        """Whoever has called for this run takes away what is not valid; else the next run finds it by the catalog."""
        error = performed.answer.error
        if performed.stopped.startswith("waited"):
            raise Halt(
                Outcome.LOCK_NOT_ACQUIRED,
                f"{performed.stopped}, and was cancelled",
                remedy="end what is in the way, or release again at a quieter time",
                in_the_way=tuple(self.met.values()),
            )
        if performed.stopped:
            raise stopped(performed.stopped)
        if error is None:
            raise failed("the index is not valid although it was built", remedy="look at the server's log")
        if is_retried(error) or performed.is_lost:
            raise Halt(
                Outcome.LOCK_NOT_ACQUIRED,
                f"{self.attempts} tries ended with: {in_words(error)}",
                remedy="release again at a quieter time",
                in_the_way=tuple(self.met.values()),
            )
        if error.sqlstate in _IS_THERE and self.is_resumed:
            raise Halt(
                Outcome.NEEDS_PERSON,
                f"an earlier run began it, and nobody can tell whether it came to its end: {in_words(error)}",
                remedy="look whether it is whole; if not, take it away, then release again",
                error=error,
                command=0,
            )
        raise rejected(error, command=0)

    def clean_up(self) -> str:
        """An index that was being built is dropped; why it is there still, empty where nothing is left of it."""
        if self._is_whole():
            return ""
        dropped = self._drop_invalid()
        if self._is_whole():
            return ""
        return dropped.stopped or (in_words(dropped.answer.error) if dropped.answer.error else "it is there again")
