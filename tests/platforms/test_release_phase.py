"""`gate release` as Heroku's release phase runs it: in a process group that gets every signal as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.e2e.commands import command, environment, gate
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)
DYNO = {"DYNO": "release.1234"}
OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'gate/%' AND datname = current_database()"


@pytest.fixture
def shop(tmp_path: Path, database: Database) -> Path:
    (tmp_path / "db/migrations").mkdir(parents=True)
    (tmp_path / "gate.toml").write_text("sample = 0\n")
    (tmp_path / "db/migrations/1_a.sql").write_text("-- migrate:up\nCREATE INDEX orders_total ON orders (total);\n")
    database.execute(
        "CREATE TABLE schema_migrations (version varchar PRIMARY KEY); "
        "CREATE TABLE orders (id int PRIMARY KEY, total int); "
        "INSERT INTO orders SELECT n, n FROM generate_series(1, 300000) n; ANALYZE"
    )
    return tmp_path


def test_the_verdict_is_the_first_line_with_the_budget_of_the_release_phase(shop: Path, database: Database) -> None:
    done = gate("release", at=shop, conninfo=database.conninfo, **DYNO)
    assert done.returncode == 0, done.stderr
    first, *steps = done.stderr.splitlines()
    assert first.startswith("gate: SPLIT: 1 pending migration")
    assert first.endswith("50 min for all of it")
    assert [line for line in steps if "/2: done in " in line]
    again = gate("release", at=shop, conninfo=database.conninfo, **DYNO)
    assert (again.returncode, again.stderr, again.stdout.count("\n")) == (0, "", 1)
    (shop / "db/migrations/1_a.sql").rename(shop / "db/migrations/0_a.sql")
    database.execute("INSERT INTO schema_migrations VALUES ('0')")
    ahead = gate("release", at=shop, conninfo=database.conninfo, **DYNO)
    assert (ahead.returncode, "the database is ahead of these files" in ahead.stdout) == (0, True)


def test_sigterm_to_all_processes_three_times_ends_it_and_the_next_release_goes_on(
    shop: Path, database: Database
) -> None:
    """An old snapshot keeps the index from its end."""
    with psycopg.connect(database.conninfo) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT 1 FROM schema_migrations")
        process = subprocess.Popen(
            command("release"), cwd=shop, env=environment(database.conninfo, **DYNO), start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        while database.fetch("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.02)
        for _ in range(3):
            os.killpg(process.pid, signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 30, said
        assert "SIGTERM" in said
        assert database.fetch(OURS) == [(0,)]
    assert gate("release", at=shop, conninfo=database.conninfo, **DYNO).returncode == 0
    assert database.fetch("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]


def test_an_empty_database_of_a_review_app(tmp_path: Path, database: Database) -> None:
    (tmp_path / "db/migrations").mkdir(parents=True)
    (tmp_path / "db/migrations/1_a.sql").write_text("-- migrate:up\nCREATE TABLE a (id bigint PRIMARY KEY);\n")
    done = gate("release", at=tmp_path, conninfo=database.conninfo, **DYNO)
    assert done.returncode == 0, done.stderr
    assert database.fetch("SELECT to_regclass('a')::text") == [("a",)]


def test_the_pooled_url_is_refused_for_the_direct_one(shop: Path, database: Database) -> None:
    info = conninfo_to_dict(database.conninfo)
    tail = f"/{info['dbname']}?{urlencode([(name, info[name]) for name in ('host', 'port') if name in info])}"
    pooled = f"postgres://{info['user']}@{tail}"
    direct = f"postgres://{info['user']}@db.example.com/{info['dbname']}"
    around = {"DATABASE_CONNECTION_POOL_URL": pooled, "DIRECT_DATABASE_URL": direct}
    done = gate("release", at=shop, conninfo=pooled, **DYNO, **around)
    assert done.returncode == 2
    assert "DATABASE_CONNECTION_POOL_URL is a pooler's address" in done.stderr
    assert "env:DIRECT_DATABASE_URL" in done.stderr
