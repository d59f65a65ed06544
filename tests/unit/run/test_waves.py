"""The canary, the waves and the limit on failures, decided with values."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from gate.model.errors import Exit
from gate.run.shards import shard_of
from gate.run.waves import Waves, advance, waves_of

NAMES = tuple(f"db{number}" for number in range(7))


def waves(**more: int | None) -> Waves:
    told = {"wave_size": 3, "at_once": 2, "max_failures": 0, **more}
    return waves_of(NAMES, canary=NAMES[:1], **told)  # type: ignore[arg-type]  # the names of its arguments


def played(plan: Waves, ends: Callable[[str], Exit]) -> tuple[list[tuple[str, ...]], str]:
    """Who was begun together, each begun round having ended before the next; and why it stopped."""
    ended: dict[str, Exit] = {}
    rounds = []
    while not (step := advance(plan, ended, set(), is_stopping=False)).is_over:
        rounds.append(step.begin)
        ended |= {name: ends(name) for name in step.begin}
    return rounds, step.stopped


def test_the_canary_is_alone_and_no_wave_begins_before_the_one_before_has_ended() -> None:
    rounds, stopped = played(waves(), lambda _: Exit.DONE)
    assert rounds == [("db0",), ("db1", "db2"), ("db3",), ("db4", "db5"), ("db6",)]
    assert stopped == ""


def test_a_free_place_is_taken_at_once_within_a_wave() -> None:
    plan = waves()
    step = advance(plan, {"db0": Exit.DONE, "db1": Exit.DONE}, {"db2"}, is_stopping=False)
    assert step.begin == ("db3",)
    step = advance(plan, {"db0": Exit.DONE, "db1": Exit.DONE, "db3": Exit.DONE}, {"db2"}, is_stopping=False)
    assert (step.begin, step.is_over) == ((), False)


def test_a_canary_that_fails_stops_all_whatever_the_limit_is() -> None:
    rounds, stopped = played(waves(max_failures=5), lambda name: Exit.REFUSED if name == "db0" else Exit.DONE)
    assert rounds == [("db0",)]
    assert stopped == "the canary did not end well: db0"


def test_so_many_failures_are_let_pass_and_no_more() -> None:
    bad = {"db1", "db4"}
    ends = {name: Exit.MIGRATION_FAILED if name in bad else Exit.DONE for name in NAMES}.__getitem__
    assert played(waves(max_failures=2), ends)[1] == ""
    rounds, stopped = played(waves(max_failures=1), ends)
    assert rounds[-1] == ("db4", "db5")
    assert stopped == "2 databases did not end well (--max-failures 1): db1, db4"
    assert [name for begun in played(waves(), ends)[0] for name in begun] == ["db0", "db1", "db2"]


def test_who_is_at_work_is_waited_for_when_it_is_to_stop() -> None:
    step = advance(waves(), {"db0": Exit.DONE}, {"db1"}, is_stopping=True)
    assert (step.begin, step.is_over) == ((), False)
    assert advance(waves(), {"db0": Exit.DONE}, set(), is_stopping=True).is_over


def test_without_a_canary_and_a_size_all_are_one_wave() -> None:
    plan = waves_of(NAMES, canary=(), wave_size=None, at_once=9, max_failures=0)
    assert played(plan, lambda _: Exit.DONE) == ([NAMES], "")


def test_no_database_is_no_work() -> None:
    assert advance(
        waves_of((), canary=(), wave_size=None, at_once=4, max_failures=0), {}, set(), is_stopping=False
    ).is_over


@given(
    canary=st.integers(0, 7), size=st.one_of(st.none(), st.integers(1, 9)), at_once=st.integers(1, 9),
    limit=st.integers(0, 8), bad=st.sets(st.sampled_from(NAMES)),
)  # fmt: skip
def test_each_is_begun_once_at_most_and_never_too_many(
    canary: int, size: int | None, at_once: int, limit: int, bad: set[str]
) -> None:
    plan = waves_of(NAMES, canary=NAMES[:canary], wave_size=size, at_once=at_once, max_failures=limit)
    rounds, stopped = played(plan, lambda name: Exit.REFUSED if name in bad else Exit.DONE)
    begun = [name for names in rounds for name in names]
    assert len(set(begun)) == len(begun)
    assert all(0 < len(names) <= at_once for names in rounds)
    is_too_much = len(bad & set(begun)) > limit or bool(bad & set(NAMES[:canary]) & set(begun))
    assert bool(stopped) == (is_too_much and set(begun) != set(NAMES))
    assert stopped or set(begun) == set(NAMES)


@given(st.sets(st.text(min_size=1)), st.integers(1, 40))
def test_every_database_is_of_one_shard_and_stays_there(names: set[str], shards: int) -> None:
    shared = {name: shard_of(name, shards) for name in names}
    assert all(0 <= index < shards for index in shared.values())
    assert {name: shard_of(name, shards) for name in [*names, "one more"]}.items() >= shared.items()


def test_a_shard_is_the_same_in_every_version_of_gate() -> None:
    """A Job that is retried by a newer image must not give two pods the same database."""
    assert [shard_of(name, 8) for name in ("acme", "beta", "gamma")] == ACME_BETA_GAMMA


ACME_BETA_GAMMA = [0, 1, 0]
