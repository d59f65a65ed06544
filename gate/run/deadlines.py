"""One budget for a release, from which every other deadline derives; and what does not fit it.

Of the budget a part is kept back: when the work has to end there is still time to undo it and to call the hooks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gate.model.costs import Seconds, spread
from gate.model.program import Program, Unit
from gate.model.units import lasting, plural

LONGEST_RESERVE = 0.25
"""Of the whole budget, at most, is kept back."""
_CONNECT_S = 30.0
_HOUR_S = 3600.0
_USUAL_LONG_H = 8
_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """`began_s` is the clock's time (monotonic) at which the release began; the rest are as the policy has them."""

    began_s: float
    budget_s: float
    grace_s: float
    lock_wait_s: float
    runner_wait_s: float

    @property
    def reserve_s(self) -> float:
        """What is kept back for cleaning up and for hooks."""
        return min(self.grace_s, self.budget_s * LONGEST_RESERVE)

    @property
    def works_until_s(self) -> float:
        """When whatever is being done is cancelled."""
        return self.began_s + self.budget_s - self.reserve_s

    @property
    def ends_s(self) -> float:
        """When the release is over, hooks and all."""
        return self.began_s + self.budget_s

    def left_s(self, now_s: float) -> float:
        """For work."""
        return max(0.0, self.works_until_s - now_s)

    def lock_wait_at_s(self, now_s: float) -> float:
        """How long to try for a step's locks that are wanted now."""
        return min(self.lock_wait_s, self.left_s(now_s))

    def runner_wait_at_s(self, now_s: float) -> float:
        """How long to wait for another gate."""
        return min(self.runner_wait_s, self.left_s(now_s))

    def connect_at_s(self, now_s: float) -> float:
        """How long connecting is tried."""
        return min(_CONNECT_S, self.left_s(now_s))

    def cleans_up_until_s(self, stopped_s: float, *, by_signal: bool) -> float:
        """Until when undo and hooks may go on, if the work ended at `stopped_s`.

        After a signal the platform counts, not the budget. Otherwise it is what is left of the budget, and never less
        than was kept back.
        """
        return stopped_s + self.grace_s if by_signal else max(self.ends_s, stopped_s + self.reserve_s)

    def takes_away_until_s(self, stopped_s: float, *, by_signal: bool) -> float:
        """Until when that may be taken away which was being made at `stopped_s`: the rest is for undo and hooks."""
        whole_s = min(self.grace_s, self.cleans_up_until_s(stopped_s, by_signal=by_signal) - stopped_s)
        return stopped_s + whole_s * (1 - LONGEST_RESERVE)


def does_not_fit(programs: Iterable[Program], left_s: float, detached: Callable[[str], str]) -> str | None:
    """Why the release is not begun: its steps, by their high estimates, take longer than what is left.

    A step whose time is unknown counts nothing here: `unknown_times` names those. `detached` tells for a budget how to
    run the release beside a deploy. None where all fits.
    """
    timed = [(program, unit, unit.seconds) for program, unit in _units(programs) if unit.seconds is not None]
    whole = sum((seconds for _, _, seconds in timed), Seconds(0.0, 0.0, 0.0))
    if whole.high <= left_s:
        return None
    program, unit, seconds = max(timed, key=lambda item: item[2].high)
    longest = f"{_named(program, unit)}, takes {spread(seconds)}"
    what = f"its longest step, {longest}; all together take {spread(whole)}" if len(timed) > 1 else longest
    left = f"{lasting(left_s)} are left" if left_s > 0 else "no time is left"
    return (
        f"by its estimate the release does not fit what is left of its time: {left}, and {what}. "
        f"Run it by itself, the next release finds it done: {detached(_budget_for(whole.high))}"
    )


def unknown_times(programs: Iterable[Program], left_s: float) -> str | None:
    """Which steps nobody can tell the time of, and what happens to them at the deadline; None where there are none."""
    unknown = [_named(program, unit) for program, unit in _units(programs) if unit.seconds is None]
    if not unknown:
        return None
    more = f" and {plural(len(unknown) - _NAMED, 'more step')}" if len(unknown) > _NAMED else ""
    named = "; ".join(unknown[:_NAMED])
    return (
        f"how long this takes is not known: {named}{more}. "
        f"What is not done in {lasting(left_s)} is cancelled, and the next run takes it up"
    )


def _units(programs: Iterable[Program]) -> Iterator[tuple[Program, Unit]]:
    return ((program, unit) for program in programs for unit in program.units)


def _named(program: Program, unit: Unit) -> str:
    line = f", line {unit.line}" if unit.line is not None else ""
    why = f" ({unit.why})" if unit.why else ""
    return f"{program.path or program.migration}{line}{why}"


def _budget_for(high_s: float) -> str:
    """Half as much again as the high estimate, in hours, and no less than what is usual."""
    return f"{max(_USUAL_LONG_H, math.ceil(1.5 * high_s / _HOUR_S))}h"
