"""What the samples of a watched release mean: a failure, all well, or not known."""

from __future__ import annotations

import pytest

from gate.policy.policy import Watch
from gate.run.holding import Action, Progress, Reading, Sample, Seen, Waiting, advance, blocked, were_there

WATCH = Watch(for_s=5, every_s=1, failures=3, blocked_s=30)
G, B, U = Seen.GOOD, Seen.BAD, Seen.UNKNOWN
LETTERS = {"g": G, "b": B, "u": U}


def held(probes: str, *, watch: Watch = WATCH) -> tuple[Action, int, Progress]:
    """One sample a second; of several probes the samples stand beside each other, with a blank between the probes.

    The action that ended it, or GO_ON, with the number of the sample.
    """
    rows = probes.split()
    progress, action, at = Progress(began_s=0.0), Action.GO_ON, 0
    for at, column in enumerate(zip(*rows, strict=True)):
        readings = tuple(Reading(probe=f"p{place}", seen=LETTERS[letter]) for place, letter in enumerate(column))
        action, progress = advance(watch, progress, Sample(at_s=float(at), readings=readings))
        if action is not Action.GO_ON:
            break
    return action, at, progress


@pytest.mark.parametrize(
    ("probes", "action", "at"),
    [
        ("gggggg", Action.PASSED, 5),
        ("ggggg", Action.GO_ON, 4),
        ("bbb", Action.FAILED, 2),
        ("gbbgbbg", Action.PASSED, 6),
        ("gbbb", Action.FAILED, 3),
        # Unknown is neither: it breaks no row, and counts in none.
        ("bububu", Action.FAILED, 4),
        ("bbugbb", Action.GO_ON, 5),
        ("gugugg", Action.PASSED, 5),
        # A row that has begun is followed to its end; where that cannot be told, nobody says that all is well.
        ("gggggbbb", Action.FAILED, 7),
        ("gggggbbg", Action.PASSED, 7),
        ("gggggbuuu", Action.NOT_KNOWN, 8),
        # Never known, and known no more.
        ("uuuuuu", Action.NOT_KNOWN, 5),
        ("gguuuu", Action.NOT_KNOWN, 5),
        ("gggguu", Action.PASSED, 5),
        # Two probes: a sample is bad if one of them is, and over once that one is good again.
        ("gbgbgb bgbgbg", Action.FAILED, 2),
        ("gggggg uuuuuu", Action.NOT_KNOWN, 5),
        ("bggggg gggggg", Action.PASSED, 5),
        ("buuuuuuuu ggggggggg", Action.NOT_KNOWN, 8),
        ("uuuuuuuu bbbggggg", Action.FAILED, 2),
    ],
)
def test_what_samples_mean(probes: str, action: Action, at: int) -> None:
    assert held(probes)[:2] == (action, at)


def test_while_the_app_boots_nothing_bad_counts_and_the_time_begins_after_it() -> None:
    watch = Watch(for_s=3, failures=2, start_after_s=4)
    assert held("bbbbbb", watch=watch)[:2] == (Action.FAILED, 5)
    assert held("bbbbgggg", watch=watch)[:2] == (Action.PASSED, 7)
    assert held("ggggbbgg", watch=watch)[:2] == (Action.FAILED, 5)


def test_what_was_bad_only_while_it_booted_and_is_unknown_since_is_not_known() -> None:
    watch = Watch(for_s=3, failures=2, start_after_s=2)
    assert held("bbuuuuuuuuu", watch=watch)[0] is Action.NOT_KNOWN


def test_one_failure_is_enough_where_that_is_said() -> None:
    assert held("gb", watch=Watch(for_s=9, failures=1))[:2] == (Action.FAILED, 1)


def test_samples_are_counted() -> None:
    progress = held("gbugbg")[2]
    assert (progress.taken, progress.bad, progress.unknown) == (6, 2, 1)


def waiting(pid: int, waited_s: float) -> Waiting:
    return Waiting(pid=pid, who='shop "puma"', waited_s=waited_s, relation="public.orders", behind="pid 9")


def test_who_waited_before_the_watch_began_is_named_and_not_counted() -> None:
    both = (waiting(1, 100.0), waiting(2, 31.0))
    assert [one.pid for one in were_there(both, 60.0)] == [1]
    found = blocked(WATCH, both, 60.0)
    assert found.seen is Seen.BAD
    assert found.said == (
        '1 session blocked for more than 30 s: pid 2 (shop "puma") for 31 s on public.orders, behind pid 9'
    )
    assert blocked(WATCH, both[:1], 60.0).seen is Seen.GOOD


def test_a_short_wait_is_no_fault_and_few_may_be_allowed() -> None:
    assert blocked(WATCH, (waiting(1, 29.0),), 60.0).seen is Seen.GOOD
    watch = Watch(blocked_s=30, blocked_sessions=3)
    three = tuple(waiting(pid, 40.0) for pid in (1, 2, 3))
    assert blocked(watch, three[:2], 60.0).seen is Seen.GOOD
    assert blocked(watch, three, 60.0).seen is Seen.BAD
    assert blocked(WATCH, (*three, waiting(4, 35.0)), 60.0).said.endswith(" and 1 more")
