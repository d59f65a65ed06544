"""gate's own backends: whose run is alive, and what a dead one left, on a server of every major."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from gate.app.world import World
from gate.db.connect import connect
from gate.db.lane import Lane
from gate.db.leftovers import leftovers, own_backends
from gate.db.watching import Watch
from gate.model.run import Backend
from gate.run.ending import Target, end_run
from gate.run.journalling import RUNNER_LOCK_CLASS
from gate.run.world import Sent
from tests.servers import Database

LOCK = f"SELECT pg_try_advisory_lock({RUNNER_LOCK_CLASS}, hashtext('gate'))"


class Runs:
    """Connections as runs have them."""

    def __init__(self, database: Database, stack: ExitStack) -> None:
        self.database = database
        self.stack = stack
        self.watch = Watch(lambda: connect(database.conninfo, application_name="gate kill"))
        stack.callback(self.watch.close)

    def lane(self, name: str, *done: str) -> Lane:
        lane = Lane(lambda: self.database.connect(application_name=name))
        self.stack.callback(lane.close)
        for text in done:
            assert lane.ask((Sent(sql=text),)).error is None
        return lane

    def until_waits(self) -> None:
        deadline = time.monotonic() + 20.0
        while self.database.fetch("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def left(self) -> set[Backend]:
        return {other.backend for other in leftovers(self.watch.ask)}


@pytest.fixture
def runs(clone: Callable[[str], Database]) -> Iterator[Runs]:
    with ExitStack() as stack:
        yield Runs(clone("CREATE TABLE t (a integer)"), stack)


def test_what_a_dead_run_left(runs: Runs) -> None:
    in_transaction = runs.lane("gate/11111111/3", "BEGIN", "LOCK TABLE t")
    waiting = runs.lane("gate/11111111/4")
    waiting.start((Sent(sql="ALTER TABLE t ADD COLUMN b integer"),))
    runs.until_waits()
    # Its gate may only stand still, and go on with the next step.
    between_steps = runs.lane("gate/11111111/5")
    runs.lane("gate/11111111/eyes")
    runs.lane("psql", "BEGIN")
    runs.lane("gate plan", "BEGIN")
    assert runs.left() == {in_transaction.backend, waiting.backend, between_steps.backend}


def test_a_run_with_its_lock_is_alive(runs: Runs) -> None:
    runs.lane("gate/11111111/runner", LOCK)
    runs.lane("gate/11111111/3", "BEGIN")
    dead = runs.lane("gate/22222222/3", "BEGIN")
    assert runs.left() == {dead.backend}
    assert [own.run for own in own_backends(runs.watch.ask) if own.has_lock] == ["11111111"]


def test_a_run_that_waits_for_the_lock_is_let_be(runs: Runs) -> None:
    runs.lane("gate/22222222/plan", "BEGIN", "SELECT * FROM t")
    runs.lane("gate/22222222/runner", "BEGIN", "SELECT 1")
    assert runs.left() == set()


def test_another_journal_s_run_is_alive_as_well(runs: Runs) -> None:
    runs.lane("gate/11111111/runner", LOCK.replace("'gate'", "'elsewhere'"))
    runs.lane("gate/11111111/3", "BEGIN")
    assert runs.left() == set()


def test_other_databases_are_none_of_our_business(runs: Runs, clone: Callable[[str], Database]) -> None:
    there = Runs(clone(""), runs.stack)
    there.lane("gate/11111111/3", "BEGIN")
    assert runs.left() == set()


def test_they_are_ended_and_none_gets_the_lock_of_another(runs: Runs) -> None:
    runs.lane("gate/11111111/3", "BEGIN", "LOCK TABLE t")
    runs.lane("gate/11111111/4").start((Sent(sql="ALTER TABLE t ADD COLUMN b integer"),))
    runs.until_waits()
    targets = [Target(backend=other.backend, who="", why="") for other in leftovers(runs.watch.ask)]
    ended = end_run(runs.watch, World(), targets, grace_s=0.0, limit_s=20.0)
    assert ended.alive == ()
    assert {(act.how, act.has_worked) for act in ended.acts} == {("terminate", True)}
    assert runs.left() == set()
    columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"
    assert runs.database.fetch(columns) == [(1,)]
