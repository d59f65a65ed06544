"""The demo: a shop of a million rows, its pending migrations, and what gate says of them.

Starts a PostgreSQL of its own on a unix socket, holds a lock the way a forgotten session does, runs `gate plan` on it,
and leaves nothing behind.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from gate.embedded import serve
from gate.model.errors import Exit, GateError

HERE = Path(__file__).resolve().parent
RELEASED = 2
FORGOTTEN = "UPDATE orders SET shipping_note = 'call first' WHERE id = 4711"


def main() -> int:
    """Build, hold, plan; 0 if gate found what there is to find."""
    try:
        with serve() as server:
            say(f"PostgreSQL {server.binaries.version} on a socket of its own ({server.binaries.origin})")
            with psycopg.connect(server.conninfo(), autocommit=True) as connection:
                connection.execute("CREATE DATABASE shop")
            return demonstrate(server.conninfo("shop"))
    except GateError as error:
        say(f"{error}\n{error.remedy}")
        return error.exit_code


def demonstrate(conninfo: str) -> int:
    """The shop in this database, and the plan of what is pending there."""
    build(conninfo)
    with customers_at_work(conninfo), forgotten_transaction(conninfo):
        say(f"a forgotten session has run {FORGOTTEN!r} and is idle in its transaction")
        say("$ gate plan")
        code = plan(conninfo)
    say(f"exit code {code}: {Exit(code).meaning}")
    return 0 if code == Exit.REFUSED else 1


def build(conninfo: str) -> None:
    """The first migrations, run and marked as dbmate would, and the rows."""
    begun = time.monotonic()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
        for path in sorted((HERE / "db" / "migrations").iterdir())[:RELEASED]:
            connection.execute(up_part(path))
            connection.execute("INSERT INTO schema_migrations VALUES (%s)", (path.name.partition("_")[0],))
        connection.execute((HERE / "data.sql").read_bytes())
        row = connection.execute("SELECT sum(n_live_tup)::bigint FROM pg_stat_user_tables").fetchone()
    rows = row[0] if row else 0
    say(f"a shop of {rows:,} rows, built in {time.monotonic() - begun:.1f} s")


def up_part(path: Path) -> bytes:
    """What dbmate would run."""
    return path.read_bytes().partition(b"-- migrate:down")[0]


@contextmanager
def forgotten_transaction(conninfo: str) -> Iterator[None]:
    """A session that has written and never committed: what makes a harmless ALTER TABLE hang a release."""
    with psycopg.connect(conninfo, application_name="rails console") as connection:
        connection.execute(FORGOTTEN)
        yield
        connection.rollback()


@contextmanager
def customers_at_work(conninfo: str) -> Iterator[None]:
    """Some reading and writing, so that there is traffic to be seen."""
    is_over = threading.Event()
    at_work = threading.Thread(target=_work, args=(conninfo, is_over), daemon=True)
    at_work.start()
    try:
        yield
    finally:
        is_over.set()
        at_work.join()


def _work(conninfo: str, is_over: threading.Event) -> None:
    with psycopg.connect(conninfo, autocommit=True, application_name="shop") as connection:
        for number in itertools.count(1):
            if is_over.wait(0.01):
                return
            connection.execute("SELECT FROM orders WHERE id = %s", (number,))
            connection.execute("SELECT FROM products WHERE id = %s", (number % 5000,))
            if number % 4 == 0:
                connection.execute("UPDATE customers SET phone = '+49 30 1' WHERE id = %s", (number,))


def plan(conninfo: str) -> int:
    """`gate plan`, as a release phase would call it; the report goes where our own output goes."""
    environment = {**os.environ, "DATABASE_URL": conninfo}
    command = [sys.executable, "-P", "-m", "gate", "plan", *sys.argv[1:]]
    return subprocess.run(command, cwd=HERE, env=environment, check=False).returncode


def say(text: str) -> None:
    """At once: the plan that follows comes from another process."""
    print(f"demo: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
