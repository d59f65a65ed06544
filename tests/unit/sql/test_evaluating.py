"""What may be evaluated on its own, and how it reads then."""

from __future__ import annotations

import pytest

from gate.model.expressions import TypeName
from gate.model.names import Name
from gate.sql.evaluating import NotEvaluable, evaluable


def qualify(written: TypeName) -> Name:
    return Name(written.name.name, written.name.schema or "app")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("orders.total > 0", "total > 0"),
        ("app.orders.total > 0", "total > 0"),
        ("state <> 'x'::status", "state <> 'x'::app.status"),
        ("total::numeric(10,2) > 1", "total::numeric(10, 2) > 1"),
        ("VALUE ~ '^a'", "value ~ '^a'"),
        ("states = ARRAY['x']::status[]", "states = ARRAY['x']::app.status[]"),
    ],
)
def test_it_reads_the_same_without_a_search_path(text: str, printed: str) -> None:
    assert evaluable(text, qualify)[0] == printed


def test_its_functions_and_operators_are_named() -> None:
    _, calls, operators = evaluable("lower(a) LIKE 'x%' AND pg_catalog.length(a) BETWEEN 1 AND 5 AND b IN (1)", qualify)
    assert {(call.name.name, call.arguments) for call in calls} == {("lower", 1), ("length", 1)}
    assert set(operators) == {"~~", ">=", "<=", "="}


@pytest.mark.parametrize(
    "text",
    [
        "EXISTS (SELECT 1)",
        "a > (SELECT 1)",
        "public.f(a)",
        "a OPERATOR(public.+) b > 0",
        "count(*) > 1",
        "sum(a) OVER () > 1",
        "orders.* IS NULL",
        "$1 > 0",
        "a, b",
        "a >",
        "xmlparse(document a) IS NULL",
    ],
)
def test_what_may_run_anything_is_refused(text: str) -> None:
    with pytest.raises(NotEvaluable):
        evaluable(text, qualify)
