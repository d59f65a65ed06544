"""Answers of rows become findings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.model.checks import (
    Answer,
    Check,
    DuplicatesOf,
    FailingCasts,
    Field,
    Fill,
    Key,
    NullsIn,
    OrphansOf,
    OutsidePartition,
    Slice,
    Term,
    Unasked,
    ViolatorsOf,
)
from gate.model.plan import Finding, Severity
from gate.plan.data import of_rows

NULLS = NullsIn(relations=(1,), table="public.orders", column="state")
ORPHANS = OrphansOf(
    relations=(1, 2),
    table="public.orders",
    columns=("customer_id",),
    keys=(Field(1, "id", 20),),
    referenced="public.customers",
)
VIOLATORS = ViolatorsOf(relations=(1,), table="public.orders", condition=Term(text="total > 0"))
CASTS = FailingCasts(
    relations=(1,), table="public.orders", column="sku", target="", target_name="varchar(5)", how="length"
)
MISFITS = OutsidePartition(
    relations=(1, 2),
    table="public.o_2026",
    keys=("day",),
    parent=2,
    partition="public.o_2026",
    bound=Slice(strategy="r"),
)


def found(check: Check, answer: Answer, changed: dict[int, str] | None = None) -> Finding:
    (finding,) = of_rows((check,), {check: answer}, changed)
    return finding


@pytest.mark.parametrize(
    ("check", "rule", "problem"),
    [
        (NULLS, "rows-violate-not-null", "7 rows of public.orders have no state: the server refuses the statement"),
        (
            replace(NULLS, fills=(Fill(name="state", value=Term(text="NULL"), type="text", oid=25),)),
            "rows-violate-not-null",
            "7 rows of public.orders get no value in the new column state: the server refuses the statement",
        ),
        (
            ORPHANS,
            "rows-violate-foreign-key",
            (
                "7 rows of public.orders refer to no row of public.customers by customer_id: the server refuses the "
                "foreign key"
            ),
        ),
        (
            DuplicatesOf(relations=(1,), table="public.Orders", keys=(Key(column="a"), Key(column="Größe"))),
            "duplicates-in-unique",
            (
                '7 values of a, "Größe" stand in more than one row of public."Orders": the server refuses the index, '
                "at the end of its build"
            ),
        ),
        (
            VIOLATORS,
            "rows-violate-check",
            "7 rows of public.orders violate CHECK (total > 0): the server refuses the statement",
        ),
        (
            replace(VIOLATORS, name="positive", domain="public.amount"),
            "rows-violate-check",
            "7 rows of public.orders violate positive of the domain public.amount: the server refuses the statement",
        ),
        (
            CASTS,
            "cast-fails",
            "7 values of sku in public.orders do not become varchar(5): the server refuses the statement",
        ),
        (
            replace(CASTS, truncates=True),
            "cast-truncates",
            (
                "7 values of sku in public.orders are cut short by the cast to varchar(5): what is cut is lost without "
                "a word"
            ),
        ),
        (
            MISFITS,
            "rows-outside-partition",
            "7 rows of public.o_2026 do not fit its bound: the server refuses the statement",
        ),
        (
            replace(MISFITS, table="public.rest", bound=None, others=(Slice(strategy="r"),)),
            "rows-outside-partition",
            "7 rows of public.rest belong to public.o_2026: the server refuses the statement",
        ),
    ],
)
def test_a_violation_refuses(check: Check, rule: str, problem: str) -> None:
    finding = found(check, Answer(count=7, examples=("id 1", "id 2"), query="SELECT 1"))
    assert (finding.rule, finding.severity, finding.problem) == (rule, Severity.REFUSE, problem)
    assert finding.examples == ("id 1", "id 2")
    assert "id 1" not in finding.problem + finding.remedy
    assert finding.remedy.endswith("; see them with: SELECT 1")


def test_one_row_and_at_least_so_many() -> None:
    assert found(NULLS, Answer(count=1)).problem.startswith("1 row of public.orders has no state")
    many = found(NULLS, Answer(count=12_400, is_at_least=True)).problem
    assert many.startswith("at least 12,400 rows of public.orders have no state")


def test_none_says_nothing() -> None:
    assert not list(of_rows((NULLS,), {NULLS: Answer(count=0)}))


def test_what_an_earlier_statement_may_repair_only_warns() -> None:
    finding = found(NULLS, Answer(count=7), {1: "line 3"})
    assert finding.severity is Severity.WARN
    assert "as it stands now; line 3 changes these rows before" in finding.problem
    assert found(NULLS, Answer(count=7), {9: "line 3"}).severity is Severity.REFUSE
    assert found(ORPHANS, Answer(count=7), {2: "line 3"}).severity is Severity.WARN


def test_unknown_is_said_with_what_would_make_it_known() -> None:
    finding = found(NULLS, Answer(count=None, why="it was stopped after 2 s", remedy="run the query", query="SELECT 1"))
    assert (finding.rule, finding.severity) == ("data-unchecked", Severity.WARN)
    assert finding.problem == "whether there are NULLs in state of public.orders is not known: it was stopped after 2 s"
    assert finding.remedy == "run the query: SELECT 1"


def test_a_check_without_an_answer_is_unknown() -> None:
    (finding,) = of_rows((ORPHANS,), {})
    assert finding.rule == "data-unchecked"
    assert "the rows were not asked" in finding.problem


def test_what_is_not_asked_is_said() -> None:
    check = Unasked(relations=(1,), table="public.t", what="rows that overlap", why="gate does not compare ranges")
    finding = found(check, Answer(count=None, why=check.why, remedy="look"))
    assert finding.problem == "whether there are rows that overlap is not known: gate does not compare ranges"


def test_a_constraint_that_stands_is_not_told_to_be_added() -> None:
    assert "NOT VALID" in found(ORPHANS, Answer(count=7)).remedy
    assert "NOT VALID" not in found(replace(ORPHANS, is_stored=True), Answer(count=7)).remedy
