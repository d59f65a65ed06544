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
