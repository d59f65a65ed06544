"""Views that a migration drops around a change of type: they are there all the while, and right at the end."""

from __future__ import annotations

from collections.abc import Callable

import gate
from gate.model.plan import Plan, Verdict
from tests.laws.ends import end_of
from tests.laws.running import run_pasted
from tests.servers import Database

Clone = Callable[[str], Database]

SETUP = (
    "CREATE TABLE t (id serial PRIMARY KEY, note text); INSERT INTO t (note) SELECT 'x' FROM generate_series(1, 9);"
    "CREATE VIEW v AS SELECT id, note FROM t; CREATE VIEW w AS SELECT id + 1 AS id FROM v;"
    "COMMENT ON VIEW v IS 'mine'; GRANT SELECT ON v TO pg_monitor; ANALYZE"
)
SQL = (
    "DROP VIEW w; DROP VIEW v; ALTER TABLE t ALTER id TYPE bigint; CREATE VIEW v AS SELECT id, note FROM t;"
    "COMMENT ON VIEW v IS 'mine'; GRANT SELECT ON v TO pg_monitor; CREATE VIEW w AS SELECT id + 1 AS id FROM v"
)


def _plan(database: Database, sql: str) -> Plan:
    return gate.plan_sql(sql, database.conninfo)


def test_the_views_go_and_come_in_the_exchange(clone: Clone) -> None:
    plain, split = clone(SETUP), clone(SETUP)
    plan = _plan(split, SQL)
    assert {item.verdict for item in plan.statements} == {Verdict.SPLIT}
    steps = [step for item in plan.statements for step in item.to_run]
    for step in steps[:-1]:
        run_pasted(split, [step])
        split.execute("INSERT INTO v (note) VALUES ('new'); SELECT FROM w")
        plain.execute("INSERT INTO v (note) VALUES ('new')")
    run_pasted(split, steps[-1:])
    plain.execute(f"{SQL}; ALTER SEQUENCE t_id_seq AS bigint")
    assert end_of(plain, reorders=True).differences(end_of(split, reorders=True)) == ""


def test_views_around_more_than_a_change_of_type_keep_the_migration_whole(clone: Clone) -> None:
    database = clone(SETUP)
    plan = _plan(database, f"{SQL}; ALTER TABLE t ADD CHECK (id > 0)")
    assert [item.to_run for item in plan.statements] == [()] * len(plan.statements)


def test_where_the_type_is_not_changed_in_steps_nothing_is_taken_apart(clone: Clone) -> None:
    database = clone(SETUP.replace("note text)", "note varchar(9))"))
    plan = _plan(database, SQL.replace("id TYPE bigint", "note TYPE text"))
    assert {item.verdict for item in plan.statements} == {Verdict.PASS}
