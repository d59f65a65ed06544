"""What cannot be split says why, and what to do instead."""

from __future__ import annotations

import pytest

from gate.model.steps import CannotSplit
from gate.plan.splitting import steps_of
from gate.sql.parse import parse_statement
from tests.laws.planning import world_of
from tests.servers import Database

SETUP = """
CREATE TABLE t (id int PRIMARY KEY, a int); CREATE DOMAIN plain AS int; CREATE TABLE u (x plain);
CREATE DOMAIN tested AS int CHECK (VALUE > 0); CREATE DOMAIN nested AS tested;
CREATE FUNCTION drawn() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT nullif(5, 5)';
"""

CANNOT = {
    "ALTER TABLE t SET UNLOGGED": ("making an unlogged table of public.t", "4. exchange the names"),
    "ALTER TABLE t SET TABLESPACE pg_default": ("moving public.t", "maintenance window"),
    "ALTER DOMAIN plain ADD CHECK (VALUE > 0)": ("every table with a column of plain", "as a CHECK: NOT VALID first"),
    "ALTER DOMAIN plain SET NOT NULL": ("every table with a column of plain", "as a CHECK: NOT VALID first"),
    "CLUSTER t USING t_pkey": ("t is written anew in the order of an index", "pg_repack"),
    "VACUUM FULL t": ("VACUUM FULL writes t anew", "a plain VACUUM"),
    "ALTER TABLE t ADD c int GENERATED ALWAYS AS (a) STORED": ("c is computed and stored", "2. keep it with a trigger"),
    "ALTER TABLE t ADD c nested": ("public.nested is a domain with a constraint", "as CHECK constraints of public.t"),
    "ALTER TABLE t ADD c int NOT NULL": ("would have NULL in c", "give c a DEFAULT"),
    "ALTER TABLE u ADD c int DEFAULT drawn()": ("no primary key", "give public.u a primary key"),
    "ALTER TABLE u ADD c int DEFAULT drawn() PRIMARY KEY": ("no primary key", "fill a thousand rows at a time"),
}


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("sql", CANNOT)
def test_why_and_what_instead(sql: str, database: Database) -> None:
    database.execute(SETUP)
    parsed = parse_statement(sql)
    assert parsed is not None
    with pytest.raises(CannotSplit) as raised:
        steps_of(sql, parsed.statement, world_of(database, sql))
    problem, remedy = CANNOT[sql]
    assert problem in raised.value.problem
    assert remedy in raised.value.remedy


TRIGGER = """
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a = 0; RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()
"""
OBSTACLES = {
    TRIGGER: "its trigger touched would run",
    TRIGGER.replace("UPDATE ON", "UPDATE OF a ON"): "",
    TRIGGER.replace("UPDATE ON", "INSERT ON"): "",
    "CREATE RULE r AS ON UPDATE TO t DO INSTEAD NOTHING": "its rule r rewrites every UPDATE",
    "CREATE TABLE child (c text) INHERITS (t)": "it has a column c already",
}


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_rows_are_not_filled_where_an_update_does_something_else(obstacle: str, database: Database) -> None:
    database.execute(f"{SETUP}; {obstacle}")
    sql = "ALTER TABLE t ADD c text DEFAULT random()"
    parsed = parse_statement(sql)
    assert parsed is not None
    world = world_of(database, sql)
    if not OBSTACLES[obstacle]:
        assert len(steps_of(sql, parsed.statement, world)) == 2
        return
    with pytest.raises(CannotSplit) as raised:
        steps_of(sql, parsed.statement, world)
    assert OBSTACLES[obstacle] in raised.value.problem
