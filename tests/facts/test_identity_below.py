"""An identity column beside children: what the server rejects is foreseen, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

import gate
from gate.model.plan import Plan
from tests.servers import Database

SETUP = """
CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p DEFAULT;
CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE c () INHERITS (t); CREATE TABLE alone (id int PRIMARY KEY)
"""


@pytest.mark.parametrize("table", ["p", "t", "c", "alone"])
def test_an_identity_is_foreseen_as_the_server_takes_it(table: str, clone: Callable[[str], Database]) -> None:
    database = clone(SETUP)
    sql = f"ALTER TABLE {table} ADD COLUMN n int GENERATED ALWAYS AS IDENTITY"
    is_foreseen = "server-would-reject" in _rules(gate.plan_sql(sql, database.conninfo))
    assert is_foreseen == (_sqlstate(database, sql) == "42P16")


def _rules(plan: Plan) -> set[str]:
    return {item.rule for one in plan.migrations for statement in one.statements for item in statement.findings}


def _sqlstate(database: Database, sql: str) -> str | None:
    try:
        database.execute(sql)
    except psycopg.Error as error:
        return error.sqlstate
    return None
