"""In which order the databases of a fleet are released: the canary, then waves, with a limit on failures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from gate.model.errors import Exit
from gate.model.units import plural


@dataclass(frozen=True, kw_only=True)
class Waves:
    """Names in the order in which they are released; all of a wave have ended before the next one begins.

    `at_once` are at work at the same time, at most. More than `max_failures` that did not end well, or one of the
    canary (the first wave where `has_canary`), and no further one is begun.
    """

    waves: tuple[tuple[str, ...], ...]
    has_canary: bool
    at_once: int
    max_failures: int

    @property
    def names(self) -> tuple[str, ...]:
        """All, in order."""
        return tuple(name for wave in self.waves for name in wave)

    def wave_of(self, name: str) -> int:
        """Its place, from 0."""
        return next(place for place, wave in enumerate(self.waves) if name in wave)


@dataclass(frozen=True, kw_only=True)
class Next:
    """What to do now: whom to begin; `stopped` says why nobody else is begun any more, empty while there is no reason.

    `is_over`: nobody is at work, and nobody is to be begun.
    """

    begin: tuple[str, ...] = ()
    stopped: str = ""
    is_over: bool = False


def waves_of(
    names: Sequence[str], *, canary: Sequence[str], wave_size: int | None, at_once: int, max_failures: int
) -> Waves:
    """The canary first, the others in their order; without a size they are one wave."""
    others = [name for name in names if name not in set(canary)]
    size = wave_size or max(1, len(others))
    waves = [tuple(canary)] if canary else []
    waves += [tuple(others[start : start + size]) for start in range(0, len(others), size)]
    return Waves(waves=tuple(waves), has_canary=bool(canary), at_once=at_once, max_failures=max_failures)


def advance(plan: Waves, ended: Mapping[str, Exit], at_work: AbstractSet[str], *, is_stopping: bool) -> Next:
    """From who has ended, and how, and who is at work, to whom to begin now."""
    stopped = "it was told to stop" if is_stopping else _too_many(plan, ended)
    if stopped and any(name not in ended and name not in at_work for name in plan.names):
        return Next(stopped=stopped, is_over=not at_work)
    for wave in plan.waves:
        left = [name for name in wave if name not in ended]
        if left:
            waiting = [name for name in left if name not in at_work]
            return Next(begin=tuple(waiting[: max(0, plan.at_once - len(at_work))]))
    return Next(is_over=not at_work)


def _too_many(plan: Waves, ended: Mapping[str, Exit]) -> str:
    failed = [name for name, exit_ in ended.items() if exit_ is not Exit.DONE]
    canary = set(plan.waves[0]) if plan.has_canary else set()
    of_canary = [name for name in failed if name in canary]
    if of_canary:
        return f"the canary did not end well: {', '.join(of_canary)}"
    if len(failed) > plan.max_failures:
        limit = f"--max-failures {plan.max_failures}"
        return f"{plural(len(failed), 'database')} did not end well ({limit}): {', '.join(failed)}"
    return ""
