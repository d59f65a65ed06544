"""`bin/bench kill`: how long gate's backends outlive a SIGTERM, a deadline, and kill -9."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path

import psycopg
from psycopg import sql

from gate.embedded import Server, available, serve
from gate.model.rates import Figures
from gate.platforms.preset import UNKNOWN
from gate.run.deadlines import Deadlines
from tests.bench.stall.ways import GATE

MEDIAN_S, WORST_S = 1.0, 3.0
_BUDGET_S = 10.0
_LATEST_S = 0.5
_GIVEN_UP_S = 60.0
_TEMPLATE, _NAME = "kill_template", "kill"
_SLOW = f"md5({' || '.join(['md5(md5(md5(md5(md5(md5(body))))))'] * 10)})"

_MAKE = """
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
CREATE TABLE items (id bigint PRIMARY KEY, body text NOT NULL, tag text);
INSERT INTO items SELECT g, md5(g::text) FROM generate_series(1, {rows}) g;
ALTER TABLE items ADD CONSTRAINT items_slow CHECK ({slow} <> '') NOT VALID;
"""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A migration, and what a backend of gate's runs in the midst of it; nothing where it is to wait for a lock.

    `is_alone`: it refuses a transaction block.
    """

    name: str
    sql: str
    query: str = ""
    is_alone: bool = False


SITUATIONS = (
    Situation(name="awaiting a lock", sql="ALTER TABLE items ADD COLUMN more text;"),
    Situation(
        name="in an index build",
        sql=f"CREATE INDEX CONCURRENTLY items_slow ON items (({_SLOW}));",
        query="CREATE INDEX",
        is_alone=True,
    ),
    Situation(
        name="in a validation",
        sql="ALTER TABLE items VALIDATE CONSTRAINT items_slow;",
        query="VALIDATE CONSTRAINT",
    ),
    Situation(name="in a backfill", sql=f"UPDATE items SET tag = {_SLOW};", query="UPDATE"),
)
ENDINGS = ("SIGTERM", "deadline", "kill -9")


@dataclass(frozen=True, kw_only=True)
class Round:
    """How long gate's backends were there after it; None where the release had ended before."""

    ending: str
    situation: str
    seconds: float | None


def main(arguments: Sequence[str] = ()) -> int:
    """Prints the figures; 1 if a goal is missed."""
    told = _parser().parse_args(arguments)
    with (
        serve(available()[told.major] if told.major else None) as server,
        tempfile.TemporaryDirectory(prefix="gate-bench-") as folder,
    ):
        print(f"PostgreSQL {server.binaries.version} on a unix socket, without fsync; a table of {told.rows:,} rows")
        _make(server, told.rows)
        done = []
        for number, found in enumerate(_rounds(server, told.rounds, Path(folder)), start=1):
            took = "had ended before" if found.seconds is None else f"{found.seconds * 1000:6.0f} ms"
            print(f"{number:4} {found.ending:<9} {found.situation:<18} {took}", flush=True)
            done.append(found)
    return _summary(done)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench kill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="all together; every ending by turns")
    parser.add_argument("--rows", type=int, default=2_000_000, help="of the table that is worked on")
    parser.add_argument("--major", type=int, help="of the server; the newest at hand unless told")
    return parser


def _make(server: Server, rows: int) -> None:
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
    with psycopg.connect(server.conninfo(_TEMPLATE), autocommit=True) as connection:
        connection.execute(_MAKE.format(rows=rows, slow=_SLOW).encode())
        connection.execute("VACUUM ANALYZE")


def _rounds(server: Server, rounds: int, folder: Path) -> Iterator[Round]:
    drawn = random.Random(1)
    turns = list(product(SITUATIONS, ENDINGS))
    for number in range(rounds):
        situation, ending = turns[number % len(turns)]
        project = folder / str(number)
        _write_project(project, situation)
        with _database(server) as admin:
            seconds = _ended(server, admin, project, situation, ending, drawn.uniform(0.0, _LATEST_S))
        yield Round(ending=ending, situation=situation.name, seconds=seconds)


def _write_project(project: Path, situation: Situation) -> None:
    """By its settings all work takes next to no time: a release whose work cannot fit its budget is never begun."""
    migrations = project / "db" / "migrations"
    migrations.mkdir(parents=True)
    head = "-- migrate:up transaction:false" if situation.is_alone else "-- migrate:up"
    (migrations / "20260101000000_case.sql").write_text(f"{head}\n{situation.sql}\n\n-- migrate:down\n")
    figures = "\n".join(f"{name} = 0.01" for name in Figures.__slots__ if name.endswith("_ns"))
    (project / "gate.toml").write_text(f"[calibration]\n{figures}\n")


@contextmanager
def _database(server: Server) -> Iterator[psycopg.Connection]:
    """A fresh copy, and a connection beside it that sees who is in it."""
    with psycopg.connect(server.conninfo(), autocommit=True) as admin:
        name = sql.Identifier(_NAME)
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(_TEMPLATE)))
        try:
            yield admin
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _ended(
    server: Server, admin: psycopg.Connection, project: Path, situation: Situation, ending: str, after_s: float
) -> float | None:
    """One release in the midst of its work, ended; None if it was over before that."""
    with _held(server, situation), _released(server, project) as release:
        begun = time.monotonic()
        while not _is_amidst(admin, situation):
            if release.poll() is not None or time.monotonic() > begun + _GIVEN_UP_S:
                raise RuntimeError(f"{situation.name}: never came: {(project / 'said').read_text()[-2000:]}")
            time.sleep(0.005)
        signalled = _signalled(release, ending, after_s)
        while _backends(admin):
            time.sleep(0.005)
        gone = time.monotonic()
        since = _deadline(release, project) if ending == "deadline" else signalled
        return None if since is None or gone < since else gone - since


@contextmanager
def _released(server: Server, project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A release of the project; whatever becomes of it, it is gone after the block."""
    command = [*GATE, "release", "--budget", f"{_BUDGET_S:.0f}s", "--format", "json", "--output", "run.json"]
    environment = {**os.environ, "GATE_DATABASE_URL": server.conninfo(_NAME)}
    with (
        (project / "said").open("wb") as said,
        subprocess.Popen(command, cwd=project, env=environment, stderr=said) as release,
    ):
        try:
            yield release
        finally:
            release.kill()


def _signalled(release: subprocess.Popen[bytes], ending: str, after_s: float) -> float | None:
    """When the signal was sent; None for none, and where nobody was left to get it."""
    if ending == "deadline":
        return None
    time.sleep(after_s)
    if release.poll() is not None:
        return None
    since = time.monotonic()
    release.send_signal(signal.SIGTERM if ending == "SIGTERM" else signal.SIGKILL)
    return since


def _deadline(release: subprocess.Popen[bytes], project: Path) -> float | None:
    """When the work had to end, by when the release itself says that it began; None if it was done by then."""
    if release.wait() == 0:
        return None
    began = datetime.fromisoformat(json.loads((project / "run.json").read_text())["started_at"])
    deadlines = Deadlines(
        began_s=time.monotonic() - (time.time() - began.timestamp()),
        budget_s=_BUDGET_S,
        grace_s=UNKNOWN.grace_s,
        lock_wait_s=_BUDGET_S,
        runner_wait_s=_BUDGET_S,
    )
    return deadlines.works_until_s


@contextmanager
def _held(server: Server, situation: Situation) -> Iterator[None]:
    """Somebody who has read the table and forgotten to commit, where gate is to wait for a lock."""
    with psycopg.connect(server.conninfo(_NAME), application_name="bench holder") as holder:
        if not situation.query:
            holder.execute("SELECT FROM items LIMIT 1")
        yield


def _is_amidst(admin: psycopg.Connection, situation: Situation) -> bool:
    """Whether a backend of gate's runs what the situation is; where it awaits a lock, whether all of them are there."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = %s AND application_name LIKE 'gate%%' AND application_name NOT LIKE '%%plan'
          AND (state = 'active' AND query LIKE %s OR %s = '')
    """
    row = admin.execute(query, (_NAME, f"%{situation.query}%", situation.query)).fetchone()
    return row is not None and row[0] > (0 if situation.query else 2)


def _backends(admin: psycopg.Connection) -> bool:
    query = "SELECT FROM pg_stat_activity WHERE datname = %s AND application_name NOT LIKE 'bench%%'"
    found = admin.execute(query + " AND backend_type IN ('client backend', 'parallel worker')", (_NAME,))
    return found.fetchone() is not None


def _summary(done: Sequence[Round]) -> int:
    times = [found.seconds for found in done if found.seconds is not None]
    print(f"\n{'':<32} {'rounds':>6} {'median':>8} {'worst':>8}")
    for ending in ENDINGS:
        own = [found.seconds for found in done if found.ending == ending and found.seconds is not None]
        if own:
            print(f"{ending:<32} {len(own):6} {statistics.median(own):6.2f} s {max(own):6.2f} s")
    if not times:
        return 1
    median, worst = statistics.median(times), max(times)
    is_met = median < MEDIAN_S and worst < WORST_S
    print(
        f"{'all':<32} {len(times):6} {median:6.2f} s {worst:6.2f} s   "
        f"goals: under {MEDIAN_S:.0f} s and {WORST_S:.0f} s  {'met' if is_met else 'MISSED'}"
    )
    return 0 if is_met else 1
