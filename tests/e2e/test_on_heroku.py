"""A release whose hooks act on Heroku: what was changed is put back, by whoever ends the run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gate.model.errors import Exit
from gate.run.journalling import RUNNER_LOCK_CLASS
from tests.e2e.commands import command, environment, gate
from tests.platforms.heroku.fake import FakeHeroku, Fault, serving
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)

MAINTENANCE = '[[release.on_begin]]\nhook = "heroku.maintenance"\n'
FEWER = '[[release.on_begin]]\nhook = "heroku.scale"\ntype = "worker"\nquantity = 0\n'
ROLLBACK = '[[release.on_failure]]\nhook = "heroku.rollback"\n'


@pytest.fixture
def heroku() -> Iterator[FakeHeroku]:
    fake = FakeHeroku()
    for age_s in (500_000.0, 90_000.0, 7_200.0):
        fake.app.release(age_s=age_s)
    fake.app.process("web", 2)
    fake.app.process("worker", 1)
    fake.app.attachment("DATABASE")
    with serving(fake):
        yield fake
    assert fake.violations == []


class Shop:
    """A project on Heroku."""

    def __init__(self, root: Path, database: Database, heroku: FakeHeroku) -> None:
        self.root, self.database, self.heroku = root, database, heroku
        (root / "db" / "migrations").mkdir(parents=True)
        database.execute(
            "CREATE TABLE schema_migrations (version varchar PRIMARY KEY); "
            "CREATE TABLE orders (id bigint PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a')"
        )

    def write(self, policy: str, text: str) -> None:
        (self.root / "gate.toml").write_text(f"sample = 0\n{policy}")
        (self.root / "db" / "migrations" / "1_a.sql").write_text(f"-- migrate:up\n{text}\n")

    def release(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = gate(
            "release", "--format", "json", *arguments, at=self.root, conninfo=self.database.conninfo, **self.env
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    @property
    def env(self) -> dict[str, str]:
        return {**self.heroku.environment, "DYNO": "release.4711"}

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command("release"),
            cwd=self.root,
            env=environment(self.database.conninfo, **self.env),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def await_sleep(self, process: subprocess.Popen[bytes]) -> None:
        sleeps = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        while not self.database.fetch(sleeps):
            assert process.poll() is None
            time.sleep(0.05)

    def workers(self) -> int:
        return int(self.heroku.app.formation["worker"]["quantity"])


@pytest.fixture
def shop(tmp_path: Path, database: Database, heroku: FakeHeroku) -> Shop:
    return Shop(tmp_path, database, heroku)


def said(document: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(hook["event"], hook["name"], hook["problem"]) for hook in document["hooks"]]


@pytest.mark.parametrize(
    ("text", "code"), [("SELECT 1;", Exit.DONE), ("SELECT 1 / 0;", Exit.MIGRATION_FAILED), ("SELEC;", Exit.USAGE)]
)
def test_the_run_itself_puts_back_what_it_changed(text: str, code: Exit, shop: Shop) -> None:
    shop.write(MAINTENANCE + FEWER, text)
    if code is Exit.USAGE:
        done = gate("release", at=shop.root, conninfo=shop.database.conninfo, **shop.env)
        assert (done.returncode, shop.heroku.changes) == (code, [])
        return
    assert shop.release()[0] == code
    assert not shop.heroku.app.is_in_maintenance
    assert shop.workers() == 1
    assert len([change for change in shop.heroku.changes if change.startswith("PATCH")]) == 4
    assert shop.database.fetch("SELECT count(*) FROM gate.changes WHERE settled_at IS NULL") == [(0,)]


def test_after_a_crash_the_next_release_puts_it_back_although_nothing_is_pending(shop: Shop) -> None:
    shop.write(MAINTENANCE + FEWER, "SELECT pg_sleep(300);")
    with shop.start() as process:
        shop.await_sleep(process)
        assert shop.heroku.app.is_in_maintenance
        process.send_signal(signal.SIGKILL)
    (shop.root / "db" / "migrations" / "1_a.sql").unlink()
    (shop.root / "db" / "migrations" / "0_b.sql").write_text("-- migrate:up\nSELECT 1;\n")
    shop.database.execute("INSERT INTO schema_migrations VALUES ('0')")
    code, document = shop.release()
    assert (code, document["outcome"]) == (Exit.DONE, "nothing pending")
    assert said(document) == [("restore", "heroku.scale", None), ("restore", "heroku.maintenance", None)]
    assert (shop.heroku.app.is_in_maintenance, shop.workers()) == (False, 1)


def test_gate_kill_stops_the_dyno_ends_its_backends_and_puts_back_what_it_changed(shop: Shop) -> None:
    shop.write(MAINTENANCE, "SELECT pg_sleep(300);")
    with shop.start() as process:
        shop.await_sleep(process)
        os.kill(process.pid, signal.SIGKILL)
    shop.heroku.app.dyno("release.4711", 3)
    done = gate(
        "kill", "--dyno", "release.4711", "--format", "json", at=shop.root, conninfo=shop.database.conninfo,
        **shop.heroku.environment,
    )  # fmt: skip
    document = json.loads(done.stdout)
    assert done.returncode == Exit.DONE, done.stdout
    assert said(document) == [("kill", "heroku.stop", None), ("restore", "heroku.maintenance", None)]
    assert not shop.heroku.app.is_in_maintenance
    assert [dyno for dyno in shop.heroku.app.dynos if dyno["type"] == "release"] == []
    assert shop.database.fetch("SELECT FROM pg_stat_activity WHERE application_name LIKE 'gate/%'") == []


def test_in_a_release_phase_a_rollback_does_nothing_and_says_why(shop: Shop) -> None:
    shop.write(ROLLBACK, "SELECT 1 / 0;")
    code, document = shop.release()
    assert code == Exit.MIGRATION_FAILED
    (hook,) = document["hooks"]
    assert hook["problem"] is None
    assert "never becomes current" in hook["output"]
    assert shop.heroku.changes == []


def test_a_begin_hook_that_does_not_work_keeps_the_release_from_beginning(shop: Shop) -> None:
    shop.heroku.tokens.clear()
    shop.write(MAINTENANCE, "CREATE TABLE made (id int);")
    code, document = shop.release()
    assert code == Exit.REFUSED
    assert "heroku.maintenance" in document["problem"]
    assert shop.database.fetch("SELECT to_regclass('made')") == [(None,)]


def test_where_it_is_not_required_the_release_goes_on_and_says_so(shop: Shop) -> None:
    shop.heroku.tokens.clear()
    shop.write(MAINTENANCE + "required = false\n", "CREATE TABLE made (id int);")
    code, document = shop.release()
    assert code == Exit.DONE
    assert "unauthorized" in document["hooks"][0]["problem"]
    assert any("would not work" in note for note in document["notes"])


def left_behind(shop: Shop, policy: str) -> None:
    """A run that was killed in the midst of a statement; nothing is pending since."""
    shop.write(policy, "SELECT pg_sleep(300);")
    with shop.start() as process:
        shop.await_sleep(process)
        process.send_signal(signal.SIGKILL)
    migrations = shop.root / "db" / "migrations"
    (migrations / "1_a.sql").unlink()
    (migrations / "0_b.sql").write_text("-- migrate:up\nSELECT 1;\n")
    shop.database.execute("INSERT INTO schema_migrations VALUES ('0')")


def kill(shop: Shop) -> tuple[int, dict[str, Any]]:
    done = gate("kill", "--format", "json", at=shop.root, conninfo=shop.database.conninfo, **shop.heroku.environment)
    return done.returncode, json.loads(done.stdout)


def test_while_gate_kill_puts_it_back_no_release_begins(shop: Shop) -> None:
    """What that one sets would be taken for what the dead run left."""
    left_behind(shop, "[release]\nrunner_wait = '0s'\n" + MAINTENANCE)
    (shop.root / "db" / "migrations" / "2_c.sql").write_text("-- migrate:up\nSELECT 1;\n")
    codes: list[int] = []
    begins = Fault(match="GET /apps/[^/]*", meanwhile=lambda: codes.append(shop.release()[0]))
    shop.heroku.faults.append(begins)
    code, document = kill(shop)
    assert (code, said(document)) == (Exit.DONE, [("restore", "heroku.maintenance", None)])
    assert codes == [Exit.ANOTHER_GATE]


def test_gate_kill_writes_nothing_to_the_journal_of_a_newer_gate(shop: Shop) -> None:
    left_behind(shop, MAINTENANCE)
    shop.database.execute("INSERT INTO gate.journal_versions (version, gate) VALUES (99, '9.9')")
    code, document = kill(shop)
    assert code == Exit.STOPPED_NEEDS_PERSON
    assert "gate 9.9" in document["hooks"][0]["problem"]
    assert shop.heroku.app.is_in_maintenance


def test_a_change_that_only_a_newer_gate_understands_is_told_and_let_be(shop: Shop) -> None:
    left_behind(shop, MAINTENANCE)
    shop.database.execute(
        "UPDATE gate.changes SET change = jsonb_set(change::jsonb, '{until}', '\"the next full moon\"')::json"
    )
    code, document = shop.release()
    assert (code, document["outcome"]) == (Exit.DONE, "nothing pending")
    assert "maintenance of shop was switched on is not put back" in document["hooks"][0]["problem"]
    assert shop.heroku.app.is_in_maintenance


def test_a_database_that_may_only_be_read_keeps_no_deploy_from_going_on(shop: Shop) -> None:
    """Nothing is pending: what a dead run left stays, and that is said."""
    left_behind(shop, MAINTENANCE)
    shop.database.execute(f'ALTER DATABASE "{shop.database.name}" SET default_transaction_read_only = on')
    code, document = shop.release()
    assert (code, document["outcome"]) == (Exit.DONE, "nothing pending")
    assert any("switched on, and is not put back" in note for note in document["notes"])
    (shop.root / "db" / "migrations" / "3_d.sql").write_text("-- migrate:up\nSELECT 1;\n")
    done = gate("release", at=shop.root, conninfo=shop.database.conninfo, **shop.env)
    assert done.returncode == Exit.USAGE


def test_whoever_has_lost_the_lock_meanwhile_puts_nothing_more_back(shop: Shop) -> None:
    """Another release may have begun, and have set the same."""
    lock = f"SELECT pg_advisory_lock({RUNNER_LOCK_CLASS}, hashtext('gate'))"
    runner = "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'gate/%/runner'"
    with ExitStack() as stack:

        def another_begins() -> None:
            shop.database.execute(f"SELECT pg_terminate_backend(pid) {runner}")
            stack.enter_context(shop.database.connect()).execute(lock.encode())

        shop.write(MAINTENANCE + FEWER, "SELECT 1;")
        # The first makes it, the second is the one that puts it back.
        shop.heroku.faults += [
            Fault(match="PATCH .*/formation/worker", meanwhile=lambda: None),
            Fault(match="PATCH .*/formation/worker", meanwhile=another_begins),
        ]
        _, document = shop.release()
    assert [problem is None for event, _, problem in said(document) if event == "restore"] == [False, False]
    assert "maintenance of shop was switched on" in document["hooks"][-1]["problem"]
    assert shop.heroku.app.is_in_maintenance


def test_a_platform_that_does_not_answer_keeps_nobody_from_being_told(shop: Shop) -> None:
    keeps = [sys.executable, "-c", "import pathlib, time; time.sleep(0.6); pathlib.Path('told').touch()"]
    tells = f"[[release.on_failure]]\ncommand = {json.dumps(keeps)}\n"
    shop.write(f"[release]\ngrace = '6s'\n{MAINTENANCE}{FEWER}{tells}", "SELECT pg_sleep(300);")
    with shop.start() as process:
        shop.await_sleep(process)
        shop.heroku.faults.append(Fault(match=".*", hangs=True, times=1000))
        process.send_signal(signal.SIGTERM)
        assert process.wait() == Exit.STOPPED_RESUMABLE
    assert (shop.root / "told").exists()
    assert shop.database.fetch("SELECT count(*) FROM gate.changes WHERE settled_at IS NULL") == [(2,)]


def test_a_signal_does_not_wait_for_a_platform_that_does_not_answer(shop: Shop) -> None:
    """Of the grace something is left then: what was asked for may have been done, and is put back."""
    shop.write(f"[release]\ngrace = '5s'\n{MAINTENANCE}", "SELECT 1;")
    shop.heroku.faults.append(Fault(match="PATCH /apps/shop", hangs=True, acts=True))
    with shop.start() as process:
        while not shop.heroku.changes:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == Exit.STOPPED_RESUMABLE
    assert not shop.heroku.app.is_in_maintenance
    assert shop.database.fetch("SELECT count(*) FROM gate.changes WHERE settled_at IS NULL") == [(0,)]


def test_put_back_and_not_written_down_is_said_as_it_is(shop: Shop) -> None:
    left_behind(shop, MAINTENANCE)
    shop.database.execute(f'ALTER DATABASE "{shop.database.name}" SET default_transaction_read_only = on')
    code, document = kill(shop)
    assert code == Exit.STOPPED_NEEDS_PERSON
    assert "and is put back, but that cannot be written down" in document["hooks"][0]["problem"]
    assert not shop.heroku.app.is_in_maintenance


def test_a_dry_run_of_gate_kill_awaits_nobody_s_end(shop: Shop) -> None:
    shop.write("", "SELECT pg_sleep(300);")
    shop.heroku.app.dyno("release.4711", 3)
    with shop.start() as process:
        shop.await_sleep(process)
        subprocess.run(
            command("kill", "--dyno", "release.4711", "--dry-run"),
            cwd=shop.root, env=environment(shop.database.conninfo, **shop.heroku.environment), check=True, timeout=20,
        )  # fmt: skip
        assert shop.heroku.changes == []
        process.send_signal(signal.SIGTERM)


DROPS = "-- gate: allow drops-column because no code reads it any more\nALTER TABLE orders DROP COLUMN note;"


def test_older_code_that_still_runs_keeps_what_it_uses(shop: Shop) -> None:
    shop.write("", DROPS)
    for dyno in shop.heroku.app.dynos:
        if dyno["type"] == "worker":
            dyno["release"] = {**dyno["release"], "version": 1}
    code, document = shop.release()
    assert code == Exit.REFUSED
    assert "worker.1 runs v1" in document["problem"]
    for dyno in shop.heroku.app.dynos:
        dyno["release"] = {**dyno["release"], "version": 3}
    code, document = shop.release()
    assert code == Exit.DONE, document
    assert any("no older code is running" in note for note in document["notes"])


def test_gate_kill_is_told_a_name_that_is_none_before_anything_is_done(shop: Shop) -> None:
    done = gate("kill", "--dyno", "4711!", at=shop.root, conninfo=shop.database.conninfo, **shop.heroku.environment)
    assert done.returncode == Exit.USAGE
    assert "release.1234" in done.stderr
    assert shop.heroku.asked == []
