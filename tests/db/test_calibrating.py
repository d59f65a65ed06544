"""`gate calibrate` on a real server: figures come out, and nothing stays behind, however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import tomllib
from dataclasses import fields
from pathlib import Path

import psycopg
import pytest

from gate.app.request import Request
from gate.app.settings import load
from gate.model.rates import Figures
from tests.e2e.commands import command, environment, gate
from tests.servers import Database

# What would be left: a schema, a relation of it, a file of it, a transaction that still holds it.
LEFT = """
SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'gate%'
UNION ALL SELECT count(*) FROM pg_class WHERE relname IN ('narrow', 'wide', 'long', 'changed')
UNION ALL SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gate calibrate'
"""
GONE_S = 15.0


def assert_nothing_left(database: Database) -> None:
    """Waits for the backend to notice that its client is gone."""
    deadline = time.monotonic() + GONE_S
    while database.fetch(LEFT) != [(0,)] * 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert database.fetch(LEFT) == [(0,)] * 3


def test_its_table_is_taken_by_gate_toml(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = gate("calibrate", "--megabytes", "32", at=tmp_path, conninfo=database.conninfo)
    assert done.returncode == 0, done.stderr
    assert "gate_calibration_" in done.stderr
    (tmp_path / "gate.toml").write_text(done.stdout)
    monkeypatch.chdir(tmp_path)
    settings = load(Request(), environment={})
    assert settings.policy.calibration == tomllib.loads(done.stdout)["calibration"]
    assert set(settings.policy.calibration) == {item.name for item in fields(Figures)}
    assert_nothing_left(database)


@pytest.mark.majors(newest=True)
def test_json_for_programs_under_a_publication_of_all_tables(database: Database, tmp_path: Path) -> None:
    database.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    done = gate("calibrate", "--megabytes", "32", "--format", "json", at=tmp_path, conninfo=database.conninfo)
    assert json.loads(done.stdout)["calibration"]["page_read_ns"] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_it_is_ended(database: Database, tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        command("calibrate", "--megabytes", "128"),
        cwd=tmp_path,
        env=environment(database.conninfo),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        _wait_until_it_works(database, process)
        process.send_signal(number)
        assert process.wait(GONE_S) != 0
        assert process.stdout is not None
        assert process.stdout.read() == ""
    assert_nothing_left(database)


def _wait_until_it_works(database: Database, process: subprocess.Popen[str]) -> None:
    working = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gate calibrate' AND query LIKE 'INSERT%'"
    while database.fetch(working) == [(0,)]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


@pytest.mark.majors(newest=True)
def test_a_short_time_gives_what_it_reached(database: Database, tmp_path: Path) -> None:
    done = gate("calibrate", "--megabytes", "640", "--seconds", "1", at=tmp_path, conninfo=database.conninfo)
    assert done.returncode == 2
    if "disk has" in done.stderr:
        pytest.skip("this machine has too little disk for more than a second's work")
    assert "were not filled within 1 s" in done.stderr
    assert_nothing_left(database)


@pytest.mark.majors(newest=True)
def test_a_role_without_the_privilege_is_told_which(database: Database, tmp_path: Path) -> None:
    role = f"plain_{database.name}"
    database.execute(f"CREATE ROLE {role} LOGIN")
    try:
        conninfo = psycopg.conninfo.make_conninfo(database.conninfo, user=role)
        done = gate("calibrate", at=tmp_path, conninfo=conninfo)
        assert done.returncode == 51
        assert f"GRANT CREATE ON DATABASE {database.name} TO {role}" in done.stderr
        database.execute(f"GRANT CREATE ON DATABASE {database.name} TO {role}")
        assert gate("calibrate", "--megabytes", "32", at=tmp_path, conninfo=conninfo).returncode == 0
    finally:
        database.execute(f"REVOKE ALL ON DATABASE {database.name} FROM {role}; DROP ROLE {role}")


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize(
    "arguments", [["--megabytes", "1"], ["--seconds", "0"], ["--format", "yaml"], ["--megabytes", "100000"]]
)
def test_limits_that_make_no_sense(database: Database, tmp_path: Path, arguments: list[str]) -> None:
    done = gate("calibrate", *arguments, at=tmp_path, conninfo=database.conninfo)
    assert done.returncode == 2
    assert arguments[1] in done.stderr
