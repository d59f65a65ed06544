"""gate and the real sqitch by turns."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gate.sources import find_source
from tests.servers import Database
from tests.sources.running import EXAMPLES, World, world
from tests.sources.tools_at_hand import run, sqitch, url

# Each of its commands takes seconds, and its registry is plain tables on every major.
pytestmark = pytest.mark.majors(newest=True)
NAMES = ["account", "purchase", "account_email", "purchase"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES / "sqitch", tmp_path / "sqitch"))


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the machine's user."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SQITCH_SYSTEM_CONFIG", str(tmp_path / "none"))


def at(project: Path, database: Database, *command: str) -> str:
    address = url(database, "db:pg")
    return run([sqitch(), *command, address], cwd=project)


def deployed(here: World) -> list[str]:
    return [row["change"] for row in here.asked(here.source.rows(place))] if (place := here.place()) else []


def test_the_ids_are_sqitch_s_own(project: Path, database: Database) -> None:
    here = world(project, database)
    at(project, database, "deploy")
    place = here.place()
    assert place
    rows = here.asked(here.source.rows(place))
    assert [(row["change_id"], row["script_hash"], row["change"]) for row in rows] == [
        (one.id, one.checksum, one.name) for one in here.source.migrations()
    ]
    assert (here.ids(), here.rules()) == ([], {})


def test_what_gate_marks_sqitch_takes_as_deployed(project: Path, database: Database) -> None:
    here = world(project, database)
    at(project, database, "deploy", "--to", "account")
    assert [one.name for one in here.state().migrations] == NAMES[1:]
    here.apply(here.state().migrations)
    assert deployed(here) == NAMES
    assert "Nothing to deploy (up-to-date)" in at(project, database, "deploy")
    assert "Nothing to deploy (up-to-date)" in at(project, database, "status")
    assert "Verify successful" in at(project, database, "verify")


COLUMNS = {
    "changes": "change_id, script_hash, change, project, note, planned_at, planner_name, planner_email",
    "dependencies": "change_id, type, dependency, dependency_id",
    "tags": "tag_id, tag, project, change_id, note, planned_at, planner_name, planner_email",
    "events": "event, change_id, change, project, note, requires, conflicts, tags, planned_at, planner_name",
    "projects": "project, uri",
}


def test_the_registry_holds_what_sqitch_would_have_written(project: Path, database: Database) -> None:
    at(project, database, "deploy")
    queries = [f"SELECT {columns} FROM sqitch.{table} ORDER BY 1, 2, 3" for table, columns in list(COLUMNS.items())[:4]]
    theirs = [database.fetch(query) for query in [*queries, "SELECT project, uri FROM sqitch.projects"]]
    database.execute(
        "TRUNCATE sqitch.changes, sqitch.dependencies, sqitch.tags, sqitch.events, sqitch.projects;"
        "DROP TABLE purchase, account"
    )
    here = world(project, database)
    here.apply(here.state().migrations)
    assert [database.fetch(query) for query in [*queries, "SELECT project, uri FROM sqitch.projects"]] == theirs


def test_a_plan_that_was_rolled_back_is_behind_the_database(project: Path, database: Database) -> None:
    at(project, database, "deploy")
    plan = project / "sqitch.plan"
    plan.write_text(plan.read_text().rsplit("purchase [", 1)[0])
    here = world(project, database)
    assert (here.ids(), here.rules()) == ([], {"database-ahead": "note"})
    with pytest.raises(AssertionError, match="Cannot find"):
        at(project, database, "deploy")


def test_a_plan_with_another_past_is_refused(project: Path, database: Database) -> None:
    at(project, database, "deploy")
    plan = project / "sqitch.plan"
    plan.write_text(plan.read_text().replace("First release", "Another release").replace("addresses", "names"))
    here = world(project, database)
    assert (here.ids(), here.rules()) == ([], {"file-missing": "refuse"})
    with pytest.raises(AssertionError, match="Cannot find"):
        at(project, database, "deploy")


def test_an_edited_script_is_said_and_deployed_past(project: Path, database: Database) -> None:
    at(project, database, "deploy", "--to", "account_email")
    script = project / "deploy" / "account.sql"
    script.write_text(script.read_text() + "-- more\n")
    here = world(project, database)
    assert here.rules() == {"edited-after-applied": "warn"}
    assert "+ purchase" in at(project, database, "deploy")
    assert here.ids() == []


def test_what_gate_takes_back_sqitch_deploys_again(project: Path, database: Database) -> None:
    here = world(project, database)
    at(project, database, "deploy", "--to", "account")
    first, *rest = here.source.migrations()
    here.apply(rest)
    here.take_back(rest)
    assert deployed(here) == [first.name]
    assert "+ account_email" in at(project, database, "deploy")
    assert (here.ids(), here.rules()) == ([], {})
    here.take_back(here.source.migrations())
    assert here.ids() == [one.id for one in here.source.migrations()]
    assert database.fetch("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []


def test_the_registry_is_left_as_sqitch_would_leave_it(project: Path, database: Database) -> None:
    queries = [f"SELECT {columns} FROM sqitch.{table} ORDER BY 1, 2, 3" for table, columns in list(COLUMNS.items())[:4]]
    at(project, database, "deploy")
    at(project, database, "revert", "-y", "--to", "account")
    theirs = [database.fetch(query) for query in queries]
    at(project, database, "revert", "-y")
    database.execute("TRUNCATE sqitch.events")
    at(project, database, "deploy")
    here = world(project, database)
    here.take_back(here.source.migrations()[1:])
    assert [database.fetch(query) for query in queries] == theirs


def test_one_that_was_not_deployed_leaves_no_event(project: Path, database: Database) -> None:
    at(project, database, "deploy", "--to", "account")
    here = world(project, database)
    place = here.place()
    assert place
    before = database.fetch("SELECT event, change FROM sqitch.events")
    here.run(*here.source.unmarks(here.source.migrations()[1], place))
    assert database.fetch("SELECT event, change FROM sqitch.events") == before
    assert deployed(here) == ["account"]


def test_without_a_script_there_is_no_way_back(project: Path) -> None:
    source = find_source(project)
    first, *_ = source.migrations()
    found = source.down(first)
    assert found is not None
    assert (found.path or "").endswith("revert/account.sql")
    (project / "revert" / "account.sql").write_text("-- nothing\n")
    assert source.down(first) is None
    (project / "revert" / "account.sql").unlink()
    assert source.down(first) is None


def test_directories_of_sqitch_s_own_configuration(project: Path) -> None:
    """A reworked change is taken back by the script of its time."""
    source = find_source(project)
    assert [Path(down.path or "").name for one in source.migrations() if (down := source.down(one))] == [
        "account.sql",
        "purchase@v1.0.sql",
        "account_email.sql",
        "purchase.sql",
    ]
    (project / "revert").rename(project / "undo")
    assert source.down(source.migrations()[0]) is None
    conf = project / "sqitch.conf"
    conf.write_text(conf.read_text().replace("[core]", "[core]\n\trevert_dir = undo\n\treworked_revert_dir = undo"))
    assert [Path(down.path or "").name for one in source.migrations() if (down := source.down(one))][:2] == [
        "account.sql",
        "purchase@v1.0.sql",
    ]
