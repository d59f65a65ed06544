"""How the tests run the journal's queries: as psycopg does it, and as libpq alone does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
from psycopg.rows import dict_row

from gate.journal.database import Ask, DatabaseJournal
from gate.model.costs import Seconds
from gate.model.locks import LockMode
from gate.model.migration import Query
from gate.model.program import Batches, Command, Priced, Program, Unit, UnitKind, WantedLock
from gate.model.run import Outcome, Run
from gate.model.steps import StepKind
from gate.model.work import Work
from gate.run.journalling import Start
from tests.servers import Database


def asking(connection: psycopg.Connection) -> Ask:
    """With psycopg's own placeholders."""

    def ask(query: Query) -> tuple[dict[str, Any], ...]:
        with connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(query.sql.encode(), query.parameters or None, prepare=False)
            return tuple(cursor.fetchall()) if cursor.description else ()

    return ask


def asking_raw(connection: psycopg.Connection) -> Ask:
    """With `$1`, and every parameter as text of no type: what a lane of libpq sends."""

    def ask(query: Query) -> tuple[dict[str, Any], ...]:
        numbers = count(1)
        sql = "".join(
            part if place == 0 else f"${next(numbers)}{part}" for place, part in enumerate(query.sql.split("%s"))
        )
        with psycopg.RawCursor(connection, row_factory=dict_row) as cursor:
            cursor.execute(sql.encode(), query.parameters or None, prepare=False)
            return tuple(cursor.fetchall()) if cursor.description else ()

    return ask


Journal = Callable[..., DatabaseJournal]


@contextmanager
def journal_of(database: Database, schema: str = "gate", **parameters: Any) -> Iterator[DatabaseJournal]:
    """A journal on a connection of its own."""
    with database.connect(**parameters) as connection:
        yield DatabaseJournal(asking(connection), schema)


def start(name: str = "run1", **more: Any) -> Start:
    return Start(id=name, gate="0.1.0", source="dbmate", database="shop", server_version="18.1", **more)


def run(name: str = "run1", outcome: Outcome = Outcome.DONE, **more: Any) -> Run:
    return Run(
        id=name,
        gate="0.1.0",
        database="shop",
        server_version="18.1",
        source="dbmate",
        started_at="2026-01-02T03:04:05Z",
        seconds=1.5,
        outcome=outcome,
        **more,
    )


def unit(ordinal: int, **more: Any) -> Unit:
    return Unit(ordinal=ordinal, **{"kind": UnitKind.TRANSACTION, **more})


def program(migration: str = "20260101000000", *units: Unit, **more: Any) -> Program:
    return Program(
        **{"source": "dbmate", "path": f"db/migrations/{migration}_x.sql", "fingerprint": "sha256:1", **more},
        migration=migration,
        units=units or (unit(1), unit(2), unit(3)),
    )


FULL = program(
    "20260101000000",
    unit(
        1,
        why='an index on "t%s"',
        line=3,
        commands=(Command(place=0), Command(sql="CREATE INDEX CONCURRENTLY i ON t (a)")),
        kind=UnitKind.STATEMENT,
        limits=StepKind.CONCURRENT,
        undo="DROP INDEX CONCURRENTLY IF EXISTS i",
        settings=(0, 2),
        seconds=Seconds(0.1, 1.0, float("inf")),
        builds=("public", "i"),
        touches=("public.t",),
        priced=Priced(work=Work.INDEX_BUILD, size_bytes=8192, rows=100.0, estimated_s=1.0),
    ),
    unit(
        2,
        kind=UnitKind.BACKFILL,
        limits=StepKind.BATCH,
        batches=Batches(
            relation="public.t",
            oid=16384,
            keys=("a", "b"),
            key_types=("integer", "text"),
            sql="UPDATE t SET c = 1",
            rows=12.5,
            pins=("now()",),
            is_repeatable=False,
        ),
    ),
    unit(
        3,
        locks=(WantedLock(schema="public", name="t", mode=LockMode.ACCESS_EXCLUSIVE),),
        locked_from=1,
        blocked_s=0.3,
        is_final=True,
        writes_bookkeeping=True,
    ),
    unit(4, kind=UnitKind.GATHER, relation="public.t", columns=("c",)),
    unit(5, kind=UnitKind.WAIT),
)
"""Something of everything."""
