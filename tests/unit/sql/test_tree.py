"""What the parser reads is written so that it reads the same again."""

from __future__ import annotations

import pytest

from gate.sql.tree import Tree, deparsed, deparsed_statement, parsed, walk

EXPRESSIONS = (
    "(a AND b) IS NULL",
    "(NOT a) IS NOT NULL",
    "(a IS NULL) IS NULL",
    "(a OR b) IS NOT TRUE",
    "(a IS NULL) IS FALSE",
    "(a IS DISTINCT FROM b) IS NULL",
    "(a IS DISTINCT FROM b) IS TRUE",
    "((a AND b) IS NULL OR c) IS NULL",
    "(a = 1) IS NULL",
    "(a = 1) IN (true)",
    "(a AND b) IN (true)",
    "(a IS NULL) IN (true, (a AND b) IS NULL)",
    "(a IN (1, 2)) IN (true)",
    "(a = ANY (b)) IN (true)",
    "(a = 1) BETWEEN false AND true",
    "a BETWEEN (b = 1) AND (c IN (2))",
    "a NOT BETWEEN SYMMETRIC (b AND c) AND (NOT d)",
    "(a LIKE b) LIKE c",
    "a LIKE (b LIKE c)",
    "(a || b) ILIKE c",
    "(a = b) SIMILAR TO c",
    "(a AND b) IS DISTINCT FROM (c OR d)",
    "(a IS NULL) IS NOT DISTINCT FROM (b IS NULL)",
    "(a IS DISTINCT FROM b) IS DISTINCT FROM c",
    "(a = b) IS DISTINCT FROM c",
    "(a = 1) IN (SELECT true)",
    "(a AND b) = ANY (SELECT true)",
    "(a OR b) = ANY (ARRAY[true])",
    "(a = b) = ANY (ARRAY[true])",
    "a = ANY (b OR c)",
    "(a AND b) = c",
    "a = (b IS NULL)",
    "NOT (a = b) = c",
    "(NOT a) = b",
    "(a AND b)::text",
    "(a IS NULL)::int",
    "(a IS NULL) COLLATE x",
    "(a OR b) AND NOT (c AND d)",
    "- (- a) ^ (b ^ c)",
    "a - (b - c)",
    "(a = b) AT TIME ZONE c",
    "CASE WHEN (a AND b) IS NULL THEN (c IS NULL) IN (true) END",
)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_is_written_as_it_was_read(text: str) -> None:
    assert _reads(f"SELECT {_expression(text)}") == _reads(f"SELECT {text}")


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_a_statement_is_written_as_it_was_read(text: str) -> None:
    sql = f"UPDATE t SET a = {text} WHERE x AND ({text})"
    (node,) = parsed(sql)
    assert _reads(deparsed_statement(node)) == _reads(sql)


@pytest.mark.parametrize("text", ["NOT a", "a AND b", "(NOT a) IS NULL", "a IN (1)", "a IS DISTINCT FROM b", "a = 1"])
def test_a_default_is_written_as_it_was_read(text: str) -> None:
    sql = f"ALTER TABLE t ADD COLUMN c bool DEFAULT ({text}) NOT NULL"
    (node,) = parsed(sql)
    assert _reads(deparsed_statement(node)) == _reads(sql)


def _expression(text: str) -> str:
    (node,) = parsed(f"SELECT {text}")
    return deparsed(node.select_stmt.target_list[0].res_target.val)


def _reads(text: str) -> str:
    """The tree without the places in the text."""
    (node,) = parsed(text)
    for _, inner in walk(node):
        _forget_places(inner)
    return str(node)


def _forget_places(message: Tree) -> None:
    for field in message.DESCRIPTOR.fields:
        if "location" in field.name or field.name.startswith(("rexpr_list_", "list_")):
            message.ClearField(field.name)
