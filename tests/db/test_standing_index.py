"""Whether an index that stands is the one that a text would make, as each server understands both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from gate.db.connect import connect
from gate.db.standing_index import Ask, is_same_index
from gate.db.watching import Watch
from gate.model.migration import Query
from gate.run.world import Row
from tests.servers import Database

SCHEMA = """
CREATE SCHEMA app;
CREATE SCHEMA "o ther";
CREATE TYPE app.mood AS ENUM ('sad', 'happy');
CREATE FUNCTION app.f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE COLLATION app.german (provider = libc, locale = 'C');
CREATE TABLE app.t (
  id integer PRIMARY KEY, a integer, b varchar(20), c text, "D d" text, day date, at timestamp, mood app.mood,
  tags text[], doc jsonb, net cidr, deleted_at timestamptz, t integer, CONSTRAINT late UNIQUE (a) DEFERRABLE,
  EXCLUDE USING btree (b WITH =)
);
CREATE FUNCTION app.whole(app.t) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1.a';
CREATE TABLE app.twin (LIKE app.t);
CREATE TABLE "o ther"."t" (a integer);
"""

SAME = [
    ("(a)", "(a)"),
    ("(a)", "((a))"),
    ("(a)", "(a ASC NULLS LAST)"),
    ("(a)", "USING btree (a int4_ops)"),
    ("(a)", "(a pg_catalog.int4_ops)"),
    ("(a DESC)", "(a DESC NULLS FIRST)"),
    ("(a, b DESC)", "(a, b DESC)"),
    ('("D d")', '("D d" text_ops)'),
    ('(c COLLATE "C")', '((c COLLATE "C"))'),
    ('(c COLLATE pg_catalog."C")', '(c COLLATE "C")'),
    ('(c COLLATE "default")', "(c)"),
    ("(c)", '(c COLLATE "default")'),
    ('(lower(b) COLLATE "C")', '((lower(b) COLLATE "C"))'),
    ("(c text_pattern_ops)", "(c pg_catalog.text_pattern_ops)"),
    ("(b varchar_pattern_ops)", "(b varchar_pattern_ops)"),
    ("(lower(b))", "(lower(b::text))"),
    ("(lower(b))", "(lower((t.b)))"),
    ("(lower(b))", "(LOWER(app.t.b))"),
    ("((a + 1))", "(((a) + (1)))"),
    ("((b || 'x'))", "((b || 'x'))"),
    ("((a % 10))", "((a % 10))"),
    ("(app.f(a))", "(app.f(a))"),
    ("(app.whole(t.*))", "(app.whole(t.*))"),
    ("((doc ->> 'k'))", "((doc->>'k'))"),
    ("(date_trunc('day', at))", "(date_trunc('day'::text, at))"),
    ("(a) WHERE b = 'x'", "(a) WHERE b = 'x'"),
    ("(a) WHERE b = 'x'", "(a) WHERE ((b)::text = 'x'::text)"),
    ("(a) WHERE deleted_at IS NULL", "(a) WHERE (deleted_at IS NULL)"),
    ("(a) WHERE b IN ('x', 'y')", "(a) WHERE b IN ('x', 'y')"),
    ("(a) WHERE b IN ('x', 'y')", "(a) WHERE b = ANY (ARRAY['x', 'y'])"),
    ("(a) WHERE mood = 'sad'", "(a) WHERE mood = 'sad'::app.mood"),
    ("(a) WHERE mood = 'sad'", "(a) WHERE mood = 'sad'"),
    ("(a) WHERE a > 1 AND c LIKE 'x%'", "(a) WHERE (a > 1) AND c LIKE 'x%'"),
    ("(a) WHERE day > '2024-01-01'", "(a) WHERE day > DATE '2024-01-01'"),
    ("(a) INCLUDE (b, c)", "(a) INCLUDE (b, c)"),
    ("(a) WITH (fillfactor = 70)", "(a) WITH (fillfactor = '70')"),
    ("(a) WITH (fillfactor = 70, deduplicate_items = off)", "(a) WITH (deduplicate_items = off, fillfactor = 70)"),
    ("USING gin (tags) WITH (fastupdate)", "USING gin (tags array_ops) WITH (fastupdate = true)"),
    ("USING gin (doc jsonb_path_ops)", "USING gin (doc jsonb_path_ops)"),
    ("USING gist (net inet_ops)", "USING rtree (net inet_ops)"),
    ("USING brin (a int4_minmax_multi_ops (values_per_range = 16))",
     "USING brin (a int4_minmax_multi_ops (values_per_range = '16'))"),
    ("USING hash (a)", "USING hash (a)"),
    ("(t)", "((t.t))"),
    ("(a) TABLESPACE pg_default", "(a)"),
    ("(a)", "(a) TABLESPACE pg_default"),
]  # fmt: skip
OTHER = [
    ("(a)", "(b)"),
    ("(a)", "(a, b)"),
    ("(a, b)", "(b, a)"),
    ("(a)", "(a DESC)"),
    ("(a)", "(a NULLS FIRST)"),
    ("(a)", "USING hash (a)"),
    ("(a)", "(a) INCLUDE (b)"),
    ("(a, b)", "(a) INCLUDE (b)"),
    ("(a) INCLUDE (b, c)", "(a) INCLUDE (c, b)"),
    ("(a)", "(a) WHERE a > 1"),
    ("(a) WHERE a > 1", "(a)"),
    ("(a) WHERE a > 1", "(a) WHERE a > 2"),
    ("(a) WHERE a > 1", "(a) WHERE a >= 1"),
    ("(a) WHERE deleted_at IS NULL", "(a) WHERE deleted_at IS NOT NULL"),
    ("(a) WHERE b = 'x'", "(a) WHERE c = 'x'"),
    ("(lower(b))", "(upper(b))"),
    ("(lower(b))", "(b)"),
    ("(lower(b))", "(lower(c))"),
    ("((a + 1))", "((a + 2))"),
    ("(c)", '(c COLLATE "C")'),
    ('(c COLLATE "C")', "(c)"),
    ('(c COLLATE "C")', '(c COLLATE "POSIX")'),
    ("(c COLLATE app.german)", '(c COLLATE "german")'),
    ('(lower(b) COLLATE "C")', "(lower(b))"),
    ("(c)", "(c text_pattern_ops)"),
    ("(c text_pattern_ops)", "(c)"),
    ("(c text_pattern_ops)", "(c varchar_pattern_ops)"),
    ("USING gin (doc)", "USING gin (doc jsonb_path_ops)"),
    ("(a)", "(a) WITH (fillfactor = 70)"),
    ("(a) WITH (fillfactor = 70)", "(a) WITH (fillfactor = 80)"),
    ("USING brin (a int4_minmax_multi_ops (values_per_range = 16))", "USING brin (a int4_minmax_multi_ops)"),
]  # fmt: skip


def built(text: str) -> str:
    """The same at once: nobody else is here."""
    return text.replace("CONCURRENTLY ", "")


def made(rest: str, *, table: str = "app.t", unique: str = "", name: str = "i") -> str:
    return f"CREATE {unique} INDEX CONCURRENTLY {name} ON {table} {rest}"


@pytest.fixture
def ground(clone: Callable[[str], Database]) -> Database:
    return clone(SCHEMA)


@pytest.fixture
def ask(ground: Database) -> Iterator[Ask]:
    with closing(Watch(lambda: connect(ground.conninfo))) as watch:
        yield watch.ask


def test_the_same_however_it_is_written(ground: Database, ask: Ask) -> None:
    wrong = []
    for standing, wanted in SAME:
        ground.execute(built(made(standing)))
        if is_same_index(ask, "app", "i", made(wanted)) is not True:
            wrong.append((standing, wanted))
        # Whatever it is, the text that made it makes it.
        if is_same_index(ask, "app", "i", made(standing)) is not True:
            wrong.append((standing, standing))
        ground.execute("DROP INDEX app.i")
    assert wrong == []


def test_another_however_alike(ground: Database, ask: Ask) -> None:
    wrong = []
    for standing, wanted in OTHER:
        ground.execute(built(made(standing)))
        if is_same_index(ask, "app", "i", made(wanted)) is not False:
            wrong.append((standing, wanted))
        ground.execute("DROP INDEX app.i")
    assert wrong == []


def test_uniqueness(ground: Database, ask: Ask) -> None:
    ground.execute(built(made("(a)", unique="UNIQUE")))
    assert is_same_index(ask, "app", "i", made("(a)", unique="UNIQUE")) is True
    assert is_same_index(ask, "app", "i", made("(a)")) is False


@pytest.mark.majors(since=15)
def test_nulls_not_distinct(ground: Database, ask: Ask) -> None:
    ground.execute(built(made("(a) NULLS NOT DISTINCT", unique="UNIQUE")))
    assert is_same_index(ask, "app", "i", made("(a) NULLS NOT DISTINCT", unique="UNIQUE")) is True
    assert is_same_index(ask, "app", "i", made("(a)", unique="UNIQUE")) is False


def test_another_table(ground: Database, ask: Ask) -> None:
    ground.execute(built(made("(a)")))
    assert is_same_index(ask, "app", "i", made("(a)", table="app.twin")) is False
    assert is_same_index(ask, "app", "i", made("(a)", table='"o ther".t')) is False
    # Where the statement would make it is known: its table is there as well.
    assert is_same_index(ask, "app", "i", made("(a)", table="t")) is True
    assert is_same_index(ask, "app", "i", made("(a)", table="twin")) is False


def test_the_index_of_a_constraint_is_none_that_create_index_makes(ground: Database, ask: Ask) -> None:
    assert is_same_index(ask, "app", "t_pkey", made("(id)", unique="UNIQUE", name="t_pkey")) is False
    assert is_same_index(ask, "app", "late", made("(a)", unique="UNIQUE", name="late")) is False
    assert is_same_index(ask, "app", "t_b_excl", made("(b)", name="t_b_excl")) is False


def test_an_invalid_one_is_compared_as_well(ground: Database, ask: Ask) -> None:
    ground.execute(built(made("(lower(b)) WHERE a > 0")))
    ground.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.i'::regclass")
    assert is_same_index(ask, "app", "i", made("(lower(b)) WHERE a > 0")) is True


def test_what_cannot_be_told(ground: Database, ask: Ask) -> None:
    ground.execute(built(made("(app.f(a))")))
    assert is_same_index(ask, "app", "no such", made("(a)")) is None
    assert is_same_index(ask, "app", "i", "SELECT 1") is None
    assert is_same_index(ask, "app", "i", "CREATE INDEX (") is None
    # The function is not found under that name here.
    assert is_same_index(ask, "app", "i", made("(f(a))")) is None
    assert is_same_index(ask, "app", "t", made("(a)")) is None


def test_nothing_but_access_share_is_taken_and_nothing_is_written(ground: Database) -> None:
    ground.execute(built(made("(lower(b)) WHERE a > 0 AND b = 'x'")))
    with ground.connect() as connection, connection.transaction():
        xid = "SELECT pg_current_xact_id_if_assigned() IS NULL"

        def ask(query: Query) -> tuple[Row, ...]:
            cursor = connection.execute(query.sql.encode(), query.parameters or None)
            names = [column.name for column in cursor.description or ()]
            return tuple(dict(zip(names, row, strict=True)) for row in cursor.fetchall())

        assert is_same_index(ask, "app", "i", made("(lower(b::text)) WHERE a > 0 AND b IN ('x')")) is not None
        assert is_same_index(ask, "app", "i", made("(lower(b::text)) WHERE (a > 0) AND b = 'x'")) is True
        modes = connection.execute(
            "SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'"
        ).fetchall()
        assert modes == [("AccessShareLock",)]
        assert connection.execute(xid).fetchone() == (True,)
