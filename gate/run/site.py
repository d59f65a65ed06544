"""What everything that runs a unit has at hand: connections, clock, policy, journal, and who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from gate.model.migration import Query
from gate.model.program import WantedLock
from gate.model.run import Act, Backend, InTheWay
from gate.policy.policy import Release
from gate.run.guarding import Guard
from gate.run.halting import stopped
from gate.run.journalling import Journal
from gate.run.limits import Limits
from gate.run.sample import Holder, Other, Waiter
from gate.run.telling import Acted, Said, Tell, Waiting
from gate.run.world import Catalog, Clock, Eyes, Hands

TELL_EVERY_S = 10.0
PROGRESS_EVERY_S = 1.0
"""Whoever listens thins it out: a bar moves with each, a log has a line now and then."""
_LEAST_S = 0.05


def _nobody(wanted: Sequence[WantedLock]) -> tuple[Holder, ...]:  # noqa: ARG001
    return ()


@dataclass
class Site:
    """`ends_s` is the clock's time at which the budget is spent, None without a budget; `run` names the run.

    `write` does a query of the journal's on the runner's connection. `away` tells who reads the relations of such locks
    on a standby that is to be spared. `kept_waiting` are those, by pid, for whom a statement of ours was cancelled.
    `not_again_before_s` are blockers that were told to end, and when the next time may be. `takes_away_until_s` is
    until when that may be taken away which was being made when the work had to end.
    """

    hands: Hands
    eyes: Eyes
    catalog: Catalog
    clock: Clock
    journal: Journal
    release: Release
    tell: Tell
    run: str
    write: Callable[[Query], object]
    ends_s: float | None = None
    dead_man: tuple[tuple[str, str], ...] = ()
    deadlock_timeout_s: float = 1.0
    away: Callable[[Sequence[WantedLock]], tuple[Holder, ...]] = _nobody
    acts: list[Act] = field(default_factory=list)
    kept_waiting: dict[int, InTheWay] = field(default_factory=dict)
    not_again_before_s: dict[Backend, float] = field(default_factory=dict)
    takes_away_until_s: Callable[[], float | None] = lambda: None
    ignores_stop: bool = False
    _told_s: float = -TELL_EVERY_S

    def left_s(self) -> float:
        """What is left of the budget; a day where there is none."""
        return 86400.0 if self.ends_s is None else max(_LEAST_S, self.ends_s - self.clock.now())

    def why_stop(self) -> str | None:
        """The signal, or the budget; None while nothing asks to stop."""
        if self.clock.stop is not None and not self.ignores_stop:
            return f"stopped by {self.clock.stop}"
        if self.ends_s is not None and self.clock.now() >= self.ends_s:
            return "stopped: the time for this release is over"
        return None

    @contextmanager
    def taking_away(self) -> Iterator[None]:
        """Within this nothing asks to stop but the end of the time for it."""
        before = self.ends_s, self.ignores_stop
        self.ends_s, self.ignores_stop = self.takes_away_until_s(), True
        try:
            yield
        finally:
            self.ends_s, self.ignores_stop = before

    def check(self) -> None:
        """Raises Halt where something asks to stop."""
        why = self.why_stop()
        if why is not None:
            raise stopped(why)

    def rest(self, seconds: float) -> None:
        """As long, but not beyond the end."""
        self.check()
        self.clock.rest(min(seconds, self.left_s()))

    def limits(self, *, ordinal: int, lock_s: float, stall_s: float) -> Limits:
        """Those of one try."""
        return Limits(
            application=f"gate/{self.run[:8]}/{ordinal}",
            statement_s=self.left_s(),
            stall_s=stall_s,
            lock_s=lock_s,
            dead_man=self.dead_man,
            major=self.hands.major,
        )

    def guard(self, *, is_blocking: bool, stall_s: float | None = None) -> Guard:
        """What a statement may do to others."""
        return Guard(stall_s=self.release.stall_s if stall_s is None else stall_s, is_blocking=is_blocking)

    def end(self, backend: Backend, how: str, *, who: str, why: str, is_own: bool = True) -> bool:
        """Cancels or terminates, and writes it down."""
        has_worked = self.eyes.end(backend, how)
        act = Act(at=self.clock.utc(), how=how, backend=backend, who=who, why=why, is_own=is_own, has_worked=has_worked)
        self.acts.append(act)
        self.tell(Acted(act=act))
        return has_worked

    def tell_waiting(
        self, migration: str, ordinal: int, what: str, in_the_way: tuple[InTheWay, ...], begun_s: float, limit_s: float
    ) -> None:
        """At once, and then every ten seconds."""
        now = self.clock.now()
        if now - self._told_s < TELL_EVERY_S and begun_s <= self._told_s:
            return
        self._told_s = now
        self.tell(
            Waiting(
                migration=migration,
                at=ordinal,
                what=what,
                in_the_way=in_the_way,
                waited_s=now - begun_s,
                left_s=max(0.0, min(limit_s - (now - begun_s), self.left_s())),
            )
        )

    def say(self, text: str) -> None:
        """A sentence."""
        self.tell(Said(text=text))


def of_holders(holders: tuple[Holder, ...]) -> tuple[InTheWay, ...]:
    """Whoever holds a lock, as the report names them; once each."""
    found: dict[tuple[str, int, str], InTheWay] = {}
    for holder in holders:
        pid = holder.other.backend.pid if holder.other is not None else 0
        found.setdefault((holder.relation, pid, holder.gid), _of_holder(holder))
    return tuple(found.values())


def _of_holder(holder: Holder) -> InTheWay:
    held = holder.mode.value if holder.is_granted else f"awaits {holder.mode.value}"
    if holder.other is None:
        what = f"prepared transaction {holder.gid}"
        return InTheWay(relation=holder.relation, held=held, what=what, gid=holder.gid)
    found = of_other(holder.other, relation=holder.relation, held=held)
    return replace(found, what="on the standby", is_on_standby=True) if holder.is_on_standby else found


def of_other(other: Other, *, relation: str = "", held: str = "") -> InTheWay:
    """A session as the report names it."""
    return InTheWay(
        relation=relation,
        held=held,
        backend=other.backend,
        user=other.user,
        application=other.application,
        state=other.state,
        age_s=other.transaction_age_s,
        query=other.query,
        what=_kind(other),
        waits_for=other.waits_for,
        kind=other.kind,
        gid=(other.application or "") if other.backend.pid == 0 else "",
        prevents_wraparound=other.prevents_wraparound,
    )


def _kind(other: Other) -> str:
    if other.is_autovacuum:
        return "autovacuum to prevent wraparound" if other.prevents_wraparound else "autovacuum"
    return "" if other.kind == "client backend" else other.kind


def of_waiters(waiters: tuple[Waiter, ...]) -> tuple[InTheWay, ...]:
    """Whoever had to wait for us."""
    return tuple(
        of_other(waiter.other, relation=waiter.relation, held=f"awaits {waiter.mode.value if waiter.mode else 'a row'}")
        for waiter in waiters
    )
