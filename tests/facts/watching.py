"""Run a statement on a database and see what it does."""

from __future__ import annotations

from tests.facts.observe import Seen, observe, observe_alone
from tests.servers import Database


def see(database: Database, statement: str, *, local: str = "", is_alone: bool = False) -> Seen:
    """What the statement does; one that refuses a transaction block does it for good."""
    if is_alone:
        return observe_alone(database.conninfo, statement)
    with database.connect() as connection:
        return observe(connection, statement, local=local)
