"""What `gate release` needs and prints, on real servers: docs/release.md is held to it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from psycopg import sql

from gate.model.errors import Exit
from gate.report.schema import run_schema
from tests.e2e.commands import gate
from tests.servers import Database, LiveServer

SHOP = """
CREATE TABLE customers (id integer PRIMARY KEY);
INSERT INTO customers SELECT generate_series(1, 1000);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer);
INSERT INTO orders SELECT n, 1 + n % 1000 FROM generate_series(1, 200000) n;
CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY);
ANALYZE;
"""
PASSES = {"20260101000000_note.sql": "-- migrate:up\nALTER TABLE orders ADD COLUMN note text;\n"}
IS_SPLIT = {
    "20260102000000_index.sql": "-- migrate:up\nCREATE INDEX orders_customer ON orders (customer_id);\n",
    "20260103000000_key.sql": "-- migrate:up\nALTER TABLE orders ADD CONSTRAINT orders_fk "
    "FOREIGN KEY (customer_id) REFERENCES customers;\n",
}
FAILS = {
    "20260104000000_fails.sql": "-- migrate:up\nINSERT INTO customers VALUES (5001);\n"
    "INSERT INTO orders SELECT max(id), 777 FROM orders;\n"
}
Project = Callable[[dict[str, str]], Path]


@pytest.fixture
def shop(clone: Callable[[str], Database]) -> Database:
    return clone(SHOP)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with these migrations."""

    def write(files: dict[str, str]) -> Path:
        directory = tmp_path / "db" / "migrations"
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def deploy(server: LiveServer, shop: Database) -> Iterator[str]:
    """A role that owns the tables, and may do nothing else; the database lets it in as it lets in everybody."""
    role = f"deploy_{shop.name}"
    server.admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    for table in ("customers", "orders", "schema_migrations"):
        shop.execute(f"ALTER TABLE {table} OWNER TO {role}")
    shop.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
    yield role
    shop.execute(f"DROP OWNED BY {role} CASCADE")
    server.admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def taken(text: str) -> dict[str, Any]:
    """The document, which must obey its schema."""
    document: dict[str, Any] = json.loads(text)
    Draft202012Validator(json.loads(run_schema())).validate(document)
    return document


def release(shop: Database, at: Path, *arguments: str, **more: str) -> tuple[int, dict[str, Any], list[str]]:
    """Exit code, document, and the lines that were said meanwhile."""
    done = gate("release", "--sample", "0", "--format", "json", *arguments, at=at, conninfo=shop.conninfo, **more)
    assert done.stdout, done.stderr
    return done.returncode, taken(done.stdout), done.stderr.splitlines()


def test_a_release_obeys_its_schema_and_says_what_it_does(shop: Database, project: Project) -> None:
    code, run, said = release(shop, project(PASSES | IS_SPLIT))
    assert (code, run["exit_code"], run["outcome"]) == (Exit.DONE, 0, "done")
    assert run["migrations"] == ["20260101000000", "20260102000000", "20260103000000"]
    assert run["left"] == run["leftovers"] == run["in_the_way"] == []
    assert all(line.startswith("gate: ") and line.isprintable() for line in said)
    assert said[0].startswith("gate: SPLIT: 3 pending migrations for ")
    assert any(re.match(r"gate: 20260102000000 1/2: builds orders_customer ", line) for line in said)
    assert release(shop, project({}))[1]["outcome"] == "nothing pending"


def test_nothing_pending_is_one_quiet_line(shop: Database, project: Project) -> None:
    at = project(PASSES)
    release(shop, at)
    done = gate("release", at=at, conninfo=shop.conninfo)
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    assert re.fullmatch(r"DONE  nothing is pending \(database .*\)\n", done.stdout)


def test_what_failed_is_told_with_its_place_and_the_servers_words(shop: Database, project: Project) -> None:
    at = project(PASSES | FAILS)
    code, run, said = release(shop, at)
    assert (code, run["outcome"], run["migrations"]) == (Exit.MIGRATION_FAILED, "failed", ["20260101000000"])
    failed = run["units"][-1]
    assert (failed["state"], failed["sqlstate"]) == ("failed", "23505")
    assert "duplicate key" in failed["error"]
    # Values of rows are for a terminal.
    assert "200000" not in json.dumps([run["problem"], run["units"], said])
    done = gate("release", "--sample", "0", at=at, conninfo=shop.conninfo)
    assert done.stdout.startswith("FAILED  db/migrations/20260104000000_fails.sql:")


def test_who_is_in_the_way_is_named_with_the_sql_that_ends_it(shop: Database, project: Project) -> None:
    at = project(PASSES)
    with closing(shop.connect(autocommit=False, application_name="puma")) as other:
        other.execute("UPDATE orders SET customer_id = 4 WHERE id = 5")
        pid = other.info.backend_pid
        time.sleep(1.2)
        code, run, said = release(shop, at, GATE_LOCK_WAIT="1s")
        assert (code, run["outcome"]) == (Exit.LOCK_NOT_ACQUIRED, "lock not acquired")
        (way,) = run["in_the_way"]
        assert (way["pid"], way["application"], way["state"]) == (pid, "puma", "idle in transaction")
        assert way["way_out"] == f"SELECT pg_terminate_backend({pid});"
        assert any(f"waiting (1 s more at most): ACCESS EXCLUSIVE on public.orders; public.orders: pid {pid} " in line
                   for line in said)  # fmt: skip
        shop.execute(way["way_out"])
        assert release(shop, at)[0] == Exit.DONE


def test_a_prepared_transaction_is_named_with_the_sql_that_ends_it(shop: Database, project: Project) -> None:
    with shop.connect(autocommit=False) as other:
        other.execute("UPDATE orders SET customer_id = 4 WHERE id = 5; PREPARE TRANSACTION 'it''s later'")
    at = project(PASSES)
    code, run, _ = release(shop, at, GATE_LOCK_WAIT="1s")
    assert code == Exit.LOCK_NOT_ACQUIRED
    assert [way["way_out"] for way in run["in_the_way"]] == ["ROLLBACK PREPARED 'it''s later';"]
    shop.execute(run["in_the_way"][0]["way_out"])
    assert release(shop, at)[0] == Exit.DONE


# --- what to grant ----------------------------------------------------------------------------------------------------


def as_role(shop: Database, role: str) -> Database:
    return Database(name=shop.name, conninfo=f"{shop.conninfo} user={role}", major=shop.major)


def test_ownership_and_a_schema_are_enough(shop: Database, project: Project, deploy: str) -> None:
    at = project(PASSES | IS_SPLIT)
    done = gate("release", "--sample", "0", at=at, conninfo=as_role(shop, deploy).conninfo)
    assert done.returncode == Exit.MISSING_PRIVILEGE
    assert f"GRANT CREATE ON DATABASE {shop.name} TO {deploy}" in done.stderr
    assert shop.fetch("SELECT version FROM schema_migrations") == []
    shop.execute(f"GRANT CREATE ON DATABASE {shop.name} TO {deploy}")
    assert release(as_role(shop, deploy), at)[0] == Exit.DONE


def test_an_administrator_may_make_the_schema(shop: Database, project: Project, deploy: str) -> None:
    shop.execute(f"CREATE SCHEMA gate AUTHORIZATION {deploy}")
    assert release(as_role(shop, deploy), project(PASSES | IS_SPLIT))[0] == Exit.DONE


def test_four_connections_are_enough_and_three_are_not(
    server: LiveServer, shop: Database, project: Project, deploy: str
) -> None:
    at = project(PASSES)
    shop.execute(f"CREATE SCHEMA gate AUTHORIZATION {deploy}")
    limited = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
    server.admin.execute(limited.format(sql.Identifier(deploy), sql.Literal(3)))
    done = gate("release", "--sample", "0", at=at, conninfo=as_role(shop, deploy).conninfo, GATE_BUDGET="8s")
    assert done.returncode == Exit.UNREACHABLE
    assert shop.fetch("SELECT version FROM schema_migrations") == []
    server.admin.execute(limited.format(sql.Identifier(deploy), sql.Literal(4)))
    assert release(as_role(shop, deploy), at)[0] == Exit.DONE


def test_a_role_that_sees_nobody_still_says_who_is_in_the_way(
    shop: Database, project: Project, deploy: str, server: LiveServer
) -> None:
    shop.execute(f"CREATE SCHEMA gate AUTHORIZATION {deploy}")
    with shop.connect(autocommit=False, application_name="puma") as other:
        other.execute("UPDATE orders SET customer_id = 4 WHERE id = 5")
        pid = other.info.backend_pid
        code, run, _ = release(as_role(shop, deploy), project(PASSES), GATE_LOCK_WAIT="2s")
    assert code == Exit.LOCK_NOT_ACQUIRED
    (way,) = run["in_the_way"]
    assert (way["pid"], way["held"], way["state"], way["query"]) == (pid, "ROW EXCLUSIVE", None, None)
