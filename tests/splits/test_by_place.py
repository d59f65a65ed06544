"""Tables without a key are walked by the place of their rows, which others move about meanwhile: none is left out."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from gate.model.steps import Backfill, StatementStep
from gate.run.programming import batches_of
from tests.laws.planning import steps_on
from tests.servers import Database
from tests.splits.test_batching import split
from tests.splits.test_beside_others import _batch_waiting
from tests.splits.test_supervised import started, supervise
from tests.splits.walking import paste, walk

Clone = Callable[[str], Database]

ROWS = 400
# Some sixty rows to a block, and no room left in any.
TABLE = (
    "CREATE TABLE t (id int, n int, kind text, pad text);"
    f"INSERT INTO t SELECT g, g, 'old', repeat('x', 100) FROM generate_series(1, {ROWS}) g; ANALYZE t"
)
UPDATE = "UPDATE t SET kind = 'new' WHERE kind = 'old'"
DELETE = "DELETE FROM t WHERE kind = 'old'"
FILL = "ALTER TABLE t ADD c float NOT NULL DEFAULT random()"
CHANGES = pytest.mark.parametrize("sql", [UPDATE, DELETE, FILL], ids=["update", "delete", "add column"])
LEFT = {
    UPDATE: "SELECT count(*)::int FROM t WHERE kind = 'old'",
    DELETE: "SELECT count(*)::int FROM t WHERE kind = 'old'",
    FILL: "SELECT count(*)::int FROM t WHERE c IS NULL",
}


def begun(database: Database, sql: str) -> Backfill:
    """What is before the walk is done."""
    for step in steps_on(database, sql):
        if isinstance(step, Backfill):
            return step
        assert isinstance(step, StatementStep)
        database.execute(step.sql)
    raise AssertionError("nothing is walked")


@CHANGES
def test_a_batch_reads_its_blocks_alone(sql: str, clone: Clone) -> None:
    database = clone(TABLE)
    step = begun(database, sql)
    assert step.keys == ("ctid", "blocks")
    explain = f"EXPLAIN (ANALYZE, FORMAT json) {step.batch}"
    with database.connect(cursor_factory=psycopg.RawCursor) as connection:
        connection.execute(b"SET enable_seqscan = off")
        for place in (None, None), ("(3,0)", "7"):
            ((plan,),) = connection.execute(explain.encode(), (*place, 10)).fetchall()
            ran = {node["Node Type"] for node in _nodes(plan[0]["Plan"]) if node["Actual Loops"]}
            assert "Tid Range Scan" in ran
            assert not ran & {"Seq Scan", "Index Scan", "Bitmap Heap Scan"}, json.dumps(plan)


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for inner in plan.get("Plans", ()) for node in _nodes(inner))]


@CHANGES
def test_rows_that_others_move_out_of_its_way_are_found_at_the_end(sql: str, clone: Clone) -> None:
    """There is room in the first block, where the walk has been: rows that are to come move there, or to the end."""
    database = clone(TABLE)
    step = begun(database, sql)
    left_by_pass: list[int] = []
    with database.connect(cursor_factory=psycopg.RawCursor) as connection:
        place: tuple[Any, ...] = (None, None)
        while (found := connection.execute(step.batch.encode(), (*place, 50)).fetchone()) is not None:
            place = found
            block, blocks = int(place[0].strip("()").split(",")[0]), int(place[1])
            if block == 2 and not left_by_pass:
                database.execute("DELETE FROM t WHERE id < 30")
                database.execute("VACUUM t")
                database.execute("UPDATE t SET pad = repeat('y', 500) WHERE id BETWEEN 300 AND 304")
            if block >= blocks:
                left_by_pass.append(database.fetch(LEFT[sql])[0][0])
    assert left_by_pass[0] == 5
    assert database.fetch(LEFT[sql]) == [(0,)]
    assert sql == DELETE or database.fetch("SELECT count(*)::int FROM t WHERE pad ~ 'y'") == [(5,)]


@pytest.mark.parametrize("pad", ["pad", "repeat('z', 3000)"], ids=["to the same block", "to another block"])
@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ("n = 7", ("new", 7)),
        ("kind = 'other'", ("other", 20)),
    ],
    ids=["another column", "the condition"],
)
def test_a_row_that_somebody_has_just_changed_is_looked_at_again(
    pad: str, others: str, expected: tuple[str, int], clone: Clone
) -> None:
    database = clone(f"{TABLE}; DELETE FROM t WHERE id IN (21, 22, 23)")
    (step,) = split(database, UPDATE)
    with database.connect(autocommit=False) as other:
        other.execute(f"UPDATE t SET {others}, pad = {pad} WHERE id = 20".encode())
        with _batch_waiting(database, step) as finish:
            other.commit()
            finish()
    walk(database, step, rows=50)
    assert database.fetch("SELECT kind, n FROM t WHERE id = 20") == [expected]
    assert database.fetch(LEFT[UPDATE]) == [(0,)]


@CHANGES
def test_it_ends_while_others_go_on_putting_in_rows_that_meet_the_condition(sql: str, clone: Clone) -> None:
    database = clone(TABLE)
    step = begun(database, sql)
    insert = "INSERT INTO t (id, n, kind, pad) VALUES (0, 0, 'old', repeat('x', 100))"
    batches = walk(database, step, rows=50, between=lambda _: database.execute(insert))
    assert batches < 60
    assert database.fetch("SELECT count(*)::int FROM t WHERE kind = 'old' AND id > 0")[0][0] in (0, ROWS)
    assert sql != FILL or database.fetch(LEFT[FILL]) == [(0,)]


@CHANGES
@pytest.mark.parametrize("others", ["VACUUM t", "VACUUM FULL t", "TRUNCATE t", "DELETE FROM t WHERE id > 200; "])
def test_the_file_may_be_cut_or_written_anew(others: str, sql: str, clone: Clone) -> None:
    database = clone(TABLE)
    step = begun(database, sql)

    def meddle(done: int) -> None:
        if done in (2, 5):
            database.execute(others)
            database.execute("VACUUM t")

    walk(database, step, rows=40, between=meddle)
    assert database.fetch(LEFT[sql]) == [(0,)]


@CHANGES
@pytest.mark.parametrize("seed", range(6))
def test_whatever_others_do_all_rows_are_changed_once_it_ends(seed: int, sql: str, clone: Clone) -> None:
    """Rows grow and move, come and go; what others have written is kept."""
    database, chance = clone(TABLE), random.Random(seed)
    step = begun(database, sql)
    written: dict[int, int] = {}

    def others(done: int) -> None:
        first = chance.randrange(1, ROWS)
        width, value = chance.choice((10, 100, 400, 2000)), 1000 + done
        database.execute(
            f"UPDATE t SET n = {value}, pad = repeat('y', {width}) WHERE id BETWEEN {first} AND {first + 9}"
        )
        written.update(dict.fromkeys(range(first, first + 10), value))
        gone = chance.randrange(1, ROWS)
        database.execute(f"DELETE FROM t WHERE id BETWEEN {gone} AND {gone + 4}")
        database.execute(f"INSERT INTO t (id, n, kind, pad) VALUES ({1000 + done}, 0, 'mine', repeat('z', {width}))")
        if chance.random() < 0.4:
            database.execute("VACUUM t")

    walk(database, step, rows=30, between=others)
    assert database.fetch(LEFT[sql]) == [(0,)]
    kept = database.fetch("SELECT id, n FROM t WHERE id < 1000")
    assert [(id_, n) for id_, n in kept if n != written.get(id_, id_)] == []
    assert database.fetch("SELECT count(*) - count(DISTINCT id) FROM t") == [(0,)]


def test_the_key_goes_out_and_comes_back_as_text(clone: Clone) -> None:
    database = clone(TABLE)
    batches = batches_of(begun(database, FILL))
    progress, _, is_done = supervise(database, batches, started(batches), most=5)
    assert not is_done
    _, _, is_done = supervise(database, batches, progress, ())
    assert is_done
    assert database.fetch("SELECT count(c), count(DISTINCT c) FROM t") == [(ROWS, ROWS)]


def test_the_loop_that_is_pasted_ends_though_all_rows_move(clone: Clone) -> None:
    database = clone(f"{TABLE}; INSERT INTO t SELECT g, g, 'old', '' FROM generate_series(1, 20000) g; ANALYZE t")
    steps = split(database, UPDATE)
    paste(database, steps)
    assert database.fetch("SELECT kind, count(*)::int FROM t GROUP BY 1") == [("new", 20_000 + ROWS)]
