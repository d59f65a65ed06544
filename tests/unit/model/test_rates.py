"""Rates: learned before calibrated before stated, each narrower than the one below."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gate.model.rates import DEFAULT_RATES, Figures, PastRun, Rates, RateSource, learned, rates_from
from gate.model.work import Work

RUNS = tuple(
    PastRun(work=Work.INDEX_BUILD, size_bytes=10**8, rows=1e6, seconds=seconds, estimated_s=1.0)
    for seconds in (2.9, 3.0, 3.1, 3.05)
)


def _width(rates: Rates, work: Work) -> float:
    seconds = rates.seconds(1.0, 1.0, 1.0, (work,))
    return seconds.high / seconds.low


def test_calibrated_is_narrower_than_stated_and_learned_than_calibrated() -> None:
    calibrated = rates_from({"page_read_ns": 500.0})
    known = learned(calibrated, RUNS)
    widths = [_width(rates, Work.INDEX_BUILD) for rates in (known, calibrated, DEFAULT_RATES)]
    assert widths == sorted(widths)
    assert len(set(widths)) == 3
    sources = [rates.source_of(Work.INDEX_BUILD) for rates in (known, calibrated, DEFAULT_RATES)]
    assert sources == [RateSource.LEARNED, RateSource.CALIBRATED, RateSource.DEFAULTS]


def test_what_was_learned_of_one_kind_of_work_leaves_the_others_alone() -> None:
    known = learned(DEFAULT_RATES, RUNS)
    assert known.seconds(1.0, 1.0, 1.0, (Work.INDEX_BUILD,)).likely == pytest.approx(3.025, rel=0.01)
    assert known.seconds(1.0, 1.0, 1.0, (Work.REWRITE,)) == DEFAULT_RATES.seconds(1.0, 1.0, 1.0, (Work.REWRITE,))


def test_runs_that_differ_teach_a_wider_range() -> None:
    wild = [
        PastRun(work=Work.REWRITE, size_bytes=10**8, rows=1e6, seconds=seconds, estimated_s=1.0)
        for seconds in (1.0, 4.0, 2.0)
    ]
    assert _width(learned(DEFAULT_RATES, wild), Work.REWRITE) > _width(learned(DEFAULT_RATES, RUNS), Work.INDEX_BUILD)


def test_one_run_or_a_moment_teaches_nothing() -> None:
    assert learned(DEFAULT_RATES, RUNS[:1]).learned == {}
    short = [PastRun(work=Work.READ, size_bytes=8192, rows=10, seconds=0.01) for _ in range(5)]
    assert learned(DEFAULT_RATES, short).learned == {}


@pytest.mark.parametrize("work", [work for work in Work if work is not Work.CATALOG_ONLY])
def test_without_an_estimate_size_and_rows_tell(work: Work) -> None:
    runs = [PastRun(work=work, size_bytes=10**9, rows=1e7, seconds=seconds) for seconds in (20.0, 22.0)]
    factor = learned(DEFAULT_RATES, runs).learned[work].factor
    assert 0.05 < factor < 100


def test_every_figure_can_be_given_and_no_other() -> None:
    given = {item.name: 7.0 for item in fields(Figures)}
    assert rates_from(given).figures == Figures(**given)
    with pytest.raises(KeyError, match="page_red_ns"):
        rates_from({"page_red_ns": 1.0})
