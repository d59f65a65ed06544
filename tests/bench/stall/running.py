"""One migration, run one way under load, on a fresh copy of its tables; and what was felt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from gate.embedded import Server
from tests.bench.load import Felt, felt, running
from tests.bench.stall.cases import Case, Scene
from tests.bench.stall.ways import End, Way

_WARM_S = 3.0
_AFTER_S = 1.0
_NAME = "bench_copy"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Rows of the tables, rows for concurrent builds, and transactions a second."""

    rows: int
    large_rows: int
    rate: float

    def of(self, scene: Scene) -> int:
        """That scene's."""
        return self.large_rows if scene.is_large else self.rows


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How a migration ended one way, how long that took, and what was felt from its begin until a second after it."""

    end: End
    seconds: float
    felt: Felt


def make(server: Server, scene: Scene, sizes: Sizes) -> float:
    """The scene as a template; how long that took."""
    begun = time.monotonic()
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(scene.database)))
    with psycopg.connect(server.conninfo(scene.database), autocommit=True) as connection:
        connection.execute(scene.sql(sizes.of(scene)).encode())
        connection.execute("VACUUM ANALYZE")
    return time.monotonic() - begun


@contextmanager
def copy(server: Server, scene: Scene) -> Iterator[str]:
    """A database as its template, whose files are copied; gone after the block."""
    files = sql.SQL("STRATEGY file_copy") if server.binaries.major > 14 else sql.SQL("")
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        own = sql.Identifier(_NAME)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} {}").format(own, sql.Identifier(scene.database), files)
        )
        try:
            yield server.conninfo(_NAME)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(own))


def run(server: Server, case: Case, way: Way, sizes: Sizes, folder: Path) -> Measured:
    """The migration, that way, with the load around it."""
    with copy(server, case.scene) as conninfo:
        load = case.scene.load(sizes.of(case.scene), rate=sizes.rate)
        with running(conninfo, load) as clients, report(conninfo, case.reported_s) as begin_report:
            time.sleep(_WARM_S)
            begin_report()
            begun = time.monotonic()
            end = way(case, conninfo, folder)
            ended = time.monotonic()
            time.sleep(_AFTER_S)
            done = clients.stop()
    return Measured(end=end, seconds=ended - begun, felt=felt(done, begun, ended + _AFTER_S))


@contextmanager
def report(conninfo: str, seconds: float) -> Iterator[Callable[[], None]]:
    """A transaction that has read `orders` when the call returns, and ends `seconds` later; none if that is nothing."""
    if not seconds:
        yield lambda: None
        return
    with psycopg.connect(conninfo, application_name="nightly report") as connection:
        ends = threading.Timer(seconds, connection.rollback)

        def begin() -> None:
            connection.execute("SELECT count(*) FROM orders WHERE id < 1000")
            ends.start()

        yield begin
        if ends.is_alive():
            ends.join()
