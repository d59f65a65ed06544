"""`gate kill` as a command, with real sessions that block each other, on a server of every major."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gate.app import kill as app
from gate.app.request import Request
from gate.db.lane import Lane
from gate.model.errors import Exit
from gate.run.journalling import RUNNER_LOCK_CLASS
from gate.run.kill import Wish
from gate.run.world import Sent
from tests.e2e.commands import gate
from tests.servers import Database, LiveServer

LOCK = f"SELECT pg_try_advisory_lock({RUNNER_LOCK_CLASS}, hashtext('gate'))"
TABLE = "CREATE TABLE orders (id integer PRIMARY KEY, n integer); INSERT INTO orders VALUES (1, 1)"
ALTER = "ALTER TABLE orders ADD COLUMN b text"


class Cast:
    """Sessions that hold and wait, by name."""

    def __init__(self, database: Database, stack: ExitStack, at: Path) -> None:
        self.database = database
        self.stack = stack
        self.at = at

    def session(self, name: str, *done: str, waits: str = "", **parameters: Any) -> Lane:
        lane = Lane(lambda: self.database.connect(application_name=name, **parameters))
        self.stack.callback(lane.close)
        for text in done:
            answer = lane.ask((Sent(sql=text),))
            assert answer.error is None, answer.error
        if waits:
            lane.start((Sent(sql=waits),))
            self.until(lambda: self.is_waiting(lane))
        return lane

    @staticmethod
    def until(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20.0
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def is_waiting(self, lane: Lane) -> bool:
        waits = f"SELECT count(*) FROM pg_locks WHERE pid = {lane.backend.pid} AND NOT granted"
        return self.database.fetch(waits) != [(0,)]

    def holds_a_lock(self, lane: Lane) -> bool:
        holds = f"SELECT count(*) FROM pg_locks WHERE pid = {lane.backend.pid} AND relation = 'orders'::regclass"
        return self.database.fetch(holds) != [(0,)]

    def is_there(self, lane: Lane) -> bool:
        there = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {lane.backend.pid}"
        return self.database.fetch(there) != [(0,)]

    def kill(self, *arguments: str, user: str = "postgres") -> subprocess.CompletedProcess[str]:
        return gate(
            "kill", *arguments, at=self.at, conninfo=self.database.conninfo.replace("user=postgres", f"user={user}")
        )

    def has_column(self) -> bool:
        named = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'b'"
        return self.database.fetch(named) != [(0,)]


@pytest.fixture
def cast(clone: Callable[[str], Database], tmp_path: Path) -> Iterator[Cast]:
    with ExitStack() as stack:
        yield Cast(clone(TABLE), stack, tmp_path)


def test_what_a_dead_run_left_is_ended_and_its_queue_drains(cast: Cast) -> None:
    blocker = cast.session("psql", "BEGIN", "SELECT * FROM orders WHERE n = 4711")
    left = cast.session("gate/1f3a91c2/3", waits=ALTER)
    victim = cast.session("puma", waits="SELECT * FROM orders WHERE n = 815")
    seen = cast.kill("--dry-run")
    assert seen.returncode == 0
    assert seen.stdout.startswith("DRY RUN  1 session would be ended; 2 sessions wait for a lock\n")
    assert cast.is_waiting(left)
    done = cast.kill()
    assert (done.returncode, done.stdout.partition("\n")[0]) == (0, "ENDED  1 session; nobody waits any more")
    assert f"terminated pid {left.backend.pid}" in done.stdout
    assert f"gate: terminate pid {left.backend.pid}" in done.stderr
    assert "4711" not in done.stdout.replace(str(blocker.backend.pid), "")
    assert "815" not in done.stdout.replace(str(victim.backend.pid), "")
    cast.until(lambda: not cast.is_there(left))
    assert victim.answer() is not None
    assert cast.is_there(blocker)
    assert not cast.has_column()
    assert cast.kill().stdout.startswith("NOTHING ENDED")


def test_who_is_still_blocked_is_shown_with_its_blocker_and_ended_only_by_name(cast: Cast) -> None:
    left = cast.session("gate/1f3a91c2/3", "BEGIN", "UPDATE orders SET n = 2")
    blocker = cast.session("psql", "BEGIN", "SELECT * FROM orders")
    ddl = cast.session("deploy", waits="TRUNCATE orders")
    victim = cast.session("puma", waits="SELECT * FROM orders")
    done = cast.kill()
    assert done.returncode == 0
    assert done.stdout.startswith("ENDED  1 session; 2 sessions still wait for a lock\n")
    still = done.stdout.partition("Still blocked")[2]
    tree, _, way_out = still.partition("To end who is in the way")
    assert [f"pid {lane.backend.pid}  " in tree for lane in (blocker, ddl, victim)] == [True, True, True]
    assert tree.index(str(blocker.backend.pid)) < tree.index(str(ddl.backend.pid)) < tree.index(str(victim.backend.pid))
    assert way_out == f"\n  gate kill --pid {blocker.backend.pid}\n"
    cast.until(lambda: not cast.is_there(left))
    assert all(cast.is_there(lane) for lane in (blocker, ddl, victim))
    refused = cast.kill("--pid", str(victim.backend.pid))
    assert refused.returncode == 10
    assert f"pid {victim.backend.pid} waits itself and keeps nobody waiting: it is a victim" in refused.stdout
    assert cast.is_waiting(victim)
    ended = cast.kill("--pid", str(blocker.backend.pid))
    assert (ended.returncode, ended.stdout.partition("\n")[0]) == (0, "ENDED  1 session; nobody waits any more")
    cast.until(lambda: not cast.is_there(blocker))
    assert all(cast.is_there(lane) for lane in (ddl, victim))


def test_a_filter_ends_blockers_that_match_and_no_others(cast: Cast) -> None:
    blocker = cast.session("psql 17", "BEGIN", "SELECT * FROM orders")
    bystander = cast.session("psql 18", "BEGIN", "SELECT 1")
    ddl = cast.session("deploy", waits="TRUNCATE orders")
    victim = cast.session("psql 19", waits="SELECT * FROM orders")
    for arguments in (["--application", "pgcli"], ["--application", "psql*", "--idle-longer-than", "5min"]):
        assert cast.kill(*arguments).stdout.startswith("NOTHING ENDED")
    done = cast.kill("--application", "psql*", "--user", "postgres", "--idle-longer-than", "1ms")
    assert done.returncode == 0
    assert done.stdout.startswith("ENDED  1 session; nobody waits any more\n")
    cast.until(lambda: not cast.is_there(blocker))
    assert all(cast.is_there(lane) for lane in (bystander, ddl, victim))


def test_an_active_blocker_is_cancelled_and_lives(cast: Cast) -> None:
    blocker = cast.session("report")
    blocker.start((Sent(sql="SELECT pg_sleep(60) FROM orders"),))
    cast.until(lambda: cast.holds_a_lock(blocker))
    ddl = cast.session("deploy", waits="TRUNCATE orders")
    done = cast.kill("--pid", str(blocker.backend.pid))
    assert done.returncode == 0
    assert f"cancelled pid {blocker.backend.pid}" in done.stdout
    assert "terminated" not in done.stdout
    assert cast.is_there(blocker)
    cast.until(lambda: ddl.answer() is not None)


def test_a_living_run_is_let_be(cast: Cast) -> None:
    runner = cast.session("gate/1f3a91c2/runner", LOCK)
    hands = cast.session("gate/1f3a91c2/3", "BEGIN", "LOCK TABLE orders")
    cast.session("puma", waits="SELECT * FROM orders")
    done = cast.kill()
    assert done.returncode == 0
    assert done.stdout.startswith("NOTHING ENDED")
    assert "run 1f3a91c2 is at work: it has its lock" in done.stdout
    assert cast.kill("--stuck").returncode == 21
    assert cast.is_there(runner)
    assert cast.is_there(hands)


def test_a_stuck_run_is_ended_when_asked_its_lock_last(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "HEARTBEAT_S", 0.001)
    runner = cast.session("gate/1f3a91c2/runner", LOCK)
    hands = cast.session("gate/1f3a91c2/3", "BEGIN", "LOCK TABLE orders")
    cast.session("puma", waits="SELECT * FROM orders")
    request = Request(database_url=cast.database.conninfo)
    let_be = app.kill(request, Wish(), str)
    assert (let_be.exit, let_be.acts) == (Exit.STOPPED_NEEDS_PERSON, ())
    done = app.kill(request, Wish(ends_stuck=True), str)
    assert done.exit is Exit.DONE
    assert [act.backend for act in done.acts] == [hands.backend, runner.backend]
    assert done.after is not None
    assert done.after.waiting == ()


def test_a_prepared_transaction_is_named_with_its_end(cast: Cast) -> None:
    cast.session("app", "BEGIN", "UPDATE orders SET n = 2", "PREPARE TRANSACTION 'it''s later'")
    cast.session("deploy", waits="TRUNCATE orders")
    done = cast.kill()
    assert "prepared transaction 'it's later' of postgres, prepared" in done.stdout
    assert "ROLLBACK PREPARED 'it''s later'" in done.stdout


def test_json_and_secrets(cast: Cast) -> None:
    secret = "SELECT * FROM orders WHERE 'hunter2' = 'postgres://ann:hunter2@h/d' -- hunter2"
    cast.session("psql", "BEGIN", "LOCK TABLE orders")
    victim = cast.session("puma", waits=secret)
    document = json.loads(cast.kill("--format", "json").stdout)
    (root,) = document["tree"]
    (below,) = root["waiters"]
    assert (root["holds"], root["held_on"], root["state"]) == (
        "ACCESS EXCLUSIVE",
        "public.orders",
        "idle in transaction",
    )
    assert (below["pid"], below["wants"], below["relation"]) == (victim.backend.pid, "ACCESS SHARE", "public.orders")
    assert below["waits_for"] == [root["pid"]]
    assert below["waited_s"] > 0
    assert below["query"] == "SELECT * FROM orders WHERE $1 = $2"
    assert (document["exit_code"], document["acts"], document["still_blocked"]) == (0, [], None)
    assert "hunter2" not in cast.kill().stdout


def test_without_the_privilege(server: LiveServer, database: Database, tmp_path: Path) -> None:
    plain = f"plain_{database.name}"
    server.admin.execute(f"CREATE ROLE {plain} LOGIN".encode())
    try:
        with ExitStack() as stack:
            database.execute(TABLE)
            cast = Cast(database, stack, tmp_path)
            left = cast.session("gate/1f3a91c2/3", "BEGIN", "LOCK TABLE orders")
            cast.session("puma", waits="SELECT * FROM orders")
            done = cast.kill("--pid", str(left.backend.pid), user=plain)
            assert done.returncode == 51
            assert done.stdout.startswith("NOT PERMITTED")
            assert "GRANT pg_monitor, pg_signal_backend" in " ".join(done.stdout.split())
            assert cast.is_there(left)
    finally:
        server.drop(database)
        server.admin.execute(f"DROP ROLE {plain}".encode())


def test_wrong_arguments(cast: Cast) -> None:
    assert cast.kill("--idle-longer-than", "soon").returncode == 2
    assert cast.kill("--format", "xml").returncode == 2
