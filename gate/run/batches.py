"""A backfill: batches by key, each a short transaction with its cursor in it, at the pace that others can bear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gate.model.migration import Query, ScriptStatement
from gate.model.program import Batches, Unit
from gate.model.run import InTheWay, Outcome, State
from gate.model.units import lasting
from gate.run import backfilling, sending
from gate.run.backfilling import Batch, Cut, Finished, Passed, Pause, Progress, Stop, advance
from gate.run.halting import Done, Halt, rejected, stopped
from gate.run.journalling import Mark
from gate.run.limits import session
from gate.run.outcomes import CANCELED, is_retried
from gate.run.performing import Performed, perform
from gate.run.sample import Sample
from gate.run.site import PROGRESS_EVERY_S, Site, of_other
from gate.run.telling import Progressed

_LOST_AT_MOST = 5
_LOOK_EVERY_S = 1.0
_BLIND_S = 2.0


@dataclass
class BackfillRun:
    """`marks` makes the mark that is sent with a batch; `read` tells from the journal where it stands."""

    site: Site
    migration: str
    unit: Unit
    texts: Sequence[ScriptStatement]
    marks: Callable[[Mark], Sequence[Query]]
    read: Callable[[], Mark]
    attempts: int = 0
    lost: int = 0
    told_s: float = 0.0
    looked_s: float = 0.0
    sample: Sample | None = None
    rows: int | None = None
    blocked_s: float = 0.0
    paused_s: float = 0.0
    stuck_since_s: float | None = None
    met: dict[int, InTheWay] = field(default_factory=dict)

    def run(self) -> Done:
        """Until no row is left. Raises Halt, with every batch that committed kept."""
        begun_s = self.site.clock.now()
        try:
            return self._run()
        except Halt as halt:
            halt.spent = self._done(begun_s)
            raise

    def _run(self) -> Done:
        site, batches = self.site, self._batches()
        begun_s = self.told_s = site.clock.now()
        mark = self.read()
        pins = mark.pins if mark.pins is not None else self._pins(batches)
        progress = backfilling.begun(batches, at_s=begun_s, last=_as_key(mark.cursor), rows_done=mark.rows_done or 0)
        event: Passed | Cut | None = None
        while True:
            site.check()
            self._look()
            self.rows = progress.rows_done
            action, progress = advance(site.release.throttle, progress, self.sample, event, chance=site.clock.chance())
            event = None
            match action:
                case Finished():
                    self.rows = progress.rows_done
                    return self._done(begun_s)
                case Stop():
                    raise Halt(Outcome.STOPPED, action.why, remedy=action.remedy)
                case Pause():
                    self._pause(action, progress)
                case Batch():
                    event, progress = self._batch(batches, action.rows, progress, pins)
                    self._check_progress(event)
                    self._tell(progress)

    def _batches(self) -> Batches:
        assert self.unit.batches is not None
        return self.unit.batches

    def _pins(self, batches: Batches) -> tuple[str | None, ...]:
        """Values that all batches share, kept from the first of them on."""
        asked = backfilling.asked_first(batches)
        if asked is None:
            return ()
        limits = self.site.limits(ordinal=self.unit.ordinal, lock_s=1.0, stall_s=self.site.release.stall_s)
        sent = (
            sending.BEGIN,
            session(self.unit.limits, limits, is_block=True),
            *sending.settings(self.unit, self.texts),
            asked,
            sending.COMMIT,
        )
        while (performed := perform(self.site, sent, self.site.guard(is_blocking=False))).answer.error is not None:
            if performed.is_lost:
                self._renew(performed)
                continue
            perform(self.site, [sending.ROLLBACK], self.site.guard(is_blocking=False))
            if performed.stopped:
                raise stopped(performed.stopped)
            raise rejected(performed.answer.error)
        return backfilling.values_of(performed.answer.rows[-2]) or ()

    # --- one batch ----------------------------------------------------------------------------------------------------

    def _batch(
        self, batches: Batches, rows: int, progress: Progress, pins: tuple[str | None, ...]
    ) -> tuple[Passed | Cut | None, Progress]:
        """Two messages: the key that the batch ended with is written by the second, in the same transaction."""
        site = self.site
        self.attempts += 1
        begun_s = site.clock.now()
        limits = site.limits(ordinal=self.unit.ordinal, lock_s=1.0, stall_s=site.release.stall_s)
        guard = site.guard(is_blocking=True, stall_s=site.release.stall_s)
        sent = (
            sending.BEGIN,
            session(self.unit.limits, limits, is_block=True),
            *sending.settings(self.unit, self.texts),
            *([session(self.unit.limits, limits, is_block=True)] if self.unit.settings else []),
            backfilling.sent(batches, progress.last, rows, pins),
        )
        performed = perform(site, sent, guard)
        if performed.answer.error is not None:
            return self._cut(performed), progress
        last = backfilling.values_of(performed.answer.rows[-1])
        mark = Mark(
            ordinal=self.unit.ordinal,
            state=State.DONE if last is None else State.BEGUN,
            cursor=last if last is not None else progress.last,
            pins=pins,
            rows_done=progress.rows_done + rows,
            attempts=self.attempts,
        )
        marks = map(sending.numbered, self.marks(mark))
        ended = perform(site, (*sending.OWN_ROLE, *marks, sending.COMMIT), guard)
        self.blocked_s = max(self.blocked_s, performed.blocked_s, ended.blocked_s)
        if ended.answer.error is not None:
            return self._unsure(ended, mark, begun_s), progress
        return Passed(last=last, seconds=site.clock.now() - begun_s, at_s=site.clock.now()), progress

    def _cut(self, performed: Performed) -> Cut | None:
        """The batch is undone: what that means for the next one."""
        error = performed.answer.error
        assert error is not None
        if performed.is_lost:
            self._renew(performed)
            return None
        perform(self.site, [sending.ROLLBACK], self.site.guard(is_blocking=False))
        if performed.stopped:
            raise stopped(performed.stopped)
        if performed.for_waiters or error.sqlstate == CANCELED:
            return Cut()
        if is_retried(error):
            for other in performed.last.blocked_by if performed.last is not None else ():
                self.met[other.backend.pid] = of_other(other, relation=self._batches().relation, held="rows")
            return Cut(why="rows of the batch are locked by others")
        raise rejected(error, command=0)

    def _unsure(self, ended: Performed, mark: Mark, begun_s: float) -> Passed | Cut | None:
        """The COMMIT got an error, or no answer: the cursor in the journal says whether it is there."""
        if ended.is_lost:
            self._renew(ended)
        else:
            perform(self.site, [sending.ROLLBACK], self.site.guard(is_blocking=False))
        found = self.read()
        if (found.state, found.cursor) == (mark.state, mark.cursor):
            last = None if mark.state is State.DONE else _as_key(mark.cursor)
            return Passed(last=last, seconds=self.site.clock.now() - begun_s, at_s=self.site.clock.now())
        return None if ended.is_lost else self._cut(ended)

    def _renew(self, performed: Performed) -> None:
        self.lost += 1
        self.site.hands.renew()
        if performed.stopped:
            raise stopped(performed.stopped)
        if self.lost >= _LOST_AT_MOST:
            raise Halt(
                Outcome.UNREACHABLE,
                f"the connection was lost {self.lost} times during the backfill of {self._batches().relation}",
                remedy="look at the server's log, then release again: the next run goes on where this one stopped",
            )

    def _check_progress(self, event: Passed | Cut | None) -> None:
        """Rows that others hold are waited for as a lock is: in the end who holds them is named."""
        now, limit_s = self.site.clock.now(), self.site.release.lock_wait_s
        if not isinstance(event, Cut):
            self.stuck_since_s = None
            return
        self.stuck_since_s = now if self.stuck_since_s is None else self.stuck_since_s
        relation, in_the_way = self._batches().relation, tuple(self.met.values())
        if now - self.stuck_since_s > limit_s:
            raise Halt(
                Outcome.LOCK_NOT_ACQUIRED,
                f"rows of {relation} could not be changed for {lasting(now - self.stuck_since_s)}: {event.why}",
                remedy="end what is in the way, or release again at a quieter time: what is done stays done",
                in_the_way=in_the_way,
            )
        self.site.tell_waiting(
            self.migration, self.unit.ordinal, f"rows of {relation}", in_the_way, self.stuck_since_s, limit_s
        )

    # --- the pace -----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """About once a second: replicas, slots, the size of the database, and who waits."""
        now = self.site.clock.now()
        if self.sample is not None and now - self.looked_s < _LOOK_EVERY_S:
            return
        self.looked_s = now
        self.site.eyes.look(self.site.hands.backend, for_load=True)
        self.sample = None
        while self.sample is None and self.site.clock.now() - now < _BLIND_S:
            self.site.rest(0.01)
            self.sample = self.site.eyes.seen()

    def _pause(self, action: Pause, progress: Progress) -> None:
        self._tell(progress, paused_for=action.why)
        self.site.rest(action.seconds)
        self.paused_s += action.seconds

    def _tell(self, progress: Progress, paused_for: str = "") -> None:
        now = self.site.clock.now()
        if now - self.told_s < PROGRESS_EVERY_S:
            return
        self.told_s = now
        self.site.tell(
            Progressed(
                migration=self.migration,
                at=self.unit.ordinal,
                what=self._batches().relation,
                done=progress.share,
                rows=progress.rows_done,
                rows_per_s=progress.rows_per_s,
                left_s=progress.left_s,
                paused_for=paused_for,
            )
        )

    def _done(self, begun_s: float) -> Done:
        return Done(
            attempts=self.attempts,
            waited_s=self.paused_s,
            seconds=self.site.clock.now() - begun_s,
            blocked_s=self.blocked_s,
            in_the_way=tuple(self.met.values()),
            rows=self.rows,
        )


def _as_key(cursor: tuple[str | None, ...] | None) -> tuple[str, ...] | None:
    """A key column is never NULL."""
    return None if cursor is None else tuple(value or "" for value in cursor)
