"""Many databases: planned as groups, released canary first and in waves, stopped, and gone on with."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gate.model.errors import Exit
from gate.report.schema import fleet_plan_schema, fleet_run_schema
from tests.e2e.commands import command, environment, gate
from tests.servers import Database

pytestmark = [pytest.mark.majors(newest=True), pytest.mark.slow]
SECRET = "hunter2-Äß/@:%20"
FIRST = "-- migrate:up\nCREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
SECOND = "-- migrate:up\nALTER TABLE orders ADD COLUMN paid boolean;\n"
SETUP = """
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('1');
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
INSERT INTO orders SELECT i, 'x' FROM generate_series(1, 100) i;
"""


@dataclass
class Fleet:
    """A project, and its databases by their names in the fleet; each URL holds a password."""

    folder: Path
    databases: dict[str, Database]

    def write(self, **more: str) -> str:
        """The list of all of them, and of others; the option that names it."""
        lines = [f"{name} {conninfo(database)}" for name, database in self.databases.items()]
        path = self.folder / "fleet.txt"
        path.write_text("\n".join(["# all", *lines, *(f"{name} {url}" for name, url in more.items()), ""]))
        path.chmod(0o600)
        return f"--fleet=file:{path}"

    def gate(self, *arguments: str, code: Exit | int, **more: str) -> subprocess.CompletedProcess[str]:
        """One run; no password is in what it says."""
        done = gate(*arguments, at=self.folder, **more)
        assert done.returncode == code, done.stdout + done.stderr
        assert not [form for form in (SECRET, quote(SECRET, safe="")) if form in done.stdout + done.stderr]
        return done

    def document(self, *arguments: str, code: Exit | int, **more: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.gate(*arguments, "--format=json", code=code, **more).stdout)
        schema = fleet_plan_schema() if arguments[0] == "plan" else fleet_run_schema()
        jsonschema.validate(found, json.loads(schema))
        return found

    def done(self) -> list[str]:
        """Those that have the second migration."""
        asked = "SELECT EXISTS (SELECT FROM schema_migrations WHERE version = '2')"
        return [name for name, database in self.databases.items() if database.fetch(asked) == [(True,)]]


def conninfo(database: Database) -> str:
    return make_conninfo(database.conninfo, password=SECRET)


@pytest.fixture
def make(tmp_path: Path, clone: Callable[[str], Database]) -> Callable[..., Fleet]:
    def made(*names: str) -> Fleet:
        migrations = tmp_path / "db" / "migrations"
        migrations.mkdir(parents=True)
        (migrations / "1_orders.sql").write_text(FIRST)
        (migrations / "2_paid.sql").write_text(SECOND)
        (tmp_path / "gate.toml").write_text("sample = 0\n")
        return Fleet(tmp_path, {name: clone(SETUP) for name in names})

    return made


def test_twelve_databases_are_planned_as_few(make: Callable[..., Fleet]) -> None:
    fleet = make(*(f"t{number:02}" for number in range(11)))
    fleet.databases["t03"].execute("ALTER TABLE orders ADD COLUMN paid boolean")
    fleet.databases["t05"].execute("DELETE FROM schema_migrations; DROP TABLE orders")
    fleet.databases["t07"].execute("INSERT INTO schema_migrations VALUES ('2')")
    fleet.databases["t08"].execute(
        "INSERT INTO orders SELECT i, 'x' FROM generate_series(101, 90000) i; ANALYZE orders"
    )
    spec = fleet.write(gone=f"postgresql://u:{quote(SECRET, safe='')}@127.0.0.1:1/gone")
    found = fleet.document("plan", spec, code=Exit.REFUSED)
    alike = [f"t{number:02}" for number in (0, 1, 2, 4, 6, 8, 9, 10)]
    assert [(group["verdict"], group["pending"], group["databases"]) for group in found["groups"]] == [
        ("refuse", 1, ["t03"]),
        ("pass", 1, alike),
        ("pass", 2, ["t05"]),
        ("pass", 0, ["t07"]),
    ]
    assert [(one["name"], one["exit_code"]) for one in found["not_planned"]] == [("gone", Exit.UNREACHABLE)]
    assert (found["databases"], found["exit_code"], found["verdict"]) == (12, Exit.REFUSED, "refuse")
    (touched,) = found["groups"][1]["ranges"]
    assert touched["bytes"]["most_on"] == "t08" == found["groups"][1]["example"]
    assert touched["bytes"]["least"] < touched["bytes"]["most"]
    text = fleet.gate("plan", spec, code=Exit.REFUSED).stdout
    head = "REFUSED 12 databases: 1 refused, 9 pass, 1 with nothing pending, 1 not looked at Not looked at, so"
    assert " ".join(text.split()).startswith(head)
    assert "8 databases: t00, t01, t02, t04, t06, t08, t09, t10" in " ".join(text.split())
    assert "paid" in text.partition("REFUSED  1 database: t03")[2]
    markdown = fleet.gate("plan", spec, "--format=markdown", code=Exit.REFUSED).stdout
    assert "| REFUSED | 1 | 1 | t03 |" in markdown


def test_one_that_could_not_be_looked_at_is_never_fine(make: Callable[..., Fleet]) -> None:
    fleet = make("acme")
    spec = fleet.write(gone="host=127.0.0.1 port=1 dbname=gone")
    found = fleet.document("plan", spec, code=Exit.UNREACHABLE)
    assert found["verdict"] is None
    assert fleet.document("plan", spec, "--only=acme", code=Exit.DONE)["verdict"] == "pass"


def test_databases_are_released_and_gone_on_with(make: Callable[..., Fleet]) -> None:
    fleet = make(*(f"t{number}" for number in range(6)))
    fleet.databases["t2"].execute("DELETE FROM schema_migrations; DROP TABLE orders")
    fleet.databases["t1"].execute("ALTER TABLE orders ADD COLUMN paid boolean")
    spec = fleet.write(gone=make_conninfo(fleet.databases["t0"].conninfo, dbname="not_there"))
    released = fleet.document("release", spec, "--max-failures=2", "--wave=3", "--budget=60s", code=Exit.REFUSED)
    ended = {one["name"]: (one["wave"], one["exit_code"]) for one in released["databases"]}
    well = {name: (0 if name == "t0" else 1 if name < "t4" else 2, 0) for name in fleet.databases}
    assert ended == {**well, "t1": (1, Exit.REFUSED), "gone": (2, Exit.UNREACHABLE)}
    assert (released["not_begun"], released["stopped"]) == ([], None)
    assert fleet.done() == [name for name in fleet.databases if name != "t1"]
    refused = next(one for one in released["databases"] if one["name"] == "t1")
    assert refused["run"]["plan"]["verdict"] == "refuse"

    fleet.databases["t1"].execute("ALTER TABLE orders DROP COLUMN paid")
    again = fleet.gate("release", spec, "--only=t1,t2", "--canary=t2", code=Exit.DONE)
    assert again.stdout.startswith("DONE  2 databases: 1 done, 1 with nothing pending\n")
    assert "gate: t1: done (" in again.stderr
    assert "t1" in fleet.done()


def test_a_canary_that_fails_is_the_only_one(make: Callable[..., Fleet]) -> None:
    fleet = make("acme", "beta", "gamma")
    fleet.databases["beta"].execute("ALTER TABLE orders ADD COLUMN paid boolean")
    done = fleet.gate("release", fleet.write(), "--canary=beta", "--max-failures=9", code=Exit.REFUSED)
    assert fleet.done() == []
    told = " ".join(done.stdout.split())
    assert told.startswith("FAILED 3 databases: 1 not ended well, 2 not begun beta, the canary: refused, exit code 10")
    assert "server-would-reject" in told
    assert "Not begun: the canary did not end well: beta acme, gamma" in told
    assert "gate release --fleet file:" in told
    markdown = fleet.gate("release", fleet.write(), "--canary=beta", "--format=markdown", code=Exit.REFUSED).stdout
    assert "**Not begun** (the canary did not end well: beta): acme, gamma" in markdown


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Somebody holds a lock there that the migration has to wait for."""
    with database.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE orders IN ACCESS SHARE MODE")
        yield
        holder.rollback()


@contextmanager
def releasing(fleet: Fleet, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A release that has come to a lock which it does not get."""
    process = subprocess.Popen(
        command("release", fleet.write(), *options),
        cwd=fleet.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "waiting" in line:
            break
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_signal_is_handed_on_and_nobody_else_is_begun(make: Callable[..., Fleet]) -> None:
    fleet = make("acme", "beta")
    with locked(fleet.databases["acme"]), releasing(fleet, "--format=json") as process:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == Exit.STOPPED_RESUMABLE
    found = json.loads(out)
    assert [(one["name"], one["exit_code"]) for one in found["databases"]] == [("acme", Exit.STOPPED_RESUMABLE)]
    assert found["not_begun"] == ["beta"]
    assert found["stopped"] == "stopped by SIGTERM"
    assert fleet.gate("release", fleet.write(), code=Exit.DONE).stdout.startswith("DONE  2 databases: 2 done\n")


def test_who_is_at_work_does_not_outlive_a_parent_that_was_killed(make: Callable[..., Fleet]) -> None:
    fleet = make("acme", "beta")
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'gate/%'"
    )
    with locked(fleet.databases["acme"]), releasing(fleet) as process:
        assert fleet.databases["acme"].fetch(asked) != [(0,)]
        process.kill()
        until_s = time.monotonic() + 60
        while fleet.databases["acme"].fetch(asked) != [(0,)] and time.monotonic() < until_s:
            time.sleep(0.1)
        assert fleet.databases["acme"].fetch(asked) == [(0,)]
    assert fleet.done() == []


def test_the_pods_of_a_job_have_each_database_once(make: Callable[..., Fleet]) -> None:
    fleet = make("acme", "delta")
    spec, had = fleet.write(), []
    for index in range(2):
        pod = {"JOB_COMPLETION_INDEX": str(index), "GATE_FLEET_SHARDS": "2"}
        found = fleet.document("release", spec, code=Exit.DONE, **pod)
        assert found["shard"] == {"index": index, "of": 2}
        had += [one["name"] for one in found["databases"]]
    assert sorted(had) == sorted(fleet.databases) == sorted(fleet.done())
    done = fleet.gate("plan", spec, code=Exit.USAGE, JOB_COMPLETION_INDEX="1")
    assert "nobody says how many share the fleet" in done.stderr


def test_hooks_meet_the_database_that_they_are_called_for(make: Callable[..., Fleet]) -> None:
    fleet = make("acme", "beta")
    says = "import os, pathlib; at = pathlib.Path('hook_' + os.environ['GATE_FLEET_DATABASE'])"
    says += "; at.write_text(os.environ['DATABASE_URL'])"
    hook = f"[[release.on_success]]\ncommand = {json.dumps(['python3', '-c', says])}\n"
    (fleet.folder / "gate.toml").write_text(f"sample = 0\n{hook}")
    fleet.gate("release", fleet.write(), code=Exit.DONE)
    for name, database in fleet.databases.items():
        told = conninfo_to_dict((fleet.folder / f"hook_{name}").read_text())
        assert told["dbname"] == database.name


def test_the_url_of_the_fleet_goes_before_those_of_the_file(make: Callable[..., Fleet], database: Database) -> None:
    fleet = make("acme")
    (fleet.folder / "gate.toml").write_text('sample = 0\n[databases.shop]\nurl_variable = "SHOP_URL"\n')
    assert "names several" in fleet.gate("release", fleet.write(), code=Exit.USAGE).stderr
    fleet.gate("release", fleet.write(), "--database=shop", code=Exit.DONE, SHOP_URL=database.conninfo)
    assert fleet.done() == ["acme"]
    assert database.fetch("SELECT count(*) FROM pg_namespace WHERE nspname = 'gate'") == [(0,)]


def test_text_that_does_not_parse_is_told_once(make: Callable[..., Fleet]) -> None:
    fleet = make("acme", "beta", "gamma")
    (fleet.folder / "db" / "migrations" / "3_bad.sql").write_text("-- migrate:up\nALTER TABEL orders;\n")
    done = fleet.gate("plan", fleet.write(), code=Exit.USAGE)
    assert done.stdout.startswith("UNKNOWN  3 databases: 3 not looked at")
    assert "acme, beta, gamma: db/migrations/3_bad.sql:2:7: " in " ".join(done.stdout.split())


def test_a_server_without_a_connection_left_is_asked_again(make: Callable[..., Fleet]) -> None:
    fleet = make("acme")
    database = fleet.databases["acme"]
    database.execute("CREATE ROLE narrow LOGIN IN ROLE pg_read_all_data")
    try:
        database.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT 1")
        url = make_conninfo(database.conninfo, user="narrow")
        holder = psycopg.connect(url)
        (fleet.folder / "one.txt").write_text(f"acme {url}\n")
        leaving = threading.Timer(1.5, holder.close)
        leaving.start()
        found = fleet.document("plan", "--fleet=one.txt", code=Exit.REFUSED)  # it owns nothing
        leaving.join()
        assert [group["databases"] for group in found["groups"]] == [["acme"]]
    finally:
        database.execute("DROP ROLE narrow")


def test_what_a_platform_is_told_is_not_for_each_database(make: Callable[..., Fleet]) -> None:
    fleet = make("acme")
    (fleet.folder / "gate.toml").write_text('sample = 0\n[[release.on_begin]]\nhook = "heroku.maintenance"\n')
    done = fleet.gate("release", fleet.write(), code=Exit.USAGE)
    assert "say --no-hooks here" in done.stderr
    fleet.gate("release", fleet.write(), "--no-hooks", code=Exit.DONE)


def test_a_directory_of_secrets_and_a_command_name_the_same(make: Callable[..., Fleet]) -> None:
    fleet = make("acme", "beta")
    mounted = fleet.folder / "secrets"
    (mounted / "..2026").mkdir(parents=True)
    (mounted / "..data").symlink_to("..2026")
    for name, database in fleet.databases.items():
        (mounted / "..2026" / name).write_text(conninfo(database) + "\n")
        (mounted / name).symlink_to(f"..data/{name}")
    found = fleet.document("plan", f"--fleet=dir:{mounted}", code=Exit.DONE)
    assert [group["databases"] for group in found["groups"]] == [["acme", "beta"]]
    listing = fleet.folder / "list.py"
    rows = [{"name": name, "url": conninfo(database)} for name, database in fleet.databases.items()]
    listing.write_text(
        f"import json, sys\nprint('asked', file=sys.stderr)\nfor row in {rows!r}: print(json.dumps(row))\n"
    )
    done = fleet.gate("release", f"--fleet=command:python3 {listing} --token s3cr3t", code=Exit.DONE)
    assert "python3 says: asked" in done.stderr
    assert "s3cr3t" not in done.stdout + done.stderr
    assert fleet.done() == ["acme", "beta"]
