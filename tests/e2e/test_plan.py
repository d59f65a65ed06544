"""`gate plan` on a real server, from the command line to the exit code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gate.model.errors import Exit
from gate.report.schema import plan_schema
from tests.e2e.commands import command, environment, gate
from tests.servers import Database

SHOP = """
CREATE TABLE customers (id bigint PRIMARY KEY, phone varchar(40));
INSERT INTO customers SELECT n, n FROM generate_series(1, 200000) n;
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text);
INSERT INTO orders SELECT n, n FROM generate_series(1, 1000) n;
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('20260101000000');
ANALYZE;
"""
APPLIED = {"20260101000000_first.sql": "-- migrate:up\nSELECT 1;\n"}
HARMLESS = {"20260102000000_note.sql": "-- migrate:up\nALTER TABLE orders ADD COLUMN paid_at timestamptz;\n"}
HARMFUL = {
    "20260103000000_type.sql": "-- migrate:up\n-- wider\nALTER TABLE customers\n  ALTER COLUMN id TYPE numeric;\n",
}

Shop = Callable[[dict[str, str]], Path]


@pytest.fixture
def shop(clone: Callable[[str], Database]) -> Database:
    """A small shop with dbmate's bookkeeping."""
    return clone(SHOP)


@pytest.fixture
def project(tmp_path: Path) -> Shop:
    """A project with these migrations."""

    def write(files: dict[str, str]) -> Path:
        directory = tmp_path / "db" / "migrations"
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def planned(text: str) -> dict[str, Any]:
    """The document, which must obey its schema."""
    document: dict[str, Any] = json.loads(text)
    Draft202012Validator(json.loads(plan_schema())).validate(document)
    return document


def test_nothing_pending_is_one_line(shop: Database, project: Shop) -> None:
    done = gate("plan", at=project(APPLIED), conninfo=shop.conninfo)
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    assert done.stdout.startswith("PASS  nothing is pending (database ")
    assert len(done.stdout.splitlines()) <= 2


def test_nothing_pending_needs_no_parser(shop: Database, project: Shop) -> None:
    traced = [sys.executable, "-P", "-X", "importtime", *command("plan")[2:]]
    done = subprocess.run(
        traced,
        cwd=project(APPLIED),
        env=environment(shop.conninfo),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "psycopg" in imported
    assert not imported & {"postgast", "httpx", "typer", "rich", "pydantic"}


def test_harmless_passes(shop: Database, project: Shop) -> None:
    done = gate("plan", "--sample", "0", at=project({**APPLIED, **HARMLESS}), conninfo=shop.conninfo)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert done.stdout.startswith(f"PASS  1 pending migration for {shop.name}, 1 statement\n")
    assert "coverage: 1 statement, all understood" in done.stdout


def test_harmful_is_refused_with_its_place(shop: Database, project: Shop) -> None:
    done = gate("plan", "--sample", "0", at=project({**APPLIED, **HARMLESS, **HARMFUL}), conninfo=shop.conninfo)
    assert done.returncode == Exit.REFUSED
    assert done.stdout.startswith(f"REFUSED  2 pending migrations for {shop.name}, 2 statements: 1 refused\n")
    assert "REFUSE  db/migrations/20260103000000_type.sql:3  changes-type" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_document_obeys_its_schema(shop: Database, project: Shop) -> None:
    at = project({**APPLIED, **HARMLESS, **HARMFUL})
    done = gate("plan", "--sample", "0", "--format", "json", at=at, conninfo=shop.conninfo)
    document = planned(done.stdout)
    assert (document["verdict"], document["source"], document["database"]) == ("refuse", "dbmate", shop.name)
    assert document["server"]["major"] == shop.major
    [harmless, harmful] = document["migrations"]
    assert harmless["path"] == "db/migrations/20260102000000_note.sql"
    [statement] = harmful["statements"]
    assert (statement["line"], statement["kind"], statement["verdict"]) == (3, "ALTER TABLE", "refuse")
    [effect] = statement["effects"]
    assert effect["relation"] == "public.customers"
    assert (effect["lock"], effect["work"]) == ("ACCESS EXCLUSIVE", ["rewrite"])
    assert effect["rows"] == 200_000
    assert effect["bytes"] > 0
    assert effect["loses_statistics"] == ["id"]
    assert effect["scans_per_s"] is None


def test_traffic_is_watched(shop: Database, project: Shop) -> None:
    at = project({**APPLIED, **HARMLESS})
    document = planned(gate("plan", "--format", "json", at=at, conninfo=shop.conninfo).stdout)
    effect = document["migrations"][0]["statements"][0]["effects"][0]
    assert effect["scans_per_s"] is not None
    assert effect["writes_per_s"] is not None


def test_it_never_waits_for_a_lock_and_names_who_holds_it(shop: Database, project: Shop) -> None:
    at = project({**APPLIED, **HARMLESS})
    with shop.connect(autocommit=False, application_name="forgotten") as connection:
        connection.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        done = gate("plan", "--sample", "0", "--format", "json", at=at, conninfo=shop.conninfo)
        elapsed_s = time.monotonic() - begun
    [blocker] = planned(done.stdout)["blockers"]
    assert (blocker["relation"], blocker["held"]) == ("public.orders", "ACCESS EXCLUSIVE")
    assert blocker["wanted"] == "ACCESS EXCLUSIVE"
    assert (blocker["application"], blocker["state"]) == ("forgotten", "idle in transaction")
    assert elapsed_s < 10


def test_a_missing_bookkeeping_is_refused_then_adopted(clone: Callable[[str], Database], project: Shop) -> None:
    shop = clone(SHOP + "DROP TABLE schema_migrations;")
    at = project({**APPLIED, **HARMLESS})
    refused = gate("plan", at=at, conninfo=shop.conninfo)
    assert refused.returncode == Exit.REFUSED
    assert "REFUSE  bookkeeping-missing" in refused.stdout
    first = gate("plan", "--first-run", "--sample", "0", at=at, conninfo=shop.conninfo)
    assert "2 pending migrations" in first.stdout
    adopted = gate("baseline", "--through", "20260101000000", at=at, conninfo=shop.conninfo)
    assert (adopted.returncode, adopted.stderr) == (Exit.DONE, "")
    assert "1 pending migration for" in gate("plan", "--sample", "0", at=at, conninfo=shop.conninfo).stdout
    again = gate("baseline", "--through", "20260101000000", at=at, conninfo=shop.conninfo)
    assert again.returncode == Exit.USAGE
    assert "nothing to adopt" in again.stderr


def test_a_database_ahead_is_accepted_and_said(clone: Callable[[str], Database], project: Shop) -> None:
    shop = clone(SHOP + "INSERT INTO schema_migrations VALUES ('20270101000000');")
    done = gate("plan", at=project(APPLIED), conninfo=shop.conninfo)
    assert done.returncode == Exit.DONE
    assert "note  database-ahead" in done.stdout
    assert "20270101000000" in done.stdout


def test_text_that_is_not_sql_names_file_line_and_column(shop: Database, project: Shop) -> None:
    at = project({**APPLIED, "20260102000000_typo.sql": "-- migrate:up\nSELECT 1;\nALTER TABEL orders ADD x int;\n"})
    done = gate("plan", at=at, conninfo=shop.conninfo)
    assert done.returncode == Exit.USAGE
    assert "db/migrations/20260102000000_typo.sql:3:7: " in done.stderr
    lines = done.stderr.splitlines()
    assert lines[1].index("TABEL") == lines[2].index("^")
    assert "Traceback" not in done.stderr


def test_a_stored_catalog_gives_the_same_plan(shop: Database, project: Shop) -> None:
    at = project({**APPLIED, **HARMLESS, **HARMFUL})
    stored = gate("snapshot", "-o", "shop.json", at=at, conninfo=shop.conninfo)
    assert (stored.returncode, stored.stdout, stored.stderr) == (Exit.DONE, "", "")
    live = planned(gate("plan", "--sample", "0", "--format", "json", at=at, conninfo=shop.conninfo).stdout)
    offline = planned(gate("plan", "--snapshot", "shop.json", "--format", "json", at=at).stdout)
    assert offline["migrations"] == live["migrations"]
    assert offline["fingerprint"] == live["fingerprint"]
    assert "shop.json" in offline["notes"][0]


def test_the_fingerprint_of_nothing_is_that_of_an_empty_plan(shop: Database, project: Shop) -> None:
    from gate.model.snapshot import Server, Snapshot
    from gate.plan.pipeline import fingerprint

    document = planned(gate("plan", "--format", "json", at=project(APPLIED), conninfo=shop.conninfo).stdout)
    assert document["fingerprint"] == fingerprint([], Snapshot(server=Server(major=shop.major, version="")))


def test_output_goes_to_a_file(shop: Database, project: Shop) -> None:
    at = project(APPLIED)
    done = gate("plan", "--format", "json", "-o", "plan.json", at=at, conninfo=shop.conninfo)
    assert done.stdout == ""
    assert planned((at / "plan.json").read_text(encoding="utf-8"))["migrations"] == []


def test_a_read_only_role_is_enough(shop: Database, project: Shop) -> None:
    role = f"reader_{shop.name}"
    shop.execute(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA public TO {role}; "
        f"GRANT SELECT ON schema_migrations TO {role}",
    )
    try:
        done = gate(
            "plan",
            "--sample",
            "0",
            "--release-role",
            "postgres",
            at=project({**APPLIED, **HARMLESS}),
            conninfo=_as(shop, role),
            PGOPTIONS="-cdefault_transaction_read_only=on",
        )
        assert done.returncode == Exit.DONE, done.stdout + done.stderr
    finally:
        shop.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_missing_privilege_has_its_code_and_its_grant(shop: Database, project: Shop) -> None:
    role = f"nobody_{shop.name}"
    shop.execute(f"CREATE ROLE {role} LOGIN")
    try:
        done = gate("plan", at=project(APPLIED), conninfo=_as(shop, role))
        assert done.returncode == Exit.MISSING_PRIVILEGE
        assert f"GRANT SELECT on it (and USAGE on its schema) TO {role}" in done.stderr
    finally:
        shop.execute(f"DROP ROLE {role}")


def _as(shop: Database, role: str) -> str:
    return " ".join(f"user={role}" if part.startswith("user=") else part for part in shop.conninfo.split())


def test_a_signal_ends_it_at_once_and_is_no_error_of_ours(shop: Database, project: Shop) -> None:
    process = subprocess.Popen(
        command("plan", "--sample", "30"),
        cwd=project({**APPLIED, **HARMLESS}),
        env=environment(shop.conninfo),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    looking = (
        "SELECT FROM pg_stat_activity WHERE application_name = 'gate plan' AND state = 'idle' "
        "AND state_change < now() - interval '1 s'"
    )
    while process.poll() is None and not shop.fetch(looking):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert process.returncode == Exit.STOPPED_RESUMABLE
    assert errors == "gate: stopped by SIGINT; nothing was changed\n"
    assert output == ""


def test_no_server_has_its_code_and_no_password(project: Shop) -> None:
    url = "postgresql://shop:secret@127.0.0.1:1/shop"
    done = gate("plan", "--database-url", url, at=project(APPLIED))
    assert done.returncode == Exit.UNREACHABLE
    assert "secret" not in done.stdout + done.stderr
    assert "warning: the password in --database-url" in done.stderr


@pytest.mark.parametrize("tool", ["dbmate", "golang-migrate", "goose", "flyway", "prisma", "diesel", "sqitch", "plain"])
def test_every_source_gives_a_plan(tool: str, database: Database) -> None:
    at = Path(__file__).parents[1] / "sources" / "examples" / tool
    done = gate("plan", "--sample", "0", "--format", "json", at=at, conninfo=database.conninfo)
    document = planned(done.stdout)
    assert document["source"] == tool
    assert document["migrations"]
    assert document["coverage"]["statements"] > 0
    assert done.returncode in {Exit.DONE, Exit.REFUSED}
