"""The advisory locks of the tools: the keys that gate tries are those that the tool holds while it migrates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gate.sources import find_source
from gate.sources.tool import Place
from tests.servers import Database
from tests.sources.projects import TOOLS, Project
from tests.sources.running import EXAMPLES, world
from tests.sources.tools_at_hand import dbmate, prisma_packages, run, sqitch, url

ENGINE = Path(__file__).parent / "prisma_engine.mjs"
HELD = """CREATE TABLE held AS SELECT (classid::bigint << 32) | objid::bigint AS key FROM pg_locks
  WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def locks(name: str, database: str, place: Place) -> tuple[int, ...]:
    return find_source(EXAMPLES / name).locks(database, place)


def test_golang_migrate_s_of_a_url_and_of_an_open_connection() -> None:
    """The numbers are of database/util_test.go, and of a name that a URL gives it."""
    place = Place("schema_name_1", "schema_name_2")
    assert locks("golang-migrate", "database_name", place)[1] == 3743845847
    place = Place("public", "schema_migrations")
    assert locks("golang-migrate", "shop", place) == (2101699660, 3689236698)


def test_flyway_s_of_the_table_as_it_quotes_it() -> None:
    """The numbers are what Java makes of PostgreSQLAdvisoryLockTemplate's sum."""
    assert locks("flyway", "shop", Place("public", "flyway_schema_history")) == (77433833903597,)
    assert locks("flyway", "shop", Place("app", 'odd "name" 50% Größe 😀')) == (77429716719782,)


@pytest.mark.parametrize("name", ["dbmate", "diesel", "plain"])
def test_none_of_who_takes_none(name: str) -> None:
    assert locks(name, "shop", Place("public", "any")) == ()


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("name", ["dbmate", "prisma", "sqitch"])
def test_what_the_tool_holds_while_it_migrates(
    name: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own migration looks."""
    project = Project(name, tmp_path / "shop")
    project.add(1, "held", HELD)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SQITCH_SYSTEM_CONFIG", str(tmp_path / "none"))
    match name:
        case "dbmate":
            run([dbmate(), "--url", url(database), "--no-dump-schema", "up"], cwd=project.root)
        case "prisma":
            said = run(["node", ENGINE, prisma_packages(), url(database), "deploy", project.directory])
            assert json.loads(said.splitlines()[-1])["appliedMigrationNames"], said
        case _:
            run([sqitch(), "deploy", url(database, "db:pg")], cwd=project.root)
    here = world(project.root, database)
    place = here.place()
    assert place is not None
    assert [key for (key,) in database.fetch("SELECT key FROM held")] == list(here.source.locks(database.name, place))


def test_every_tool_is_asked() -> None:
    for name in TOOLS:
        assert all(-(2**63) <= key < 2**63 for key in locks(name, "shop", Place("public", "any")))
