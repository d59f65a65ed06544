"""A connection that the server ends: told as such, wherever it is noticed."""

from __future__ import annotations

import pytest

from gate.db.asking import Asking
from gate.db.rows import fetch
from gate.model.errors import Unreachable, UsageError
from gate.model.migration import Query
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)


def test_a_connection_that_breaks_at_the_end_of_a_transaction(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("BEGIN")
        database.execute(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")
        with pytest.raises(Unreachable):
            Asking(connection).end()


def test_what_went_wrong_first_is_what_is_told(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("BEGIN")
        database.execute(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")

        def fails() -> None:
            try:
                raise UsageError("of another kind")
            finally:
                Asking(connection).end()

        with pytest.raises(UsageError, match="of another kind"):
            fails()


def test_a_question_leaves_no_transaction_behind(database: Database) -> None:
    with database.connect() as connection:
        assert fetch(connection, Query("SELECT %s::int AS one", (1,))) == [{"one": 1}]
        with pytest.raises(UsageError, match="not_there"):
            fetch(connection, Query("SELECT FROM not_there"))
        assert connection.info.transaction_status.name == "IDLE"
        assert fetch(connection, Query("SELECT current_setting('transaction_read_only') AS it")) == [{"it": "on"}]
