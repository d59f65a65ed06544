"""The real gate watch: an app that turns bad, sessions that wait, a rollback through the platform, the unknown."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gate.db.lane import Lane
from gate.model.errors import Exit
from gate.run.world import Sent
from tests.e2e.commands import command, environment, gate
from tests.platforms.heroku.fake import FakeHeroku, serving
from tests.servers import Database

KEEPS = "import pathlib, sys; pathlib.Path('told').write_text(sys.stdin.read()); print('told the team')"
HOOK = f"[[watch.on_failure]]\ncommand = {json.dumps([sys.executable, '-c', KEEPS])}\n"
QUICK = ("--every", "200ms")


@dataclass
class App:
    """Answers with 200 for so many requests, then with `then`."""

    good: int = 10**6
    then: int = 503
    asked: int = 0
    url: str = ""
    on_asked: Callable[[int], object] = field(default=lambda _: None)


@contextmanager
def app(**told: Any) -> Iterator[App]:
    made = App(**told)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked += 1
            made.on_asked(made.asked)
            self.send_response(200 if made.asked <= made.good else made.then)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Tests say enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/health"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def first(done: subprocess.CompletedProcess[str]) -> str:
    """The report without its line breaks."""
    return " ".join(done.stdout.split())


def test_a_release_that_holds_is_one_line_and_needs_no_database(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(HOOK)
    with app() as shop:
        done = gate("watch", "--for", "1s", *QUICK, "--health", shop.url, "--release", "v42", at=tmp_path)
    assert (done.returncode, len(done.stdout.splitlines())) == (Exit.DONE, 1)
    assert done.stdout.startswith("HELD  release v42 held for ")
    assert "watching release v42 for 1 s, from this machine: the health URL, every 0.2 s" in done.stderr
    assert shop.asked >= 3
    assert not (tmp_path / "told").exists()


def test_one_that_turns_bad_is_named_and_the_hooks_are_called(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(HOOK)
    with app(good=2) as shop:
        done = gate("watch", "--for", "1min", *QUICK, "--health", shop.url, "--release", "v42", at=tmp_path)
    assert done.returncode == Exit.MIGRATION_FAILED
    assert first(done).startswith("FAILED health: answered 503: 3 bad samples in a row, release v42 fails after ")
    assert "told the team" in done.stdout
    assert "health: answered 503 (1 of 3 in a row)" in done.stderr
    told = json.loads((tmp_path / "told").read_text())
    assert (told["command"], told["release"], told["outcome"], told["exit_code"]) == ("watch", "v42", "failed", 40)
    assert told["readings"] == [{"probe": "health", "seen": "bad", "said": "answered 503"}]
    assert told["samples"] == {"taken": 5, "bad": 3, "unknown": 0}
    assert {"schema", "gate", "run", "database", "problem", "remedy"} <= set(told)


def test_a_moment_is_no_failure(tmp_path: Path) -> None:
    with app() as shop:
        shop.on_asked = lambda asked: setattr(shop, "good", asked - 1 if asked in (2, 3, 5) else asked)
        done = gate("watch", "--for", "2s", *QUICK, "--health", shop.url, "--format", "json", at=tmp_path)
    told = json.loads(done.stdout)
    assert (done.returncode, told["outcome"], told["samples"]["bad"]) == (Exit.DONE, "done", 3)
    assert told["problem"] is None


def test_bad_from_the_first_sample_on_may_be_no_fault_of_the_deploy_and_is_said(tmp_path: Path) -> None:
    with app(good=0) as shop:
        done = gate("watch", "--for", "1min", *QUICK, "--health", shop.url, at=tmp_path)
        booted = gate(
            "watch",
            "--start-after",
            "1s",
            "--for",
            "1min",
            *QUICK,
            "--failures",
            "1",
            "--health",
            shop.url,
            at=tmp_path,
        )
    assert done.returncode == booted.returncode == Exit.MIGRATION_FAILED
    assert "it may have been so before the deploy" in first(done)
    assert "no rollback is configured: roll back by hand" in first(done)
    assert "not counted while it boots" in booted.stderr


def test_what_is_not_known_is_no_success_and_never_a_rollback(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(HOOK)
    done = gate("watch", "--for", "1s", *QUICK, "--health", "http://nobody.invalid/?token=planted", at=tmp_path)
    assert done.returncode == Exit.UNREACHABLE
    assert done.stdout.startswith("NOT KNOWN  after ")
    assert not (tmp_path / "told").exists()
    assert "planted" not in done.stdout + done.stderr


def test_a_command_that_fails_is_bad_and_its_secrets_stay_its_own(tmp_path: Path) -> None:
    fails = "print('postgres://u:hunter2@h/d is down'); raise SystemExit(7)"
    smoke = f"{sys.executable} -c {json.dumps(fails)}"
    done = gate("watch", "--for", "1min", *QUICK, "--failures", "2", "--command", smoke, at=tmp_path)
    assert done.returncode == Exit.MIGRATION_FAILED
    assert "ended with exit code 7: postgres://u:***@h/d is down" in first(done)
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_and_rolls_nothing_back(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(HOOK)
    with app(good=1) as shop:
        watching = subprocess.Popen(
            command("watch", "--for", "2min", "--every", "30s", "--health", shop.url),
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: shop.asked > 0)
        assert watching.stderr is not None
        assert "watching" in watching.stderr.readline()
        assert "good" in watching.stderr.readline()
        for _ in range(3):
            # Platforms say it more than once.
            watching.send_signal(number)
        out, _ = watching.communicate(timeout=20)
    assert watching.returncode == Exit.STOPPED_RESUMABLE
    assert out.startswith(f"STOPPED  stopped by {number.name} after ")
    assert "nothing was rolled back" in " ".join(out.split())
    assert not (tmp_path / "told").exists()


# --- a rollback through Heroku ----------------------------------------------------------------------------------------


ROLLBACK = '[[watch.on_failure]]\nhook = "heroku.rollback"\ntimeout = "20s"\n'


@pytest.fixture
def heroku() -> Iterator[FakeHeroku]:
    fake = FakeHeroku()
    for _ in range(3):
        fake.app.release()
    with serving(fake):
        yield fake


def watched(heroku: FakeHeroku, at: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    with app(good=1) as shop:
        variables = {**heroku.environment, **more}
        return gate("watch", "--for", "1min", *QUICK, "--health", shop.url, *arguments, at=at, **variables)


def current(heroku: FakeHeroku) -> str:
    (found,) = [release for release in heroku.app.releases if release["current"]]
    return str(found["description"])


def test_a_failure_is_rolled_back_once(heroku: FakeHeroku, tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(ROLLBACK + HOOK)
    done = watched(heroku, tmp_path, "--release", "v3")
    assert done.returncode == Exit.MIGRATION_FAILED, done.stderr
    assert current(heroku) == "Rollback to v2"
    assert heroku.changes == ["POST /apps/shop/releases"]
    assert "shop is rolled back from v3 to v2, as v4" in first(done)
    assert "told the team" in done.stdout


def test_a_release_that_is_not_the_current_one_is_left_alone(heroku: FakeHeroku, tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(ROLLBACK)
    heroku.app.release(description="Deploy of the repair")
    done = watched(heroku, tmp_path, "--release", "v3")
    assert (done.returncode, heroku.changes) == (Exit.MIGRATION_FAILED, [])
    assert "v4 (Deploy of the repair) is the current release of shop by now, not v3" in first(done)


def test_a_rollback_that_does_not_work_needs_a_person(heroku: FakeHeroku, tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(ROLLBACK)
    heroku.app.has_release_command, heroku.app.command_ends = True, "failed"
    done = watched(heroku, tmp_path, "--release", "v3")
    assert done.returncode == Exit.STOPPED_NEEDS_PERSON, done.stdout
    assert done.stdout.startswith("NEEDS A PERSON  health: answered 503")
    assert "heroku.rollback did not work: roll back by hand" in first(done)


def test_no_hooks_means_none(heroku: FakeHeroku, tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(ROLLBACK)
    by_hand = watched(heroku, tmp_path, "--no-hooks")
    assert by_hand.returncode == Exit.MIGRATION_FAILED
    assert "no hook was called, for --no-hooks was given: roll back by hand" in first(by_hand)
    assert heroku.asked == []


def test_which_release_it_watches_is_told_by_a_dyno_or_by_a_person(heroku: FakeHeroku, tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(ROLLBACK)
    nameless = watched(heroku, tmp_path)
    assert nameless.returncode == Exit.USAGE
    assert "heroku.rollback rolls back a release that is named, and none is" in nameless.stderr
    done = watched(heroku, tmp_path, DYNO="run.1", HEROKU_RELEASE_VERSION="v3")
    assert (done.returncode, current(heroku)) == (Exit.MIGRATION_FAILED, "Rollback to v2")
    assert "watching release v3" in done.stderr


def test_a_rollback_that_could_not_work_is_found_out_before_anything_is_watched(
    heroku: FakeHeroku, tmp_path: Path
) -> None:
    (tmp_path / "gate.toml").write_text(ROLLBACK)
    with app() as shop:
        done = gate(
            "watch",
            "--health",
            shop.url,
            "--release",
            "v3",
            at=tmp_path,
            GATE_HEROKU_API_URL=heroku.url,
            HEROKU_APP_NAME="shop",
        )
    assert (done.returncode, shop.asked, heroku.changes) == (Exit.USAGE, 0, [])
    assert "heroku.rollback would not work" in done.stderr


# --- sessions that wait -----------------------------------------------------------------------------------------------


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20.0
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Cast:
    """Sessions that hold and wait."""

    def __init__(self, database: Database, stack: ExitStack) -> None:
        self.database = database
        self.stack = stack

    def session(self, name: str, *done: str, waits: str = "") -> Lane:
        lane = Lane(lambda: self.database.connect(application_name=name))
        self.stack.callback(lane.close)
        for text in done:
            assert lane.ask((Sent(sql=text),)).error is None
        if waits:
            lane.start((Sent(sql=waits),))
            until(lambda: self.waiters() > 0)
        return lane

    def waiters(self) -> int:
        ((count,),) = self.database.fetch("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(count)


@pytest.fixture
def cast(database: Database) -> Iterator[Cast]:
    database.execute("CREATE TABLE orders (id integer PRIMARY KEY); INSERT INTO orders VALUES (1)")
    with ExitStack() as stack:
        yield Cast(database, stack)


def test_who_is_blocked_since_the_watch_began_is_bad_and_who_was_before_is_named(cast: Cast, tmp_path: Path) -> None:
    holder = cast.session("psql", "BEGIN", "LOCK TABLE orders")
    old = cast.session("old worker", waits="SELECT * FROM orders")
    late: list[Lane] = []

    def blocks(asked: int) -> None:
        if asked == 2:
            late.append(cast.session("puma", waits="TABLE orders"))

    with app(on_asked=blocks) as shop:
        done = gate(
            "watch",
            "--for",
            "1min",
            "--every",
            "500ms",
            "--blocked",
            "1s",
            "--health",
            shop.url,
            at=tmp_path,
            conninfo=cast.database.conninfo,
        )
    assert done.returncode == Exit.MIGRATION_FAILED, done.stderr
    said = first(done)
    assert f'blocked: 1 session blocked for more than 1 s: pid {late[0].backend.pid} (postgres "puma") for' in said
    assert f"on public.orders, behind pid {holder.backend.pid}" in said
    assert f"blocked since before the watch began, and not counted: pid {old.backend.pid}" in done.stderr


@pytest.mark.majors(newest=True)
def test_taking_turns_by_an_advisory_lock_is_no_fault(cast: Cast, tmp_path: Path) -> None:
    cast.session("leader", "SELECT pg_advisory_lock(1)")

    def follows(asked: int) -> None:
        if asked == 1:
            cast.session("follower", waits="SELECT pg_advisory_lock(1)")

    with app(on_asked=follows) as shop:
        done = gate(
            "watch",
            "--for",
            "3s",
            *QUICK,
            "--blocked",
            "500ms",
            "--health",
            shop.url,
            at=tmp_path,
            conninfo=cast.database.conninfo,
        )
    assert done.returncode == Exit.DONE, done.stdout
    assert cast.waiters() == 1


def test_a_database_that_is_away_says_nothing_of_the_release(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(HOOK)
    with app() as shop:
        done = gate(
            "watch",
            "--for",
            "1s",
            *QUICK,
            "--blocked",
            "500ms",
            "--health",
            shop.url,
            at=tmp_path,
            conninfo="postgresql://u:hunter2@127.0.0.1:1/shop",
        )
    assert (done.returncode, (tmp_path / "told").exists()) == (Exit.UNREACHABLE, False)
    assert "blocked not known: the database was not reached" in first(done)
    assert "hunter2" not in done.stdout + done.stderr
