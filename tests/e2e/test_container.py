"""In a container: the first process's duties, and the message that is left for whoever looks at the pod."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gate.model.errors import Exit
from tests.e2e.commands import command, environment, gate
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
POD = {"KUBERNETES_SERVICE_HOST": "127.0.0.1"}
# Leaves a child behind that ends at once: its new parent is the first process.
LEAVES_ORPHANS = (
    "import os, time\nif os.fork() == 0:\n if os.fork() == 0: os._exit(0)\n os._exit(0)\nos.wait()\ntime.sleep(1)"
)
COUNTS_THE_DEAD = """
import pathlib
print([each.parent.name for each in pathlib.Path('/proc').glob('[0-9]*/stat') if ') Z ' in each.read_text()])
"""


def _may_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode == 0


needs_namespaces = pytest.mark.skipif(not _may_unshare(), reason="a PID namespace needs unshare, and the right to it")


@pytest.fixture
def shop(tmp_path: Path, database: Database) -> Path:
    (tmp_path / "db" / "migrations").mkdir(parents=True)
    (tmp_path / "gate.toml").write_text("sample = 0\n")
    database.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY); CREATE TABLE orders (id bigint)")
    return tmp_path


def write(shop: Path, text: str) -> None:
    (shop / "db" / "migrations" / "1_a.sql").write_text(f"-- migrate:up\n{text}\n", encoding="utf-8")


def as_first(shop: Path, database: Database, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*UNSHARE, *command(*arguments)],
        cwd=shop,
        env=environment(database.conninfo),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@needs_namespaces
@pytest.mark.parametrize(
    ("text", "code"),
    [("ALTER TABLE orders ADD COLUMN a int;", Exit.DONE), ("SELECT 1 / 0;", Exit.MIGRATION_FAILED)],
)
def test_the_exit_code_is_that_of_the_work(text: str, code: Exit, shop: Path, database: Database) -> None:
    write(shop, text)
    with as_first(shop, database, "release") as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == code, said


@needs_namespaces
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_work(number: signal.Signals, shop: Path, database: Database) -> None:
    """Process 1 without a handler would not even notice it."""
    write(shop, "SELECT pg_sleep(300);")
    with as_first(shop, database, "release") as process:
        sleeps = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        while not database.fetch(sleeps):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        os.kill(first_of(process.pid), number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == Exit.STOPPED_RESUMABLE, said
    assert database.fetch(sleeps) == []


def first_of(unshare: int) -> int:
    """Process 1 of the namespace, by its number out here."""
    (child,) = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
    return int(child)


@needs_namespaces
def test_it_needs_no_standard_input(shop: Path, database: Database) -> None:
    write(shop, "SELECT pg_sleep(300);")
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *command("release")]
    with subprocess.Popen([*UNSHARE, *closed], cwd=shop, env=environment(database.conninfo)) as process:
        sleeps = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        while not database.fetch(sleeps):
            assert process.poll() is None
            time.sleep(0.05)
        os.kill(first_of(process.pid), signal.SIGINT)
    assert process.returncode == Exit.STOPPED_RESUMABLE


@needs_namespaces
def test_the_dead_are_collected(shop: Path, database: Database) -> None:
    """A hook's grandchild becomes a child of process 1."""
    hooks = [[sys.executable, "-c", LEAVES_ORPHANS], [sys.executable, "-c", COUNTS_THE_DEAD]]
    told = "".join(f"[[release.on_success]]\ncommand = {json.dumps(hook)}\n" for hook in hooks)
    (shop / "gate.toml").write_text("sample = 0\n" + told)
    write(shop, "ALTER TABLE orders ADD COLUMN a int;")
    with as_first(shop, database, "release", "--format", "json") as process:
        out, said = process.communicate(timeout=60)
    left_orphans, counted = json.loads(out)["hooks"]
    assert left_orphans["problem"] is None, said
    assert counted["output"] == "[]"


# --- the termination message ------------------------------------------------------------------------------------------


def message_of(shop: Path, database: Database | None, *arguments: str) -> tuple[int, dict[str, object], str]:
    log = shop / "termination-log"
    log.write_text("an older message that is longer than what comes" * 100)
    conninfo = database.conninfo if database is not None else "postgres://u:hunter2secret@127.0.0.1:1/none"
    done = gate(*arguments, at=shop, conninfo=conninfo, GATE_TERMINATION_LOG=str(log), **POD)
    text = log.read_text()
    assert len(text.encode()) < 4096
    return done.returncode, json.loads(text), text


def test_a_release_that_failed_says_where(shop: Path, database: Database) -> None:
    write(shop, "ALTER TABLE orders ADD COLUMN a int;\nSELECT 1 / 0;")
    code, said, _ = message_of(shop, database, "release")
    assert said["exit_code"] == code == Exit.MIGRATION_FAILED
    assert (said["outcome"], said["database"]) == ("failed", database.name)
    assert "division by zero" in str(said["problem"])
    assert said["step"] is not None


def test_a_refusal_says_why_in_few_bytes(shop: Path, database: Database) -> None:
    """However much is refused: what is too long is cut, and is JSON all the same."""
    write(shop, "\n".join(f"ALTER TABLE {'é' * 30}_{n} ADD COLUMN a int; -- {'x' * 500}" for n in range(200)))
    code, said, _ = message_of(shop, database, "release")
    assert said["exit_code"] == code == Exit.REFUSED
    assert said["verdict"] == "refuse"
    code, said, _ = message_of(shop, database, "plan")
    assert (said["exit_code"], said["verdict"], code) == (Exit.REFUSED, "refuse", Exit.REFUSED)
    assert said["problem"]


def test_an_error_is_said_without_its_secret(shop: Path) -> None:
    write(shop, "SELECT 1;")
    code, said, text = message_of(shop, None, "release", "--budget", "3s")
    assert said["exit_code"] == code == Exit.UNREACHABLE
    assert "hunter2secret" not in text


def test_a_blocker_is_named(shop: Path, database: Database) -> None:
    write(shop, "ALTER TABLE orders ADD COLUMN a int;")
    (shop / "gate.toml").write_text("sample = 0\n[release]\nlock_wait = '1s'\n")
    with database.connect(application_name="nightly report") as other:
        other.execute("BEGIN; SELECT FROM orders")
        code, said, _ = message_of(shop, database, "release")
    assert said["exit_code"] == code == Exit.LOCK_NOT_ACQUIRED
    assert "nightly report" in json.dumps(said["blockers"])


def test_nobody_s_file_is_made(shop: Path, database: Database) -> None:
    write(shop, "SELECT 1;")
    done = gate("plan", at=shop, conninfo=database.conninfo, GATE_TERMINATION_LOG=str(shop / "none"), **POD)
    assert done.returncode == Exit.DONE
    assert not (shop / "none").exists()
