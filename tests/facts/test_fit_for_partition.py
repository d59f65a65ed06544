"""A table that the server does not take as a partition, and a unique key that it does not take, are told beforehand."""

from __future__ import annotations

import psycopg
import pytest

from gate.app.plan_sql import plan_sql
from tests.servers import Database

CHECKED = "a int NOT NULL, b varchar(5), CONSTRAINT ck CHECK (a > 0)"
TABLES = (
    (CHECKED, "(LIKE p)"),
    (CHECKED, "(LIKE p INCLUDING CONSTRAINTS)"),
    (CHECKED, "(a int NOT NULL)"),
    (CHECKED, "(a int, b varchar(5), CONSTRAINT ck CHECK (a > 0))"),
    (CHECKED, "(a int NOT NULL, b varchar(6), CONSTRAINT ck CHECK (a > 0))"),
    (CHECKED, "(a int NOT NULL, b varchar(5), c int, CONSTRAINT ck CHECK (a > 0))"),
    (CHECKED, "(b varchar(5), a int PRIMARY KEY, CONSTRAINT ck CHECK (a > 0))"),
    ('a int, b text COLLATE "C"', "(a int, b text)"),
    ("a int, b int GENERATED ALWAYS AS (a + 1) STORED", "(a int, b int)"),
    ("a int, b int", "(a int, b int GENERATED ALWAYS AS (a + 1) STORED)"),
    ("a int, b int", "(a int, b int GENERATED ALWAYS AS IDENTITY)"),
    ("a int, b int GENERATED ALWAYS AS IDENTITY", "(a int, b int NOT NULL)"),
    ("a int, b int DEFAULT 3", "(b int, a int)"),
)
PARTITIONED = """
CREATE TABLE p (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (b);
CREATE TABLE q (a int, b int) PARTITION BY RANGE ((a + 1)); CREATE UNIQUE INDEX i ON p (a, b)
"""
KEYS = (
    "CREATE UNIQUE INDEX ON p (b)",
    "CREATE UNIQUE INDEX ON p (a)",
    "CREATE UNIQUE INDEX ON ONLY p (a)",
    "CREATE UNIQUE INDEX ON p (a, b)",
    "CREATE UNIQUE INDEX ON q (a)",
    "ALTER TABLE p ADD UNIQUE (b)",
    "ALTER TABLE p ADD PRIMARY KEY (a)",
    "ALTER TABLE ONLY p ADD UNIQUE (a)",
    "ALTER TABLE p ADD UNIQUE (b, a)",
    "ALTER TABLE q ADD UNIQUE (a)",
    "ALTER TABLE p ADD CONSTRAINT k UNIQUE USING INDEX i",
)


@pytest.mark.parametrize(("columns", "table"), TABLES)
def test_a_table_fits_where_the_server_takes_it(columns: str, table: str, database: Database) -> None:
    database.execute(f"CREATE TABLE p ({columns}) PARTITION BY RANGE (a); CREATE TABLE n {table}")
    sql = "ALTER TABLE p ATTACH PARTITION n FOR VALUES FROM (0) TO (10)"
    assert _is_foretold(database, sql) == _is_rejected(database, sql)


@pytest.mark.parametrize("sql", KEYS)
def test_a_unique_key_holds_where_the_server_takes_it(sql: str, database: Database) -> None:
    database.execute(PARTITIONED)
    assert _is_foretold(database, sql) == _is_rejected(database, sql)


def _is_foretold(database: Database, sql: str) -> bool:
    (statement,) = plan_sql(sql, database.conninfo).statements
    return "server-would-reject" in [finding.rule for finding in statement.findings]


def _is_rejected(database: Database, sql: str) -> bool:
    try:
        database.execute(sql)
    except psycopg.Error:
        return True
    return False
