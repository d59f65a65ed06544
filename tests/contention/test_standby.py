"""A standby is there, or missing: its long queries are spared, and a COMMIT that would wait for it is not begun."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gate.model.errors import UsageError
from gate.model.run import Outcome
from tests.contention.pair import Pair, streaming
from tests.contention.scene import ADDS, HAS_NOTE, SHOP, Scene, once_begun, once_waiting, scene_of, until
from tests.servers import Database, Farm

NUMBERS = itertools.count()
WAITS = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE 'gate/%/1'"


@pytest.fixture(scope="module")
def pair(major: int, servers: Farm) -> Iterator[Pair]:
    with streaming(servers.binaries[major]) as running:
        yield running


@pytest.fixture
def shop(pair: Pair, major: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """On the primary; the standby has it too."""
    monkeypatch.chdir(tmp_path)
    name = f"shop_{next(NUMBERS)}"
    with psycopg.connect(pair.primary.conninfo(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    database = Database(name=name, conninfo=pair.primary.conninfo(name), major=major)
    database.execute(SHOP)
    caught_up(pair, database)
    with scene_of(database, tmp_path) as made:
        yield made


def caught_up(pair: Pair, database: Database) -> None:
    ((lsn,),) = database.fetch("SELECT pg_current_wal_lsn()")
    with psycopg.connect(pair.standby.conninfo(), autocommit=True) as standby:
        until(lambda: standby.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (lsn,)).fetchone() == (True,))


def needs(scene: Scene, names: str) -> None:
    """A COMMIT waits for these."""
    with scene.database.connect() as admin:
        admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'".encode())
        admin.execute("SELECT pg_reload_conf()")
        until(lambda: admin.execute("SHOW synchronous_standby_names").fetchone() == (names,))


def test_a_long_query_on_the_standby_is_waited_for(shop: Scene, pair: Pair) -> None:
    """To follow an ACCESS EXCLUSIVE the standby would have to cancel it, or wait with everything else."""
    url = pair.standby.conninfo(shop.database.name)
    with psycopg.connect(url, application_name="report") as report:
        report.execute("SELECT count(*) FROM orders")
        (pid,) = report.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        report.execute("SELECT pg_sleep(1.1)")
        # A filter of the policy is for those who are in the way here.
        shop.settings('[[release.kill]]\napplication = "report"')
        shop.migration(ADDS)
        told = shop.release(once_waiting(report.commit), replica_url=url)
    assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")
    way = next(way for way in told.waits[0].in_the_way if way.pid == pid)
    assert (way.application, way.what) == ("report", "on the standby")
    assert way.way_out == f"SELECT pg_terminate_backend({pid}); -- on the standby"
    assert told.run.acts == ()
    assert shop.value(HAS_NOTE) == 1


def test_a_standby_takes_no_release_and_needs_none_where_nothing_is_pending(shop: Scene, pair: Pair) -> None:
    url = pair.standby.conninfo(shop.database.name)
    shop.migration(ADDS)
    with pytest.raises(UsageError, match="standby"):
        shop.release(database_url=url)
    assert shop.release().run.outcome is Outcome.DONE
    caught_up(pair, shop.database)
    assert shop.release(database_url=url).run.outcome is Outcome.NOTHING_PENDING


def test_a_missing_synchronous_standby_is_waited_for_before_a_lock_is_taken(shop: Scene) -> None:
    readers = shop.clients("SELECT count(*) FROM orders")
    shop.migration(ADDS)
    try:
        needs(shop, "elsewhere")
        told = shop.release(once_waiting(lambda: needs(shop, "standby")))
    finally:
        needs(shop, "")
    assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")
    assert "elsewhere" in told.waits[0].what
    assert readers.problems == []


def test_a_cancelled_commit_is_not_taken_as_undone(shop: Scene) -> None:
    """Whoever waits for a standby has committed already: a cancel ends the waiting, and nothing else."""
    name = shop.migration("CREATE TABLE made (a integer)")

    def stops() -> None:
        until(lambda: shop.database.fetch(WAITS))
        os.kill(os.getpid(), signal.SIGTERM)

    def begins() -> None:
        needs(shop, "elsewhere")
        shop.beside(stops)

    try:
        told = shop.release(once_begun(begins))
    finally:
        needs(shop, "")
    assert shop.applied() == [name]
    assert told.run.migrations == (name,)
    assert [unit.state.value for unit in told.run.units] == ["done"]
    assert shop.release().run.outcome is Outcome.NOTHING_PENDING
