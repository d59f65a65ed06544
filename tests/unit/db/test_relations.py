"""Rows of the catalog as numbers that a person can rely on."""

from __future__ import annotations

from typing import Any

import pytest

from gate.db.assembling import Uses
from gate.db.relations import _rows, privileges
from gate.model.catalog import Depend, Ref, Relation

BLOCK = 8192


def row(rows: float | None, pages: int) -> dict[str, Any]:
    return {"rows": rows, "pages": pages}


@pytest.mark.parametrize(
    ("rows", "pages", "heap_bytes", "expected"),
    [
        (None, 0, 10 * BLOCK, None),  # never analysed
        (1000, 10, 10 * BLOCK, 1000),
        (1000, 10, 20 * BLOCK, 2000),  # grown since
        (0, 0, 0, 0),
        (0, 0, 5 * BLOCK, None),  # analysed when it was empty
        (500, 0, None, 500),  # a partitioned table has no pages
    ],
)
def test_rows_follow_the_pages_of_now(
    rows: float | None, pages: int, heap_bytes: int | None, expected: float | None
) -> None:
    assert _rows(row(rows, pages), heap_bytes, BLOCK) == expected


def test_maintain_is_asked_of_servers_that_know_it() -> None:
    assert "MAINTAIN" not in privileges(16)
    assert "MAINTAIN" in privileges(17)


def edge(dependent: Ref, on: Ref) -> Depend:
    return Depend(dependent=dependent, on=on, kind="n")


def test_a_type_is_used_through_domains_arrays_and_row_types() -> None:
    enum, domain, array, row_type = (Ref("pg_type", oid) for oid in (1, 2, 3, 4))
    inner, outer = Ref("pg_class", 10, 1), Ref("pg_class", 11, 2)
    edges = [
        edge(domain, enum), edge(array, domain), edge(inner, array), edge(outer, row_type), edge(enum, array),
    ]  # fmt: skip
    dependents: dict[Ref, tuple[Depend, ...]] = {}
    for item in edges:
        dependents[item.on] = (*dependents.get(item.on, ()), item)
    tables = {
        10: Relation(oid=10, schema="s", name="inner", kind="c", row_type=4),
        11: Relation(oid=11, schema="s", name="outer", kind="r", row_type=5),
    }
    assert Uses(dependents, tables).of(1) == ((11, 2),)
