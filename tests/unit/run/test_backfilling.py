"""Whatever a batch takes and whatever the server suffers from: the walk goes on, in batches of a fitting size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model.program import Batches
from gate.model.run import Backend
from gate.policy.policy import Throttle
from gate.run.backfilling import (
    FIRST_ROWS,
    MOST_ROWS,
    Action,
    Batch,
    Cut,
    Finished,
    Passed,
    Pause,
    Progress,
    Stop,
    advance,
    asked_first,
    begun,
    sent,
    values_of,
)
from gate.run.sample import Other, Sample, Waiter
from gate.run.world import Sent

BATCHES = Batches(
    relation="public.orders", oid=1, keys=("region", "id"), key_types=("text", "bigint"), sql="SELECT $1, $2, $3",
    rows=1_000_000.0,
)  # fmt: skip
LIMITS = Throttle(batch_s=0.2)
WAITER = Waiter(other=Other(backend=Backend(pid=7, started_at="")))
START = begun(BATCHES, at_s=0.0)

Cost = Callable[[int], float]
seconds = st.floats(min_value=0.0, max_value=1e6, allow_nan=False)
samples = st.builds(
    Sample,
    at_s=seconds,
    waiters=st.sampled_from([(), (WAITER,), (WAITER, WAITER)]),
    lag_s=st.none() | seconds,
    lag_bytes=st.none() | st.integers(0, 2**40),
    retained_bytes=st.none() | st.integers(0, 2**40),
    database_bytes=st.none() | st.integers(0, 2**40),
    active=st.none() | st.integers(0, 500),
)
throttles = st.builds(
    Throttle,
    batch_s=st.floats(min_value=0.001, max_value=60.0),
    lag_s=st.none() | seconds,
    growth_bytes=st.none() | st.integers(0, 2**40),
    active=st.none() | st.integers(0, 100),
)
ways = st.none() | st.just("cut") | seconds


@given(throttles, st.lists(st.tuples(ways, st.none() | samples, st.floats(min_value=0, max_value=1)), max_size=60))
def test_a_batch_has_a_row_at_least_and_never_too_many(
    limits: Throttle, story: list[tuple[float | str | None, Sample | None, float]]
) -> None:
    progress, now_s = START, 0.0
    for place, (way, sample, chance) in enumerate(story):
        before, now_s = progress, now_s + (way if isinstance(way, float) else 1.0)
        event = _event(way, place, now_s)
        action, progress = advance(limits, progress, sample, event, chance=chance)
        assert 1 <= progress.batch_rows <= MOST_ROWS
        assert progress.batch_rows <= 2 * before.batch_rows
        assert progress.rows_per_s is None or progress.rows_per_s >= 0
        assert progress.rows_done == before.rows_done + (before.batch_rows if isinstance(event, Passed) else 0)
        match action:
            case Batch():
                assert action.rows == progress.batch_rows
            case Pause():
                assert 0 < action.seconds <= 10
                assert action.why
                assert progress.pauses >= 1
            case Stop():
                assert limits.growth_bytes is not None
            case Finished():
                raise AssertionError("the last batch has not been done")


def _event(way: float | str | None, place: int, now_s: float) -> Passed | Cut | None:
    if isinstance(way, float):
        return Passed(last=("eu", str(place)), seconds=way, at_s=now_s)
    return Cut() if way else None


@given(
    fixed_s=st.floats(min_value=0.0, max_value=0.1),
    row_s=st.floats(min_value=1e-7, max_value=0.05),
    first=st.integers(1, MOST_ROWS),
)
def test_it_finds_the_size_that_takes_the_time_it_aims_at(fixed_s: float, row_s: float, first: int) -> None:
    progress = _walked(replace(START, batch_rows=first), lambda rows: fixed_s + row_s * rows, batches=60)
    took_s = fixed_s + row_s * progress.batch_rows
    assert took_s <= LIMITS.batch_s * 1.01
    with_one_more_s = took_s * (1 + 1 / progress.batch_rows)
    assert with_one_more_s >= LIMITS.batch_s * 0.99 or progress.batch_rows == MOST_ROWS


def test_what_is_not_in_the_rows_does_not_make_batches_of_one() -> None:
    """A commit that waits half a second for a standby takes as long with one row."""
    progress = _walked(START, lambda rows: 0.4 + 0.0001 * rows, batches=80)
    assert 3000 < progress.batch_rows < 5000


def test_a_hiccup_is_over_with_the_next_quick_batch() -> None:
    progress = _walked(START, lambda rows: 0.00002 * rows, batches=20)
    usual = progress.batch_rows
    _, progress = advance(LIMITS, progress, None, Passed(last=("eu", "x"), seconds=8.0, at_s=99.0))
    assert progress.batch_rows < usual / 30
    assert _walked(progress, lambda rows: 0.00002 * rows, batches=8).batch_rows == usual


def _walked(progress: Progress, cost: Cost, *, batches: int) -> Progress:
    """So many batches, one after the other; no one is watching."""
    now_s = progress.passed_at_s or progress.began_s
    for place in range(batches):
        took_s = cost(progress.batch_rows)
        now_s += took_s
        action, progress = advance(LIMITS, progress, None, Passed(last=("n", str(place)), seconds=took_s, at_s=now_s))
        assert isinstance(action, Batch)
    return progress


def test_it_begins_small_and_at_once() -> None:
    assert advance(LIMITS, START, None) == (Batch(rows=FIRST_ROWS), START)


def test_a_batch_that_was_cut_is_tried_again_with_half_its_rows() -> None:
    action, progress = advance(LIMITS, START, None, Cut(), chance=1.0)
    assert action == Pause(seconds=0.25, why="sessions waited for rows of the batch")
    assert progress.last is None
    assert progress.rows_done == 0
    assert advance(LIMITS, progress, None)[0] == Batch(rows=FIRST_ROWS // 2)


def test_where_sessions_wait_for_rows_batches_aim_at_less_and_find_back() -> None:
    progress = replace(START, batch_rows=10_000)
    busy = Sample(at_s=0.9, waiters=(WAITER,))
    _, progress = advance(LIMITS, progress, busy, Passed(last=("eu", "1"), seconds=0.2, at_s=1.0))
    assert progress.batch_rows == 5000
    progress = _walked(progress, lambda rows: 0.00002 * rows, batches=3)
    assert 5000 < progress.batch_rows < 6000
    assert _walked(progress, lambda rows: 0.00002 * rows, batches=30).batch_rows == pytest.approx(10_000, rel=0.001)


def test_a_waiter_that_was_seen_while_the_batch_ran_is_none_any_more() -> None:
    during, after = Sample(at_s=0.95, waiters=(WAITER,)), Sample(at_s=1.05, waiters=(WAITER,))
    action, progress = advance(LIMITS, START, during, Passed(last=("eu", "1"), seconds=0.1, at_s=1.0))
    assert isinstance(action, Batch)
    assert _why(advance(LIMITS, progress, after)[0]) == "1 session waits for a lock behind it"


GIB = 1024**3
STRAINS = [
    (Sample(at_s=1.0, lag_s=14.2), "a replica lags 14 s, more than 10 s"),
    (Sample(at_s=1.0, lag_bytes=GIB // 2), "a replica has 512 MB of WAL to replay, more than 256 MB"),
    (Sample(at_s=1.0, retained_bytes=9 * GIB), "a replication slot holds back 9 GB of WAL, more than 8 GB"),
    (Sample(at_s=1.0, active=40), "40 sessions are at work, 14 were when it began"),
    (Sample(at_s=1.0, waiters=(WAITER, WAITER)), "2 sessions wait for a lock behind it"),
]


@pytest.mark.parametrize(("sample", "why"), STRAINS, ids=[why for _, why in STRAINS])
def test_it_pauses_for_what_strains_the_server_and_goes_on_after(sample: Sample, why: str) -> None:
    _, progress = advance(LIMITS, START, Sample(at_s=0.0, active=14))
    waited = []
    for _ in range(12):
        action, progress = advance(LIMITS, progress, sample, chance=1.0)
        assert isinstance(action, Pause)
        assert action.why == why
        waited.append(action.seconds)
    assert waited == [0.25, 0.5, 1, 2, 4, 8, 10, 10, 10, 10, 10, 10]
    calm = Sample(at_s=2.0, lag_s=0.1, lag_bytes=0, retained_bytes=GIB, active=39)
    action, progress = advance(LIMITS, progress, calm)
    assert action == Batch(rows=FIRST_ROWS)
    assert _after(progress).pauses == 0


def _after(progress: Progress) -> Progress:
    return advance(LIMITS, progress, None, Passed(last=("eu", "1"), seconds=0.1, at_s=3.0))[1]


@pytest.mark.parametrize(("sample", "why"), STRAINS[:4], ids=[why for _, why in STRAINS[:4]])
def test_a_limit_that_does_not_hold_stops_nobody(sample: Sample, why: str) -> None:
    free = Throttle(lag_s=None, lag_bytes=None, retained_bytes=None, active=None)
    _, progress = advance(free, START, Sample(at_s=0.0, active=14, database_bytes=0))
    assert isinstance(advance(free, progress, replace(sample, database_bytes=2**50))[0], Batch)


def test_the_growth_of_the_database_cannot_be_waited_out() -> None:
    limits = Throttle(growth_bytes=10 * GIB)
    _, progress = advance(limits, START, Sample(at_s=0.0, database_bytes=50 * GIB))
    assert isinstance(advance(limits, progress, Sample(at_s=1.0, database_bytes=60 * GIB))[0], Batch)
    action, _ = advance(limits, progress, Sample(at_s=1.0, database_bytes=62 * GIB))
    assert isinstance(action, Stop)
    assert action.why == "the database has grown by 12 GB since this began, more than 10 GB"
    resumed = begun(BATCHES, at_s=0.0, size_bytes=50 * GIB)
    assert isinstance(advance(limits, resumed, Sample(at_s=0.0, database_bytes=62 * GIB))[0], Stop)


def test_a_walk_that_does_not_move_on_is_stopped() -> None:
    progress = begun(BATCHES, at_s=0.0, last=("eu", "7"))
    action, _ = advance(LIMITS, progress, None, Passed(last=("eu", "7"), seconds=0.1, at_s=1.0))
    assert _why(action) == "the walk does not move on from the key eu, 7"


def _why(action: Action) -> str:
    assert isinstance(action, Pause | Stop)
    return action.why


def test_progress_has_a_rate_and_the_time_that_is_left() -> None:
    progress, now_s = START, 0.0
    for place in range(100):
        now_s += 1.5
        rows = progress.batch_rows
        event = Passed(last=("eu", str(place)), seconds=0.2, at_s=now_s)
        _, progress = advance(LIMITS, progress, None, event)
        progress = replace(progress, batch_rows=rows)
    assert progress.rows_done == 100_000
    assert progress.share == pytest.approx(0.1)
    assert progress.rows_per_s == pytest.approx(1000 / 1.5)
    assert progress.left_s == pytest.approx(900_000 / (1000 / 1.5))


def test_nobody_knows_how_long_it_takes_where_rows_are_more_than_estimated() -> None:
    few = _walked(begun(replace(BATCHES, rows=10.0), at_s=0.0), lambda _: 0.2, batches=1)
    assert (few.share, few.left_s) == (1.0, None)
    unknown = _walked(begun(replace(BATCHES, rows=None), at_s=0.0), lambda _: 0.2, batches=1)
    assert (unknown.share, unknown.left_s, unknown.rows_done) == (None, None, FIRST_ROWS)


def test_the_last_batch_ends_it_whatever_there_is_to_wait_for() -> None:
    progress = begun(replace(BATCHES, rows=1500.0), at_s=0.0, last=("eu", "9"), rows_done=1000)
    strained = Sample(at_s=1.0, lag_s=100.0)
    action, progress = advance(LIMITS, progress, strained, Passed(last=None, seconds=0.1, at_s=1.0))
    assert action == Finished()
    assert progress.rows_done == 1500


def test_a_batch_is_sent_with_its_key_its_rows_and_its_pins() -> None:
    assert sent(BATCHES, None, 50) == Sent(sql=BATCHES.sql, parameters=(None, None, "50"))
    assert sent(BATCHES, ("eu", "7"), 50, ("2026-01-02",)).parameters == ("eu", "7", "50", "2026-01-02")
    assert values_of([{"gate_key_1": "eu", "gate_key_2": "7"}]) == ("eu", "7")
    assert values_of([]) is None


def test_pins_are_asked_for_once_as_text() -> None:
    assert asked_first(BATCHES) is None
    pinned = replace(BATCHES, pins=("now()", "CURRENT_DATE"))
    assert asked_first(pinned) == Sent(
        sql="SELECT now()::pg_catalog.text AS pin_1, current_date::pg_catalog.text AS pin_2"
    )
