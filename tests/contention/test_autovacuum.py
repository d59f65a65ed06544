"""An autovacuum is in the way: an ordinary one gives way, one that prevents wraparound is waited out and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.embedded import Server, serve
from gate.model.run import Outcome
from tests.contention.scene import ADDS, HAS_NOTE, SHOP, Scene, scene_of, until
from tests.servers import Database, Farm

SETTINGS = {"autovacuum": "on", "autovacuum_naptime": "1s", "deadlock_timeout": "200ms"}
SLOW = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
BURNS = """
CREATE PROCEDURE burn() LANGUAGE plpgsql AS $$
BEGIN FOR i IN 1..100100 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$
"""
AT_WORK = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query LIKE '%public.orders%'"


@pytest.fixture
def vacuums(major: int, servers: Farm) -> Iterator[Server]:
    """A server of its own, whose autovacuum is at work at once, and for ever."""
    with serve(servers.binaries[major], settings=SETTINGS, in_memory=True) as running:
        yield running


@pytest.fixture
def vacuumed(vacuums: Server, major: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A shop on it."""
    monkeypatch.chdir(tmp_path)
    database = Database(name="postgres", conninfo=vacuums.conninfo(), major=major)
    database.execute(SHOP)
    with scene_of(database, tmp_path) as made:
        yield made


def test_an_autovacuum_gives_way_and_nobody_waits_for_that(vacuums: Server, vacuumed: Scene) -> None:
    scene = vacuumed
    scene.database.execute(f"ALTER TABLE orders SET ({SLOW}); DELETE FROM orders WHERE id % 2 = 0")
    readers = scene.clients("SELECT FROM orders WHERE id = 3")
    writers = scene.clients("SELECT FROM orders FOR UPDATE", 1)
    scene.migration(ADDS)
    until(lambda: scene.database.fetch(AT_WORK))
    told = scene.release()
    assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")
    assert scene.value(HAS_NOTE) == 1
    assert told.run.acts == ()
    assert "autovacuum" in [way.what for way in told.run.units[0].in_the_way]
    assert "canceling autovacuum task" in vacuums.log.read_text(errors="replace")
    assert readers.problems == writers.problems == []


@pytest.mark.slow
@pytest.mark.majors(newest=True)
def test_one_that_prevents_wraparound_is_waited_for_and_named(vacuumed: Scene) -> None:
    scene = vacuumed
    scene.database.execute(BURNS)
    scene.database.execute("CALL burn()")
    scene.database.execute(f"ALTER TABLE orders SET ({SLOW}, autovacuum_freeze_max_age = 100000)")
    readers = scene.clients("SELECT FROM orders WHERE id = 3")
    scene.settings('lock_wait = "1s"')
    scene.migration(ADDS)
    ((pid,),) = until(lambda: scene.database.fetch(AT_WORK))
    told = scene.release()
    assert told.run.outcome is Outcome.LOCK_NOT_ACQUIRED
    way = next(way for way in told.run.in_the_way if way.pid == pid)
    assert (way.what, way.prevents_wraparound, way.way_out) == ("autovacuum to prevent wraparound", True, "")
    assert told.run.acts == ()
    assert scene.database.fetch(AT_WORK) == [(pid,)]
    assert readers.problems == []
