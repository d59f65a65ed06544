"""Which plans are told as one: those that differ in numbers only, never those that differ in what is done or why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.model.costs import Seconds
from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.plan import Finding, MigrationPlan, Plan, Severity, StatementPlan, Verdict
from gate.plan.grouping import Groups
from gate.plan.likeness import likeness, without_numbers


def plan(
    database: str = "acme", *, size_bytes: int | None = 8192, high: float = 1.0, said: str = "", lock: str = "SHARE"
) -> Plan:
    effect = Effect(
        oid=size_bytes or 1, schema="public", name="orders", kind="r", lock=LockMode(lock), size_bytes=size_bytes,
        seconds=Seconds(0.1, 0.5, high),
    )  # fmt: skip
    finding = Finding(rule="r", severity=Severity.WARN, problem=said or f"reads orders of {database}", remedy="")
    statement = StatementPlan(
        line=2, sql="SELECT 1", kind="SELECT", verdict=Verdict.PASS, is_understood=True, effects=(effect,),
        findings=(finding,),
    )  # fmt: skip
    migration = MigrationPlan(id="1", path="1.sql", is_transactional=True, statements=(statement,))
    return Plan(
        gate="0", server_major=18, server_version="18", database=database, source="dbmate", taken_at="",
        fingerprint="", migrations=(migration,),
    )  # fmt: skip


def test_a_group_has_the_range_of_each_number_and_the_plan_of_the_slowest() -> None:
    groups = Groups()
    groups.add("b", plan("two", size_bytes=20_000, high=3.0))
    groups.add("a", plan("one", size_bytes=None, high=9.0))
    groups.add("c", plan("three", size_bytes=8_000, high=2.0))
    (group,) = groups.done(("a", "b", "c"))
    assert (group.names, group.example_name, group.example.database) == (("a", "b", "c"), "a", "one")
    (touched,) = group.touched
    size, seconds = touched.size_bytes, touched.seconds
    assert (size.least, size.most, size.most_on, size.unknown) == (8_000, 20_000, "b", 1)
    assert (seconds.least, seconds.most, seconds.most_on, seconds.unknown) == (0.1, 9.0, "a", 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("reads 1 row (8 kB) for 3 ms", "reads 5.2M rows (1.2 GB) for 12 min"),
        ("begun by run 0123456789abcdef: 1 of 2 steps", "begun by run fedcba9876543210: 2 of 2 steps"),
        ("orders of acme has 2,000 rows, and 3/s", "orders of acme has 1 row, and 4.5k/s"),
    ],
)
def test_numbers_and_their_units_do_not_count(one: str, other: str) -> None:
    assert likeness(plan(said=one)) == likeness(plan(said=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("column paid exists", "relation orders does not exist"),
        ("locks public.orders_2024", "locks public.orders_2025"),
        ("locks shop2.orders", "locks shop3.orders"),
    ],
)
def test_names_and_reasons_count(one: str, other: str) -> None:
    assert likeness(plan(said=one)) != likeness(plan(said=other))


def test_what_is_done_counts() -> None:
    first = plan()
    assert likeness(first) == likeness(plan("beta"))
    assert likeness(first) != likeness(plan(lock="ACCESS EXCLUSIVE"))
    (migration,) = first.migrations
    assert likeness(first) != likeness(replace(first, migrations=(replace(migration, id="2"),)))
    assert likeness(first) != likeness(replace(first, migrations=()))
    (statement,) = migration.statements
    refused = replace(migration, statements=(replace(statement, verdict=Verdict.REFUSE),))
    assert likeness(first) != likeness(replace(first, migrations=(refused,)))


def test_a_name_with_digits_is_no_number() -> None:
    assert without_numbers("orders_2024 has 3 rows, t2.a has 1") == "orders_2024 has # row, t2.a has #"
