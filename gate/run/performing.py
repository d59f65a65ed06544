"""One message on the connection that runs the steps, under the eyes of the watchdog, until its answer is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gate.model.errors import GateError
from gate.model.migration import Query
from gate.run.guarding import Guard, kept_waiting, must_cancel
from gate.run.sample import Sample, Waiter
from gate.run.site import Site, of_waiters
from gate.run.world import Answer, Sent, ServerError

TERMINATE_AFTER_S = 1.0
"""A cancel that shows no effect for so long is followed by a terminate."""
_ENDS_WITHIN_S = 3.0
_POLL_S = 0.02
_BLIND_S = 2.0
"""A look that has no answer after this time never gets one: the server's limits go on without it."""
_SILENT_S = 3.0
"""A backend that has had nothing to do for so long has answered, and the answer does not come."""
_HALF_OPEN = ServerError(
    problem="the connection is half-open: the server has nothing to do for it, and no answer comes"
)
# Where the server does not say what its sessions do, as without track_activities, nobody is idle.
_IS_AT_WORK = (
    "SELECT coalesce(a.state NOT LIKE 'idle%%', true) AS is_at_work "
    "FROM pg_catalog.pg_stat_get_activity(%s::pg_catalog.int4) a"
)


@dataclass(frozen=True, kw_only=True)
class Performed:
    """How it went. `stopped` says why gate itself cancelled it: a signal, the deadline, or what `judge` said.

    `for_waiters` are those who had waited too long; `seconds` is the whole time, `blocked_s` the longest that
    anybody was seen waiting to read or write; `last` is the last sample there was.
    """

    answer: Answer
    seconds: float
    stopped: str = ""
    for_waiters: tuple[Waiter, ...] = ()
    blocked_s: float = 0.0
    last: Sample | None = None

    @property
    def sqlstate(self) -> str:
        """Of the error; empty without one, and where the connection was lost."""
        return self.answer.error.sqlstate if self.answer.error is not None else ""

    @property
    def is_lost(self) -> bool:
        """The connection is gone."""
        return self.answer.error is not None and self.answer.error.is_lost


def _nothing(sample: Sample) -> str:  # noqa: ARG001
    return ""


def perform(
    site: Site,
    sent: Sequence[Sent],
    guard: Guard,
    *,
    judge: Callable[[Sample], str] = _nothing,
    for_load: bool = False,
) -> Performed:
    """Sends, watches, and cancels where it must; `judge` may ask for a cancel too, by saying why."""
    return _Performing(site, guard, judge, for_load).run(sent)


@dataclass
class _Performing:
    site: Site
    guard: Guard
    judge: Callable[[Sample], str]
    for_load: bool
    looked_s: float = 0.0
    is_looking: bool = False
    stopped: str = ""
    for_waiters: tuple[Waiter, ...] = ()
    cancelled_s: float | None = None
    terminated_s: float | None = None
    silent_since_s: float | None = None
    blocked_s: float = 0.0
    behind_since_s: Mapping[int, float] = field(default_factory=dict)
    last: Sample | None = None

    def run(self, sent: Sequence[Sent]) -> Performed:
        clock, hands = self.site.clock, self.site.hands
        begun_s = self.looked_s = clock.now()
        hands.start(sent)
        while (answer := hands.answer()) is None:
            self._stop_if_asked()
            self._watch()
            self._insist()
            if self._is_half_open():
                answer = Answer(error=_HALF_OPEN)
                break
            clock.rest(self._next_s())
        if answer.error is not None:
            self._remember_waiters()
        if answer.error is not None and answer.error.is_lost:
            self._see_it_gone()
        return Performed(
            answer=answer,
            seconds=clock.now() - begun_s,
            stopped=self.stopped,
            for_waiters=self.for_waiters,
            blocked_s=self.blocked_s,
            last=self.last,
        )

    def _remember_waiters(self) -> None:
        """Whoever waited behind it goes on now that it is gone, or is named at the end of the run."""
        seen = (*self.for_waiters, *(kept_waiting(self.last.waiters) if self.last is not None else ()))
        self.site.kept_waiting.update({item.pid: item for item in of_waiters(seen)})

    def _next_s(self) -> float:
        due_s = self.looked_s + self.guard.every_s - self.site.clock.now()
        if self.cancelled_s is not None:
            return _POLL_S
        return max(0.0, min(due_s, self.site.left_s())) if not self.is_looking else self.guard.every_s

    def _stop_if_asked(self) -> None:
        if not self.stopped and not self.for_waiters:
            why = self.site.why_stop()
            if why is not None:
                self._cancel(why)

    def _watch(self) -> None:
        """Asks when it is time, and reads what came back."""
        now = self.site.clock.now()
        if self.is_looking:
            seen = self.site.eyes.seen()
            if seen is not None:
                self._saw(seen)
            self.is_looking = seen is None and now - self.looked_s < _BLIND_S
        elif now - self.looked_s >= self.guard.every_s:
            self.site.eyes.look(self.site.hands.backend, for_load=self.for_load)
            self.looked_s, self.is_looking = now, True

    def _saw(self, seen: Sample) -> None:
        blamed = [waiter for waiter in kept_waiting(seen.waiters) if not waiter.waits_anyway]
        self.blocked_s = max([self.blocked_s, *(waiter.waited_s or 0.0 for waiter in blamed)])
        pids = [waiter.other.backend.pid for waiter in blamed]
        self.behind_since_s = {pid: self.behind_since_s.get(pid, seen.at_s) for pid in pids}
        self.last = seen
        if seen.is_running:
            self.silent_since_s = None
        elif self.silent_since_s is None:
            self.silent_since_s = seen.at_s
        if self.cancelled_s is not None:
            return
        self.for_waiters = must_cancel(self.guard, seen, self.behind_since_s)
        if self.for_waiters:
            self._cancel("")
            return
        why = self.judge(seen)
        if why:
            self._cancel(why)

    def _cancel(self, why: str) -> None:
        self.stopped = self.stopped or why
        self.cancelled_s = self.site.clock.now()
        said = why or "others waited behind it for longer than they may"
        self._end("cancel", said)

    def _insist(self) -> None:
        """What a cancel does not end, a terminate does."""
        if self.cancelled_s is None or self.terminated_s is not None:
            return
        if self.site.clock.now() - self.cancelled_s >= TERMINATE_AFTER_S:
            self.terminated_s = self.site.clock.now()
            self._end("terminate", "it did not end after it was cancelled")

    def _is_half_open(self) -> bool:
        """No more can come: nobody told us, but the server is done with it, or was told to end it."""
        now = self.site.clock.now()
        if self.terminated_s is not None and now - self.terminated_s > _ENDS_WITHIN_S:
            return True
        if self.silent_since_s is None or now - self.silent_since_s < _SILENT_S:
            return False
        self.silent_since_s = now
        try:
            rows = self.site.eyes.ask(Query(_IS_AT_WORK, (self.site.hands.backend.pid,)))
        except GateError:
            return False
        return not any(row["is_at_work"] for row in rows)

    def _end(self, how: str, why: str) -> None:
        if not self.site.end(self.site.hands.backend, how, who="gate's own statement", why=why):
            self.site.hands.cancel()

    def _see_it_gone(self) -> None:
        """A backend whose client is gone may be at work still: nothing is asked before it is not."""
        until_s = self.site.clock.now() + _ENDS_WITHIN_S
        backend = self.site.hands.backend
        while not self.site.eyes.is_gone(backend) and self.site.clock.now() < until_s:
            if self.terminated_s is None:
                self.terminated_s = self.site.clock.now()
                self._end("terminate", "its connection was lost")
            self.site.clock.rest(_POLL_S)
