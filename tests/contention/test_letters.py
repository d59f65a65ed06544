"""Letters of other encodings: what is sent is what the file says, and what others say makes no release stumble."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from psycopg import sql

from gate.model.run import Outcome
from tests.contention.scene import ADDS, SHOP, Scene, scene_of, until, waits
from tests.servers import Database, LiveServer


@pytest.fixture
def encoded(server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Scene]]:
    """A shop in a database of that encoding."""
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:

        def make(encoding: str) -> Scene:
            name = f"letters_{encoding.lower()}"
            create = "CREATE DATABASE {} ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
            server.admin.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(encoding)))
            database = Database(name=name, conninfo=server.conninfo(name), major=server.major)
            stack.callback(server.drop, database)
            database.execute(SHOP)
            at = tmp_path / encoding
            at.mkdir()
            return stack.enter_context(scene_of(database, at))

        yield make


def test_a_file_means_the_same_in_every_database(
    encoded: Callable[[str], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = encoded("LATIN1")
    monkeypatch.chdir(scene.at)
    scene.migration('CREATE TABLE "größe" (wert text)', "INSERT INTO \"größe\" VALUES ('süß')")
    scene.migration('ALTER TABLE "größe" ADD COLUMN "maß" integer')
    assert scene.release().run.outcome is Outcome.DONE
    assert scene.value('SELECT length(wert) FROM U&"gr\\00f6\\00dfe"') == 3
    scene.migration("INSERT INTO \"größe\" VALUES ('€')")
    told = scene.release()
    assert (told.run.outcome, told.run.units[-1].sqlstate) == (Outcome.FAILED, "22P05")


def test_a_database_that_knows_no_letters(encoded: Callable[[str], Scene], monkeypatch: pytest.MonkeyPatch) -> None:
    scene = encoded("SQL_ASCII")
    monkeypatch.chdir(scene.at)
    scene.migration(ADDS)
    scene.migration("CREATE INDEX orders_customer ON orders (customer_id)")
    assert scene.release().run.outcome is Outcome.DONE


def test_the_environment_changes_no_letter(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    scene.migration("CREATE TABLE said AS SELECT 'süß'::text AS word")
    assert scene.release().run.outcome is Outcome.DONE
    monkeypatch.delenv("PGCLIENTENCODING")
    assert scene.value("SELECT word FROM said") == "süß"


def test_who_waits_in_a_database_of_other_letters(encoded: Callable[[str], Scene], scene: Scene) -> None:
    """Its query is handed out byte by byte, and is no UTF-8."""
    other = encoded("LATIN1")
    other.session("BEGIN", "LOCK TABLE orders")
    waiting = other.doing(other.session(client_encoding="UTF8"), "SELECT 'é', count(*) FROM orders")
    until(lambda: waits(other.database, waiting.pid))
    scene.migration(ADDS)
    scene.migration("CREATE INDEX orders_customer ON orders (customer_id)")
    assert scene.release().run.outcome is Outcome.DONE
