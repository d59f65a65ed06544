"""A column's type is changed while others write: their rows are right after every step, and so is the end."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from gate.model.steps import Backfill, Gather, Step
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
