"""How long `gate plan --fleet` takes for many small databases: one process, its server on the same machine."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gate.embedded import serve
from tests.bench import databases, migrations
from tests.bench.measuring import Command, once
from tests.bench.plan import GATE, Figure

_GOAL_S = 60.0
_GOAL_DATABASES = 500
_TEMPLATE = "gate_fleet_template"


class _There:
    """A server that is there already."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    def conninfo(self, database: str = "postgres") -> str:
        """How to reach a database on it."""
        return make_conninfo(self._conninfo, dbname=database)


def main(arguments: Sequence[str] = ()) -> int:
    """Prints the figures; 1 if the goal was missed."""
    parser = argparse.ArgumentParser(prog="bench fleet", description=__doc__)
    parser.add_argument("--databases", type=int, default=_GOAL_DATABASES)
    parser.add_argument("--tables", type=int, default=20, help="of each database")
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--server", metavar="CONNINFO", help="one that is there; its databases are dropped again")
    told = parser.parse_args(arguments)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; {told.databases} databases", end=" ")
    print(f"of {told.tables} tables with five indexes each, ten pending migrations, {told.at_once} at once\n")
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as folder:
        migrations.write(Path(folder), 10, tables=told.tables)
        if told.server:
            return _measured(_There(told.server), Path(folder), told)
        with serve() as server:
            return _measured(_There(server.conninfo()), Path(folder), told)


def _measured(server: _There, folder: Path, told: argparse.Namespace) -> int:
    with _made(server, told.databases, told.tables) as names:
        spec = folder / "fleet.txt"
        spec.write_text("".join(f"{name} {server.conninfo(name)}\n" for name in names), encoding="utf-8")
        spec.chmod(0o600)
        options = ("--fleet", f"file:{spec}", "--sample", "0", "--at-once", str(told.at_once), "-o", os.devnull)
        run = once(Command(arguments=[*GATE, "plan", *options], cwd=folder, environment={}))
    is_goal = told.databases == _GOAL_DATABASES
    whole = Figure(
        what=f"gate plan --fleet, {told.databases} databases",
        value=run.seconds,
        unit="s",
        goal=f"under {_GOAL_S:g} s on two cores" if is_goal else "",
        limit=_GOAL_S if is_goal else None,
    )
    for figure in (
        whole,
        Figure(what="  a database", value=run.seconds / told.databases * 1000, unit="ms"),
        Figure(what="  of it the processor's time of gate itself", value=run.cpu_s / told.databases * 1000, unit="ms"),
        Figure(what="  its peak memory", value=run.peak_mb, unit="MB"),
    ):
        print(figure.line())
    return int(is_goal and run.seconds >= _GOAL_S)


@contextmanager
def _made(server: _There, number: int, tables: int) -> Iterator[list[str]]:
    """Copies of one template; all are dropped again."""
    names = [f"gate_fleet_{place:04}" for place in range(number)]
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        try:
            databases.make(server, _TEMPLATE, tables, rows=100)
            for name in names:
                copy = "CREATE DATABASE {} TEMPLATE {}"
                connection.execute(sql.SQL(copy).format(sql.Identifier(name), sql.Identifier(_TEMPLATE)))
            yield names
        finally:
            for name in (_TEMPLATE, *names):
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
