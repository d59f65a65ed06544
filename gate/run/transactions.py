"""A unit that is one transaction: its locks without hurting anybody, its commands, its mark, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gate.model.locks import LockMode
from gate.model.migration import Query, ScriptStatement
from gate.model.program import Unit, WantedLock
from gate.model.run import InTheWay, Outcome, State
from gate.model.units import lasting
from gate.run import sending
from gate.run.acquiring import Acquiring, GiveUp, Rest, Try, Trying, advance, failed, takes_too_long
from gate.run.halting import Done, Halt, rejected, stopped
from gate.run.killing import end_blockers, granted
from gate.run.outcomes import CANCELED, cannot_be_locked, is_retried
from gate.run.performing import Performed, perform
from gate.run.sample import Holder, Sample
from gate.run.sending import Locking
from gate.run.site import Site, of_holders, of_other

_LOST_AT_MOST = 5


@dataclass
class Transaction:
    """`bookkeeping` and `marks` are sent before its COMMIT; `is_marked` tells from the journal whether it is there."""

    site: Site
    migration: str
    unit: Unit
    texts: Sequence[ScriptStatement]
    bookkeeping: Sequence[Query]
    marks: Sequence[Query]
    is_marked: Callable[[], State]
    locks: list[WantedLock] = field(default_factory=list)
    attempts: int = 0
    lost: int = 0
    blocked_s: float = 0.0
    met: dict[tuple[str, int, str, str], InTheWay] = field(default_factory=dict)

    def run(self) -> Done:
        """Until it is committed. Raises Halt, with nothing of it left in the database."""
        begun_s = self.site.clock.now()
        try:
            return self._run()
        except Halt as halt:
            halt.spent = self._done(0.0, begun_s)
            raise

    def _run(self) -> Done:
        site, unit = self.site, self.unit
        self.locks = [lock for lock in unit.locks if lock.is_table]
        acquiring = Acquiring(stall_s=self._stall_s(), give_up_s=site.release.lock_wait_s)
        trying = Trying(begun_s=site.clock.now())
        while True:
            site.check()
            holders = self._holders() if unit.locks else ()
            self._remember(of_holders(holders))
            action, trying = advance(acquiring, trying, holders, now_s=site.clock.now(), chance=site.clock.chance())
            match action:
                case GiveUp():
                    raise self._gave_up(action.holders, trying)
                case Rest():
                    self._wait(action, trying)
                case Try():
                    self._await_standby(trying)
                    done, trying = self._try(action, acquiring, trying)
                    if done is not None:
                        return done

    def _holders(self) -> tuple[Holder, ...]:
        """Here, and on a standby that would have to cancel its queries to follow."""
        strongest = [lock for lock in self.unit.locks if lock.mode is LockMode.ACCESS_EXCLUSIVE]
        here = self.site.eyes.holders(self.site.hands.backend, self.unit.locks)
        return (*here, *(self.site.away(strongest) if strongest else ()))

    # --- outside the queue --------------------------------------------------------------------------------------------

    def _wait(self, action: Rest, trying: Trying) -> None:
        site = self.site
        if action.holders:
            site.tell_waiting(
                self.migration,
                self.unit.ordinal,
                self._what(),
                of_holders(action.holders),
                trying.begun_s,
                site.release.lock_wait_s,
            )
        end_blockers(site, granted(action.holders))
        site.rest(action.seconds)

    def _await_standby(self, trying: Trying) -> None:
        """A COMMIT that waits for a standby keeps its locks meanwhile."""
        site = self.site
        while self.unit.locks and (missing := site.catalog.missing_standby()) is not None:
            if site.clock.now() - trying.begun_s > site.release.lock_wait_s:
                raise Halt(Outcome.LOCK_NOT_ACQUIRED, missing, remedy="bring the standby back, then release again")
            site.tell_waiting(self.migration, self.unit.ordinal, missing, (), trying.begun_s, site.release.lock_wait_s)
            site.rest(0.5)

    def _what(self) -> str:
        names = ", ".join(lock.relation for lock in self.unit.locks[:3])
        return f"{self.unit.locks[0].mode.value} on {names}" if self.unit.locks else "a lock"

    # --- one try ------------------------------------------------------------------------------------------------------

    def _try(self, action: Try, acquiring: Acquiring, trying: Trying) -> tuple[Done | None, Trying]:
        site = self.site
        self.attempts += 1
        message = self._message(action)
        guard = site.guard(is_blocking=bool(self.unit.locks), stall_s=self._stall_s())
        performed = perform(site, message.sent, guard, judge=lambda sample: self._waits(sample, trying))
        error = performed.answer.error
        if error is None:
            self.blocked_s = max(self.blocked_s, performed.blocked_s)
            return self._done(performed.seconds, trying.begun_s), trying
        self.blocked_s = max(self.blocked_s, performed.blocked_s)
        if performed.is_lost:
            return self._settled(performed, trying)
        self._roll_back()
        if performed.stopped or performed.for_waiters:
            # A cancel is never taken as undone.
            settled = self._if_marked(performed, trying)
            if settled is not None:
                return settled, trying
        if performed.stopped:
            raise stopped(performed.stopped)
        is_overrun = error.sqlstate == CANCELED and error.at >= message.locked
        if error.at < message.locked and cannot_be_locked(error) and self._unlockable(message.sent[error.at].sql):
            return None, trying
        if not (is_retried(error) or error.sqlstate == CANCELED or performed.for_waiters):
            place = message.places.index(error.at) if error.at in message.places else None
            raise rejected(error, command=place)
        trying = failed(
            acquiring,
            trying,
            waited_s=performed.seconds,
            now_s=site.clock.now(),
            chance=site.clock.chance(),
            overran=is_overrun,
        )
        if takes_too_long(trying):
            raise self._overran(trying)
        return None, trying

    def _waits(self, sample: Sample, trying: Trying) -> str:
        """A lock that keeps nobody out is awaited in the queue; whom it waits for is told all the same."""
        if sample.awaits_lock and not self.unit.locks:
            others = tuple(of_other(other, held="a lock") for other in sample.blocked_by)
            self._remember(others)
            limit_s = self.site.release.lock_wait_s
            self.site.tell_waiting(self.migration, self.unit.ordinal, "a lock", others, trying.begun_s, limit_s)
        return ""

    def _message(self, action: Try) -> sending.Message:
        site = self.site
        locking = Locking(
            locks=tuple(self.locks),
            wait_s=action.wait_s,
            yields=action.yields,
            yield_s=site.deadlock_timeout_s + 0.5,
        )
        limits = site.limits(ordinal=self.unit.ordinal, lock_s=site.release.lock_wait_s, stall_s=self._stall_s())
        return sending.transaction(
            self.unit, self.texts, limits, locking, bookkeeping=self.bookkeeping, marks=self.marks
        )

    def _stall_s(self) -> float:
        """What somebody has allowed to take longer may take longer."""
        return max(self.site.release.stall_s, 2 * (self.unit.blocked_s or 0.0))

    def _unlockable(self, sql: str) -> bool:
        """Leaves that lock to the statement itself; True if there was one to leave."""
        before = len(self.locks)
        self.locks = [lock for lock in self.locks if sending.name_of(lock) not in sql]
        return len(self.locks) < before

    def _roll_back(self) -> None:
        perform(self.site, [sending.ROLLBACK], self.site.guard(is_blocking=False))

    # --- how it ended -------------------------------------------------------------------------------------------------

    def _done(self, seconds: float, begun_s: float, note: str = "") -> Done:
        return Done(
            attempts=self.attempts,
            waited_s=max(0.0, self.site.clock.now() - begun_s - seconds),
            seconds=seconds,
            blocked_s=self.blocked_s,
            in_the_way=tuple(self.met.values()),
            note=note,
        )

    def _settled(self, performed: Performed, trying: Trying) -> tuple[Done | None, Trying]:
        """The connection was lost: the mark says whether the COMMIT was there."""
        self.lost += 1
        self.site.hands.renew()
        done = self._if_marked(performed, trying)
        if done is not None:
            return done, trying
        if performed.stopped:
            raise stopped(performed.stopped)
        if self.lost >= _LOST_AT_MOST:
            error = performed.answer.error
            raise Halt(
                Outcome.UNREACHABLE,
                f"the connection was lost {self.lost} times at the same step" + (f": {error.problem}" if error else ""),
                remedy="look at the server's log, then release again: the next run takes up what is left",
            )
        return None, replace(trying, not_before_s=self.site.clock.now() + 0.2)

    def _if_marked(self, performed: Performed, trying: Trying) -> Done | None:
        if self.is_marked() is not State.DONE:
            return None
        return self._done(
            performed.seconds, trying.begun_s, note="its commit was found after it was cancelled or cut off"
        )

    def _gave_up(self, holders: tuple[Holder, ...], trying: Trying) -> Halt:
        waited = lasting(self.site.clock.now() - trying.begun_s)
        in_the_way = of_holders(holders) or tuple(self.met.values())
        return Halt(
            Outcome.LOCK_NOT_ACQUIRED,
            f"could not get {self._what()} within {waited} without keeping others waiting",
            remedy="end what is in the way, or release again at a quieter time",
            in_the_way=in_the_way,
        )

    def _overran(self, trying: Trying) -> Halt:
        return Halt(
            Outcome.LOCK_NOT_ACQUIRED,
            f"it had {self._what()} {trying.overran} times, and each time it was not done within "
            f"{lasting(self._stall_s())}; each time it was taken back",
            remedy="release again at a quieter time, or allow it more: release.stall in gate.toml",
            in_the_way=tuple(self.met.values()),
        )

    def _remember(self, found: tuple[InTheWay, ...]) -> None:
        for item in found:
            self.met.setdefault((item.relation, item.pid, item.what, item.gid), item)
