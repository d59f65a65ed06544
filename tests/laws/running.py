"""Runs the steps of a split: watched one by one, or as a person would paste them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg

from gate.model.steps import Backfill, Gather, StatementStep, Step, Wait
from gate.sql.script import split_script
from tests.facts.observe import Seen
from tests.laws.seeing import BATCH, Watched, watch
from tests.servers import Database

_MOST = 1000
"""Batches, and looks at what is waited for: more than any case needs."""

# What is not sent to the statistics yet is counted too: a transaction has done what is more at its end.
_CHANGED = """
SELECT relid::int8, (n_tup_ins + n_tup_upd + n_tup_del)::int FROM pg_stat_xact_user_tables
"""


def run_watched(database: Database, steps: Iterable[Step]) -> Iterator[Watched]:
    """Each transaction of each step."""
    for step in steps:
        match step:
            case StatementStep():
                yield watch(database, step.sql, is_transactional=step.is_transactional)
            case Backfill():
                yield from _batches(database, step)
            case Gather():
                yield watch(database, step.sql, is_transactional=False)
            case Wait():
                _wait(database, step)
            case _:
                raise AssertionError(f"no way to run {type(step).__name__}")


def _batches(database: Database, step: Backfill) -> Iterator[Watched]:
    """Batch after batch, each a transaction, until one returns no row."""
    last: tuple[Any, ...] = (None,) * len(step.keys)
    with psycopg.connect(database.conninfo, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        pins = connection.execute(f"SELECT {', '.join(step.pins)}".encode()).fetchone() or ()
        for _ in range(_MOST):
            with connection.transaction():
                before = dict(connection.execute(_CHANGED.encode()).fetchall())
                row = connection.execute(step.batch.encode(), (*last, BATCH, *pins)).fetchone()
                after = dict(connection.execute(_CHANGED.encode()).fetchall())
                changed = max((count - before.get(oid, 0) for oid, count in after.items()), default=0)
            breaks = (f"writes {changed} rows at once, {BATCH} were asked for",) if changed > BATCH else ()
            yield Watched(step.batch, Seen(), breaks)
            if row is None:
                return
            assert row != last, f"{step.relation}: the key does not move on from {last}"
            last = row
    raise AssertionError(f"{step.relation}: not done after {_MOST} batches")


def _wait(database: Database, step: Wait) -> None:
    for _ in range(_MOST):
        if not database.fetch(step.sql):
            return
    raise AssertionError(f"{step.why}: waited in vain")


def run_pasted(database: Database, steps: Iterable[Step]) -> None:
    """Every step's own text, as psql sends it: statement by statement, several of one step in a transaction."""
    with database.connect() as connection:
        for step in steps:
            statements = [item.sql for item in split_script(step.sql)]
            if isinstance(step, StatementStep) and step.is_transactional:
                statements = ["BEGIN", *statements, "COMMIT"]
            for statement in statements:
                connection.execute(statement.encode())


def undo_pasted(database: Database, steps: Sequence[Step]) -> None:
    """The undo of each, the last first, back to one that is final: several statements of one are a transaction."""
    with database.connect() as connection:
        for step in reversed(steps):
            if step.is_final:
                return
            statements = [item.sql for item in split_script(step.undo)]
            if len(statements) > 1:
                statements = ["BEGIN", *statements, "COMMIT"]
            for statement in statements:
                connection.execute(statement.encode())
