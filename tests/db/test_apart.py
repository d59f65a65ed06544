"""What only makes sense in one transaction is not taken apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gate.app.plan_sql import plan_sql
from gate.model.plan import Verdict
from tests.servers import Database

SETUP = (
    "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT g, g FROM generate_series(1, 1000) g; "
    "CREATE TABLE u (id int); INSERT INTO u VALUES (1); CREATE VIEW v AS SELECT id FROM t; "
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
    "CREATE TRIGGER tg BEFORE INSERT ON u FOR EACH ROW EXECUTE FUNCTION f()"
)
TWO_TABLES = "ALTER TABLE t ADD COLUMN b int; ALTER TABLE u ADD COLUMN b int"


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        ("DROP VIEW v; CREATE VIEW v AS SELECT id, a FROM t", "public.v"),
        (
            "DROP TRIGGER tg ON u; CREATE TRIGGER tg AFTER INSERT ON u FOR EACH ROW EXECUTE FUNCTION f()",
            "the trigger tg of public.u",
        ),
        ("ALTER TABLE t RENAME COLUMN a TO z; ALTER TABLE t ADD COLUMN a int", "the column a of public.t"),
    ],
)
def test_what_is_replaced_stays_in_one_transaction(clone: Callable[[str], Database], between: str, reason: str) -> None:
    database = clone(SETUP)
    plan = plan_sql(f"{TWO_TABLES}; {between}", database.conninfo)
    (found,) = (item for item in plan.statements[1].findings if item.rule == "waits-while-holding")
    assert f"it cannot be split: the migration replaces {reason}" in found.problem
    assert not plan.statements[1].steps


def test_without_that_each_table_has_a_transaction_of_its_own(clone: Callable[[str], Database]) -> None:
    database = clone(SETUP)
    plan = plan_sql(TWO_TABLES, database.conninfo)
    assert plan.verdict is Verdict.SPLIT
    assert [step.sql for step in plan.statements[1].steps] == ["ALTER TABLE u ADD COLUMN b int"]


def test_a_file_with_a_transaction_of_its_own_is_taken_apart(clone: Callable[[str], Database]) -> None:
    database = clone(SETUP)
    plan = plan_sql("BEGIN; ALTER TABLE t ADD CHECK (a > 0); COMMIT", database.conninfo)
    begin, check, commit = plan.statements
    assert [len(item.steps) for item in plan.statements] == [0, 2, 0]
    assert {begin.verdict, check.verdict, commit.verdict} == {Verdict.SPLIT}
    assert begin.findings[-1].rule == commit.findings[-1].rule == "transaction-taken-apart"


@pytest.mark.parametrize(
    ("sql", "uses"),
    [
        ("CREATE TEMP TABLE x (a int); ALTER TABLE t ADD CHECK (a > 0)", "a temporary table"),
        ("PREPARE p AS SELECT 1; ALTER TABLE t ADD CHECK (a > 0)", "PREPARE"),
        ("LOCK TABLE t IN SHARE MODE; ALTER TABLE t ADD CHECK (a > 0)", "LOCK TABLE"),
    ],
)
def test_what_lives_in_one_session_is_not_taken_apart(clone: Callable[[str], Database], sql: str, uses: str) -> None:
    rows = "INSERT INTO t SELECT g, g FROM generate_series(1, 500000) g"
    database = clone(f"CREATE TABLE t (id int PRIMARY KEY, a int); {rows}")
    plan = plan_sql(sql, database.conninfo)
    (found,) = (item for item in plan.statements[1].findings if item.rule == "works-under-blocking-lock")
    assert f"it cannot be split: the migration uses {uses}" in found.problem
    assert plan.verdict is Verdict.REFUSE
