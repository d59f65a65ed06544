"""Whom a filter of the policy names, and who is never ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.model.locks import LockMode
from gate.model.run import Backend
from gate.policy.policy import KillFilter
from gate.run.guarding import Guard, must_cancel
from gate.run.killing import granted, in_words, matches, to_end
from gate.run.sample import Holder, Other, Sample, Waiter

CONSOLE = Other(
    backend=Backend(pid=7, started_at="2026-01-02T03:04:05.000000Z"),
    user="ann",
    application="rails console",
    state="idle in transaction",
    transaction_age_s=90.0,
    state_age_s=60.0,
)
ANN = KillFilter(user="ann")


def holding(other: Other | None, **more: object) -> Holder:
    made = Holder(relation="public.t", mode=LockMode.ACCESS_SHARE, other=other)
    return replace(made, **more)  # type: ignore[arg-type]  # names of its fields


@pytest.mark.parametrize(
    "wanted",
    [
        ANN,
        KillFilter(application="rails*"),
        KillFilter(application="*console"),
        KillFilter(user="a*", application="rails console", idle_in_transaction_s=60.0, older_than_s=90.0),
    ],
)
def test_all_that_is_given_fits(wanted: KillFilter) -> None:
    assert matches(wanted, CONSOLE)


@pytest.mark.parametrize(
    "wanted",
    [
        KillFilter(user="anne"),
        KillFilter(application="rails"),
        KillFilter(application="Rails*"),
        KillFilter(application="rails.console"),
        KillFilter(user="ann", application="psql"),
        KillFilter(user="ann", older_than_s=90.1),
        KillFilter(user="ann", idle_in_transaction_s=60.1),
    ],
)
def test_one_thing_that_does_not_fit_is_enough(wanted: KillFilter) -> None:
    assert not matches(wanted, CONSOLE)


@pytest.mark.parametrize("field", ["user", "application", "state", "state_age_s"])
def test_what_cannot_be_seen_fits_nothing(field: str) -> None:
    wanted = KillFilter(user="*", application="*", idle_in_transaction_s=1.0)
    assert matches(wanted, CONSOLE)
    assert not matches(wanted, replace(CONSOLE, **{field: None}))  # type: ignore[arg-type]


def test_who_cannot_be_told_from_a_later_process_is_left_alone() -> None:
    assert not matches(ANN, replace(CONSOLE, backend=Backend(pid=7, started_at="")))
    assert to_end([replace(CONSOLE, backend=Backend(pid=0, started_at=""))], [ANN]) == ()


def test_an_unknown_age_is_none() -> None:
    assert not matches(KillFilter(user="ann", older_than_s=5.0), replace(CONSOLE, transaction_age_s=None))


def test_who_works_is_not_idle() -> None:
    assert not matches(KillFilter(idle_in_transaction_s=1.0), replace(CONSOLE, state="active"))


@pytest.mark.parametrize(
    "kind",
    [
        "walsender", "walreceiver", "startup", "logical replication worker", "logical replication launcher",
        "logical replication apply worker", "logical replication tablesync worker",
        "logical replication parallel worker", "slotsync worker",
    ],
)  # fmt: skip
def test_replication_is_never_ended(kind: str) -> None:
    assert to_end([replace(CONSOLE, kind=kind)], [ANN]) == ()


def test_an_autovacuum_that_prevents_wraparound_is_never_ended() -> None:
    vacuum = replace(CONSOLE, kind="autovacuum worker")
    assert to_end([vacuum], [ANN]) == ((vacuum, ANN),)
    assert to_end([replace(vacuum, prevents_wraparound=True)], [ANN]) == ()


def test_only_who_holds_here_is_in_the_way() -> None:
    """Who waits before us is a victim too; who reads on a standby is another process; a gid is nobody's."""
    waits, away = holding(CONSOLE, is_granted=False), holding(CONSOLE, is_on_standby=True)
    assert granted([waits, away, holding(None, gid="left")]) == ()
    assert granted([holding(CONSOLE), waits]) == (CONSOLE,)


def test_without_a_filter_that_says_who_nobody_is_ended() -> None:
    assert to_end([CONSOLE], []) == ()
    assert to_end([CONSOLE], [KillFilter(), KillFilter(older_than_s=1.0)]) == ()


def test_the_first_filter_that_fits_counts_and_each_session_once() -> None:
    gently = KillFilter(application="*console", how="cancel", reason="they forget")
    assert to_end([CONSOLE, CONSOLE], [KillFilter(user="bob"), gently, ANN]) == ((CONSOLE, gently),)
    assert in_words(gently) == 'the policy ends blockers: application "*console" (they forget)'


# --- who is waited for by whom ----------------------------------------------------------------------------------------


def sampled(mode: LockMode | None, waited_s: float | None, *, anyway: bool = False) -> Sample:
    waiter = Waiter(other=CONSOLE, mode=mode, waited_s=waited_s, waits_anyway=anyway)
    return Sample(at_s=10.0, waiters=(waiter,))


@pytest.mark.parametrize(
    ("mode", "counts"),
    [
        (LockMode.ACCESS_SHARE, True),
        (LockMode.ROW_SHARE, True),
        (LockMode.ROW_EXCLUSIVE, True),
        (None, True),
        (LockMode.SHARE_UPDATE_EXCLUSIVE, False),
        (LockMode.SHARE, False),
        (LockMode.ACCESS_EXCLUSIVE, False),
    ],
)
def test_only_who_reads_or_writes_rows_makes_us_give_way(mode: LockMode | None, counts: bool) -> None:  # noqa: FBT001
    guard = Guard(stall_s=0.2, is_blocking=True)
    assert bool(must_cancel(guard, sampled(mode, 0.3), {7: 9.0})) == counts
    assert must_cancel(guard, sampled(mode, 0.3, anyway=True), {7: 9.0}) == ()


@pytest.mark.parametrize(("waited_s", "behind_since_s"), [(None, 9.0), (0.0, 9.0), (0.2, 9.0), (5.0, 9.9), (5.0, None)])
def test_within_the_limit_nobody_has_waited_for_us_too_long(
    waited_s: float | None, behind_since_s: float | None
) -> None:
    since = {} if behind_since_s is None else {7: behind_since_s}
    assert must_cancel(Guard(stall_s=0.2, is_blocking=True), sampled(LockMode.ACCESS_SHARE, waited_s), since) == ()
