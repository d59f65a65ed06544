"""Indexes and keys: what has no safer way and why, what an interrupted build leaves, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import psycopg
import pytest

from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, Step
from gate.plan.splitting import steps_of
from gate.rules import derive
from gate.rules.index_builds import RULES
from gate.rules.merging import effects
from gate.sql.parse import parse_statement
from tests.laws.ends import dump
from tests.laws.planning import steps_on, world_of
from tests.laws.running import run_pasted, undo_pasted
from tests.servers import Database

Clone = Callable[[str], Database]

T = "CREATE TABLE t (a int, b text, c int); INSERT INTO t SELECT g, g::text, -g FROM generate_series(1, 10) g; "
P = (
    "CREATE TABLE p (a int, b text) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (5); "
    "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (5) TO (20) PARTITION BY LIST (a); "
    "CREATE TABLE p2d PARTITION OF p2 DEFAULT; INSERT INTO p SELECT g, g::text FROM generate_series(1, 10) g; "
)
FOREIGN = (
    "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; "
    "CREATE FOREIGN TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30) SERVER s; "
)
INVALID = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{}'::regclass; "


# --- what has none ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """`shown` is what the server says to the concurrent form, where there is one to be tried: its SQLSTATE."""

    name: str
    setup: str
    sql: str
    problem: str
    shown: tuple[str, str] | None = None
    since: int = 14


REFUSALS = (
    Refusal(
        name="exclusion constraint",
        setup=T,
        sql="ALTER TABLE t ADD EXCLUDE USING btree (a WITH =)",
        problem="the index of an exclusion constraint cannot be built beside writers of public.t",
    ),
    Refusal(
        name="key without overlaps",
        setup="CREATE TABLE t (r int4range); INSERT INTO t VALUES ('[1,2)'); ",
        sql="ALTER TABLE t ADD UNIQUE (r WITHOUT OVERLAPS)",
        problem="a key WITHOUT OVERLAPS has an index that cannot be built beforehand",
        since=18,
    ),
    Refusal(
        name="drop with CASCADE",
        setup=T + "CREATE UNIQUE INDEX i ON t (a); CREATE TABLE r (a int REFERENCES t (a))",
        sql="DROP INDEX i CASCADE",
        problem="DROP INDEX CONCURRENTLY takes no CASCADE",
        shown=("DROP INDEX CONCURRENTLY i CASCADE", "0A000"),
    ),
    Refusal(
        name="drop of a partitioned index",
        setup=P + "CREATE INDEX i ON p (b)",
        sql="DROP INDEX i",
        problem="i belongs to a partitioned table, and such an index is not dropped concurrently",
        shown=("DROP INDEX CONCURRENTLY i", "0A000"),
    ),
    Refusal(
        name="reindex of an exclusion constraint's index",
        setup=T + "ALTER TABLE t ADD CONSTRAINT x EXCLUDE USING btree (a WITH =)",
        sql="REINDEX TABLE t",
        problem="public.x belongs to an exclusion constraint, which is not built concurrently",
        shown=("REINDEX INDEX CONCURRENTLY x", "0A000"),
    ),
    Refusal(
        name="refresh without a unique index",
        setup=T + "CREATE MATERIALIZED VIEW m AS SELECT a FROM t; CREATE UNIQUE INDEX ON m ((a + 1)); "
        "CREATE UNIQUE INDEX ON m (a) WHERE a > 0",
        sql="REFRESH MATERIALIZED VIEW m",
        problem="public.m has no unique index on plain columns, without a WHERE, that tells its rows apart",
        shown=("REFRESH MATERIALIZED VIEW CONCURRENTLY m", "55000"),
    ),
    Refusal(
        name="refresh of an empty one",
        setup=T + "CREATE MATERIALIZED VIEW m AS SELECT a FROM t WITH NO DATA; CREATE UNIQUE INDEX ON m (a)",
        sql="REFRESH MATERIALIZED VIEW m",
        problem="public.m has no data yet: the first REFRESH cannot be concurrent",
        shown=("REFRESH MATERIALIZED VIEW CONCURRENTLY m", "0A000"),
    ),
    Refusal(
        name="refresh without data",
        setup=T + "CREATE MATERIALIZED VIEW m AS SELECT a FROM t; CREATE UNIQUE INDEX ON m (a)",
        sql="REFRESH MATERIALIZED VIEW m WITH NO DATA",
        problem="WITH NO DATA empties it, and nobody can read it afterwards",
    ),
    Refusal(
        name="attach by a hash over text",
        setup="CREATE TABLE h (b text) PARTITION BY HASH (b); CREATE TABLE n (b text); INSERT INTO n VALUES ('x')",
        sql="ALTER TABLE h ATTACH PARTITION n FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        problem="no CHECK is known that proves to the server that every row of public.n is in FOR VALUES WITH",
    ),
    Refusal(
        name="attach by a bound that is computed",
        setup="CREATE TABLE d (a date) PARTITION BY RANGE (a); CREATE TABLE n (a date); INSERT INTO n VALUES (now())",
        sql="ALTER TABLE d ATTACH PARTITION n FOR VALUES FROM (current_date) TO (MAXVALUE)",
        problem="no CHECK is known that proves to the server that every row of public.n is in",
    ),
    Refusal(
        name="attach by a bound that is rounded",
        setup="CREATE TABLE d (a int) PARTITION BY RANGE (a); CREATE TABLE n (a int); INSERT INTO n VALUES (2)",
        sql="ALTER TABLE d ATTACH PARTITION n FOR VALUES FROM (1.6) TO (MAXVALUE)",
        problem="no CHECK is known that proves to the server that every row of public.n is in",
        shown=("ALTER TABLE n ADD CHECK (a >= '1.6')", "22P02"),
    ),
    Refusal(
        name="detach beside a default partition",
        setup=P + "CREATE TABLE d PARTITION OF p DEFAULT",
        sql="ALTER TABLE p DETACH PARTITION p1",
        problem="public.d is the default partition of public.p",
        shown=("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY", "55000"),
    ),
    Refusal(
        name="detach of what others refer to",
        setup=P + "ALTER TABLE p ADD PRIMARY KEY (a); CREATE TABLE f (a int REFERENCES p); INSERT INTO f VALUES (7)",
        sql="ALTER TABLE p DETACH PARTITION p1",
        problem="public.f refers to public.p, and is read under a lock for rows that refer to public.p1",
    ),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_there_is_no_safer_way_and_the_reason_is_said(refusal: Refusal, major: int, clone: Clone) -> None:
    if major < refusal.since:
        pytest.skip("the statement is not of this major")
    database = clone(refusal.setup)
    with pytest.raises(CannotSplit) as caught:
        split(database, refusal.sql)
    assert refusal.problem in caught.value.problem
    if refusal.shown is not None:
        statement, sqlstate = refusal.shown
        with pytest.raises(psycopg.Error) as answer:
            database.execute(statement)
        assert answer.value.sqlstate == sqlstate


def split(database: Database, sql: str) -> tuple[Step, ...]:
    """The steps of one statement, whether it works under a lock or not."""
    return _split(world_of(database, sql), sql)


def _split(world: Snapshot, sql: str) -> tuple[Step, ...]:
    parsed = parse_statement(sql)
    assert parsed is not None
    return steps_of(sql, parsed.statement, world)


def test_no_index_is_built_concurrently_where_the_server_loses_rows(database: Database) -> None:
    database.execute(T)
    sql = "CREATE INDEX ON t (a)"
    world = world_of(database, sql)
    old = replace(world, server=replace(world.server, version="14.3 (Debian 14.3-1.pgdg110+1)"))
    with pytest.raises(CannotSplit, match="may leave rows out of an index"):
        _split(old, sql)
    rule = next(item for item in RULES if item.rule.name == "concurrent-build-loses-rows")
    for server_is_old, text, said in ((True, rule.bad, 1), (True, rule.good, 0), (False, rule.bad, 0)):
        parsed = parse_statement(text.replace(" u ", " t "))
        assert parsed is not None
        here = old if server_is_old else world
        found = effects(derive(parsed.statement.action, here), here)
        assert len(list(rule.finds(parsed.statement.action, found, here))) == said


# --- what is left over ------------------------------------------------------------------------------------------------


def test_what_a_failed_build_left_is_dropped_first(database: Database) -> None:
    database.execute(T + "INSERT INTO t VALUES (1, 'again')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)")
    database.execute("DELETE FROM t WHERE b = 'again'")
    for form in (
        "CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
    ):
        steps = split(database, form)
        assert [step.sql for step in steps] == [
            "DROP INDEX CONCURRENTLY IF EXISTS public.i",
            "CREATE UNIQUE INDEX CONCURRENTLY i ON public.t USING btree (a)",
        ]
    run_pasted(database, steps)
    assert _valid(database) == {"i": True}


def test_an_index_that_is_there_is_left_alone(database: Database) -> None:
    database.execute(T + "CREATE INDEX i ON t (a)")
    with pytest.raises(CannotSplit, match="i is there already, and valid"):
        split(database, "CREATE INDEX IF NOT EXISTS i ON t (a)")


def test_a_like_index_of_a_partition_is_made_valid_before_it_is_attached(database: Database) -> None:
    database.execute(P + "CREATE INDEX own ON p1 (b); " + INVALID.format("own"))
    steps = steps_on(database, "CREATE INDEX i ON p (b)")
    assert "REINDEX (CONCURRENTLY) INDEX public.own" in [step.sql for step in steps]
    run_pasted(database, steps)
    assert _valid(database) == {"i": True, "own": True, "p2_b_idx": True, "p2d_b_idx": True}


def test_reindex_of_a_table_heals_what_is_not_valid_too(database: Database) -> None:
    database.execute(T + "CREATE INDEX i ON t (a); CREATE INDEX j ON t (b); " + INVALID.format("j"))
    steps = steps_on(database, "REINDEX TABLE t")
    assert [step.sql for step in steps] == ["REINDEX (CONCURRENTLY) TABLE t", "REINDEX (CONCURRENTLY) INDEX public.j"]
    run_pasted(database, steps)
    assert _valid(database) == {"i": True, "j": True}


def test_an_index_of_a_table_with_a_foreign_partition_ends_valid(database: Database) -> None:
    database.execute(P + FOREIGN)
    for sql, name in (("CREATE INDEX ON p (lower(b))", "p_lower_idx"), ("CREATE INDEX i ON p (b)", "i")):
        run_pasted(database, steps_on(database, sql))
        assert _valid(database)[name]
    assert set(_valid(database)) == {
        *("p_lower_idx", "p1_lower_idx", "p2_lower_idx", "p2d_lower_idx"),
        *("i", "p1_b_idx", "p2_b_idx", "p2d_b_idx"),
    }


def _valid(database: Database) -> dict[str, bool]:
    joined = "pg_index JOIN pg_class c ON c.oid = indexrelid"
    return dict(
        database.fetch(f"SELECT relname::text, indisvalid FROM {joined} WHERE relnamespace = 'public'::regnamespace")
    )


# --- the way back -----------------------------------------------------------------------------------------------------

_R = "CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r SELECT generate_series(1, 40); "
_N = "CREATE TABLE n (LIKE p); INSERT INTO n SELECT g, g::text FROM generate_series(30, 39) g; "
BACK = (
    (T, "CREATE INDEX ON t (a)"),
    (T, "ALTER TABLE t ADD CONSTRAINT k UNIQUE (a)"),
    (P, "CREATE INDEX i ON p (b)"),
    (P, "ALTER TABLE p ADD UNIQUE (a) DEFERRABLE"),
    (P + _R + _N + "CREATE INDEX ON p (b)", "ALTER TABLE p ATTACH PARTITION n FOR VALUES FROM (30) TO (40)"),
    (
        P + _N + "CREATE TABLE d PARTITION OF p DEFAULT; INSERT INTO p VALUES (50); ALTER TABLE p ADD UNIQUE (a)",
        "ALTER TABLE p ATTACH PARTITION n FOR VALUES FROM (30) TO (40)",
    ),
    (
        P + "CREATE TABLE d PARTITION OF p DEFAULT; INSERT INTO p VALUES (50)",
        "CREATE TABLE n PARTITION OF p FOR VALUES FROM (30) TO (40)",
    ),
)


@pytest.mark.parametrize(("setup", "sql"), BACK, ids=lambda text: text[-40:])
def test_a_split_that_stops_half_way_can_be_taken_back(setup: str, sql: str, major: int, clone: Clone) -> None:
    database = clone(setup)
    before = dump(database)
    *begun, _last = steps_on(database, sql)
    for done in range(1, len(begun) + 1):
        run_pasted(database, begun[:done])
        assert not any(step.is_final for step in begun)
        undo_pasted(database, begun[:done])
        assert dump(database) == before, begun[done - 1].sql


def test_what_takes_over_an_older_index_is_never_taken_back(database: Database) -> None:
    database.execute(P + FOREIGN + "CREATE INDEX own ON p1 (b)")
    steps = steps_on(database, "CREATE INDEX i ON p (b)")
    assert [step.is_final for step in steps] == [False, True]
    assert steps[-1].why.endswith("; this cannot be taken back: own would be dropped with the whole")
    run_pasted(database, steps)
    undo_pasted(database, steps)
    assert _valid(database) == {"i": True, "own": True, "p2_b_idx": True, "p2d_b_idx": True}
