"""What an UPDATE or DELETE says of its rows, read from its text alone."""

from __future__ import annotations

import pytest

from gate.model.actions import Change, Query
from gate.sql.parse import parse_statement


def change_in(sql: str) -> Change | None:
    """The statement's change."""
    parsed = parse_statement(sql)
    assert parsed is not None
    action = parsed.statement.action
    assert isinstance(action, Query)
    return action.change


def change(sql: str) -> Change:
    """The statement's change, which it is."""
    found = change_in(sql)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("condition", "meets_all"),
    [
        ("true", True),
        ("NOT false", False),
        ("1 = 1", True),
        ("'a' = 'a'", True),
        ("1 = 2", False),
        ("a = a", False),
        ("'t'::boolean", True),
        ("a IS NULL OR a IS NOT NULL", True),
        ("a IS NULL OR b IS NOT NULL", False),
        ("a > 1 OR true", True),
        ("a > 1 AND true", False),
        ("true AND 1 = 1", True),
    ],
)
def test_a_condition_that_keeps_no_row_out(condition: str, *, meets_all: bool) -> None:
    assert change(f"DELETE FROM t WHERE {condition}").meets_all == meets_all


def test_no_condition_keeps_no_row_out() -> None:
    found = change("UPDATE ONLY s.t AS x SET a = DEFAULT, (b, c) = (x.d, 1)")
    assert found.meets_all
    assert found.only
    assert found.condition is None
    assert found.alias == "x"
    assert [(item.column, item.is_default, item.value and item.value.text) for item in found.assignments] == [
        ("a", True, None),
        ("b", False, "x.d"),
        ("c", False, "1"),
    ]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("UPDATE t SET a = 1 FROM u", "it looks into other relations (FROM)"),
        ("DELETE FROM t USING u", "it looks into other relations (USING)"),
        ("DELETE FROM t RETURNING a", "it returns rows (RETURNING)"),
        ("WITH x AS (SELECT 1) DELETE FROM t", "it has WITH queries"),
        ("DELETE FROM t WHERE a IN (SELECT 1)", "it has a subquery"),
        ("UPDATE t SET (a, b) = (SELECT 1, 2)", "it has a subquery"),
        ("UPDATE t SET a = 'now' WHERE b > 'today'", "'now' is another time in each transaction"),
        ("DELETE FROM t WHERE CURRENT OF c", "it changes the row that the cursor c stands on"),
        ("DELETE FROM t WHERE t.xmin = '3'", "it names the system column xmin"),
        ("DELETE FROM t WHERE a = $1", "it has a parameter"),
    ],
)
def test_what_ties_rows_together(sql: str, reason: str) -> None:
    assert reason in change(sql).entangled


@pytest.mark.parametrize("sql", ["UPDATE t SET a = t.b + 1 WHERE t.c LIKE 'x%'", "DELETE FROM t WHERE a IN (1, 2)"])
def test_rows_that_stand_by_themselves(sql: str) -> None:
    assert change(sql).entangled == ()


@pytest.mark.parametrize("sql", ["SELECT 1", "INSERT INTO t VALUES (1)", "EXPLAIN ANALYZE DELETE FROM t"])
def test_other_statements_are_no_change(sql: str) -> None:
    assert change_in(sql) is None
