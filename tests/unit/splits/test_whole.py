"""Which migrations are never split."""

from __future__ import annotations

import pytest

from gate.splits.whole import forbids_splitting
from gate.sql.parse import parse_all

WHOLE = {
    "CREATE TEMP TABLE x (a int)": "a temporary table",
    "CREATE TABLE pg_temp.x (a int)": "a temporary table",
    "SELECT 1 AS a INTO TEMP x": "a temporary table",
    "CREATE TEMP TABLE x ON COMMIT DROP AS SELECT 1": "a temporary table",
    "CREATE TEMP VIEW v AS SELECT 1": "a temporary table",
    "CREATE TEMP SEQUENCE s": "a temporary table",
    "DO $$ BEGIN CREATE TEMPORARY TABLE x (a int); END $$": "a temporary table in a DO block",
    "PREPARE p AS SELECT 1": "PREPARE",
    "EXECUTE p": "EXECUTE",
    "DECLARE c CURSOR FOR SELECT 1": "a cursor",
    "FETCH NEXT FROM c": "a cursor",
    "INSERT INTO t SELECT currval('s')": "currval()",
    "UPDATE t SET a = lastval()": "lastval()",
    "SELECT pg_advisory_xact_lock(1)": "pg_advisory_xact_lock()",
    "SELECT pg_catalog.pg_try_advisory_lock(1)": "pg_try_advisory_lock()",
    "DO $$ BEGIN PERFORM pg_advisory_lock(1); END $$": "pg_advisory_lock()",
    "DO $$ BEGIN PERFORM currval('s'); END $$": "currval()",
    "LOCK TABLE t": "LOCK TABLE",
    "SET LOCAL search_path = a": "SET LOCAL search_path",
    "SET LOCAL ROLE bob": "SET LOCAL role",
    "SELECT set_config('search_path', 'a', true)": "set_config of search_path",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE": "SET TRANSACTION",
    "SET CONSTRAINTS ALL DEFERRED": "SET CONSTRAINTS",
    "SAVEPOINT s": "SAVEPOINT",
    "ROLLBACK TO s": "ROLLBACK TO SAVEPOINT",
}

SPLITTABLE = (
    "SET LOCAL lock_timeout = '5s'",
    "SET LOCAL statement_timeout = 0",
    "SET search_path = a",
    "SELECT set_config('search_path', 'a', false)",
    "SELECT nextval('s')",
    "BEGIN",
    "COMMIT",
    "CREATE UNLOGGED TABLE temp (temporary int)",
    "UPDATE t SET a = 'currval'",
    "DO $$ BEGIN PERFORM 1; END $$",
)


@pytest.mark.parametrize("sql", WHOLE)
def test_what_lives_in_one_transaction_or_session_is_not_split(sql: str) -> None:
    statements = [parsed.statement for parsed in parse_all(f"CREATE INDEX ON t (a); {sql}")]
    reason = forbids_splitting(statements)
    assert reason is not None
    assert reason.startswith(WHOLE[sql])


@pytest.mark.parametrize("sql", SPLITTABLE)
def test_the_rest_may_be(sql: str) -> None:
    assert forbids_splitting([parsed.statement for parsed in parse_all(sql)]) is None
