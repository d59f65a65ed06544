"""How backends are ended: cancel, terminate after a grace, and look until they are gone.

A cancel does nothing to a session that is idle in a transaction, and one that is sent between two statements is lost:
after the grace it is the session that goes. Whether what was cancelled has happened all the same is for others to find
out; under synchronous replication it may have.

Source: https://www.postgresql.org/docs/18/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gate.model.run import Act, Backend
from gate.run.world import Clock, Eyes

POLL_S = 0.05
AGAIN_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Signal:
    """To be sent now."""

    backend: Backend
    how: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """Again after so long, whether they are gone."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Over:
    """All are gone, or the time is over."""


Action: TypeAlias = Signal | Look | Over


@dataclass(frozen=True, kw_only=True)
class Ending:
    """`grace_s` is from the cancel to the terminate, 0 for none; after `limit_s` nothing more is tried.

    `sent` maps backends to the last signal and its time.
    """

    begun_s: float
    grace_s: float
    limit_s: float
    sent: Mapping[Backend, tuple[str, float]] = field(default_factory=dict)


def advance(ending: Ending, alive: Sequence[Backend], *, now_s: float) -> tuple[Action, Ending]:
    """What to do next, with those that are still there at `now_s`."""
    if not alive or now_s - ending.begun_s >= ending.limit_s:
        return Over(), ending
    for backend in alive:
        how = _due(ending, backend, now_s)
        if how:
            return Signal(backend=backend, how=how), replace(ending, sent={**ending.sent, backend: (how, now_s)})
    return Look(seconds=POLL_S), ending


def _due(ending: Ending, backend: Backend, now_s: float) -> str:
    how, at_s = ending.sent.get(backend, ("", 0.0))
    if not how:
        return "cancel" if ending.grace_s > 0 else "terminate"
    if how == "cancel":
        return "terminate" if now_s - ending.begun_s >= ending.grace_s else ""
    # A signal that arrives while a process begins or ends may be lost.
    return "terminate" if now_s - at_s >= AGAIN_S else ""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What was done, in order, and who was still there at the end."""

    acts: tuple[Act, ...] = ()
    alive: tuple[Backend, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Target:
    """A backend to be ended, who that is in words, and why."""

    backend: Backend
    who: str
    why: str
    is_own: bool = True


def end_run(
    eyes: Eyes,
    clock: Clock,
    targets: Sequence[Target],
    *,
    grace_s: float,
    limit_s: float = 3.0,
    is_over: Callable[[Backend], bool] | None = None,
    told: Callable[[Act], object] = str,
) -> Ended:
    """Ends them all in this order, and returns once they are gone, or after `limit_s`.

    Who waits for a lock has to come before its holder: it would get the lock, and do its work, before its own turn.

    `is_over` tells of one whether it need not be ended any more; without it that it is gone. `told` hears of each act.
    Raises nothing of its own: what may not be done is an act that has not worked.
    """
    gone = is_over or eyes.is_gone
    ending = Ending(begun_s=clock.now(), grace_s=grace_s, limit_s=limit_s)
    alive = {target.backend: target for target in targets}
    acts: list[Act] = []
    refused: list[Backend] = []
    while True:
        action, ending = advance(ending, tuple(alive), now_s=clock.now())
        match action:
            case Over():
                return Ended(acts=tuple(acts), alive=(*refused, *alive))
            case Look(seconds=seconds):
                clock.rest(seconds)
                alive = {backend: target for backend, target in alive.items() if not gone(backend)}
            case Signal(backend=backend, how=how):
                target = alive[backend]
                has_worked = eyes.end(backend, how)
                if has_worked or not gone(backend):
                    acts.append(_act(target, how, clock.utc(), has_worked=has_worked))
                    told(acts[-1])
                if not has_worked:
                    # It has ended, or it may not be ended by us: a second time would be no better.
                    refused += [] if gone(backend) else [backend]
                    del alive[backend]


def _act(target: Target, how: str, at: str, *, has_worked: bool) -> Act:
    return Act(
        at=at,
        how=how,
        backend=target.backend,
        who=target.who,
        why=target.why,
        is_own=target.is_own,
        has_worked=has_worked,
    )
