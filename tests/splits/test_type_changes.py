"""A column's type is changed while others write: their rows are right after every step, and so is the end."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from gate.model.steps import Backfill, CannotSplit, Gather, Step
from tests.laws.ends import end_of
from tests.laws.planning import steps_on
from tests.laws.running import run_pasted, undo_pasted
from tests.servers import Database
from tests.splits.walking import walk

Clone = Callable[[str], Database]

T = (
    "CREATE TABLE t (id serial PRIMARY KEY, n int UNIQUE, note text);"
    "INSERT INTO t (n, note) SELECT g * 10, 'old' FROM generate_series(1, 30) g;"
    "CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t ON UPDATE CASCADE ON DELETE CASCADE);"
    "INSERT INTO c SELECT g, g FROM generate_series(1, 30) g; ANALYZE"
)
BIG = "ALTER TABLE t ALTER COLUMN id TYPE bigint"
PLAIN = (
    "CREATE TABLE t (id int PRIMARY KEY, n int, note text); INSERT INTO t SELECT g, g FROM generate_series(1, 20) g;"
)


def _run(database: Database, steps: tuple[Step, ...], after: Callable[[int], None] = lambda _: None) -> None:
    """Step by step, a backfill batch by batch; `after` is called in between, with a number of its own each time."""
    calls = iter(range(1000))
    for step in steps:
        if isinstance(step, Backfill):
            walk(database, step, between=lambda _: after(next(calls)))
        else:
            run_pasted(database, [step])
        after(next(calls))


# --- beside writers ---------------------------------------------------------------------------------------------------


def _writes(number: int) -> str:
    """Rows that come, change and go at both ends of the walk; the changed column among what changes."""
    return f"""
        INSERT INTO t (n, note) VALUES ({number} + 1000, 'new');
        INSERT INTO t (id, n) VALUES ({number} + 5000, {number} - 9000), (-{number} - 1, NULL)
            ON CONFLICT (id) DO UPDATE SET note = 'twice';
        INSERT INTO c VALUES ({number} + 100, {number} + 5000);
        UPDATE t SET id = id + 20000 WHERE id IN (30 - {number}, 4999 + {number});
        UPDATE t SET note = 'changed' WHERE id % 7 = {number} % 7;
        DELETE FROM t WHERE id = {number} + 3;
    """


@pytest.mark.parametrize("sql", [BIG, "ALTER TABLE c ALTER t TYPE bigint", "ALTER TABLE t ALTER n TYPE numeric(12, 2)"])
def test_what_others_write_after_every_step_is_as_after_the_plain_statement(sql: str, clone: Clone) -> None:
    plain, split = clone(T), clone(T)
    written = []

    def others(number: int) -> None:
        split.execute(_writes(number))
        written.append(number)

    steps = steps_on(split, sql)
    _run(split, steps, others)
    last = written.pop()
    plain.execute("".join(map(_writes, written)))
    plain.execute(sql)
    plain.execute(_writes(last))
    if sql == BIG:
        plain.execute("ALTER SEQUENCE t_id_seq AS bigint")
    assert len(written) > len(steps)
    assert end_of(plain, reorders=True).differences(end_of(split, reorders=True)) == ""


def test_the_trigger_sees_what_other_triggers_make_of_a_row(clone: Clone) -> None:
    database = clone(
        PLAIN + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := NEW.n * 2; RETURN NEW; END';"
        'CREATE TRIGGER "zzz last" BEFORE INSERT OR UPDATE OF note ON t FOR EACH ROW EXECUTE FUNCTION f()'
    )
    first, *rest = steps_on(database, "ALTER TABLE t ALTER n TYPE bigint")
    run_pasted(database, [first])
    database.execute("INSERT INTO t VALUES (100, 1); UPDATE t SET note = 'x' WHERE id = 1")
    _run(database, tuple(rest))
    assert database.fetch("SELECT id, n FROM t WHERE id IN (1, 100) ORDER BY 1") == [(1, 2), (100, 2)]


def test_rows_that_replication_brings_are_right_too(clone: Clone) -> None:
    database = clone(PLAIN)
    first, *rest = steps_on(database, "ALTER TABLE t ALTER n TYPE bigint")
    run_pasted(database, [first])
    database.execute(
        "SET session_replication_role = replica; INSERT INTO t VALUES (100, 5); UPDATE t SET n = 7 WHERE id = 3"
    )
    _run(database, tuple(rest))
    assert database.fetch("SELECT id, n FROM t WHERE id IN (3, 100) ORDER BY 1") == [(3, 7), (100, 5)]


def test_a_row_that_came_past_the_trigger_is_found_before_the_old_column_goes(clone: Clone) -> None:
    database = clone(PLAIN)
    steps = steps_on(database, "ALTER TABLE t ALTER n TYPE bigint")
    run_pasted(database, steps[:2])
    database.execute("ALTER TABLE t DISABLE TRIGGER USER; UPDATE t SET n = 7 WHERE id = 3")
    with pytest.raises(psycopg.errors.CheckViolation):
        run_pasted(database, steps[2:])
    undo_pasted(database, steps[:3])
    assert database.fetch("SELECT n FROM t WHERE id = 3") == [(7,)]


def test_the_exchange_waits_for_nobody_who_only_reads_the_catalog_and_works_on_no_row(clone: Clone) -> None:
    """What was gathered for the new column is there when queries begin to use it."""
    database = clone(PLAIN)
    steps = steps_on(database, "ALTER TABLE t ALTER n TYPE bigint")
    assert isinstance(steps[-2], Gather)
    assert (steps[-2].relation, steps[-2].columns, steps[-1].is_final) == ("public.t", ("n_gate_new",), True)
    _run(database, steps)
    assert database.fetch("SELECT count(*)::int FROM pg_stats WHERE tablename = 't' AND attname = 'n'") == [(1,)]


def test_statistics_of_expressions_are_gathered_with_the_whole_table(clone: Clone) -> None:
    database = clone(PLAIN + "CREATE INDEX i ON t ((n % 5))")
    steps = steps_on(database, "ALTER TABLE t ALTER n TYPE bigint")
    assert isinstance(steps[-2], Gather)
    assert steps[-2].columns == ()
    _run(database, steps)
    assert database.fetch("SELECT count(*)::int FROM pg_stats WHERE tablename = 'i'") == [(1,)]


# --- what cannot be done beside others --------------------------------------------------------------------------------

A = "CREATE TABLE t (id int PRIMARY KEY, n int, b text DEFAULT 'x', d timestamp, g int GENERATED ALWAYS AS (7) STORED);"
FILLED = f"{A} INSERT INTO t SELECT g, g, g, now() FROM generate_series(1, 9) g;"
N = "ALTER TABLE t ALTER n TYPE bigint"
KEEPS = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"

GIVEN_ON = (
    "CREATE ROLE types_giver; GRANT SELECT (n) ON t TO types_giver WITH GRANT OPTION;"
    "SET ROLE types_giver; GRANT SELECT (n) ON t TO pg_monitor; RESET ROLE"
)

REFUSED = {
    "a function of its rows": (
        "CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        N,
        ("function f(t) uses the row type of public.t", "name its columns instead"),
    ),
    "a function that returns its rows": (
        "CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t'",
        N,
        ("function f() uses the row type of public.t", "before this one"),
    ),
    "a column that holds its rows": (
        "CREATE TABLE u (rows t[])",
        N,
        ("column rows of table u uses the row type of public.t", "whole rows"),
    ),
    "a trigger of every update": (
        f"{KEEPS} CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        N,
        ("would fire trigger touch for every row", "CREATE OR REPLACE TRIGGER touch ... UPDATE OF ..."),
    ),
    "a publication": (
        "CREATE PUBLICATION p FOR TABLE t",
        N,
        ("public.t is published by p: its subscribers have no column n_gate_new", "at the subscribers first"),
    ),
    "a parent": (
        "CREATE TABLE u () INHERITS (t); INSERT INTO u (id) VALUES (1)",
        N,
        ("public.t inherits, or is inherited from", "maintenance window"),
    ),
    "an exclusion constraint": (
        "ALTER TABLE t ADD CONSTRAINT apart EXCLUDE USING btree (n WITH =)",
        N,
        ("the exclusion constraint apart cannot be built beside writers", "maintenance window"),
    ),
    "a partitioned table that refers to it": (
        "CREATE TABLE u (t int REFERENCES t) PARTITION BY LIST (t)",
        "ALTER TABLE t ALTER id TYPE bigint",
        ("foreign key u_t_fkey of public.u is one of a partitioned table", "maintenance window"),
    ),
    "a rule": (
        "CREATE RULE r AS ON UPDATE TO t DO ALSO NOTIFY x",
        N,
        ("rule r on public.t", "drop the rule first"),
    ),
    "a check that was never validated": (
        "ALTER TABLE t ADD CONSTRAINT k CHECK (n > 3) NOT VALID",
        N,
        ("k of public.t was never validated", "VALIDATE CONSTRAINT k"),
    ),
    "a time by the session's format": (
        "",
        "ALTER TABLE t ALTER d TYPE text",
        ("depends on the TimeZone or DateStyle", "AT TIME ZONE"),
    ),
    "a volatile value": (
        "",
        "ALTER TABLE t ALTER n TYPE bigint USING n + random()",
        ("is computed by n + random()", "fill it in batches"),
    ),
    "a default that does not follow": (
        "",
        "ALTER TABLE t ALTER b TYPE int USING b::int",
        ("the default of b cannot be cast automatically to int4", "ALTER COLUMN b DROP DEFAULT"),
    ),
    "a domain": (
        "CREATE DOMAIN positive AS bigint CHECK (VALUE > 0)",
        "ALTER TABLE t ALTER n TYPE positive",
        ("the new type of n is a domain", "as CHECK constraints of public.t"),
    ),
    "a column that is computed": (
        "",
        "ALTER TABLE t ALTER g TYPE bigint",
        ("g of public.t is computed by the server", "maintenance window"),
    ),
    "privileges that another has granted": (
        GIVEN_ON,
        N,
        ("types_giver, who does not own public.t, has granted privileges on n", "let the owner grant them"),
    ),
    "another search path": (
        "CREATE SCHEMA other",
        "SET search_path = other, public; ALTER TABLE t ALTER n TYPE bigint",
        ("the migration changes search_path", "a migration of its own"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_says_why_and_what_instead(case: str, clone: Clone) -> None:
    setup, sql, (reason, remedy) = REFUSED[case]
    database = clone("")
    try:
        database.execute(f"{FILLED} {setup}; ANALYZE t")
        with pytest.raises(CannotSplit) as refused:
            steps_on(database, sql)
    finally:
        database.execute("DROP OWNED BY types_giver; DROP ROLE types_giver" if setup == GIVEN_ON else "SELECT")
    assert reason in refused.value.problem
    assert remedy in refused.value.remedy


def test_a_partitioned_table_is_refused(clone: Clone) -> None:
    database = clone(
        "CREATE TABLE t (id int, n int) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t DEFAULT;"
        "INSERT INTO t SELECT g, g FROM generate_series(1, 9) g"
    )
    with pytest.raises(CannotSplit, match=r"public\.t is partitioned") as refused:
        steps_on(database, N)
    assert "copy partition by partition" in refused.value.remedy


def test_names_that_are_taken_are_left_alone(clone: Clone) -> None:
    """Those that a run before left, and those of people who think alike."""
    database = clone(
        f"{PLAIN} ALTER TABLE t ADD n_gate_new text, ADD CONSTRAINT t_n_gate_same CHECK (id > 0);"
        "CREATE TABLE t_n_gate_idx (); CREATE INDEX ON t (n); CREATE STATISTICS t_n_gate_stat ON id, note FROM t;"
        "CREATE STATISTICS own ON id, n FROM t;"
        f"{KEEPS.replace('f()', 't_n_gate_keep()')}"
        "CREATE TRIGGER zz_gate_keep BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION t_n_gate_keep();"
        f'CREATE TRIGGER "{"~" * 50}" BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION t_n_gate_keep()'
    )
    _run(database, steps_on(database, N))
    assert database.fetch("SELECT atttypid::regtype::text FROM pg_attribute WHERE attname = 'n' AND attnum > 0") == [
        ("bigint",)
    ]
