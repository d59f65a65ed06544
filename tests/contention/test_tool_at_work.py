"""The migration tool itself is at work: its own lock is waited for, tried and never held."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gate.app.release import release
from gate.app.request import Request
from gate.model.run import Outcome, Run
from tests.contention.scene import ADDS, BUILDS, HAS_NOTE, Scene, once_judged, until
from tests.servers import Database
from tests.sources.projects import Project

PRISMA = 72707369
TABLES = "CREATE TABLE orders (id int PRIMARY KEY, customer_id int)"
ADVISORY = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 72707369"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Prisma's, with a table to make."""
    made = Project("prisma", tmp_path / "shop")
    made.add(1, "orders", TABLES)
    (made.root / "gate.toml").write_text('sample = 0\n[release]\nrunner_wait = "1s"\n')
    monkeypatch.chdir(made.root)
    return made


def released(database: Database, said: list[str] | None = None) -> Run:
    """In this process; `said` hears what is said beside the events."""
    heard = said if said is not None else []
    request = Request(database_url=database.conninfo, warn=heard.append)
    return release(request, lambda _: None, {})


@pytest.mark.usefixtures("project")
def test_who_has_the_tool_s_lock_is_waited_for_and_named(database: Database) -> None:
    """Exit 21, nothing written, and the SQL that the remedy names lets the next release go."""
    said: list[str] = []
    with database.connect(application_name="prisma migrate") as tool:
        tool.execute(b"SELECT pg_advisory_lock(72707369)")
        run = released(database, said)
        assert run.outcome is Outcome.ANOTHER_GATE
        who = f"prisma itself is at work on this database, and holds its own lock (pid {tool.info.backend_pid}, prisma"
        assert run.problem.startswith(who)
        assert said[0].startswith(who)
        assert "waiting for it, 1 s at most" in said[0]
        assert database.fetch("SELECT count(*) FROM pg_namespace WHERE nspname = 'gate'") == [(0,)]
        database.execute(run.remedy.partition(": ")[2])
    assert released(database).outcome is Outcome.DONE


@pytest.mark.usefixtures("project")
def test_once_it_is_free_the_release_goes_on_and_holds_nothing(database: Database, project: Project) -> None:
    (project.root / "gate.toml").write_text("sample = 0\n")
    with database.connect() as tool:
        tool.execute(b"SELECT pg_advisory_lock(72707369)")
        ends = threading.Thread(target=lambda: (until(lambda: said), tool.execute(b"SELECT pg_advisory_unlock_all()")))
        said: list[str] = []
        ends.start()
        run = released(database, said)
        ends.join()
    assert (run.outcome, len(said)) == (Outcome.DONE, 1)
    assert database.fetch(ADVISORY) == [(0,)]


@pytest.mark.usefixtures("project")
def test_a_lock_of_another_database_is_nobody_s_business(database: Database) -> None:
    with database.connect(dbname="postgres") as tool:
        tool.execute(b"SELECT pg_advisory_lock(72707369)")
        assert released(database).outcome is Outcome.DONE


def test_what_somebody_has_migrated_meanwhile_is_not_run_again(scene: Scene) -> None:
    """Between the plan and the first step: dbmate takes no lock, and its rows tell."""
    one = scene.migration(ADDS)
    scene.migration(BUILDS)
    tool = scene.session()

    def applies() -> None:
        tool.execute(ADDS.encode())
        tool.execute(f"INSERT INTO schema_migrations VALUES ('{one}')".encode())

    told = scene.release(once_judged(applies))
    assert told.run.outcome is Outcome.ANOTHER_GATE
    assert "was at work while this release was planned" in told.run.problem
    assert scene.value(HAS_NOTE) == 1
    again = scene.release()
    assert (again.run.outcome, len(again.run.migrations)) == (Outcome.DONE, 1)
