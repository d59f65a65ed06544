"""One budget, and all that derives from it; what does not fit is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model.costs import Seconds
from gate.model.program import Program, Unit, UnitKind
from gate.run.deadlines import Deadlines, does_not_fit, unknown_times


def deadlines(budget_s: float = 600, grace_s: float = 20) -> Deadlines:
    return Deadlines(began_s=1000, budget_s=budget_s, grace_s=grace_s, lock_wait_s=300, runner_wait_s=60)


def test_a_part_of_the_budget_is_kept_back() -> None:
    ten_minutes = deadlines()
    assert (ten_minutes.works_until_s, ten_minutes.ends_s) == (1580, 1600)
    assert deadlines(budget_s=8).works_until_s == 1006


def test_every_wait_ends_with_the_work() -> None:
    found = deadlines()
    assert (found.lock_wait_at_s(1000), found.lock_wait_at_s(1400), found.lock_wait_at_s(2000)) == (300, 180, 0)
    assert (found.runner_wait_at_s(1000), found.runner_wait_at_s(1570)) == (60, 10)
    assert (found.connect_at_s(1000), found.connect_at_s(1575)) == (30, 5)


def test_after_a_signal_the_platform_s_grace_counts() -> None:
    assert deadlines().cleans_up_until_s(1100, by_signal=True) == 1120
    assert deadlines(grace_s=4).cleans_up_until_s(1599, by_signal=True) == 1603


def test_after_a_failure_what_is_left_counts_and_never_less_than_was_kept() -> None:
    assert deadlines().cleans_up_until_s(1100, by_signal=False) == 1600
    assert deadlines().cleans_up_until_s(1590, by_signal=False) == 1610


@given(
    st.floats(0.01, 1e6),
    st.floats(0.01, 1e4),
    st.floats(0, 1e4),
    st.floats(0, 1e4),
    st.floats(0, 2e6),
)
def test_no_wait_outlives_the_work_nor_the_work_the_budget(
    budget_s: float, grace_s: float, lock_wait_s: float, runner_wait_s: float, later_s: float
) -> None:
    found = Deadlines(
        began_s=0, budget_s=budget_s, grace_s=grace_s, lock_wait_s=lock_wait_s, runner_wait_s=runner_wait_s
    )
    assert 0 < found.works_until_s < found.ends_s == budget_s
    for wait_s in (found.lock_wait_at_s(later_s), found.runner_wait_at_s(later_s), found.connect_at_s(later_s)):
        assert wait_s == 0 or later_s + wait_s <= found.works_until_s * (1 + 1e-9)
    assert found.cleans_up_until_s(later_s, by_signal=True) == later_s + grace_s


# --- what does not fit ------------------------------------------------------------------------------------------------


def program(*seconds: Seconds | None, name: str = "1_a.sql") -> Program:
    units = tuple(
        Unit(ordinal=number, kind=UnitKind.STATEMENT, line=number, why=f"does {number}", seconds=one)
        for number, one in enumerate(seconds, start=1)
    )
    return Program(source="dbmate", migration="1", path=name, fingerprint="", units=units)


def detached(budget: str) -> str:
    return f"gate release --budget {budget}"


MINUTE = Seconds(40, 60, 90)
LONG = Seconds(1200, 1500, 3600)


def test_what_fits_by_its_high_estimate_is_let_go() -> None:
    assert does_not_fit([program(MINUTE)], 90, detached) is None
    assert does_not_fit([], 0, detached) is None
    assert does_not_fit([program()], 0, detached) is None


def test_one_step_is_named_with_its_range_and_the_way_out() -> None:
    said = does_not_fit([program(LONG)], 540, detached)
    assert said == (
        "by its estimate the release does not fit what is left of its time: 9 min are left, and "
        "1_a.sql, line 1 (does 1), takes 25 min (20 min to 60 min). "
        "Run it by itself, the next release finds it done: gate release --budget 8h"
    )


def test_of_several_the_longest_is_named() -> None:
    said = does_not_fit([program(MINUTE), program(MINUTE, LONG, name="2_b.sql")], 540, detached)
    assert said is not None
    assert "its longest step, 2_b.sql, line 2 (does 2), takes 25 min (20 min to 60 min)" in said
    assert "all together take 27 min (21 min to 63 min)" in said


def test_many_short_ones_do_not_fit_together() -> None:
    assert does_not_fit([program(*[MINUTE] * 6)], 540, detached) is None
    assert does_not_fit([program(*[MINUTE] * 7)], 540, detached) is not None


def test_the_budget_that_is_proposed_is_enough() -> None:
    said = does_not_fit([program(Seconds(1, 2, 20 * 3600))], 540, detached)
    assert said is not None
    assert said.endswith("--budget 30h")


@pytest.mark.parametrize("left_s", [0, -5])
def test_without_any_time_it_is_said(left_s: float) -> None:
    said = does_not_fit([program(MINUTE)], left_s, detached)
    assert said is not None
    assert "no time is left" in said


def test_an_unknown_time_is_said_and_not_assumed() -> None:
    programs = [program(None, MINUTE)]
    assert does_not_fit(programs, 90, detached) is None
    assert unknown_times(programs, 540) == (
        "how long this takes is not known: 1_a.sql, line 1 (does 1). "
        "What is not done in 9 min is cancelled, and the next run takes it up"
    )
    assert unknown_times([program(MINUTE)], 540) is None


def test_many_unknown_ones_are_counted() -> None:
    said = unknown_times([program(*[None] * 5)], 540)
    assert said is not None
    assert "line 3 (does 3) and 2 more steps. What" in said
