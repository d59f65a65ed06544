"""Filling a column along any key that can be walked; without one there is no split."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from gate.model.steps import Backfill, CannotSplit
from gate.splits.backfilling import backfill, backfills
from tests.servers import Database
from tests.splits.walking import paste, table_of, walk, world_of

Clone = Callable[[str], Database]

KEYS = {
    "bigint": ("id bigint PRIMARY KEY", "g"),
    "text": ("id text PRIMARY KEY", "'é ' || (g * 37 % 101) || CASE WHEN g % 7 = 0 THEN E'\\n''x' ELSE '' END"),
    "uuid": ("id uuid PRIMARY KEY", "md5(g::text)::uuid"),
    "char(8)": ("id char(8) PRIMARY KEY", "g::text"),
    "bit": ("id bit(12) PRIMARY KEY", "g::bit(12)"),
    "internal char": ('id "char" PRIMARY KEY', 'chr(g + 32)::"char"'),
    "numeric": ("id numeric(10, 3) PRIMARY KEY", "g / 7.0"),
    "double": ("id float8 PRIMARY KEY", "CASE g WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' ELSE g / 3.0 END"),
    "timestamptz": ("id timestamptz PRIMARY KEY", "CASE g WHEN 1 THEN 'infinity' ELSE now() + g * interval '1 us' END"),
    "date": ("id date PRIMARY KEY", "date '0044-03-15 BC' + g"),
    "array": ("id int[] PRIMARY KEY", "ARRAY[g % 3, g]"),
    "enum": ("id mood PRIMARY KEY", "(enum_range(NULL::mood))[g % 40 + 1]"),
    "domain": ("id key_number PRIMARY KEY", "g"),
    "row type": ("id pair PRIMARY KEY", "ROW(g % 5, g)::pair"),
    "inet": ("id inet PRIMARY KEY", "'10.0.0.0'::inet + g"),
    "two columns": ("id int, b text NOT NULL DEFAULT md5(random()::text), PRIMARY KEY (id, b)", "g % 4"),
    "descending": ("id int NOT NULL; CREATE UNIQUE INDEX ON {table} (id DESC)", "g"),
    "unique constraint": ("id int NOT NULL; ALTER TABLE {table} ADD UNIQUE (id) DEFERRABLE", "g"),
    "another collation": ('id text COLLATE "C" PRIMARY KEY', "chr(64 + g) || 'ä'"),
    "quoted": ('"Die ""Nummer""" int PRIMARY KEY, id int', "g"),
}

_TYPES = (
    "CREATE DOMAIN key_number AS int NOT NULL CHECK (VALUE > 0); CREATE TYPE pair AS (a int, b int); "
    "DO $do$ BEGIN EXECUTE (SELECT 'CREATE TYPE mood AS ENUM (' || string_agg(quote_literal('m ' || g), ',') || ')' "
    "FROM generate_series(1, 40) g); END $do$"
)


def _setup(definition: str, value: str) -> str:
    table = '"Größe"."Tëst table"'
    columns, _, more = definition.partition(";")
    names = '"Die ""Nummer""", id' if "Nummer" in columns else "id"
    values = f"{value}, {value}" if "Nummer" in columns else value
    return f"""
        CREATE SCHEMA "Größe"; {_TYPES};
        CREATE TABLE {table} ({columns}); {more.format(table=table)};
        INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(1, 40) g;
        ALTER TABLE {table} ADD filled int;
        UPDATE {table} SET filled = -1 WHERE ctid IN (SELECT ctid FROM {table} LIMIT 5);
        ALTER TABLE {table} ALTER filled SET DEFAULT 7
    """


_TOUCHES = "CREATE FUNCTION touches() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := now(); RETURN NEW; END';"
SET_OFF = {
    "a trigger": (
        f"{_TOUCHES} CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touches()",
        "fires trigger touch, which ALTER TABLE does not",
    ),
    "a rule": ("CREATE RULE r AS ON UPDATE TO t DO INSTEAD NOTHING", "rule r on public.t makes another statement"),
    "a check that is not valid": (
        "ALTER TABLE t ADD CONSTRAINT young CHECK (id < 5) NOT VALID",
        "young of public.t was never validated",
    ),
}


@pytest.mark.parametrize("name", SET_OFF)
def test_an_update_may_set_off_what_alter_table_does_not(name: str, clone: Clone) -> None:
    more, because = SET_OFF[name]
    database = clone(f"CREATE TABLE t (id int PRIMARY KEY, at timestamptz); INSERT INTO t VALUES (1), (9); {more}")
    before = database.fetch("SELECT id, at FROM t ORDER BY 1")
    world = world_of(database, "SELECT * FROM t")
    with pytest.raises(CannotSplit, match=because):
        backfill(table_of(world, "t"), world, assignments=(("c", "random()"),), condition="c IS NULL", why="")
    database.execute("ALTER TABLE t ADD c float")
    try:
        database.execute("UPDATE t SET c = random()")
    except psycopg.errors.CheckViolation:
        return
    assert database.fetch("SELECT count(*) FROM t WHERE c IS NULL") == [(2,)] or before != database.fetch(
        "SELECT id, at FROM t ORDER BY 1"
    )


def test_a_trigger_on_other_columns_is_not_in_the_way(clone: Clone) -> None:
    database = clone(
        f"CREATE TABLE t (id int PRIMARY KEY, at timestamptz); {_TOUCHES}"
        "CREATE TRIGGER touch BEFORE UPDATE OF at ON t FOR EACH ROW EXECUTE FUNCTION touches();"
        "CREATE TRIGGER born BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touches()"
    )
    world = world_of(database, "SELECT * FROM t")
    step = backfill(table_of(world, "t"), world, assignments=(("c", "random()"),), condition="c IS NULL", why="")
    assert step.keys == ("id",)


def test_all_that_inherits_is_filled_too(clone: Clone) -> None:
    database = clone(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (more int NOT NULL UNIQUE) INHERITS (t);"
        "INSERT INTO t SELECT g FROM generate_series(1, 10) g; INSERT INTO u SELECT g, g FROM generate_series(1, 10) g;"
        "ALTER TABLE t ADD c float"
    )
    world = world_of(database, "SELECT * FROM t")
    steps = backfills(table_of(world, "t"), world, assignments=(("c", "random()"),), condition="c IS NULL", why="fills")
    assert [(step.relation, step.keys) for step in steps] == [("public.t", ("id",)), ("public.u", ("more",))]
    for step in steps:
        walk(database, step)
    assert database.fetch("SELECT count(*), count(DISTINCT c) FROM t") == [(20, 20)]


def _step(database: Database) -> Backfill:
    world = world_of(database, 'SELECT * FROM "Größe"."Tëst table"')
    table = table_of(world, "Tëst table", "Größe")
    return backfill(table, world, assignments=(("filled", "DEFAULT"),), condition="filled IS NULL", why="fills it")


def _filled(database: Database) -> list[tuple[object, ...]]:
    return database.fetch('SELECT filled, count(*) FROM "Größe"."Tëst table" GROUP BY 1 ORDER BY 1')


@pytest.mark.parametrize("kind", KEYS)
def test_every_row_is_met_along_any_key(kind: str, major: int, clone: Clone) -> None:
    batched, pasted = clone(_setup(*KEYS[kind])), clone(_setup(*KEYS[kind]))
    assert walk(batched, _step(batched)) == 14
    paste(pasted, [_step(pasted)])
    assert _filled(batched) == _filled(pasted) == [(-1, 5), (7, 35)]
