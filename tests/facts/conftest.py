"""Databases that the tests of this folder share: what they observe is rolled back, to plan changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.facts.cases import BASE
from tests.servers import Database, LiveServer

Shop = Callable[[str], Database]


@pytest.fixture(scope="session")
def shared(server: LiveServer) -> Iterator[Shop]:
    """The oracle's schema after a setup, one database for each distinct setup: not to be changed."""
    made: dict[str, Database] = {}

    def shop(setup: str) -> Database:
        if setup not in made:
            database = server.clone(BASE)
            made[setup] = database
            if setup:
                database.execute(setup)
        return made[setup]

    yield shop
    for database in made.values():
        server.drop(database)


@pytest.fixture
def own(clone: Callable[[str], Database]) -> Shop:
    """The same, for a test that changes its database."""

    def shop(setup: str) -> Database:
        database = clone(BASE)
        if setup:
            database.execute(setup)
        return database

    return shop
