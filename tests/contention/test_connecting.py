"""A server that is full, away for a moment, or behind a pooler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from gate.embedded import Server, serve
from gate.model.errors import Unreachable, UsageError
from gate.model.run import Outcome
from tests.contention.scene import ADDS, SHOP, Scene, scene_of, until
from tests.crash.server import restartable
from tests.servers import Database, Farm

MOST = 8
RESERVED = 3


@pytest.fixture
def small(major: int, servers: Farm) -> Iterator[Server]:
    """A server that lets few clients in."""
    settings = {"max_connections": str(MOST), "superuser_reserved_connections": str(RESERVED), "max_wal_senders": "0"}
    with serve(servers.binaries[major], settings=settings, in_memory=True) as running:
        yield running


def took_one(database: Database, stack: ExitStack) -> bool:
    """A place that somebody has just left may not be free yet."""
    try:
        stack.callback(psycopg.connect(database.conninfo).close)
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.parametrize("user", ["postgres", "plain"])
@pytest.mark.parametrize("free", [0, 3])
def test_a_full_server_ends_it_without_one_connection_more(
    user: str, free: int, small: Server, major: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tries again and again would take the place that comes free from those who need it."""
    monkeypatch.chdir(tmp_path)
    database = Database(name="postgres", conninfo=small.conninfo(), major=major)
    database.execute(
        f"{SHOP}; CREATE ROLE plain LOGIN; GRANT pg_read_all_data TO plain; GRANT CREATE ON DATABASE postgres TO plain;"
        "ALTER TABLE orders OWNER TO plain; ALTER TABLE schema_migrations OWNER TO plain"
    )
    said: list[str] = []
    with scene_of(database, tmp_path) as scene, ExitStack() as stack:
        scene.migration(ADDS)
        for _ in range(MOST - (RESERVED if user == "plain" else 0) - free):
            until(lambda: took_one(database, stack))
        with pytest.raises(Unreachable, match=r"too many clients|remaining connection slots"):
            scene.release(database_url=f"{database.conninfo} user={user}", warn=said.append)
        assert said == []
        stack.close()
        assert scene.applied() == []
        told = scene.release(database_url=f"{database.conninfo} user={user}")
        assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")


def test_a_server_that_starts_anew_is_waited_for(
    major: int, servers: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with restartable(servers.binaries[major]) as server:
        database = server.create("shop")
        database.execute(SHOP)
        with scene_of(database, tmp_path) as scene:
            scene.migration(ADDS)
            server.stop()
            said: list[str] = []

            def warn(text: str) -> None:
                said.append(text)
                if len(said) == 1:
                    server.start()

            told = scene.release(warn=warn)
        assert said
        assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")


def test_a_pooler_is_refused_with_the_way_out(scene: Scene, tmp_path: Path) -> None:
    """By its port, where it does not give itself away by what it says."""
    directory = tmp_path / "pooler"
    directory.mkdir()
    socket = scene.database.conninfo.partition("host=")[2].partition(" ")[0]
    (directory / ".s.PGSQL.6432").symlink_to(Path(socket) / ".s.PGSQL.5432")
    scene.migration(ADDS)
    url = f"host={directory} port=6432 user=postgres dbname={scene.database.name}"
    with pytest.raises(UsageError, match="pooler") as raised:
        scene.release(database_url=url)
    assert "--pooler session" in raised.value.remedy
    assert scene.release(database_url=url, pooler="session").run.outcome is Outcome.DONE
