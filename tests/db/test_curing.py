"""Which findings a split takes away, and which only a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable

from gate.app.plan_sql import plan_sql
from gate.model.plan import Severity, StatementPlan, Verdict
from tests.servers import Database

SETUP = (
    "CREATE TABLE hot (id int PRIMARY KEY, a int); INSERT INTO hot SELECT g, g FROM generate_series(1, 1000) g; "
    "CREATE TABLE big (id int PRIMARY KEY, a int); INSERT INTO big SELECT g, g FROM generate_series(1, 500000) g; "
    "ANALYZE"
)


def _rules(statement: StatementPlan, severity: Severity) -> set[str]:
    return {finding.rule for finding in statement.findings if finding.severity is severity}


def test_a_recipe_cures_what_it_is_for(clone: Callable[[str], Database]) -> None:
    (statement,) = plan_sql("ALTER TABLE big ADD CHECK (a > 0)", clone(SETUP).conninfo).statements
    assert (statement.verdict, len(statement.steps)) == (Verdict.SPLIT, 2)
    assert "works-under-blocking-lock" in [finding.rule for finding in statement.findings]


def test_work_under_another_lock_needs_a_transaction_of_its_own(clone: Callable[[str], Database]) -> None:
    sql = "ALTER TABLE hot ADD COLUMN b int; CREATE TABLE copy AS SELECT * FROM big"
    _, copying = plan_sql(sql, clone(SETUP).conninfo).statements
    assert (copying.verdict, [step.sql for step in copying.steps]) == (
        Verdict.SPLIT,
        ["CREATE TABLE copy AS SELECT * FROM big"],
    )
    assert _rules(copying, Severity.REFUSE) == {"lock-held-through-work"}


def test_without_a_recipe_it_is_refused_with_the_reason(clone: Callable[[str], Database]) -> None:
    (statement,) = plan_sql("ALTER TABLE big SET UNLOGGED", clone(SETUP).conninfo).statements
    assert statement.verdict is Verdict.REFUSE
    assert not statement.steps
    (found,) = (item for item in statement.findings if item.rule == "works-under-blocking-lock")
    assert "; it cannot be split: " in found.problem


def test_what_is_refused_otherwise_has_no_steps_but_says_them(clone: Callable[[str], Database]) -> None:
    (statement,) = plan_sql("ALTER TABLE big ADD CHECK (a > 1)", clone(SETUP).conninfo).statements
    assert statement.verdict is Verdict.REFUSE
    assert not statement.steps
    (found,) = (item for item in statement.findings if item.rule == "works-under-blocking-lock")
    assert "NOT VALID" in found.remedy
    assert "VALIDATE CONSTRAINT" in found.remedy


def test_a_few_rows_for_a_new_table_are_no_work(clone: Callable[[str], Database]) -> None:
    sql = (
        "ALTER TABLE hot ADD COLUMN b int; CREATE TABLE kinds (id int PRIMARY KEY, name text); "
        "INSERT INTO kinds VALUES (1, 'a'), (2, 'b'); INSERT INTO kinds VALUES (3, 'c')"
    )
    assert plan_sql(sql, clone(SETUP).conninfo).verdict is Verdict.PASS
