"""Batches beside others who insert, change and delete: no change is lost, and no row is met twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.pq import ExecStatus

from gate.model.steps import Backfill
from tests.servers import Database
from tests.splits.test_batching import split
from tests.splits.walking import walk

Clone = Callable[[str], Database]

ROWS = 40
T = "CREATE TABLE t (id int PRIMARY KEY, n int, seen int NOT NULL DEFAULT 0, kind text DEFAULT 'old');"
FILLED = T + f"INSERT INTO t SELECT g * 10, g FROM generate_series(1, {ROWS}) g"
PAIRS = (
    "CREATE TABLE t (a int, id int, n int, seen int NOT NULL DEFAULT 0, kind text DEFAULT 'old', PRIMARY KEY (a, id));"
    f"INSERT INTO t SELECT g / 7, g * 10, g FROM generate_series(1, {ROWS}) g"
)
SETUPS = pytest.mark.parametrize("setup", [FILLED, PAIRS], ids=["one column", "two columns"])


@SETUPS
def test_no_row_is_met_twice_and_none_is_left_out(setup: str, clone: Clone) -> None:
    database = clone(setup)
    (step,) = split(database, "UPDATE t SET seen = seen + 1 WHERE kind = 'old'")

    def others(done: int) -> None:
        place = done * 30
        database.execute(
            f"INSERT INTO t (id, n, kind{_more(setup)}) SELECT g, g, 'new'{_more(setup, '9')}"
            f" FROM unnest(ARRAY[{place + 1}, {place + 305}]) g;"
            f"UPDATE t SET n = n + 1000 WHERE id IN ({place}, {place + 40}, 10);"
            f"DELETE FROM t WHERE id IN ({place + 60}, {place - 20}) AND kind = 'old'"
        )

    walk(database, step, between=others)
    assert database.fetch("SELECT DISTINCT kind, seen FROM t ORDER BY 1") == [("new", 0), ("old", 1)]


def _more(setup: str, text: str = "a") -> str:
    return f", {text}" if setup == PAIRS else ""


def test_the_walk_ends_while_others_go_on_inserting(clone: Clone) -> None:
    database = clone(FILLED)
    (step,) = split(database, "UPDATE t SET seen = seen + 1")
    batches = walk(database, step, between=lambda done: database.execute(f"INSERT INTO t VALUES ({100_000 + done}, 0)"))
    assert batches < ROWS


@SETUPS
@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ("UPDATE t SET n = n * 100 WHERE id = 20", (200, 1)),
        ("UPDATE t SET kind = 'new' WHERE id = 20", (2, 0)),
        ("DELETE FROM t WHERE id = 20", None),
    ],
    ids=["another column", "the condition", "the row"],
)
def test_a_row_that_somebody_has_just_changed_is_looked_at_again(
    setup: str, others: str, expected: tuple[int, int] | None, clone: Clone
) -> None:
    database = clone(setup)
    (step,) = split(database, "UPDATE t SET seen = seen + 1 WHERE kind = 'old'")
    with database.connect(autocommit=False) as other:
        other.execute(others.encode())
        with _batch_waiting(database, step) as finish:
            other.commit()
            finish()
    found = database.fetch("SELECT n, seen FROM t WHERE id = 20")
    assert found == ([expected] if expected else [])
    assert database.fetch("SELECT count(*) FROM t WHERE seen = 1") == [(ROWS if expected == (200, 1) else ROWS - 1,)]


@contextmanager
def _batch_waiting(database: Database, step: Backfill) -> Iterator[Callable[[], None]]:
    """One batch of all rows, sent and waiting for a lock; what is given waits for its end."""
    with database.connect() as walker:
        connection = walker.pgconn
        parameters: list[Any] = [None] * len(step.keys)
        connection.send_query_params(step.batch.encode(), [*parameters, b"1000"])
        _until_it_waits(database, connection.backend_pid)

        def finish() -> None:
            result = connection.get_result()
            while result is not None:
                assert result.status == ExecStatus.TUPLES_OK, result.error_message
                result = connection.get_result()

        yield finish


def _until_it_waits(database: Database, pid: int) -> None:
    query = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
    with database.connect() as watcher:
        for _ in range(10_000):
            if watcher.execute(query, (pid,)).fetchone():
                return
            watcher.execute("SELECT pg_sleep(0.005)")
    raise AssertionError("the batch waits for nobody")


def test_a_batch_that_fails_leaves_those_before_it(clone: Clone) -> None:
    database = clone(FILLED + "; ALTER TABLE t ADD CHECK (n < 60)")
    (step,) = split(database, "UPDATE t SET n = n * 2")
    with pytest.raises(psycopg.errors.CheckViolation):
        walk(database, step)
    assert database.fetch("SELECT count(*) FROM t WHERE n * 10 = id * 2") == [(27,)]
