"""Backfills as a release drives them: by `advance`, statement by statement as text, and taken up from what was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg import pq

from gate.model.program import Batches
from gate.policy.policy import Throttle
from gate.run.backfilling import Batch, Cut, Finished, Passed, Pause, Progress, advance, asked_first, begun, values_of
from gate.run.backfilling import sent as batch_sent
from gate.run.programming import batches_of
from gate.run.world import Row, Sent
from tests.servers import Database
from tests.splits.test_backfilling import KEYS, _filled, _setup, _step
from tests.splits.test_batching import split

Clone = Callable[[str], Database]
Pins = Sequence[str | None]
_MOST = 1000

TABLE = (
    "CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL, at timestamptz);"
    "INSERT INTO t SELECT g, g FROM generate_series(1, 500) g"
)


@contextmanager
def session(database: Database) -> Iterator[Callable[[Sent], list[Row]]]:
    """Sends as libpq does, all parameters as text without a type. Raises what the server says."""
    with database.connect() as connection:

        def send(sent: Sent) -> list[Row]:
            values = [None if value is None else value.encode() for value in sent.parameters]
            result = connection.pgconn.exec_params(sent.sql.encode(), values)
            if result.status != pq.ExecStatus.TUPLES_OK:
                raise psycopg.errors.error_from_result(result)
            names = [_text(result.fname(place)) for place in range(result.nfields)]
            return [
                {name: _text(result.get_value(row, place)) for place, name in enumerate(names)}
                for row in range(result.ntuples)
            ]

        yield send


def _text(value: bytes | None) -> str:
    assert value is not None
    return value.decode()


def supervise(
    database: Database, batches: Batches, progress: Progress, pins: Pins | None = None, *, most: int = _MOST
) -> tuple[Progress, Pins, bool]:
    """So many batches at most; a batch that the server ends early is cut. Where it is, the pins, whether it is done."""
    limits, now_s = Throttle(batch_s=0.004), 0.0
    with session(database) as send:
        send(Sent(sql="SELECT set_config('lock_timeout', '20ms', false)"))
        first = asked_first(batches)
        if pins is None:
            pins = values_of(send(first)) or () if first else ()
        action, progress = advance(limits, progress, None)
        for _ in range(most):
            event, now_s = None, now_s + 1.0
            match action:
                case Finished():
                    return progress, pins, True
                case Batch():
                    event = _result(send, batch_sent(batches, progress.last, action.rows, pins), now_s)
                case _:
                    assert isinstance(action, Pause)
            action, progress = advance(limits, progress, None, event)
    return progress, pins, False


def _result(send: Callable[[Sent], list[Row]], sent: Sent, now_s: float) -> Passed | Cut:
    try:
        return Passed(last=values_of(send(sent)), seconds=0.003, at_s=now_s)
    except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
        return Cut()


def started(batches: Batches) -> Progress:
    """From the first key, with few rows."""
    return replace(begun(batches, at_s=0.0), batch_rows=3)


@pytest.mark.parametrize("kind", KEYS)
def test_any_key_goes_out_and_comes_back_as_text(kind: str, clone: Clone) -> None:
    database = clone(_setup(*KEYS[kind]))
    batches = batches_of(_step(database))
    progress, _, is_done = supervise(database, batches, started(batches))
    assert is_done
    assert progress.last is not None
    assert len(progress.last) == len(batches.keys)
    assert _filled(database) == [(-1, 5), (7, 35)]


def test_another_run_goes_on_from_the_key_with_the_times_of_the_first(clone: Clone) -> None:
    """`n + 1`: no row twice; `now()`: that of the first run, in all rows."""
    database = clone(TABLE)
    (step,) = split(database, "UPDATE t SET n = n + 1, at = now()")
    batches = batches_of(step)
    assert not step.is_repeatable
    progress, pins, is_done = supervise(database, batches, started(batches), most=3)
    assert not is_done
    assert 0 < database.fetch("SELECT count(*) FROM t WHERE at IS NOT NULL")[0][0] < 500
    resumed = begun(batches, at_s=0.0, last=progress.last, rows_done=progress.rows_done)
    _, _, is_done = supervise(database, batches, resumed, pins)
    assert is_done
    assert database.fetch("SELECT count(*), count(DISTINCT at), bool_and(n = id + 1) FROM t") == [(500, 1, True)]


def test_a_batch_that_was_cut_is_done_again_whole(clone: Clone) -> None:
    """What could not have a row in time leaves nothing behind; smaller ones get as far as that row, and no further."""
    database = clone(TABLE)
    (step,) = split(database, "UPDATE t SET n = n + 1")
    batches = batches_of(step)
    with database.connect(autocommit=False) as other:
        other.execute("SELECT FROM t WHERE id = 77 FOR UPDATE")
        progress, pins, is_done = supervise(database, batches, replace(started(batches), batch_rows=200), most=30)
        assert not is_done
        assert progress.batch_rows == 1
        assert progress.last == ("76",)
    _, _, is_done = supervise(database, batches, progress, pins)
    assert is_done
    assert database.fetch("SELECT count(*), bool_and(n = id + 1) FROM t") == [(500, True)]
