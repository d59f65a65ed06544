"""The fixtures themselves: what other tests rely on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.servers import Database, LiveServer, parse_majors, select


def test_every_test_has_a_database_of_its_own(database: Database, major: int) -> None:
    assert database.major == major
    assert database.fetch("SELECT current_database(), current_setting('server_version_num')::int / 10000") == [
        (database.name, major)
    ]
    database.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")


def test_a_clone_holds_what_its_script_made(clone: Callable[[str], Database]) -> None:
    one, other = (clone("CREATE TABLE t AS SELECT 1 AS a") for _ in range(2))
    one.execute("DROP TABLE t")
    assert other.fetch("SELECT a FROM t") == [(1,)]


def test_a_database_is_dropped_with_all_that_keeps_it(server: LiveServer) -> None:
    database = server.clone("CREATE TABLE t (a int)")
    with database.connect() as connection:
        connection.execute("SELECT pg_create_logical_replication_slot('left', 'pgoutput')")
        connection.execute("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'left'")
        server.drop(database)
    assert server.admin.execute("SELECT FROM pg_database WHERE datname = %s", (database.name,)).fetchall() == []


@pytest.mark.majors(newest=True)
def test_the_newest_alone_can_be_asked_for(server: LiveServer, pytestconfig: pytest.Config) -> None:
    assert server.major == max(select(range(14, 19), newest=True)) or pytestconfig.getoption("--majors")


def test_majors_are_chosen_by_range() -> None:
    assert select((14, 16, 18), since=15) == [16, 18]
    assert select((14, 16, 18), until=16) == [14, 16]
    assert select((14, 16, 18), newest=True) == [18]
    assert select((14,), since=15) == []


def test_majors_are_read_from_text() -> None:
    assert parse_majors("14,18") == parse_majors("14 18") == (14, 18)
    assert parse_majors("") is None
