"""The demo: a shop of a million rows, its pending migrations, what gate says of them, and what its customers feel.

Starts a PostgreSQL of its own on a unix socket and leaves nothing behind. While customers read and write, the same
migrations are run the plain way and by `gate release`; then a release is killed in the middle, and taken up.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from customers import Felt, customers_at_work
from psycopg import sql

from gate.embedded import serve
from gate.model.errors import Exit, GateError

HERE = Path(__file__).resolve().parent
GATE = (sys.executable, "-P", "-m", "gate")
RELEASED = 2
FORGOTTEN = "UPDATE orders SET shipping_note = 'call first' WHERE id = 4711"
FORGETFUL = "rails console"
FORGOTTEN_FOR_S = 3.0
SHOP, COPY = "shop", "shop_run_plain"
NEXT = "20250401090000_find_lines_by_price.sql"


def main() -> int:
    """Build, plan, release; 0 if everything went as it is told here."""
    try:
        with serve() as server, tempfile.TemporaryDirectory(prefix="gate-demo-") as folder:
            say(f"PostgreSQL {server.binaries.version} on a socket of its own ({server.binaries.origin})")
            project = Path(shutil.copytree(HERE / "db", Path(folder) / "db")).parent
            build(server.conninfo(), server.conninfo(SHOP))
            return demonstrate(server.conninfo(SHOP), server.conninfo(COPY), project)
    except GateError as error:
        say(f"{error}\n{error.remedy}")
        return error.exit_code


def demonstrate(shop: str, copy: str, project: Path) -> int:
    """The parts of the story, each after the other; the first that does not go as it should ends it."""
    parts = (
        lambda: refused(shop, project),
        lambda: compared(shop, copy, project),
        lambda: killed(shop, project),
    )
    return 0 if all(part() for part in parts) else 1


# --- the plan ---------------------------------------------------------------------------------------------------------


def refused(shop: str, project: Path) -> bool:
    """`gate plan` of what the team has written; afterwards it is mended."""
    with customers_at_work(shop), psycopg.connect(shop, application_name=FORGETFUL) as forgetful:
        forgetful.execute(FORGOTTEN)
        say(f"a forgotten session has run {FORGOTTEN!r} and is idle in its transaction")
        code = gate(shop, project, "plan", *sys.argv[1:])
        forgetful.rollback()
    mended = sorted((HERE / "mended").iterdir())
    for path in mended:
        shutil.copy(path, project / "db" / "migrations")
    say(f"the team mends what was refused: {', '.join(path.name for path in mended)}")
    return code == Exit.REFUSED


# --- the plain way, and the release -----------------------------------------------------------------------------------


def compared(shop: str, copy: str, project: Path) -> bool:
    """The same migrations, under the same customers, beside the same forgotten session."""
    before = run_plain(copy, project)
    after, code = released(shop, project)
    say(f"the plain way: {before.sentence()}")
    say(f"gate release:  {after.sentence()}")
    return code == Exit.DONE and not after.failed


def run_plain(copy: str, project: Path) -> Felt:
    """As dbmate does it: each file in one transaction, which waits for its locks for as long as it takes."""
    say(f"first the plain way, on a copy: each file in one transaction, while {FORGETFUL!r} has forgotten its own")
    with customers_at_work(copy) as shop, forgotten_transaction(copy) as forget_no_more:
        threading.Timer(FORGOTTEN_FOR_S, forget_no_more).start()
        begun = time.monotonic()
        with psycopg.connect(copy, autocommit=True, application_name="dbmate") as connection:
            for path in pending(project, copy):
                apply(connection, path)
        say(f"done in {time.monotonic() - begun:.1f} s")
        return shop.felt(begun)


def released(shop: str, project: Path) -> tuple[Felt, int]:
    """`gate release`; the forgotten session goes away some seconds after the release has named it."""
    say(f"now gate, beside the same forgotten session, which ends {FORGOTTEN_FOR_S:.0f} s after gate has named it")
    with customers_at_work(shop) as customers, forgotten_transaction(shop) as forget_no_more:
        begun = time.monotonic()

        def end() -> None:
            say(f"{FORGETFUL!r} ends its transaction; until now: {customers.felt(begun).sentence()}")
            forget_no_more()

        ends = threading.Timer(FORGOTTEN_FOR_S, end)

        def seen(line: str) -> None:
            if FORGETFUL in line and ends.ident is None:
                ends.start()

        code = gate(shop, project, "release", seen=seen)
        return customers.felt(begun), code


# --- kill -9 ----------------------------------------------------------------------------------------------------------


def killed(shop: str, project: Path) -> bool:
    """The next release is killed in the middle of an index build; the one after it takes up."""
    shutil.copy(HERE / "next" / NEXT, project / "db" / "migrations")
    say(f"the next release brings {NEXT}; it is killed in the middle of building that index")
    with customers_at_work(shop) as customers:
        begun = time.monotonic()
        with old_snapshot(shop) as hold:
            release = subprocess.Popen([*GATE, "release"], cwd=project, env=environment(shop))
            hold()
            time.sleep(0.5)
            os.kill(release.pid, signal.SIGKILL)
            say(f"kill -9 {release.pid}: exit code {release.wait()}")
            tell_index(shop)
            gate(shop, project, "status")
        code = gate(shop, project, "release")
        tell_index(shop)
        gate(shop, project, "status")
        say(f"all that while: {customers.felt(begun).sentence()}")
    return code == Exit.DONE


@contextmanager
def old_snapshot(conninfo: str) -> Iterator[Callable[[], None]]:
    """What `hold` gives a report once an index is being built: a snapshot that the build has to wait for."""
    with psycopg.connect(conninfo, application_name="nightly report") as report:
        report.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with psycopg.connect(conninfo, autocommit=True) as watch:

            def hold() -> None:
                while not watch.execute("SELECT FROM pg_stat_progress_create_index").fetchall():
                    time.sleep(0.002)
                report.execute("SELECT count(*) FROM products")

            yield hold
        report.rollback()


def tell_index(conninfo: str) -> None:
    """What became of the index."""
    query = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('order_lines_price')"
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query).fetchone()
    say("order_lines_price is " + ("not there" if row is None else "valid" if row[0] else "there, and invalid"))


# --- the shop ---------------------------------------------------------------------------------------------------------


def build(server: str, shop: str) -> None:
    """The first migrations, run and marked as dbmate would, the rows, and a copy of all."""
    begun = time.monotonic()
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(SHOP)))
        with psycopg.connect(shop, autocommit=True) as connection:
            connection.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
            for path in sorted((HERE / "db" / "migrations").iterdir())[:RELEASED]:
                apply(connection, path)
            connection.execute((HERE / "data.sql").read_bytes())
            row = connection.execute("SELECT sum(n_live_tup)::bigint FROM pg_stat_user_tables").fetchone()
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(COPY), sql.Identifier(SHOP)))
    rows = row[0] if row else 0
    say(f"a shop of {rows:,} rows, built in {time.monotonic() - begun:.1f} s")


def pending(project: Path, conninfo: str) -> Sequence[Path]:
    """What dbmate would run."""
    with psycopg.connect(conninfo) as connection:
        done = {version for (version,) in connection.execute("SELECT version FROM schema_migrations")}
    return [path for path in sorted((project / "db" / "migrations").iterdir()) if version(path) not in done]


def apply(connection: psycopg.Connection, path: Path) -> None:
    """As dbmate would, with its bookkeeping; the connection is in autocommit."""
    head, _, up = path.read_bytes().partition(b"-- migrate:down")[0].partition(b"\n")
    if b"transaction:false" in head:
        connection.execute(up)
        connection.execute("INSERT INTO schema_migrations VALUES (%s)", (version(path),))
        return
    with connection.transaction():
        connection.execute(up)
        connection.execute("INSERT INTO schema_migrations VALUES (%s)", (version(path),))


def version(path: Path) -> str:
    """What dbmate writes down."""
    return path.name.partition("_")[0]


@contextmanager
def forgotten_transaction(conninfo: str) -> Iterator[Callable[[], None]]:
    """A session that has written and never committed, until somebody calls what is given."""
    with psycopg.connect(conninfo, application_name=FORGETFUL) as connection:
        connection.execute(FORGOTTEN)
        yield connection.rollback
        connection.rollback()


# --- gate -------------------------------------------------------------------------------------------------------------


def gate(conninfo: str, project: Path, *arguments: str, seen: Callable[[str], None] | None = None) -> int:
    """The command, as a release phase would call it; each line goes where our own go, and to `seen`."""
    say(f"$ gate {' '.join(arguments)}")
    pipe = subprocess.PIPE if seen else None
    process = subprocess.Popen(
        [*GATE, *arguments],
        cwd=project,
        env=environment(conninfo),
        stdout=pipe,
        stderr=pipe and subprocess.STDOUT,
        text=True,
    )
    for line in process.stdout or ():
        print(line, end="", flush=True)
        if seen:
            seen(line)
    code = process.wait()
    say(f"exit code {code}: {Exit(code).meaning}")
    return code


def environment(conninfo: str) -> dict[str, str]:
    """Ours, and where the database is."""
    return {**os.environ, "DATABASE_URL": conninfo}


def say(text: str) -> None:
    """At once: what follows comes from another process."""
    print(f"demo: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
