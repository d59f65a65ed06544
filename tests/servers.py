"""The servers that tests run on: one a session and major, started at first use; a cloned database for every test."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from gate.embedded import Binaries, Server, available, serve
from gate.embedded.binaries import installations
from tests.fetch import fetch

MAJORS = (14, 15, 16, 17, 18)

SETTINGS = {
    "shared_buffers": "32MB",
    "max_connections": "120",
    # Nothing but the test takes locks.
    "autovacuum": "off",
    "wal_level": "logical",
    "max_prepared_transactions": "20",
    "max_locks_per_transaction": "512",
}


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database of one test's own; `conninfo` reaches it as the superuser."""

    name: str
    conninfo: str
    major: int

    def connect(self, **parameters: Any) -> psycopg.Connection:
        """A new connection, in autocommit unless told otherwise. Closing it is the caller's (`with`)."""
        return psycopg.connect(self.conninfo, **{"autocommit": True, **parameters})

    def execute(self, text: str) -> None:
        """Run a script: without parameters it may hold several statements."""
        with self.connect() as connection:
            connection.execute(text.encode())

    def fetch(self, text: str) -> list[tuple[Any, ...]]:
        """All rows of one query."""
        with self.connect() as connection:
            return connection.execute(text.encode()).fetchall()


@dataclass(kw_only=True)
class LiveServer:
    """A running server with its templates, one for each distinct script."""

    running: Server
    admin: psycopg.Connection
    templates: dict[str, str] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def major(self) -> int:
        """The server's major version."""
        return self.running.binaries.major

    def conninfo(self, dbname: str = "postgres") -> str:
        """How libpq reaches `dbname` as the superuser."""
        return self.running.conninfo(dbname)

    def clone(self, template_sql: str = "") -> Database:
        """A fresh database in which `template_sql` has been run: once a session, the rest is copying."""
        if template_sql not in self.templates:
            self.templates[template_sql] = self._make_template(template_sql)
        return self._create(f"test_{next(self.numbers)}", self.templates[template_sql])

    def drop(self, database: Database) -> None:
        """Drop `database` with whoever is still in it, and what would keep it: prepared transactions and slots."""
        prepared = "SELECT gid FROM pg_prepared_xacts WHERE database = %s"
        gids = self.admin.execute(prepared, (database.name,)).fetchall()
        if gids:
            with database.connect() as connection:
                for (gid,) in gids:
                    connection.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(gid)))
        slots = (
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s AND NOT active"
        )
        self.admin.execute(slots, (database.name,))
        self.admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))

    def _make_template(self, template_sql: str) -> str:
        name = "template_" + hashlib.sha256(template_sql.encode()).hexdigest()[:12]
        template = self._create(name, "template0")
        try:
            template.execute(template_sql or "SELECT")
        except psycopg.Error:
            self.drop(template)
            raise
        return name

    def _create(self, name: str, template: str) -> Database:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.admin.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        return Database(name=name, conninfo=self.conninfo(name), major=self.major)


@dataclass(kw_only=True)
class Farm:
    """The majors at hand and the servers started so far. `wanted` limits the majors, None takes what there is."""

    wanted: tuple[int, ...] | None = None
    may_fetch: bool = True
    stack: ExitStack = field(default_factory=ExitStack)
    live: dict[int, LiveServer] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    @cached_property
    def binaries(self) -> dict[int, Binaries]:
        """What is used for each major, fetched if it may be."""
        majors = self.wanted or MAJORS
        if self.may_fetch:
            named = {found.major for found in installations() if found.origin.startswith("GATE_PG_BIN_")}
            self.failed = fetch(major for major in majors if major not in named)
        return {major: found for major, found in available().items() if major in majors}

    @property
    def missing(self) -> dict[int, str]:
        """Why a major is not here, for each that is not."""
        return {
            major: self.failed.get(major, "not on this machine, and not fetched")
            for major in self.wanted or MAJORS
            if major not in self.binaries
        }

    def header(self) -> list[str]:
        """The lines that stand above the tests."""
        used = [f"{found.version} ({found.origin})" for found in self.binaries.values()]
        absent = [f"PostgreSQL {major} is missing: {reason}" for major, reason in self.missing.items()]
        return [f"PostgreSQL: {', '.join(used) or 'none'}", *absent]

    def server(self, major: int) -> LiveServer:
        """The server of `major`, started now unless it runs. It ends with the session."""
        if major not in self.live:
            binaries = self.binaries[major]
            settings = {**SETTINGS, **_preloaded(binaries)}
            running = self.stack.enter_context(serve(binaries, settings=settings, in_memory=True))
            admin = self.stack.enter_context(psycopg.connect(running.conninfo(), autocommit=True))
            self.live[major] = LiveServer(running=running, admin=admin)
        return self.live[major]


def client_program(name: str) -> Path | None:
    """The newest `name` (pg_dump, psql, ...) on this machine: servers that were fetched come without clients."""
    found = [each for each in installations() if (each.bindir / name).exists()]
    return max(found, key=lambda each: each.major).bindir / name if found else None


def parse_majors(text: str) -> tuple[int, ...] | None:
    """`14,18` as numbers; nothing as None. Raises ValueError."""
    return tuple(int(part) for part in text.replace(",", " ").split()) or None


def select(
    majors: Iterable[int], *, since: int | None = None, until: int | None = None, newest: bool = False
) -> list[int]:
    """What the `majors` marker leaves of those at hand."""
    fit = [major for major in majors if (since or 0) <= major <= (until or major)]
    return fit[-1:] if newest else fit


def _preloaded(binaries: Binaries) -> dict[str, str]:
    has_statements = any((binaries.prefix / "lib").rglob("pg_stat_statements.*"))
    return {"shared_preload_libraries": "pg_stat_statements"} if has_statements else {}
