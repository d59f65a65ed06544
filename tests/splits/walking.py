"""Runs a backfill as a supervisor would, batch by batch, with a chance for others to come between; and as pasted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from gate.app.looking import look
from gate.db.connect import connect
from gate.model.catalog import Relation
from gate.model.migration import Migration
from gate.model.snapshot import Snapshot
from gate.model.steps import Backfill, Step
from gate.plan.reading import read
from gate.sql.script import split_script
from tests.servers import Database

MOST = 10_000


def world_of(database: Database, sql: str) -> Snapshot:
    """The catalog as gate reads it for these statements."""
    migration = Migration(id=None, path=None, text=sql, statements=split_script(sql))
    with connect(database.conninfo, application_name="gate plan") as connection:
        return look(connection, read([migration]))


def table_of(world: Snapshot, name: str, schema: str = "public") -> Relation:
    """The relation of that name."""
    return world.relations[world.names[schema, name]]


def walk(database: Database, step: Backfill, *, rows: int = 3, between: Callable[[int], None] = lambda _: None) -> int:
    """All batches, each in a transaction of its own; `between` is called after each. How many there were."""
    with psycopg.connect(database.conninfo, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        last: tuple[Any, ...] = (None,) * len(step.keys)
        for done in range(MOST):
            row = connection.execute(step.batch.encode(), (*last, rows, *_pinned(connection, step))).fetchone()
            if row is None:
                return done + 1
            assert row != last
            last = row
            between(done)
    raise AssertionError(f"not done after {MOST} batches")


def _pinned(connection: psycopg.Connection, step: Backfill) -> Iterable[Any]:
    """Values for the pins; a test that looks at them evaluates them itself."""
    if not step.pins:
        return ()
    return connection.execute(f"SELECT {', '.join(step.pins)}".encode()).fetchone() or ()


def paste(database: Database, steps: Iterable[Step]) -> None:
    """Every step's own text."""
    with database.connect() as connection:
        for step in steps:
            for statement in split_script(step.sql):
                connection.execute(statement.sql.encode())
