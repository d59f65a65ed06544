"""Statistics that ALTER TYPE throws away come back in stages, all of them, and nobody else's get worse meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.rows import dict_row

from gate.model.effects import Effect
from gate.rules import derive
from gate.rules.merging import effects
from gate.run.gathering import after, asked, stages
from gate.run.world import Sent
from gate.sql.parse import parse_statement
from tests.servers import Database
from tests.splits.walking import world_of

Clone = Callable[[str], Database]
Statistics = dict[tuple[str, str, bool], tuple[int, int]]

TABLE = """
    CREATE TABLE t (a int, b varchar(40), c int, d text, e varchar(10));
    INSERT INTO t SELECT g % 1000, md5(g::text), g % 10, 'x' || g % 1000, g FROM generate_series(1, 20000) g;
    ALTER TABLE t ALTER e SET STATISTICS 200
"""
WITH_MORE = f"""
    {TABLE};
    CREATE INDEX t_b ON t (lower(b)); CREATE INDEX t_c ON t ((c + 1));
    CREATE STATISTICS st_ac (ndistinct, mcv) ON a, c FROM t; CREATE STATISTICS st_cd ON c, d FROM t;
    CREATE STATISTICS st_e ON (a + c) FROM t
"""
PARTITIONED = """
    CREATE TABLE p (a int, b int) PARTITION BY RANGE (b);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
    CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY LIST (b);
    CREATE TABLE p21 PARTITION OF p2 DEFAULT; CREATE INDEX ON p ((a + 1));
    INSERT INTO p SELECT g, g % 20 FROM generate_series(1, 5000) g
"""
INHERITED = """
    CREATE TABLE i (a int, b int); CREATE TABLE i1 (more int) INHERITS (i);
    INSERT INTO i SELECT g, g FROM generate_series(1, 1000) g; INSERT INTO i1 SELECT g, g FROM generate_series(1, 999) g
"""
QUOTED = """
    CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."c d.e" ("E f" int, g int);
    INSERT INTO "a.b"."c d.e" SELECT g, g FROM generate_series(1, 500) g
"""
CASES = {
    "columns": (TABLE, "ALTER TABLE t ALTER a TYPE bigint, ALTER b TYPE text"),
    "a column with a target of its own": (TABLE, "ALTER TABLE t ALTER e TYPE text, ALTER a TYPE bigint"),
    "only such a column": (TABLE, "ALTER TABLE t ALTER e TYPE text"),
    "an index of an expression, and statistics objects": (
        WITH_MORE,
        "ALTER TABLE t ALTER a TYPE bigint, ALTER b TYPE text",
    ),
    "partitions": (PARTITIONED, "ALTER TABLE p ALTER a TYPE bigint"),
    "children": (INHERITED, "ALTER TABLE i ALTER a TYPE bigint"),
    "a materialized view's table": (
        f"{TABLE}; CREATE MATERIALIZED VIEW m AS SELECT d FROM t",
        "ALTER TABLE t ALTER a TYPE bigint",
    ),
    "names that have to be quoted": (QUOTED, 'ALTER TABLE "a.b"."c d.e" ALTER "E f" TYPE bigint'),
}

_COLUMNS = """
SELECT tablename::text, attname::text, inherited, coalesce(array_length(most_common_freqs, 1), 0),
       coalesce(array_length(histogram_bounds::text::text[], 1), 0)
  FROM pg_stats WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""
_OBJECTS = """
SELECT 'object', statistics_name::text, false, coalesce(array_length(most_common_freqs, 1), 0),
       (n_distinct IS NOT NULL)::int FROM pg_stats_ext
UNION ALL
SELECT 'expression', expr, false, coalesce(array_length(most_common_freqs, 1), 0), 0 FROM pg_stats_ext_exprs
"""


def statistics(database: Database) -> Statistics:
    """What is known of each column and each statistics object, but for empty ones: how many values."""
    rows = [*database.fetch(_COLUMNS), *database.fetch(_OBJECTS)]
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows if any(row[3:]) or row[0] == "t"}


def derived(database: Database, sql: str) -> tuple[Effect, ...]:
    """As the plan has them."""
    parsed = parse_statement(sql)
    assert parsed is not None
    world = world_of(database, sql)
    return effects(derive(parsed.statement.action, world), world)


@contextmanager
def gathering(database: Database, lost: Sequence[tuple[str, tuple[str, ...]]]) -> Iterator[Iterator[str]]:
    """Stage after stage of each relation; the text of its ANALYZE, once it is done."""
    with database.connect() as connection:
        yield _staged(connection, lost)
        settings = connection.execute("SELECT name FROM pg_settings WHERE source = 'session'").fetchall()
        assert settings == [], "a setting has outlived its stage"


def _staged(connection: psycopg.Connection, lost: Sequence[tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    for relation, columns in lost:
        query = asked(relation)
        found = connection.cursor(row_factory=dict_row).execute(query.sql.encode(), query.parameters).fetchall()
        for stage in stages(columns, found):
            with connection.transaction():
                for item in stage:
                    _send(connection, item)
            yield stage[-1].sql


def _send(connection: psycopg.Connection, sent: Sent) -> None:
    cursor = psycopg.RawCursor(connection)
    cursor.execute(sent.sql.encode(), sent.parameters)


@pytest.mark.parametrize("name", CASES)
def test_what_was_lost_is_back_as_it_was(name: str, clone: Clone) -> None:
    setup, sql = CASES[name]
    database = clone(f"{setup}; ANALYZE")
    before, lost = statistics(database), after(derived(database, sql))
    database.execute(sql)
    assert statistics(database).keys() < before.keys()
    with gathering(database, lost) as told:
        assert list(told) != []
    end = statistics(database)
    assert end.keys() == before.keys()
    assert {place for place in end if bool(end[place][0]) != bool(before[place][0]) and end[place][0] == 0} == set()


def test_the_first_stage_knows_a_little_of_the_lost_columns_and_touches_no_other(clone: Clone) -> None:
    database = clone(f"{WITH_MORE}; ANALYZE")
    before, sql = statistics(database), "ALTER TABLE t ALTER a TYPE bigint, ALTER b TYPE text"
    lost = after(derived(database, sql))
    database.execute(sql)
    others = {place: known for place, known in statistics(database).items() if place[0] != "expression"}
    with gathering(database, lost) as told:
        assert next(told) == "ANALYZE public.t (a, b)"
        first = statistics(database)
        assert first["t", "b", False] == (0, 2)
        assert {place: first[place] for place in others} == others
        assert next(told) == "ANALYZE public.t (a, b)"
        assert statistics(database)["t", "b", False] == (0, 11)
        assert next(told) == "ANALYZE public.t"
        assert next(told, None) is None
    end = statistics(database)
    assert end["t", "b", False] == before["t", "b", False] == (0, 101)
    assert end["t", "e", False] == before["t", "e", False]


@pytest.mark.parametrize(
    ("target", "expected"), [(5, ["(a)", "(a)"]), (10, ["(a)", "(a)"]), (11, ["(a)", "(a)", "(a)"]), (1, ["(a)"])]
)
def test_the_last_stage_is_at_the_configured_target(target: int, expected: list[str], clone: Clone) -> None:
    database = clone(TABLE)
    database.execute(f"ALTER DATABASE {database.name} SET default_statistics_target = {target}")
    with gathering(database, [("public.t", ("a",))]) as told:
        assert [text.removeprefix("ANALYZE public.t ") for text in told] == expected
    assert statistics(database)["t", "a", False][1] in (0, target + 1)


def test_a_column_with_a_target_of_its_own_is_read_once(clone: Clone) -> None:
    """Its sample is as large in each stage."""
    database = clone(TABLE)
    with gathering(database, [("public.t", ("e",))]) as told:
        assert list(told) == ["ANALYZE public.t (e)"]
    assert statistics(database)["t", "e", False] == (0, 201)
    with gathering(database, [("public.t", ("a", "e"))]) as told:
        assert list(told) == ["ANALYZE public.t (a)", "ANALYZE public.t (a)", "ANALYZE public.t (a, e)"]


def test_what_is_gone_or_called_otherwise_by_now(clone: Clone) -> None:
    database = clone(TABLE)
    with gathering(database, [("public.gone", ("a",)), ("public.t", ("old_a",)), ("public.t", ())]) as told:
        assert list(told) == [*["ANALYZE public.t (a, b, c, d)"] * 2, "ANALYZE public.t"] * 2


def test_which_relations_after_which_statements(clone: Clone) -> None:
    database = clone(f"{TABLE}; {PARTITIONED}; {INHERITED}; CREATE TABLE empty (a int); ANALYZE")

    def lost(*statements: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return after(effect for sql in statements for effect in derived(database, sql))

    assert lost("ALTER TABLE t ALTER a TYPE bigint", "ALTER TABLE t ALTER b TYPE text, ADD f int") == (
        ("public.t", ("a", "b")),
    )
    assert lost("ALTER TABLE t ADD f int", "CREATE INDEX ON t (a)", "ALTER TABLE empty ALTER a TYPE bigint") == ()
    found = lost("ALTER TABLE i ALTER a TYPE bigint", "ALTER TABLE p ALTER a TYPE bigint")
    assert {relation for relation, _ in found[:2]} == {"public.p", "public.p2"}
    assert {relation for relation, _ in found[2:]} == {"public.i", "public.i1", "public.p1", "public.p21"}
