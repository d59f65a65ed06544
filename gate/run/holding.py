"""`gate watch`: a release is held against errors for a while after its deploy; what its samples mean is decided here.

A wrong rollback is an outage: what could not be found out is unknown, which counts neither as good nor as bad.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from gate.model.run import HookRun, Outcome
from gate.model.units import age, lasting, plural
from gate.policy.policy import Watch


class Seen(Enum):
    """What one probe found."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """`probe` is `health`, `command` or `blocked`; `said` is what it found, in words that follow its name."""

    probe: str
    seen: Seen
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """All probes of one moment; `at_s` is monotonic, when it was begun."""

    at_s: float
    readings: tuple[Reading, ...]

    def those(self, seen: Seen) -> tuple[Reading, ...]:
        return tuple(reading for reading in self.readings if reading.seen is seen)


class Action(Enum):
    """What to do after a sample."""

    GO_ON = "go on"
    PASSED = "passed"
    FAILED = "failed"
    NOT_KNOWN = "not known"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """`in_a_row` is how many bad samples followed each other, `open` the probes that were bad in them and have not been
    good since. `blind` is for how many samples a probe has known nothing by now, `was_good` which ever was.

    `taken`, `bad` and `unknown` are counts of samples, `after` of those after the end of the time.
    """

    began_s: float
    in_a_row: int = 0
    open: frozenset[str] = frozenset()
    blind: Mapping[str, int] = field(default_factory=dict)
    was_good: frozenset[str] = frozenset()
    taken: int = 0
    bad: int = 0
    unknown: int = 0
    after: int = 0


def advance(watch: Watch, progress: Progress, sample: Sample) -> tuple[Action, Progress]:
    """Fails after `watch.failures` bad samples in a row, which may have unknown ones between them, but no good one.

    At the end of the time a row that has begun is followed until it is decided. Who knows nothing of a probe by then,
    for as many samples as would have been a failure, does not say that all is well.
    """
    is_booting = sample.at_s - progress.began_s < watch.start_after_s
    progress = _counted(progress, sample, is_booting=is_booting)
    if progress.in_a_row >= watch.failures:
        return Action.FAILED, progress
    if sample.at_s - progress.began_s < watch.start_after_s + watch.for_s:
        return Action.GO_ON, progress
    progress = replace(progress, after=progress.after + 1)
    if progress.open and progress.after <= watch.failures:
        return Action.GO_ON, progress
    is_known = not progress.open and not blind_probes(watch, progress, sample)
    return Action.PASSED if is_known else Action.NOT_KNOWN, progress


def blind_probes(watch: Watch, progress: Progress, sample: Sample) -> tuple[Reading, ...]:
    """Those that say nothing of how the release does: never good, or unknown for long now."""
    return tuple(
        reading
        for reading in sample.readings
        if reading.probe not in progress.was_good or progress.blind.get(reading.probe, 0) >= watch.failures
    )


def _counted(progress: Progress, sample: Sample, *, is_booting: bool) -> Progress:
    good = {reading.probe for reading in sample.those(Seen.GOOD)}
    bad = frozenset(reading.probe for reading in sample.those(Seen.BAD))
    unknown = {reading.probe for reading in sample.those(Seen.UNKNOWN)}
    if is_booting:
        bad = frozenset()
    still_open = (progress.open | bad) - good
    before = progress.in_a_row if still_open else 0
    return replace(
        progress,
        in_a_row=before + bool(bad),
        open=still_open,
        blind={probe: progress.blind.get(probe, 0) + 1 for probe in unknown},
        was_good=progress.was_good | good,
        taken=progress.taken + 1,
        bad=progress.bad + bool(bad),
        unknown=progress.unknown + bool(unknown),
    )


# --- sessions that wait for locks -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A session that waits for a lock on rows or a relation; `who` and `behind` are for people."""

    pid: int
    who: str
    waited_s: float
    relation: str = ""
    behind: str = ""

    def __str__(self) -> str:
        on = f" on {self.relation}" if self.relation else ""
        behind = f", behind {self.behind}" if self.behind else ""
        return f"pid {self.pid} ({self.who}) for {age(self.waited_s)}{on}{behind}"


def were_there(waiting: Iterable[Waiting], watched_s: float) -> tuple[Waiting, ...]:
    """Who has waited since before the watch began: that is no fault of this release that could be told."""
    return tuple(one for one in waiting if one.waited_s > watched_s)


def blocked(watch: Watch, waiting: Sequence[Waiting], watched_s: float) -> Reading:
    """Of those that began to wait since the watch began, `watched_s` ago."""
    longest_s = watch.blocked_s or 0.0
    old = set(were_there(waiting, watched_s))
    found = sorted(
        (one for one in waiting if one not in old and one.waited_s >= longest_s), key=lambda one: -one.waited_s
    )
    if len(found) < watch.blocked_sessions:
        return Reading(probe="blocked", seen=Seen.GOOD)
    listed = "; ".join(map(str, found[:3])) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    how_many = f"{plural(len(found), 'session')} blocked for more than {lasting(longest_s)}"
    return Reading(probe="blocked", seen=Seen.BAD, said=f"{how_many}: {listed}")


# --- how it ended -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How `gate watch` ended. `release` is the one that it watched, empty where none was named; `where` it ran, in
    words. `readings` are the last sample's. `database` is empty where none was looked at.
    """

    run: str
    gate: str
    release: str
    where: str
    database: str
    started_at: str
    seconds: float
    outcome: Outcome
    progress: Progress
    readings: tuple[Reading, ...] = ()
    problem: str = ""
    remedy: str = ""
    hooks: tuple[HookRun, ...] = ()
    notes: tuple[str, ...] = ()


def watch_document(watched: Watched) -> dict[str, Any]:
    """For programs and hooks; the keys that it shares with a release's document mean the same."""
    progress = watched.progress
    return {
        "schema": 1,
        "gate": watched.gate,
        "command": "watch",
        "run": watched.run,
        "database": watched.database or None,
        "release": watched.release or None,
        "where": watched.where,
        "started_at": watched.started_at,
        "seconds": round(watched.seconds, 3),
        "outcome": watched.outcome.value,
        "exit_code": int(watched.outcome.exit),
        "problem": None if watched.outcome is Outcome.DONE else watched.problem or None,
        "remedy": watched.remedy or None,
        "migrations": [],
        "left": [],
        "samples": {"taken": progress.taken, "bad": progress.bad, "unknown": progress.unknown},
        "readings": [
            {"probe": reading.probe, "seen": reading.seen.value, "said": reading.said or None}
            for reading in watched.readings
        ],
        "notes": list(watched.notes),
        "hooks": [hook_document(hook) for hook in watched.hooks],
    }


def hook_document(hook: HookRun) -> dict[str, Any]:
    """As in a release's document."""
    return {
        "event": hook.event,
        "name": hook.name,
        "seconds": round(hook.seconds, 3),
        "problem": hook.problem or None,
        "output": hook.output or None,
    }
