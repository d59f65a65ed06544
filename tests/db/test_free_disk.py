"""Free disk is told of a server on this machine, and of no other."""

from __future__ import annotations

from gate.app.free_disk import free_disk_bytes
from gate.db.connect import connect
from tests.servers import Database


def test_it_is_known_through_the_socket(database: Database) -> None:
    with connect(database.conninfo) as connection:
        assert connection.info.host.startswith("/")
        assert (free_disk_bytes(connection) or 0) > 0


def test_a_role_that_may_not_see_the_directory_gets_no_answer(database: Database) -> None:
    with connect(database.conninfo) as connection:
        connection.execute("CREATE ROLE disk_stranger")
        try:
            connection.execute("SET ROLE disk_stranger")
            assert free_disk_bytes(connection) is None
        finally:
            connection.execute("RESET ROLE")
            connection.execute("DROP ROLE disk_stranger")
