"""What a migration sets for itself changes what its values mean: then the rows are not asked, and that is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gate.app.plan_sql import plan_sql
from tests.servers import Database

SETUP = "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, '31/12/2026')"
CAST = "ALTER TABLE t ALTER COLUMN a TYPE date USING a::date"


@pytest.mark.parametrize(("before", "rule"), [("", "cast-fails"), ("SET datestyle = 'DMY'; ", "data-unchecked")])
def test_a_cast_means_another_date(clone: Callable[[str], Database], before: str, rule: str) -> None:
    statement = plan_sql(f"{before}{CAST}", clone(SETUP).conninfo).statements[-1]
    found = {finding.rule for finding in statement.findings}
    assert rule in found
    assert len(found & {"cast-fails", "data-unchecked"}) == 1


def test_nulls_are_nulls_under_every_setting(clone: Callable[[str], Database]) -> None:
    sql = "SET datestyle = 'DMY'; ALTER TABLE t ALTER COLUMN a SET NOT NULL"
    rows = "INSERT INTO t VALUES (2, NULL)"
    statement = plan_sql(sql, clone(f"{SETUP}; {rows}").conninfo).statements[-1]
    assert "rows-violate-not-null" in {finding.rule for finding in statement.findings}
