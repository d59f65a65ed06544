"""A database that changes while it is being read: an answer or a clear error, never a trace."""

from __future__ import annotations

import psycopg
import pytest

from gate.app.clock import Clock
from gate.app.looking import look
from gate.app.plan_sql import plan_sql
from gate.app.weighing import Weighing, weigh
from gate.db.connect import connect
from gate.model.errors import Unreachable
from gate.model.migration import Migration
from gate.model.plan import Plan
from gate.plan.reading import read
from gate.sql.script import split_script
from tests.servers import Database

SETUP = (
    "CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r SELECT generate_series(1, 100); "
    "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT g, g FROM generate_series(1, 100) g"
)
SQL = "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r; ALTER TABLE t ALTER COLUMN a SET NOT NULL"


def _plan_while(database: Database, meanwhile: str, sql: str = SQL) -> Plan:
    """`meanwhile` is run by somebody else between the reading of the catalog and the rest."""
    migrations = read([Migration(id=None, path=None, text=sql, statements=split_script(sql))])
    with connect(database.conninfo) as connection:
        snapshot = look(connection, migrations)
        with psycopg.connect(database.conninfo, autocommit=True) as other:
            other.execute(meanwhile.encode())
        return weigh(connection, migrations, snapshot, Weighing(source="sql"), Clock())


@pytest.mark.parametrize(
    "meanwhile",
    [
        "DROP TABLE t",
        "DROP TABLE t, r",
        "ALTER TABLE t DROP COLUMN a",
        "ALTER TABLE t RENAME TO other",
        "ALTER TABLE t ALTER COLUMN a TYPE text",
        "DROP TABLE t; CREATE VIEW t AS SELECT 1 AS id, 1 AS a",
    ],
)
def test_it_changes_after_the_catalog_was_read(database: Database, meanwhile: str) -> None:
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute(SETUP.encode())
    plan = _plan_while(database, meanwhile)
    assert [statement.kind for statement in plan.statements] == ["ALTER TABLE", "ALTER TABLE"]
    assert {effect.relation for effect in plan.statements[0].effects} == {"public.t", "public.r"}


def test_a_lock_that_stays_is_named_and_never_waited_for(database: Database) -> None:
    with psycopg.connect(database.conninfo) as holder:
        holder.execute(SETUP.encode())
        holder.commit()
        holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        plan = plan_sql(SQL, database.conninfo)
        assert {(item.relation, item.session.pid) for item in plan.blockers} == {("public.t", holder.info.backend_pid)}


def test_the_session_is_ended_by_somebody_else(database: Database) -> None:
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute(SETUP.encode())
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate plan'"
    with pytest.raises(Unreachable, match=r"terminating connection|closed the connection"):
        _plan_while(database, ends)
