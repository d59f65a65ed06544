"""Which hooks are called, in which order, and what time each of them has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model.errors import Unreachable
from gate.model.run import HookRun, Outcome
from gate.policy.policy import HookSetting, Release
from gate.run.hooking import Left, call_all, event_of, settings_of, share_s


@dataclass
class Watch:
    """A clock that stands still unless it is moved."""

    at_s: float = 0.0
    ends_s: float = 20.0

    def now(self) -> float:
        return self.at_s

    def left(self) -> float:
        return self.ends_s - self.at_s


@dataclass
class Recorder:
    """A hook that takes a while, and notes what it was told."""

    watch: Watch
    name: str = "recorder"
    longest_s: float = 30.0
    takes_s: float = 0.0
    problem: str = ""
    told: list[tuple[str, str, float]] = field(default_factory=list)

    def call(self, event: str, document: str, left_s: Left) -> HookRun:
        self.told.append((event, document, left_s()))
        self.watch.at_s += self.takes_s
        self.told.append((event, document, left_s()))
        return HookRun(event=event, name=self.name, seconds=self.takes_s, problem=self.problem)


@dataclass
class Broken(Recorder):
    def call(self, event: str, document: str, left_s: Left) -> HookRun:  # noqa: ARG002 - it does not get so far
        raise Unreachable("no such host", remedy="none")


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        (Outcome.DONE, "on_success"),
        (Outcome.REFUSED, "on_refused"),
        (Outcome.FAILED, "on_failure"),
        (Outcome.STOPPED, "on_failure"),
        (Outcome.NEEDS_PERSON, "on_failure"),
        (Outcome.LOCK_NOT_ACQUIRED, "on_failure"),
        (Outcome.UNREACHABLE, "on_failure"),
        (Outcome.NOTHING_PENDING, None),
    ],
)
def test_the_outcome_decides_who_is_called(outcome: Outcome, event: str | None) -> None:
    assert event_of(outcome) == event


def test_the_policy_names_them() -> None:
    one, two, three = (HookSetting(command=(name,)) for name in "abc")
    release = Release(on_failure=(one, two), on_refused=(three,))
    assert settings_of(release, "on_failure") == (one, two)
    assert settings_of(release, "on_refused") == (three,)
    assert settings_of(release, "on_success") == ()


def test_all_are_called_in_their_order_whatever_becomes_of_one() -> None:
    watch = Watch()
    hooks = (Recorder(watch, "a"), Recorder(watch, "b", problem="it failed"), Broken(watch, "c"), Recorder(watch, "d"))
    found = call_all(hooks, "on_failure", "{}", watch.left, watch.now)
    assert [(run.name, run.problem) for run in found] == [
        ("a", ""),
        ("b", "it failed"),
        ("c", "no such host"),
        ("d", ""),
    ]
    assert hooks[0].told[0][:2] == ("on_failure", "{}")


def test_each_has_an_equal_part_and_what_the_others_leave() -> None:
    watch = Watch()
    hooks = (Recorder(watch, takes_s=10), Recorder(watch, takes_s=2), Recorder(watch))
    call_all(hooks, "on_failure", "", watch.left, watch.now)
    assert [hook.told[0][2] for hook in hooks] == [pytest.approx(20 / 3), 5, 8]


def test_what_is_left_of_a_part_shrinks_with_time() -> None:
    watch = Watch()
    hooks = (Recorder(watch, takes_s=4), Recorder(watch))
    call_all(hooks, "on_failure", "", watch.left, watch.now)
    assert [left_s for _, _, left_s in hooks[0].told] == [10, 6]


def test_one_without_any_time_is_not_called() -> None:
    watch = Watch(ends_s=10)
    hooks = (Recorder(watch, "a", takes_s=10), Recorder(watch, "b"))
    _, second = call_all(hooks, "on_failure", "", watch.left, watch.now)
    assert (second.name, second.problem) == ("b", "was not called: no time was left for it")
    assert hooks[1].told == []


def test_a_signal_shortens_what_is_left_of_the_part() -> None:
    watch = Watch(ends_s=600)
    lefts: list[float] = []

    @dataclass
    class Signalled(Recorder):
        def call(self, event: str, document: str, left_s: Left) -> HookRun:
            watch.at_s, watch.ends_s = 4, 24
            lefts.append(left_s())
            return super().call(event, document, left_s)

    call_all((Signalled(watch), Recorder(watch)), "on_failure", "", watch.left, watch.now)
    assert lefts == [8]


times = st.floats(0.01, 1000)


@given(times, st.lists(times, min_size=1, max_size=6))
def test_shares_are_fair_and_never_more_than_there_is(left_s: float, longest: list[float]) -> None:
    rest_s = left_s
    for place, own_s in enumerate(longest):
        part_s = share_s(rest_s, own_s, longest[place + 1 :])
        assert min(own_s, left_s / len(longest)) <= part_s * (1 + 1e-9)
        assert part_s <= own_s
        rest_s -= part_s
    assert rest_s >= -1e-9


def test_nothing_left_is_no_share() -> None:
    shares: Callable[[float], float] = lambda left_s: share_s(left_s, 30, (30,))  # noqa: E731 - two calls of one line
    assert (shares(0), shares(-5)) == (0, 0)
