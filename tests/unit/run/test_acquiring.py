"""When a lock is tried for, and when it is waited for outside the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.model.locks import LockMode
from gate.model.run import Backend
from gate.run.acquiring import Acquiring, GiveUp, Rest, Trying, advance, failed, takes_too_long
from gate.run.acquiring import Try as Tries
from gate.run.sample import Holder, Other

STALL_S = 0.2
LIMITS = Acquiring(stall_s=STALL_S, give_up_s=300.0)
FRESH = Trying(begun_s=0.0)
CHANCES = st.floats(0, 1)


def holder(pid: int = 1, *, age_s: float | None = 0.0, transaction: str = "", **more: object) -> Holder:
    made = Other(
        backend=Backend(pid=pid, started_at=""),
        state="active",
        transaction=transaction or f"{pid}/1",
        transaction_age_s=age_s,
    )
    other = replace(made, **more)  # type: ignore[arg-type]  # names of its fields
    return Holder(relation="public.t", mode=LockMode.ACCESS_SHARE, other=other)


def idle(pid: int = 1, for_s: float = 5.0) -> Holder:
    return holder(pid, age_s=for_s, state="idle in transaction", state_age_s=for_s)


PREPARED = Holder(relation="public.t", mode=LockMode.ROW_EXCLUSIVE, other=None, gid="left")
VACUUM = holder(9, age_s=60.0, kind="autovacuum worker")
WRAPAROUND = holder(9, age_s=60.0, kind="autovacuum worker", prevents_wraparound=True)
NEVER = (idle(), PREPARED, WRAPAROUND)


def play(
    holders: Sequence[Holder], *, until_s: float, chance: float = 0.5, limits: Acquiring = LIMITS, holds_s: float = 0.0
) -> list[tuple[float, float]]:
    """Each try with when it was begun and how long it waited, none of which gets its lock."""
    trying, now_s, tries = FRESH, 0.0, []
    while now_s < until_s:
        action, trying = advance(limits, trying, holders, now_s=now_s, chance=chance)
        match action:
            case GiveUp():
                break
            case Rest(seconds=seconds):
                now_s += seconds
            case Tries(wait_s=wait_s):
                tries.append((now_s, wait_s))
                now_s += wait_s + holds_s + 0.001
                trying = failed(limits, trying, waited_s=wait_s + holds_s, now_s=now_s, chance=chance)
    return tries


def test_where_nobody_is_in_the_way_nothing_is_waited_for() -> None:
    action, _ = advance(LIMITS, FRESH, (), now_s=0.0, chance=0.5)
    assert action == Tries(wait_s=0.0)


def test_who_has_just_come_is_waited_for_a_moment() -> None:
    action, _ = advance(LIMITS, FRESH, [holder()], now_s=0.0, chance=0.5)
    assert isinstance(action, Tries)
    assert 0 < action.wait_s < STALL_S / 4


@pytest.mark.parametrize("holders", [[item] for item in NEVER], ids=["idle", "prepared", "wraparound"])
def test_what_nobody_works_on_is_never_queued_for(holders: list[Holder]) -> None:
    assert play(holders, until_s=290.0) == []


def test_one_of_them_among_many_is_enough() -> None:
    assert play([holder(1), VACUUM, idle(2)], until_s=60.0) == []


def test_long_work_is_hoped_for_now_and_then() -> None:
    """Its end cannot be foreseen: a try every few seconds, else a stream of such would be waited for in vain."""
    tries = play([holder(age_s=60.0)], until_s=31.0)
    assert 8 <= len(tries) <= 11
    assert all(later - earlier >= 3.0 for (earlier, _), (later, _) in pairwise(tries))


def test_who_hides_its_age_is_known_by_how_long_it_was_seen() -> None:
    hidden = [holder(age_s=None)]
    _, trying = advance(LIMITS, FRESH, hidden, now_s=0.0, chance=0.5)
    action, _ = advance(LIMITS, trying, hidden, now_s=1.5, chance=0.5)
    assert isinstance(action, Rest)
    another = [holder(age_s=None, transaction="1/2")]
    action, _ = advance(LIMITS, trying, another, now_s=1.5, chance=0.5)
    assert isinstance(action, Tries)


def test_an_autovacuum_is_made_to_yield_and_its_relation_named() -> None:
    action, _ = advance(LIMITS, FRESH, [VACUUM], now_s=0.0, chance=0.5)
    assert isinstance(action, Tries)
    assert action.yields == ("public.t",)


def test_when_the_time_is_over_whoever_is_there_is_named() -> None:
    action, _ = advance(LIMITS, FRESH, [idle()], now_s=300.0, chance=0.5)
    assert action == GiveUp(holders=(idle(),))


HOLDERS = st.lists(
    st.builds(
        holder,
        st.integers(1, 5),
        age_s=st.none() | st.floats(0, 100),
        state=st.sampled_from(["active", "idle in transaction"]),
        state_age_s=st.none() | st.floats(0, 100),
        kind=st.sampled_from(["client backend", "autovacuum worker"]),
        prevents_wraparound=st.booleans(),
    )
    | st.just(PREPARED),
    max_size=4,
)


@settings(deadline=None)
@given(holders=HOLDERS, chance=CHANCES, stall_s=st.floats(0.01, 2.0), holds_s=st.floats(0.0, 0.5))
def test_the_queue_is_never_waited_in_for_longer_than_its_share(
    holders: list[Holder], chance: float, stall_s: float, holds_s: float
) -> None:
    """A part of the limit is always left for what is done under the lock."""
    limits = Acquiring(stall_s=stall_s, give_up_s=30.0)
    tries = play(holders, until_s=30.0, chance=chance, limits=limits, holds_s=holds_s)
    assert all(wait_s <= 0.75 * stall_s or wait_s <= 0.01 for _, wait_s in tries)
    # Between two tries the queue has had at least as long to drain as it was held up.
    for (begun_s, wait_s), (next_s, _) in pairwise(tries):
        assert next_s - (begun_s + wait_s + holds_s) >= wait_s + holds_s


@settings(deadline=None)
@given(holders=HOLDERS, now_s=st.floats(0, 400), chance=CHANCES)
def test_somebody_who_never_ends_soon_is_never_queued_for(holders: list[Holder], now_s: float, chance: float) -> None:
    action, _ = advance(LIMITS, FRESH, [*holders, PREPARED], now_s=now_s, chance=chance)
    assert not isinstance(action, Tries)


@settings(deadline=None)
@given(chance=CHANCES, other=CHANCES)
def test_two_releases_do_not_try_in_step(chance: float, other: float) -> None:
    """The rests differ where chance does, and never by so much that one stands still."""
    rests = [failed(LIMITS, FRESH, waited_s=0.1, now_s=0.0, chance=item).not_before_s for item in (chance, other)]
    assert all(0.1 <= rest_s <= 0.2 for rest_s in rests)
    assert (rests[0] == rests[1]) == (0.1 * (1 + chance) == 0.1 * (1 + other))


def test_the_waits_grow_up_to_the_share() -> None:
    trying, waits = FRESH, []
    for _ in range(8):
        trying = failed(LIMITS, trying, waited_s=0.0, now_s=0.0, chance=0.0)
        waits.append(trying.wait_s)
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(0.01)
    assert waits[-1] == pytest.approx(0.75 * STALL_S)


def test_what_had_its_locks_too_often_is_given_up() -> None:
    """And in between it has all of the time for what is done under them: none of it goes into the queue."""
    trying, tries = FRESH, 0
    while not takes_too_long(trying):
        trying = failed(LIMITS, trying, waited_s=0.2, now_s=0.0, chance=0.0, overran=True)
        assert trying.wait_s == 0.0
        tries += 1
    assert tries == 5
