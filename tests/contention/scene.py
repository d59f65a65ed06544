"""A release in this process, and sessions that are in its way: each acts when the release says how far it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from gate.app.release import release
from gate.app.request import Request
from gate.model.run import Run
from gate.run.telling import Event, Judged, UnitBegan, Waiting
from tests.servers import Database

LONG_S = 30.0
SHOP = """
CREATE TABLE customers (id integer PRIMARY KEY);
INSERT INTO customers SELECT generate_series(1, 100);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer, total integer);
INSERT INTO orders SELECT n, 1 + n % 100, n FROM generate_series(1, 5000) n;
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
ANALYZE;
"""
ADDS = "ALTER TABLE orders ADD COLUMN note text"
BUILDS = "CREATE INDEX orders_customer ON orders (customer_id)"
HAS_NOTE = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'note'"


def until(is_so: Callable[[], Any]) -> Any:
    """What it says, once that is something; a bound only for what never comes."""
    deadline = time.monotonic() + LONG_S
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
    return found


@dataclass
class Cue:
    """Calls `act` for the first event of that `kind` for which `fits` holds."""

    kind: type[Any]
    act: Callable[[Any], object]
    fits: Callable[[Any], bool] = lambda _: True
    is_over: bool = False

    def hear(self, event: Event) -> None:
        """In the thread of the release, which waits meanwhile."""
        if not self.is_over and isinstance(event, self.kind) and self.fits(event):
            self.is_over = True
            self.act(event)


def once_waiting(act: Callable[[], object]) -> Cue:
    """When the release says for the first time whom it waits for."""
    return Cue(Waiting, lambda _: act())


def once_judged(act: Callable[[], object]) -> Cue:
    """When the plan is there, and nothing of it is run."""
    return Cue(Judged, lambda _: act())


def once_begun(act: Callable[[], object], at: int = 1) -> Cue:
    """When unit `at` is about to be run."""
    return Cue(UnitBegan, lambda _: act(), lambda event: event.at == at)


@dataclass(frozen=True, kw_only=True)
class Told:
    """How a release ended, and all that it said meanwhile."""

    run: Run
    events: tuple[Event, ...]

    @property
    def waits(self) -> list[Waiting]:
        """Whom it said that it waits for."""
        return [event for event in self.events if isinstance(event, Waiting)]


class Clients(threading.Thread):
    """Several connections that do the same thing all the time; what any of them felt is kept.

    A client gives up a lock after a time that is long beside what gate may cost it, and short beside what a queue
    would.
    """

    def __init__(self, database: Database, sql: str, number: int = 2, patience_s: float = 3.0) -> None:
        super().__init__(daemon=True)
        self.database, self.sql, self.number, self.patience_s = database, sql, number, patience_s
        self.done = 0
        self.problems: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]

    def run(self) -> None:
        for each in self._threads:
            each.start()
        for each in self._threads:
            each.join()

    def _work(self) -> None:
        options = f"-c lock_timeout={self.patience_s:g}s"
        with self.database.connect(application_name="shop", options=options) as connection:
            while not self._over.is_set():
                try:
                    connection.execute(self.sql.encode())
                except psycopg.Error as error:
                    self.problems.append(str(error))
                self.done += 1

    def some_more(self, number: int = 50) -> None:
        """Returns when that many have been served from now on."""
        wanted = self.done + number
        until(lambda: self.done >= wanted)

    def end(self) -> None:
        """The last one is waited for."""
        self._over.set()
        self.join(LONG_S)


@dataclass
class Scene:
    """A project with a database; sessions and clients end with the test."""

    database: Database
    at: Path
    stack: ExitStack = field(default_factory=ExitStack)
    written: int = 0

    def __post_init__(self) -> None:
        (self.at / "db" / "migrations").mkdir(parents=True)
        self.settings()

    def migration(self, *statements: str, options: str = "") -> str:
        """A file with these, after those that are there; its id."""
        self.written += 1
        name = f"2026010100000{self.written}"
        text = f"-- migrate:up{options}\n" + "".join(f"{statement};\n" for statement in statements)
        (self.at / "db" / "migrations" / f"{name}_m.sql").write_text(text, encoding="utf-8")
        return name

    def settings(self, release: str = "", top: str = "") -> None:
        """The project's gate.toml."""
        (self.at / "gate.toml").write_text(f"sample = 0\n{top}\n[release]\n{release}\n", encoding="utf-8")

    def session(self, *done: str, **parameters: Any) -> psycopg.Connection:
        """Somebody who has done this, in autocommit; `BEGIN` opens a block."""
        connection = self.database.connect(**parameters)
        # Some of them are ended by others.
        self.stack.callback(connection.close)
        for text in done:
            connection.execute(text.encode())
        return connection

    def clients(self, sql: str, number: int = 2) -> Clients:
        """They are at work already."""
        made = Clients(self.database, sql, number)
        made.start()
        self.stack.callback(made.end)
        made.some_more(number)
        return made

    def doing(self, connection: psycopg.Connection, text: str) -> Doing:
        """In a thread of its own, for it takes its time."""
        made = Doing(connection, text)
        made.start()
        self.stack.callback(made.end)
        return made

    def beside(self, act: Callable[[], object]) -> None:
        """While the release goes on."""
        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        self.stack.callback(thread.join, LONG_S)

    def release(self, *cues: Cue, **options: Any) -> Told:
        """To its end. Raises what ends it before anything is begun."""
        events: list[Event] = []

        def tell(event: Event) -> None:
            events.append(event)
            for cue in cues:
                cue.hear(event)

        request = Request(**{"database_url": self.database.conninfo, "budget_s": 60.0, **options})
        run = release(request, tell, {})
        assert all(cue.is_over for cue in cues), [type(event).__name__ for event in events]
        return Told(run=run, events=tuple(events))

    def value(self, text: str) -> Any:
        """The only one of a query."""
        return self.database.fetch(text)[0][0]

    def applied(self) -> list[str]:
        """The tool's own rows."""
        return [row[0] for row in self.database.fetch("SELECT version FROM schema_migrations ORDER BY 1")]


class Doing(threading.Thread):
    """One statement of a session; `problem` is its SQLSTATE, empty where it went well."""

    def __init__(self, connection: psycopg.Connection, text: str) -> None:
        super().__init__(daemon=True)
        self.connection, self.text = connection, text
        self.pid = connection.info.backend_pid
        self.problem = ""

    def run(self) -> None:
        try:
            self.connection.execute(self.text.encode())
        except psycopg.Error as error:
            self.problem = error.sqlstate or str(error)

    def end(self) -> None:
        """Whatever it waits for: that may be somebody who ends after it."""
        if self.is_alive():
            with suppress(psycopg.Error):
                self.connection.cancel_safe()
        self.join(LONG_S)


def waits(database: Database, pid: int) -> bool:
    """Whether that backend waits for a lock."""
    return bool(database.fetch(f"SELECT FROM pg_locks WHERE pid = {pid} AND NOT granted"))


@contextmanager
def scene_of(database: Database, at: Path) -> Iterator[Scene]:
    """Ends everybody in it."""
    with ExitStack() as stack:
        yield Scene(database, at, stack)
