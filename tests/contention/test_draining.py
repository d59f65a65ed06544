"""Whoever had to wait behind a release that was stopped: it goes on, or is named with whom it waits for by then."""

from __future__ import annotations

import os
import signal

from gate.model.run import Outcome, Run
from gate.report import Look
from gate.report.run.prose.others import block
from tests.contention.scene import ADDS, LONG_S, Doing, Scene, once_begun, until, waits

OURS = "SELECT FROM pg_locks WHERE relation = 'orders'::regclass AND mode = 'AccessExclusiveLock' AND granted"
RUN = ('stall = "5s"', ADDS, "SELECT pg_sleep(4)")


def stops_behind(scene: Scene, *texts: str) -> tuple[Run, list[Doing]]:
    """A release is told to stop once each of these waits behind it; it holds its lock for a while."""
    setting, *statements = RUN
    scene.settings(setting)
    scene.migration(*statements)
    sessions = [scene.session(application_name=f"shop {number}") for number in range(len(texts))]
    behind: list[Doing] = []

    def comes() -> None:
        until(lambda: scene.database.fetch(OURS))
        behind.extend(scene.doing(session, text) for session, text in zip(sessions, texts, strict=True))
        until(lambda: all(waits(scene.database, doing.pid) for doing in behind))
        until(lambda: scene.value("SELECT pg_sleep(0.2) IS NOT NULL"))
        os.kill(os.getpid(), signal.SIGTERM)

    told = scene.release(once_begun(lambda: scene.beside(comes)), grace_s=6.0)
    assert told.run.outcome is Outcome.STOPPED
    return told.run, behind


def test_a_queue_that_drains_is_not_spoken_of(scene: Scene) -> None:
    run, behind = stops_behind(scene, *["SELECT count(*) FROM orders"] * 3)
    assert run.still_waiting == ()
    for doing in behind:
        doing.join(LONG_S)
        assert doing.problem == ""


def test_who_waits_for_somebody_else_by_then_is_named_with_whom(scene: Scene) -> None:
    """Of three one has got what it wanted, and nobody waits for us any more."""
    holder = scene.session("BEGIN", "LOCK TABLE customers").info.backend_pid
    run, behind = stops_behind(
        scene,
        "SELECT count(*) FROM orders",
        "SELECT count(*) FROM orders; SELECT count(*) FROM customers",
        "SELECT count(*) FROM orders; INSERT INTO customers VALUES (1000)",
    )
    named = {item.pid: item for item in run.still_waiting}
    assert {pid: (item.held, item.waits_for) for pid, item in named.items()} == {
        behind[1].pid: ("ACCESS SHARE", (holder,)),
        behind[2].pid: ("ROW EXCLUSIVE", (holder,)),
    }
    assert named[behind[1].pid].application == "shop 1"
    assert [doing.pid for doing in behind if doing.is_alive()] == [behind[1].pid, behind[2].pid]
    assert f"it waits itself for pid {holder}" in "\n".join(
        block("Waited", run.still_waiting, Look(), are_victims=True)
    )
    scene.database.execute(f"SELECT pg_terminate_backend({holder})")
