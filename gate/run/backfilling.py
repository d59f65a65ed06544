"""How a backfill goes on: the size of its next batch, a pause, or its end; and how one batch is sent.

A batch aims at a time, by what the one before took: it grows to twice its rows at most, and shrinks at once. Where
sessions had to wait for rows of a batch the next ones aim at less, and find back slowly. Where even a single row takes
longer than that, the time is not in the rows (a commit waits for a standby): a batch then aims at twice as much.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from gate.model.program import Batches
from gate.model.units import age, count, plural, size
from gate.policy.policy import Throttle
from gate.run.sample import Sample
from gate.run.world import Row, Sent
from gate.sql.rewriting.batches import evaluated

FIRST_ROWS = 1000
MOST_ROWS = 50_000
"""What a replica has to replay at once, and what is in memory for one batch, stays small however fast the server is."""

_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 10.0
_LEAST_AIM = 1 / 8
_RATE_OVER_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a backfill is; `begun` makes one.

    `last` is the key that the last batch ended with, as text, None before the first. `rows_done` were looked at, of
    about `total_rows`; `rows_per_s` counts pauses too. The next batch has `batch_rows` and aims at `aim_s`; `single_s`
    is what a batch takes that has hardly a row, where that is known. `database_bytes` and `active` are as they were
    when it began. `pauses` were made since a batch has passed. Times are the clock's.
    """

    began_s: float
    last: tuple[str, ...] | None = None
    rows_done: int = 0
    total_rows: float | None = None
    rows_per_s: float | None = None
    batch_rows: int = FIRST_ROWS
    aim_s: float | None = None
    single_s: float | None = None
    database_bytes: int | None = None
    active: int | None = None
    passed_at_s: float | None = None
    pauses: int = 0

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None where nobody knows how much there is."""
        return min(1.0, self.rows_done / self.total_rows) if self.total_rows else None

    @property
    def left_s(self) -> float | None:
        """How long it still takes at this rate; None where that is unknown, or where there was more than estimated."""
        if not self.total_rows or not self.rows_per_s or self.rows_done > self.total_rows:
            return None
        return (self.total_rows - self.rows_done) / self.rows_per_s


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Send one of that many rows."""

    rows: int


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Nothing for so long, then ask again; `why` is for the line of progress."""

    seconds: float
    why: str


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Waiting would not help. The next run goes on where this one stopped."""

    why: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Finished:
    """No row is left."""


Action: TypeAlias = Batch | Pause | Stop | Finished


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A batch committed after `seconds`, at `at_s`; `last` is the key that it returned, None from the last batch."""

    last: tuple[str, ...] | None
    seconds: float
    at_s: float


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A batch was cancelled, or could not have a lock in time, and is undone: `why` in words, as for `Pause`."""

    why: str = "sessions waited for rows of the batch"


def begun(
    batches: Batches,
    *,
    at_s: float,
    last: tuple[str, ...] | None = None,
    rows_done: int = 0,
    size_bytes: int | None = None,
) -> Progress:
    """From the start, or from what the journal has; `size_bytes` is the database's when the backfill first began."""
    return Progress(began_s=at_s, last=last, rows_done=rows_done, total_rows=batches.rows, database_bytes=size_bytes)


def advance(
    limits: Throttle,
    progress: Progress,
    sample: Sample | None,
    event: Passed | Cut | None = None,
    *,
    chance: float = 0.5,
) -> tuple[Action, Progress]:
    """What to do now that `event` has happened to the last batch (None: there was none, or a pause is over).

    `sample` is the last one there is, None without: then nothing is waited for. `chance` is from 0 to 1.
    """
    match event:
        case Passed(last=None):
            rows = min(progress.batch_rows, max(0, round(progress.total_rows or 0) - progress.rows_done))
            return Finished(), _counted(progress, event, rows)
        case Passed() if event.last == progress.last:
            return _stuck(event), progress
        case Passed():
            progress = _passed(limits, progress, sample, event)
        case Cut():
            return _pause(_cut(limits, progress), event.why, chance)
        case None:
            pass
    progress = _compared_with(progress, sample)
    stop = _overgrown(limits, progress, sample)
    if stop is not None:
        return stop, progress
    why = next(_strains(limits, progress, sample), None)
    return _pause(progress, why, chance) if why else (Batch(rows=progress.batch_rows), progress)


def _pause(progress: Progress, why: str, chance: float) -> tuple[Pause, Progress]:
    """Twice as long each time, and never the same for two that wait for the same thing."""
    longest = min(_LONGEST_PAUSE_S, _PAUSE_S * 2.0 ** min(progress.pauses, 10))
    return Pause(seconds=longest * (0.5 + chance / 2), why=why), replace(progress, pauses=progress.pauses + 1)


# --- how large --------------------------------------------------------------------------------------------------------


def _passed(limits: Throttle, progress: Progress, sample: Sample | None, event: Passed) -> Progress:
    aim_s = min(limits.batch_s, progress.aim_s or limits.batch_s)
    kept_waiting = sample is not None and sample.waiters and event.at_s - event.seconds <= sample.at_s <= event.at_s
    aim_s = _less(limits, aim_s) if kept_waiting else min(limits.batch_s, aim_s * 1.05)
    single_s = event.seconds if progress.batch_rows == 1 else progress.single_s
    if single_s is not None:
        single_s = min(single_s, event.seconds)
    wanted_s = aim_s
    if single_s is not None and single_s > aim_s:
        wanted_s = max(aim_s, min(2 * single_s, max(1.0, 5 * limits.batch_s)))
    fitting = progress.batch_rows * wanted_s / max(event.seconds, 1e-6)
    rows = max(1, min(MOST_ROWS, int(fitting), 2 * progress.batch_rows))
    progress = _counted(progress, event, progress.batch_rows)
    return replace(progress, batch_rows=rows, aim_s=aim_s, single_s=single_s)


def _counted(progress: Progress, event: Passed, rows: int) -> Progress:
    """The batch is done: the rate is that of half a minute or so, of all the time there was while that is shorter."""
    since_s = event.at_s - (progress.began_s if progress.passed_at_s is None else progress.passed_at_s)
    elapsed_s, all_s = max(since_s, event.seconds, 1e-6), max(event.at_s - progress.began_s, event.seconds, 1e-6)
    weight = max(1 - math.exp(-elapsed_s / _RATE_OVER_S), elapsed_s / all_s)
    before = progress.rows_per_s or 0.0
    return replace(
        progress,
        last=event.last or progress.last,
        rows_done=progress.rows_done + rows,
        rows_per_s=before + weight * (rows / elapsed_s - before),
        passed_at_s=event.at_s,
        pauses=0,
    )


def _cut(limits: Throttle, progress: Progress) -> Progress:
    aim_s = _less(limits, min(limits.batch_s, progress.aim_s or limits.batch_s))
    return replace(progress, batch_rows=max(1, progress.batch_rows // 2), aim_s=aim_s)


def _less(limits: Throttle, aim_s: float) -> float:
    return max(aim_s / 2, limits.batch_s * _LEAST_AIM)


# --- whether now ------------------------------------------------------------------------------------------------------


def _compared_with(progress: Progress, sample: Sample | None) -> Progress:
    """The first figures there are stand for how it was before."""
    if sample is None:
        return progress
    size_bytes = sample.database_bytes if progress.database_bytes is None else progress.database_bytes
    active = sample.active if progress.active is None else progress.active
    return replace(progress, database_bytes=size_bytes, active=active)


def _strains(limits: Throttle, progress: Progress, sample: Sample | None) -> Iterator[str]:
    """What there is to wait for, in words."""
    if sample is None:
        return
    # What was seen while the batch ran is over with it.
    if sample.waiters and sample.at_s > (progress.passed_at_s or -math.inf):
        yield f"{plural(len(sample.waiters), 'session waits', 'sessions wait')} for a lock behind it"
    if _exceeds(sample.lag_s, limits.lag_s):
        yield f"a replica lags {age(sample.lag_s or 0)}, more than {age(limits.lag_s or 0)}"
    if _exceeds(sample.lag_bytes, limits.lag_bytes):
        yield f"a replica has {size(sample.lag_bytes or 0)} of WAL to replay, more than {size(limits.lag_bytes or 0)}"
    if _exceeds(sample.retained_bytes, limits.retained_bytes):
        held, most = size(sample.retained_bytes or 0), size(limits.retained_bytes or 0)
        yield f"a replication slot holds back {held} of WAL, more than {most}"
    if (
        sample.active is not None
        and progress.active is not None
        and _exceeds(sample.active - progress.active, limits.active)
    ):
        yield f"{count(sample.active)} sessions are at work, {count(progress.active)} were when it began"


def _overgrown(limits: Throttle, progress: Progress, sample: Sample | None) -> Stop | None:
    if sample is None or sample.database_bytes is None or progress.database_bytes is None:
        return None
    grown = sample.database_bytes - progress.database_bytes
    if not _exceeds(grown, limits.growth_bytes):
        return None
    return Stop(
        why=f"the database has grown by {size(grown)} since this began, more than {size(limits.growth_bytes or 0)}",
        remedy="make room, or raise the limit of growth; the next run goes on where this one stopped",
    )


def _exceeds(found: float | None, limit: float | None) -> bool:
    return found is not None and limit is not None and found > limit


def _stuck(event: Passed) -> Stop:
    return Stop(
        why=f"the walk does not move on from the key {', '.join(event.last or ())}",
        remedy="look whether the settings of the role or the database change how such values are written as text",
    )


# --- one batch as it is sent ------------------------------------------------------------------------------------------


def asked_first(batches: Batches) -> Sent | None:
    """The values of the pins, to be asked for once: one row, in order, as text. None where there are none.

    They belong into the journal: a run that goes on works with the values that the first one had.
    """
    return Sent(sql=evaluated(batches.pins)) if batches.pins else None


def sent(batches: Batches, last: tuple[str, ...] | None, rows: int, pins: Sequence[str | None] = ()) -> Sent:
    """One batch: the last key done (NULL for each of its columns at the start), the number of rows, the pins."""
    keys: tuple[str | None, ...] = last if last is not None else (None,) * len(batches.keys)
    return Sent(sql=batches.sql, parameters=(*keys, str(rows), *pins))


def values_of(rows: Sequence[Row]) -> tuple[str, ...] | None:
    """The one row that a batch returns, or that tells the pins, as text; None where there is none."""
    return tuple(rows[0].values()) if rows else None
