"""A release that is told to stop, or has no time left: nothing of it is at work any more, and the next one finishes."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from gate.model.run import Outcome
from tests.contention.scene import ADDS, BUILDS, HAS_NOTE, Scene, Told, once_begun, once_waiting, until

OURS = """
SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'gate/%' AND datname = current_database()
"""
INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"


def term() -> None:
    """As a platform does, more than once."""
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGTERM)


def stopped(told: Told, scene: Scene) -> None:
    assert told.run.outcome is Outcome.STOPPED
    assert told.run.exit == 30
    until(lambda: scene.database.fetch(OURS) == [])
    outcomes = scene.database.fetch("SELECT outcome FROM gate.runs ORDER BY started_at DESC LIMIT 1")
    assert outcomes == [("stopped",)]


def done(scene: Scene) -> Told:
    told = scene.release()
    assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")
    assert scene.value(INVALID) == 0
    return told


def test_a_signal_while_a_lock_is_awaited(scene: Scene) -> None:
    blocker = scene.session("BEGIN", "SELECT FROM orders")
    scene.migration(ADDS)
    told = scene.release(once_waiting(term))
    stopped(told, scene)
    assert "SIGTERM" in told.run.problem
    blocker.execute("COMMIT")
    done(scene)
    assert scene.value(HAS_NOTE) == 1


@pytest.mark.parametrize("by", ["signal", "budget"])
def test_a_stop_while_an_index_is_built(by: str, scene: Scene) -> None:
    """A snapshot elsewhere keeps the build from its end: what is there of it would cost every write."""
    old = scene.session("BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT FROM customers")
    scene.migration(BUILDS)

    def stops() -> None:
        until(lambda: scene.value(INVALID))
        term()

    if by == "signal":
        told = scene.release(once_begun(lambda: scene.beside(stops)))
    else:
        told = scene.release(budget_s=3.0)
        assert "time" in told.run.problem
    stopped(told, scene)
    assert scene.value(INVALID) == 0
    assert told.run.leftovers == ()
    old.execute("COMMIT")
    done(scene)


def test_a_stop_whose_index_cannot_be_dropped(scene: Scene) -> None:
    """Whoever keeps the build waiting keeps the drop waiting too: it is named, and the next run does both."""
    writer = scene.session("BEGIN", "UPDATE orders SET total = 0 WHERE id = 1")
    scene.migration(BUILDS)

    def stops() -> None:
        until(lambda: scene.value(INVALID))
        term()

    told = scene.release(once_begun(lambda: scene.beside(stops)), grace_s=2.0)
    stopped(told, scene)
    assert scene.value(INVALID) == 1
    (left,) = told.run.leftovers
    assert "orders_customer" in left.what
    assert not left.needs_person
    scene.settings('lock_wait = "1s"')
    again = scene.release(grace_s=1.0)
    assert again.run.outcome is Outcome.LOCK_NOT_ACQUIRED
    assert writer.info.backend_pid in [way.pid for way in again.run.in_the_way]
    assert [left.needs_person for left in again.run.leftovers] == [False]
    writer.execute("COMMIT")
    assert "built anew" in done(scene).run.units[0].note


@pytest.mark.parametrize("by", ["signal", "budget"])
def test_a_stop_in_the_middle_of_a_backfill(by: str, scene: Scene) -> None:
    """Each row is changed once, whichever run did it."""
    scene.database.execute("INSERT INTO orders SELECT n, 1, n FROM generate_series(5001, 40000) n")
    other = scene.session("BEGIN", "SELECT FROM orders WHERE id = 39000 FOR UPDATE")
    scene.migration("UPDATE orders SET total = total + 1")

    def stops() -> None:
        until(lambda: scene.value("SELECT count(*) FROM gate.units WHERE key_done IS NOT NULL"))
        term()

    told = scene.release(once_begun(lambda: scene.beside(stops))) if by == "signal" else scene.release(budget_s=4.0)
    stopped(told, scene)
    other.execute("COMMIT")
    done(scene)
    assert scene.database.fetch("SELECT count(*), bool_and(total = id + 1) FROM orders") == [(40000, True)]


def test_the_budget_is_over_while_a_lock_is_awaited(scene: Scene) -> None:
    blocker = scene.session("BEGIN", "SELECT FROM orders", application_name="console")
    scene.migration(ADDS)
    told = scene.release(budget_s=2.5)
    stopped(told, scene)
    blocker.execute("COMMIT")
    done(scene)


def test_a_signal_during_a_hook_shortens_it_and_hides_nothing(scene: Scene) -> None:
    program = "import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)"
    scene.settings(f'grace = "1s"\n[[release.on_failure]]\ncommand = ["{sys.executable}", "-c", "{program}"]')
    scene.migration("SELECT 1 / (id - 1) FROM customers")
    told = scene.release()
    assert told.run.outcome is Outcome.FAILED
    assert "division by zero" in told.run.problem
    (hook,) = told.run.hooks
    assert hook.problem
