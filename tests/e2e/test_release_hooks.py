"""`gate release` tells how it ended, and runs only what was reviewed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gate.model.errors import Exit
from tests.e2e.commands import gate
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)
KEEPS = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())"
PASSES = "-- migrate:up\nCREATE TABLE a (id bigint PRIMARY KEY);\n"
FAILS = "-- migrate:up\nSELECT 1 / 0;\n"
REFUSED = "-- migrate:up\nALTER TABLE no_such_table ADD COLUMN a int;\n"


def hook(event: str, *command: str) -> str:
    return f"[[release.{event}]]\ncommand = {json.dumps([sys.executable, '-c', *command])}\n"


@pytest.fixture
def shop(tmp_path: Path, database: Database) -> Path:
    """A project with a hook for each end, which keeps what it is told."""
    (tmp_path / "db" / "migrations").mkdir(parents=True)
    events = ("on_success", "on_refused", "on_failure")
    (tmp_path / "gate.toml").write_text("sample = 0\n" + "".join(hook(event, KEEPS, event) for event in events))
    database.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
    return tmp_path


def write(shop: Path, text: str, name: str = "1_a.sql") -> None:
    (shop / "db" / "migrations" / name).write_text(text, encoding="utf-8")


def told(shop: Path) -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text()) for path in shop.glob("on_*")}


@pytest.mark.parametrize(
    ("text", "event", "code"),
    [
        (PASSES, "on_success", Exit.DONE),
        (REFUSED, "on_refused", Exit.REFUSED),
        (FAILS, "on_failure", Exit.MIGRATION_FAILED),
    ],
)
def test_the_hook_of_that_end_gets_the_run(text: str, event: str, code: Exit, shop: Path, database: Database) -> None:
    write(shop, text)
    assert gate("release", at=shop, conninfo=database.conninfo).returncode == code
    ((name, document),) = told(shop).items()
    assert (name, document["exit_code"], document["database"]) == (event, code, database.name)


def test_nothing_pending_calls_nobody(shop: Path, database: Database) -> None:
    write(shop, PASSES)
    assert gate("release", "--no-hooks", at=shop, conninfo=database.conninfo).returncode == Exit.DONE
    assert gate("release", at=shop, conninfo=database.conninfo).returncode == Exit.DONE
    assert told(shop) == {}


def test_a_hook_that_fails_hides_nothing_and_stops_no_other(shop: Path, database: Database) -> None:
    write(shop, FAILS)
    broken = hook("on_failure", "print('postgres://u:hunter2@h/d'); raise SystemExit(7)")
    (shop / "gate.toml").write_text(broken + hook("on_failure", KEEPS, "on_failure"))
    done = gate("release", "--sample", "0", "--format", "json", at=shop, conninfo=database.conninfo)
    document = json.loads(done.stdout)
    assert done.returncode == document["exit_code"] == Exit.MIGRATION_FAILED
    assert "division by zero" in document["problem"]
    first, second = document["hooks"]
    assert (first["problem"], first["output"]) == ("ended with exit code 7", "postgres://u:***@h/d")
    assert second["problem"] is None
    assert set(told(shop)) == {"on_failure"}


def test_only_what_was_reviewed_is_run(shop: Path, database: Database) -> None:
    write(shop, PASSES)
    planned = gate("plan", "--format", "json", "-o", "plan.json", at=shop, conninfo=database.conninfo)
    assert planned.returncode == Exit.DONE
    write(shop, PASSES.replace("bigint", "integer"))
    refused = gate("release", "--expect", "plan.json", at=shop, conninfo=database.conninfo)
    assert refused.returncode == Exit.REFUSED
    assert "and is `CREATE TABLE a (id integer PRIMARY KEY)`" in " ".join(refused.stdout.split())
    assert database.fetch("SELECT to_regclass('a')::text") == [(None,)]
    write(shop, PASSES)
    done = gate("release", "--expect", "plan.json", at=shop, conninfo=database.conninfo)
    assert done.returncode == Exit.DONE
    assert database.fetch("SELECT to_regclass('a')::text") == [("a",)]


def test_a_server_that_cannot_be_reached_is_told_too(shop: Path) -> None:
    """Nothing was begun, and somebody wants to know at night."""
    write(shop, PASSES)
    done = gate("release", "--budget", "3s", at=shop, conninfo="postgresql://u:hunter2@127.0.0.1:1/none")
    assert done.returncode == Exit.UNREACHABLE
    ((name, document),) = told(shop).items()
    assert (name, document["exit_code"], document["outcome"]) == ("on_failure", Exit.UNREACHABLE, "unreachable")
    assert "hunter2" not in json.dumps(document)


def test_a_state_that_is_refused_with_nothing_pending_is_told(shop: Path, database: Database) -> None:
    (shop / "db" / "migrations" / "1_a.up.sql").write_text("SELECT 1;")
    database.execute("DROP TABLE schema_migrations; CREATE TABLE schema_migrations (version bigint, dirty boolean)")
    database.execute("INSERT INTO schema_migrations VALUES (1, true)")
    done = gate("release", at=shop, conninfo=database.conninfo)
    assert done.returncode == Exit.REFUSED, done.stderr
    ((name, document),) = told(shop).items()
    assert (name, document["exit_code"]) == ("on_refused", Exit.REFUSED)
