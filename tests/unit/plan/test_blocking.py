"""How long a lock keeps others out, and which statement is to blame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gate.model.costs import Seconds
from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.plan import Severity
from gate.model.work import Work
from gate.plan.blocking import Priced, blocked, holds
from gate.policy.policy import Limits, Policy

AE, SHARE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE, LockMode.SHARE_UPDATE_EXCLUSIVE
RE = LockMode.ROW_EXCLUSIVE
OIDS = {"a": 1, "b": 2, "c": 3}
QUICK, SLOW = Seconds(0.001, 0.003, 0.02), Seconds(4.0, 9.0, 20.0)


def _effect(name: str, lock: LockMode, seconds: Seconds | None, *work: Work, **more: Any) -> Effect:
    values: dict[str, Any] = {
        "oid": OIDS[name],
        "schema": "public",
        "name": name,
        "kind": "r",
        "lock": lock,
        "work": work or (Work.CATALOG_ONLY,),
        "shuts_out": lock.shuts_out,
        "seconds": seconds,
        "rows": 1e6,
        "size_bytes": 10**8,
        **more,
    }
    return Effect(**values)


def _members(*effects: Effect) -> list[Priced]:
    return [Priced(place=place, line=place + 1, effects=(effect,)) for place, effect in enumerate(effects)]


def _found(*effects: Effect, policy: Policy | None = None) -> list[tuple[int, str, str]]:
    found = blocked(_members(*effects), policy or Policy())
    return [(place, item.rule, item.severity.value) for place, items in found.items() for item in items]


def test_a_hold_lasts_to_the_commit() -> None:
    add = _effect("a", AE, QUICK)
    fill = _effect("b", RE, SLOW, Work.WRITE)
    first, _ = holds(_members(add, fill))
    assert (first.relation, first.from_line, first.to_line) == ("public.a", 1, 2)
    assert first.seconds == QUICK + SLOW


def test_an_unknown_part_makes_the_whole_hold_unknown() -> None:
    first, _ = holds(_members(_effect("a", AE, QUICK), _effect("b", RE, None, Work.WRITE)))
    assert first.seconds is None
    assert first.queued is None


def test_the_queue_counts_only_those_who_have_to_wait() -> None:
    (hold,) = holds(_members(_effect("a", SHARE, SLOW, Work.INDEX_BUILD, scans_per_s=1000.0, writes_per_s=10.0)))
    assert hold.queued == 90.0


def test_long_work_under_its_own_lock() -> None:
    assert _found(_effect("a", SHARE, SLOW, Work.INDEX_BUILD)) == [(0, "works-under-blocking-lock", "refuse")]


def test_unknown_time_is_never_taken_for_short() -> None:
    assert _found(_effect("a", SHARE, None, Work.INDEX_BUILD)) == [(0, "works-under-blocking-lock", "refuse")]


def test_a_trifle_is_no_finding_and_the_policy_says_what_a_trifle_is() -> None:
    brief = _effect("a", AE, Seconds(0.01, 0.05, 0.15), Work.VALIDATION_SCAN, scans_per_s=1.0, writes_per_s=0.0)
    assert _found(brief) == []
    strict = Policy(relations={"public.a": Limits(blocked_reads_s=0.1)})
    assert _found(brief, policy=strict) == [(0, "works-under-blocking-lock", "refuse")]


def test_a_trifle_on_a_relation_that_nobody_watched_is_noted() -> None:
    brief = _effect("a", AE, Seconds(0.01, 0.05, 0.15), Work.VALIDATION_SCAN)
    assert _found(brief) == [(0, "works-under-blocking-lock", "note")]


def test_a_small_table_that_is_hot_is_not_harmless() -> None:
    hot = _effect("a", AE, Seconds(0.001, 0.002, 0.005), Work.VALIDATION_SCAN, scans_per_s=500.0, writes_per_s=50.0)
    assert _found(hot) == [(0, "works-under-blocking-lock", "warn")]
    very_hot = _effect("a", AE, Seconds(0.001, 0.05, 0.1), Work.VALIDATION_SCAN, scans_per_s=5000.0, writes_per_s=0.0)
    assert _found(very_hot) == [(0, "works-under-blocking-lock", "refuse")]


def test_a_huge_table_that_is_cold_is_only_warned_of() -> None:
    cold = _effect("a", AE, SLOW, Work.REWRITE, scans_per_s=0.0, writes_per_s=0.0, scans=3, writes=0)
    assert _found(cold) == [(0, "works-under-blocking-lock", "warn")]
    once_busy = _effect("a", AE, SLOW, Work.REWRITE, scans_per_s=0.0, writes_per_s=0.0, scans=30_000, writes=0)
    assert _found(once_busy) == [(0, "works-under-blocking-lock", "refuse")]


def test_what_this_release_made_and_what_is_empty_harms_nobody() -> None:
    assert _found(_effect("a", AE, SLOW, Work.REWRITE, is_new=True)) == []
    assert _found(_effect("a", AE, SLOW, Work.REWRITE, is_known_empty=True)) == []


def test_work_elsewhere_while_a_lock_is_held() -> None:
    found = _found(_effect("a", AE, QUICK), _effect("b", RE, SLOW, Work.WRITE))
    assert found == [(1, "lock-held-through-work", "refuse")]


def test_no_lock_that_shuts_out_no_finding() -> None:
    assert _found(_effect("a", SUE, SLOW, Work.VALIDATION_SCAN), _effect("b", RE, SLOW, Work.WRITE)) == []


def test_only_who_works_is_to_blame() -> None:
    found = _found(
        _effect("a", AE, QUICK),
        _effect("a", RE, Seconds(0.001, 0.004, 0.01), Work.WRITE),
        _effect("a", RE, SLOW, Work.WRITE),
    )
    assert found == [(2, "lock-held-through-work", "refuse")]


def test_a_second_lock_asked_for_under_a_first_one() -> None:
    assert _found(_effect("a", AE, QUICK), _effect("b", AE, QUICK)) == [(1, "waits-while-holding", "warn")]
    quiet = _effect("a", AE, QUICK, scans_per_s=0.0, writes_per_s=0.0)
    assert _found(quiet, _effect("b", AE, QUICK)) == []
    assert _found(_effect("a", AE, QUICK, is_new=True), _effect("b", AE, QUICK)) == []


def test_nobody_writes_to_a_materialized_view() -> None:
    assert _found(_effect("a", SHARE, SLOW, Work.INDEX_BUILD, kind="m")) == []


def test_the_words_name_time_and_queue() -> None:
    busy = _effect("a", AE, SLOW, Work.REWRITE, scans_per_s=100.0, writes_per_s=20.0)
    ((finding,),) = blocked(_members(busy), Policy()).values()
    assert finding.severity is Severity.REFUSE
    assert finding.problem == (
        "rewrites public.a (95 MB, about 1M rows) under ACCESS EXCLUSIVE, which shuts out reads and writes, "
        "for about 9 s (4 s to 20 s): about 1.1k queries would queue"
    )


def test_many_partitions_are_named_in_few_words() -> None:
    effects = tuple(
        replace(_effect("a", AE, SLOW, Work.VALIDATION_SCAN, size_bytes=None, rows=None), oid=number, name=f"p{number}")
        for number in range(1, 8)
    )
    ((finding,),) = blocked([Priced(place=0, line=1, effects=effects)], Policy()).values()
    assert finding.problem.startswith("reads every row of public.p1, public.p2, public.p3 and 4 more under ACCESS")
