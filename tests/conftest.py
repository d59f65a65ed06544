"""Fixtures that every test may use: a server of each major, and a fresh database on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.servers import Database, Farm, LiveServer, parse_majors, select

FARM = pytest.StashKey[Farm]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gate")
    wanted = os.environ.get("GATE_TEST_MAJORS", "")
    group.addoption("--majors", default=wanted, help="PostgreSQL majors to run on, as 14,18 (GATE_TEST_MAJORS)")
    group.addoption("--no-fetch", action="store_true", help="run on the servers that this machine has already")


def pytest_configure(config: pytest.Config) -> None:
    try:
        wanted = parse_majors(config.getoption("--majors"))
    except ValueError:
        raise pytest.UsageError("--majors (or GATE_TEST_MAJORS) takes numbers: 14,18") from None
    config.stash[FARM] = Farm(wanted=wanted, may_fetch=not config.getoption("--no-fetch"))


def pytest_report_header(config: pytest.Config) -> list[str]:
    return config.stash[FARM].header()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whoever uses a server, directly or not, runs once on every major."""
    if "major" not in metafunc.fixturenames:
        return
    farm = metafunc.config.stash[FARM]
    marker = metafunc.definition.get_closest_marker("majors")
    fit = select(farm.binaries, **(marker.kwargs if marker else {}))
    if fit:
        metafunc.parametrize("major", fit, ids=[f"pg{major}" for major in fit], scope="session")
        return
    # A machine without any server must not look green; one without the majors of this test may.
    mark = pytest.mark.skip(reason="no server of the majors that this test is for") if farm.binaries else ()
    metafunc.parametrize("major", [pytest.param(0, marks=mark)], ids=["no-server"], scope="session")


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Iterator[Farm]:
    """All servers of this session; prefer `server`."""
    farm = pytestconfig.stash[FARM]
    with farm.stack:
        yield farm


@pytest.fixture(scope="session")
def server(major: int, servers: Farm) -> LiveServer:
    """The server of the major that this test runs on."""
    if major not in servers.binaries:
        pytest.fail("no PostgreSQL server: " + "; ".join(servers.header()), pytrace=False)
    return servers.server(major)


@pytest.fixture
def clone(server: LiveServer) -> Iterator[Callable[[str], Database]]:
    """Makes fresh databases from a script; they are dropped after the test."""
    made: list[Database] = []

    def make(template_sql: str = "") -> Database:
        made.append(server.clone(template_sql))
        return made[-1]

    yield make
    for database in made:
        server.drop(database)


@pytest.fixture
def database(clone: Callable[[str], Database]) -> Database:
    """A fresh, empty database."""
    return clone("")
