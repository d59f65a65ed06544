"""What later estimates learn from is one kind of work on one relation, without what was learned before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.model.costs import Seconds
from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.program import Priced
from gate.model.rates import DEFAULT_RATES, Learned, PastRun, Spread, learned
from gate.model.work import Work
from gate.run.pricing import priced

BUILD = Effect(
    oid=1,
    schema="public",
    name="t",
    kind="r",
    lock=LockMode.SHARE_UPDATE_EXCLUSIVE,
    work=(Work.INDEX_BUILD,),
    rows=100.0,
    size_bytes=8192,
    seconds=Seconds(1.0, 3.0, 9.0),
)
IDLE = replace(BUILD, oid=2, name="u", work=(Work.CATALOG_ONLY,))
TWICE = Learned(factor=2.0, spread=Spread(low=0.5, high=2.0), runs=3)


def test_one_kind_of_work_on_one_relation() -> None:
    assert priced([IDLE, BUILD], {}) == Priced(work=Work.INDEX_BUILD, size_bytes=8192, rows=100.0, estimated_s=3.0)


@pytest.mark.parametrize(
    "effects",
    [
        [],
        [IDLE],
        [BUILD, replace(BUILD, oid=3)],
        [replace(BUILD, work=(Work.VALIDATION_SCAN, Work.INDEX_BUILD))],
        [replace(BUILD, rows=None)],
        [replace(BUILD, size_bytes=None)],
        [replace(BUILD, seconds=None)],
    ],
)
def test_anything_else_teaches_nothing(effects: list[Effect]) -> None:
    assert priced(effects, {}) is None


def test_what_was_learned_is_taken_out_again() -> None:
    """A run that takes what was expected changes nothing of what is known."""
    found = priced([BUILD], {Work.INDEX_BUILD: TWICE, Work.REWRITE: replace(TWICE, factor=9.0)})
    assert found is not None
    assert found.estimated_s == 1.5
    past = PastRun(work=found.work, size_bytes=1, rows=1.0, seconds=3.0, estimated_s=found.estimated_s)
    assert learned(DEFAULT_RATES, [past, past]).learned[Work.INDEX_BUILD].factor == pytest.approx(2.0)
