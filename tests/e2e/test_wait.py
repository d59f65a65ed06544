"""The real gate wait: it looks, says who holds the schema up, and ends in time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gate.model.errors import Exit
from gate.run.journalling import RUNNER_LOCK_CLASS
from tests.e2e.commands import command, environment, gate
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)
ID = "20260102000000"
DBMATE = ("--source", "dbmate")
ROWS = "CREATE TABLE schema_migrations (version varchar PRIMARY KEY); INSERT INTO schema_migrations VALUES "
KEEPS = "import pathlib, sys; pathlib.Path('told').write_text(sys.stdin.read())"
HOOK = f"[[release.on_failure]]\ncommand = {json.dumps([sys.executable, '-c', KEEPS])}\n"
ADVISORY = f"SELECT pg_advisory_lock({RUNNER_LOCK_CLASS}, hashtext('gate'))"


def wait(database: Database, at: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return gate("wait", *arguments, at=at, conninfo=database.conninfo, **more)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The report without its line breaks."""
    return " ".join(done.stdout.split())


def begun(at: Path, conninfo: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("wait", *arguments),
        cwd=at,
        env=environment(conninfo),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line_of(waiting: subprocess.Popen[str]) -> str:
    assert waiting.stderr is not None
    return waiting.stderr.readline()


@pytest.mark.majors
def test_what_is_there_is_a_blink_for_a_role_that_may_only_read(database: Database, tmp_path: Path) -> None:
    role = f"app_{database.name}"
    database.execute(f"{ROWS} ('{ID}'); CREATE ROLE {role} LOGIN; GRANT SELECT ON schema_migrations TO {role}")
    conninfo = database.conninfo.replace("user=postgres", f"user={role}")
    try:
        done = gate(
            "wait",
            "--schema-at-least",
            ID,
            *DBMATE,
            at=tmp_path,
            conninfo=conninfo,
            PGOPTIONS="-cdefault_transaction_read_only=on",
        )
        assert (done.returncode, done.stderr) == (Exit.DONE, "")
        assert done.stdout == f"THERE  {ID} in {database.name} is applied\n"
        quiet = gate("wait", "--schema-at-least", ID, *DBMATE, "-q", at=tmp_path, conninfo=conninfo)
        assert (quiet.returncode, quiet.stdout + quiet.stderr) == (Exit.DONE, "")
        database.execute(f"REVOKE SELECT ON schema_migrations FROM {role}")
        forbidden = gate("wait", "--schema-at-least", ID, *DBMATE, at=tmp_path, conninfo=conninfo)
        assert (forbidden.returncode, f"TO {role}" in forbidden.stderr) == (Exit.MISSING_PRIVILEGE, True)
    finally:
        database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_it_is_waited_for_and_nothing_is_held_meanwhile(database: Database, tmp_path: Path) -> None:
    waiting = begun(tmp_path, database.conninfo, "--schema-at-least", ID, *DBMATE)
    assert "the bookkeeping of dbmate (schema_migrations) is not there yet" in line_of(waiting)
    # Who took a lock on the table, or stayed in a transaction, would be in the way of this.
    database.execute(f"SET lock_timeout = '1s'; {ROWS} ('20260101000000'); LOCK TABLE schema_migrations")
    assert f"{ID} is not applied to {database.name} yet" in line_of(waiting)
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gate wait'"
    deadline = time.monotonic() + 10.0
    while database.fetch(ours) != [(0,)]:
        assert time.monotonic() < deadline
    database.execute(f"INSERT INTO schema_migrations VALUES ('{ID}')")
    out, _ = waiting.communicate(timeout=20)
    assert (waiting.returncode, out.startswith(f"THERE  {ID} in {database.name} is applied")) == (Exit.DONE, True)


def test_a_database_that_is_not_there_yet_is_waited_for(database: Database, tmp_path: Path) -> None:
    name = f"{database.name}_later"
    waiting = begun(tmp_path, database.conninfo.replace(database.name, name), "--schema-at-least", ID, *DBMATE)
    try:
        assert "does not exist" in line_of(waiting)
        database.execute(f"{ROWS} ('{ID}')")
        database.execute(f"CREATE DATABASE {name} TEMPLATE {database.name}")
        waiting.communicate(timeout=30)
        assert waiting.returncode == Exit.DONE
    finally:
        waiting.kill()
        database.execute(f"DROP DATABASE IF EXISTS {name}")


def test_the_end_of_the_time_is_told_once_however_many_replicas_wait(database: Database, tmp_path: Path) -> None:
    database.execute(f"{ROWS} ('20260101000000')")
    told = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gate.toml").write_text(HOOK)
        done = wait(database, tmp_path / name, "--schema-at-least", ID, *DBMATE, "--timeout", "1s")
        assert done.returncode == Exit.STOPPED_RESUMABLE
        assert done.stdout.startswith(f"TIMED OUT  {ID} is not applied to {database.name} yet, after 1")
        told.append(json.loads((tmp_path / name / "told").read_text()))
    first = told[0]
    assert (first["command"], first["schema_at_least"], first["left"]) == ("wait", ID, [ID])
    assert (first["outcome"], first["exit_code"]) == ("stopped", 30)
    assert {"schema", "gate", "run", "database", "problem", "remedy"} <= set(first)
    assert first["run"] == first["dedupe"] == told[1]["run"]
    other = wait(database, tmp_path, "--schema-at-least", "x", *DBMATE, "--timeout", "0", "--format", "json")
    assert json.loads(other.stdout)["run"] != first["run"]
    (tmp_path / "one" / "told").unlink()
    silent = wait(database, tmp_path / "one", "--schema-at-least", ID, *DBMATE, "--timeout", "0", "--no-hooks")
    assert (silent.returncode, (tmp_path / "one" / "told").exists()) == (Exit.STOPPED_RESUMABLE, False)


@pytest.mark.parametrize(
    ("tool", "table", "wanted"),
    [
        ("dbmate", ROWS + "('10')", "9"),
        ("dbmate", ROWS + "('10')", "010"),
        ("diesel", "CREATE TABLE __diesel_schema_migrations AS SELECT '10' AS version, now() AS run_on", "9"),
        ("goose", "CREATE TABLE goose_db_version AS SELECT 1 AS id, 10::bigint AS version_id, true AS is_applied", "9"),
    ],
)
def test_ids_are_not_compared_as_numbers(
    tool: str, table: str, wanted: str, database: Database, tmp_path: Path
) -> None:
    database.execute(table)
    there = wait(database, tmp_path, "--schema-at-least", "10", "--source", tool, "--timeout", "0")
    assert there.returncode == Exit.DONE
    older = wait(database, tmp_path, "--schema-at-least", wanted, "--source", tool, "--timeout", "0")
    assert older.returncode == Exit.STOPPED_RESUMABLE


MIGRATE = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); "


def test_of_one_version_alone_it_is_not_known_what_came_before_it(database: Database, tmp_path: Path) -> None:
    database.execute(MIGRATE + "INSERT INTO schema_migrations VALUES (10, false)")
    unknown = wait(database, tmp_path, "--schema-at-least", "9", "--source", "golang-migrate", "--timeout", "0")
    assert unknown.returncode == Exit.STOPPED_RESUMABLE
    assert "not known: golang-migrate keeps one version, 10 now" in said(unknown)
    assert "way out: name the directory that has them" in said(unknown)
    files = tmp_path / "migrations"
    files.mkdir()
    for version in ("0009", "0010"):
        (files / f"{version}_a.up.sql").write_text("SELECT 1;\n")
    for wanted in ("9", "latest"):
        assert wait(database, tmp_path, "--schema-at-least", wanted, "migrations").returncode == Exit.DONE
    padded = wait(database, tmp_path, "--schema-at-least", "0009", "migrations")
    assert (padded.returncode, "the id of that migration is 9" in padded.stderr) == (Exit.USAGE, True)


def test_what_the_tool_left_half_done_is_said_at_once(database: Database, tmp_path: Path) -> None:
    database.execute(MIGRATE + "INSERT INTO schema_migrations VALUES (10, true)")
    done = wait(database, tmp_path, "--schema-at-least", "10", "--source", "golang-migrate", "--timeout", "1s")
    assert "golang-migrate left version 10 dirty" in done.stderr
    assert "golang-migrate left version 10 dirty" in said(done)


def test_a_release_at_work_is_named(database: Database, tmp_path: Path) -> None:
    with database.connect(application_name="gate/1f3a91c2/runner") as runner:
        runner.execute(ADVISORY)
        pid = runner.info.backend_pid
        done = wait(database, tmp_path, "--schema-at-least", ID, *DBMATE, "--timeout", "1s")
    assert f"a gate release is at work (pid {pid})" in done.stderr


def test_how_the_last_release_ended_is_said(database: Database, tmp_path: Path) -> None:
    (tmp_path / "db" / "migrations").mkdir(parents=True)
    (tmp_path / "db" / "migrations" / f"{ID}_a.sql").write_text("-- migrate:up\nSELECT 1 / 0;\n")
    failed = gate("release", "--sample", "0", at=tmp_path, conninfo=database.conninfo)
    assert failed.returncode == Exit.MIGRATION_FAILED, failed.stdout
    done = wait(database, tmp_path, "--schema-at-least", "latest", "--timeout", "1s")
    assert done.returncode == Exit.STOPPED_RESUMABLE
    assert "ended: failed: " in done.stderr
    assert "division by zero" in done.stderr


def test_a_signal_ends_it_at_once(database: Database, tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(HOOK)
    waiting = begun(tmp_path, database.conninfo, "--schema-at-least", ID, *DBMATE)
    assert "waiting: " in line_of(waiting)
    waiting.send_signal(signal.SIGTERM)
    waiting.communicate(timeout=10)
    assert (waiting.returncode, (tmp_path / "told").exists()) == (Exit.STOPPED_RESUMABLE, False)


def test_nothing_heavy_is_loaded_for_what_is_there(database: Database, tmp_path: Path) -> None:
    database.execute(f"{ROWS} ('{ID}')")
    program = (
        f"import sys; from gate.cli.main import run; code = run(['wait', '--schema-at-least', '{ID}', *{DBMATE!r}]); "
        "print(code, [name for name in ('typer', 'pydantic', 'httpx', 'postgast') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        env=environment(database.conninfo),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []"


# --- the Job that is to bring it --------------------------------------------------------------------------------------


def job(**status: Any) -> dict[str, Any]:
    selector = {"matchLabels": {"batch.kubernetes.io/job-name": "shop-migrate"}}
    metadata = {"name": "shop-migrate", "namespace": "shop", "uid": "7c1", "creationTimestamp": "2026-01-02T03:04:05Z"}
    return {"metadata": metadata, "spec": {"selector": selector}, "status": status}


def stuck_pod() -> dict[str, Any]:
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "shop:v42"'}
    statuses = [{"name": "gate", "state": {"waiting": waiting}}]
    metadata = {"name": "shop-migrate-x7k2p", "creationTimestamp": "2026-01-02T03:04:06Z"}
    return {"metadata": metadata, "spec": {}, "status": {"phase": "Pending", "containerStatuses": statuses}}


JOB = "/apis/batch/v1/namespaces/shop/jobs/shop-migrate"
PODS = "/api/v1/namespaces/shop/pods"
FORBIDDEN = {
    "kind": "Status",
    "status": "Failure",
    "reason": "Forbidden",
    "code": 403,
    "message": 'jobs.batch "shop-migrate" is forbidden: User "system:serviceaccount:shop:app" cannot get it',
}


@contextmanager
def cluster(objects: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Answers each path with its object, or as an API server that may not tell."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = objects.get(self.path.partition("?")[0], FORBIDDEN)
            content = json.dumps(found).encode()
            self.send_response(found.get("code", 200))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Tests say enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def waits_for_a_job(database: Database, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    database.execute(f"{ROWS} ('20260101000000')")

    def run(objects: Mapping[str, dict[str, Any]], *arguments: str) -> subprocess.CompletedProcess[str]:
        with cluster(objects) as url:
            table = f'[platform.kubernetes]\nserver = "{url}"\ntoken = "env:TOKEN"\nnamespace = "shop"\n'
            (tmp_path / "gate.toml").write_text(table + HOOK)
            more = {"TOKEN": "planted-token", "GATE_JOB": "shop-migrate"}
            done = wait(database, tmp_path, "--schema-at-least", ID, *DBMATE, *arguments, **more)
        assert "planted-token" not in done.stdout + done.stderr
        return done

    return run


def test_a_job_whose_pod_never_starts_is_named_first(
    waits_for_a_job: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    objects = {JOB: job(active=1), PODS: {"items": [stuck_pod()]}}
    done = waits_for_a_job(objects, "--timeout", "1s")
    assert done.returncode == Exit.STOPPED_RESUMABLE
    assert said(done).startswith(
        "TIMED OUT Job shop-migrate does not start: pod shop-migrate-x7k2p: ImagePullBackOff: Back-off pulling image"
    )
    told = json.loads((tmp_path / "told").read_text())
    assert (told["job"]["name"], told["job"]["uid"], told["job"]["failed"]) == ("shop-migrate", "7c1", False)


@pytest.mark.slow
def test_a_job_that_failed_for_good_is_not_waited_for(
    waits_for_a_job: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    condition = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "it failed 4 times"}
    done = waits_for_a_job({JOB: job(failed=4, conditions=[condition]), PODS: {"items": []}}, "--timeout", "1min")
    assert done.returncode == Exit.MIGRATION_FAILED
    assert said(done).startswith("JOB FAILED Job shop-migrate has failed: BackoffLimitExceeded: it failed 4 times")


def test_who_may_not_look_at_the_job_is_told_the_rule(
    waits_for_a_job: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = waits_for_a_job({}, "--timeout", "0")
    assert done.returncode == Exit.STOPPED_RESUMABLE
    assert said(done).startswith(f"TIMED OUT {ID} is not applied to ")
    assert 'resources: ["jobs"], verbs: ["get"]' in said(done)
