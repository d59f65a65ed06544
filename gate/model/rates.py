"""What a server takes for its work: figures per page, row and key, and how far an estimate from them may be off.

They come from three places, the better one first: what earlier runs on this database took (`learned`), what
`gate calibrate` measured (`rates_from`), and what is stated here (`DEFAULT_RATES`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum

from gate.model.costs import Seconds
from gate.model.work import Work


class RateSource(Enum):
    """Where figures come from."""

    DEFAULTS = "stated defaults"
    CALIBRATED = "calibrated"
    LEARNED = "learned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Nanoseconds, each for one: page of 8 kB, row, column of a row, comparison, entry of an index, TOAST chunk.

    The defaults are of an ordinary server of two cores, without fsync in its way, with its data in the system's cache.
    `parallel_gain` is what one more worker adds to the speed of a sort, 1 for as much as the leader itself.
    """

    page_read_ns: float = 3000.0
    row_read_ns: float = 25.0
    column_read_ns: float = 2.5
    check_ns: float = 10.0
    chunk_read_ns: float = 3500.0
    index_row_ns: float = 110.0
    number_compare_ns: float = 12.0
    text_compare_ns: float = 60.0
    spilled_page_ns: float = 7000.0
    index_page_ns: float = 12000.0
    hash_row_ns: float = 600.0
    gist_row_ns: float = 5000.0
    gin_entry_ns: float = 300.0
    parallel_gain: float = 0.5
    rewritten_row_ns: float = 220.0
    moved_row_ns: float = 100.0
    page_written_ns: float = 16000.0
    chunk_written_ns: float = 4500.0
    random_uuid_ns: float = 1200.0
    call_ns: float = 65.0
    updated_row_ns: float = 1500.0
    deleted_row_ns: float = 220.0
    inserted_row_ns: float = 700.0
    entry_ns: float = 1500.0
    far_entry_ns: float = 8000.0
    trigger_ns: float = 5000.0
    joined_row_ns: float = 350.0
    hashed_row_ns: float = 400.0
    catalog_ns: float = 2_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far apart `low` and `high` are: factors of the likely time."""

    low: float
    high: float


_OF_SOURCE = {
    RateSource.DEFAULTS: Spread(low=0.2, high=5.0),
    RateSource.CALIBRATED: Spread(low=0.5, high=2.0),
}
_LEARNED_AT_LEAST = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What earlier runs of one kind of work took, as a factor of what the figures say, and their spread around it."""

    factor: float
    spread: Spread
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run that was timed: its work, the size of the relation then, and the time that the figures alone gave it.

    `estimated_s` is the likely time without anything learned; None where it was not kept: then size and rows tell.
    """

    work: Work
    size_bytes: int
    rows: float
    seconds: float
    estimated_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Figures with their origin; `learned` by kind of work comes before the figures."""

    figures: Figures = Figures()
    source: RateSource = RateSource.DEFAULTS
    learned: Mapping[Work, Learned] = field(default_factory=dict)

    def source_of(self, work: Work) -> RateSource:
        """Where the estimate of this kind of work comes from."""
        return RateSource.LEARNED if work in self.learned else self.source

    def seconds(self, low_s: float, likely_s: float, high_s: float, work: Iterable[Work] = ()) -> Seconds:
        """A range with the spread of these rates around it; `work` says which history applies."""
        known = [self.learned[kind] for kind in work if kind in self.learned]
        if not known:
            spread = _OF_SOURCE[self.source]
            return Seconds(low_s * spread.low, likely_s, high_s * spread.high)
        most = max(known, key=lambda item: item.runs)
        return Seconds(
            low_s * most.factor * most.spread.low, likely_s * most.factor, high_s * most.factor * most.spread.high
        )


DEFAULT_RATES = Rates()


def rates_from(figures: Mapping[str, float]) -> Rates:
    """From the figures of `[calibration]`; those that are missing keep their default. KeyError for an unknown name."""
    known = {item.name for item in fields(Figures)}
    for name in figures:
        if name not in known:
            raise KeyError(name)
    return Rates(figures=replace(Figures(), **figures), source=RateSource.CALIBRATED)


def learned(rates: Rates, history: Iterable[PastRun]) -> Rates:
    """The rates with what the runs tell of each kind of work: the median of measured to estimated, and its spread.

    Two runs are the least that tells something; runs too short to say anything are left out.
    """
    ratios: dict[Work, list[float]] = {}
    for run in history:
        estimated = run.estimated_s if run.estimated_s is not None else _plain_s(rates.figures, run)
        if run.seconds >= _TELLING_S and estimated > 0:
            ratios.setdefault(run.work, []).append(run.seconds / estimated)
    found = {work: _learned(own) for work, own in ratios.items() if len(own) > 1}
    return replace(rates, learned={**rates.learned, **found})


_TELLING_S = 0.05


def _learned(ratios: list[float]) -> Learned:
    logs = [math.log(ratio) for ratio in ratios]
    middle = statistics.median(logs)
    # Two deviations on either side, and more where few runs were seen.
    width = math.exp(2 * statistics.stdev(logs) * (1 + 1 / len(logs)))
    width = min(max(width, _LEARNED_AT_LEAST), 10.0)
    return Learned(factor=math.exp(middle), spread=Spread(low=1 / width, high=width), runs=len(ratios))


def _plain_s(figures: Figures, run: PastRun) -> float:
    """What the figures say of a relation of that size, without a look at its columns and indexes."""
    pages = run.size_bytes / 8192
    scan = pages * figures.page_read_ns + run.rows * (figures.row_read_ns + figures.check_ns)
    compares = run.rows * math.log2(max(run.rows, 2))
    more = {
        Work.VALIDATION_SCAN: 0.0,
        Work.READ: 0.0,
        Work.INDEX_BUILD: run.rows * figures.index_row_ns + compares * figures.number_compare_ns,
        Work.REWRITE: run.rows * figures.rewritten_row_ns + pages * figures.page_written_ns,
        Work.WRITE: run.rows * (figures.updated_row_ns + figures.entry_ns),
    }
    return (scan + more.get(run.work, 0.0)) / 1e9
