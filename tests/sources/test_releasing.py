"""`gate release` of every tool's migrations beside clients, and what the tool finds afterwards.

What the tools themselves write down was recorded from them; dbmate, sqitch and Prisma's engine are asked where they can
be had.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.model.errors import Exit
from tests.e2e.commands import gate
from tests.servers import Database
from tests.sources.busy import busy
from tests.sources.projects import OUTSIDE, TOOLS, WITH_COPY, Project
from tests.sources.running import world
from tests.sources.tools_at_hand import dbmate, prisma_packages, run, sqitch, url

SETTINGS = """
[limits]
hot_per_s = 1
batch_rows = 500
"""
ROWS = 2000
# What the tools write does not differ from one major to another.
pytestmark = pytest.mark.majors(newest=True)


@pytest.fixture
def project(name: str, tmp_path: Path) -> Project:
    """Two tables with rows, in one migration."""
    made = Project(name, tmp_path / "shop")
    (made.root / "gate.toml").write_text(SETTINGS)
    made.add(
        1,
        "account",
        "CREATE TABLE account (id bigint PRIMARY KEY, email text NOT NULL, visits int NOT NULL DEFAULT 0)",
        f"INSERT INTO account SELECT g, 'a' || g FROM generate_series(1, {ROWS}) g",
        "CREATE TABLE purchase (id bigint PRIMARY KEY, account_id bigint, note text, paid boolean)",
        f"INSERT INTO purchase SELECT g, g FROM generate_series(1, {ROWS}) g",
    )
    return made


def of_all_kinds(project: Project) -> None:
    """What passes whole, what is split, what is filled in batches, what is in no transaction, rows of a COPY."""
    project.add(
        2, "phone", "ALTER TABLE account ADD COLUMN phone text", "CREATE VIEW phones AS SELECT phone FROM account"
    )
    project.add(
        3,
        "owner",
        "CREATE INDEX purchase_account ON purchase (account_id)",
        "ALTER TABLE purchase ADD CONSTRAINT purchase_owner FOREIGN KEY (account_id) REFERENCES account",
    )
    project.add(4, "fill", "UPDATE purchase SET note = 'old' WHERE note IS NULL")
    if project.tool in OUTSIDE:
        project.add(5, "email", "CREATE INDEX CONCURRENTLY account_email ON account (email)", is_whole=False)
    if project.tool in WITH_COPY:
        project.add(6, "copied", "COPY account (id, email) FROM STDIN;\n900001\tann@example.com\n900002\tbo;b\n\\.")
    if project.tool == "flyway":
        (project.directory / "R__emails.sql").write_text(
            "CREATE OR REPLACE VIEW emails AS SELECT email FROM account;\n"
        )


def release(project: Project, database: Database, *arguments: str, **more: str) -> tuple[int, dict[str, Any]]:
    """Exit code and document."""
    done = gate("release", "--format", "json", *arguments, at=project.root, conninfo=database.conninfo, **more)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def quickly(project: Project, database: Database, **more: str) -> tuple[int, dict[str, Any]]:
    """Where nobody else is there: without a look at the traffic."""
    return release(project, database, "--sample", "0", **more)


def released(project: Project, database: Database) -> list[str]:
    """What was done; there must have been no difficulty."""
    code, run = quickly(project, database)
    assert code == Exit.DONE, run
    migrations: list[str] = run["migrations"]
    return migrations


def plan(project: Project, database: Database) -> dict[str, Any]:
    """The document of `gate plan`."""
    done = gate("plan", "--format", "json", "--sample", "0", at=project.root, conninfo=database.conninfo)
    planned: dict[str, Any] = json.loads(done.stdout)
    return planned


def pending(project: Project, database: Database) -> list[Any]:
    """What `gate plan` finds: migrations, or something that is wrong with the state."""
    planned = plan(project, database)
    return [*planned["migrations"], *planned["findings"]]


def started(project: Project, database: Database) -> None:
    """The first migration is there: the bookkeeping too. Only sqitch makes its own registry."""
    if project.tool == "sqitch":
        tool(project, database)
    else:
        assert len(released(project, database)) == 1


# --- the tools at hand ------------------------------------------------------------------------------------------------

ENGINE = Path(__file__).parent / "prisma_engine.mjs"
AT_HAND = ("dbmate", "sqitch", "prisma")


def tool(project: Project, database: Database) -> list[str]:
    """What the tool itself runs of what is pending. Skips the test where the tool cannot be had."""
    match project.tool:
        case "dbmate":
            address = url(database, sslmode="disable")
            said = run([dbmate(), "--url", address, "-d", project.directory, "--no-dump-schema", "migrate"])
            return [line.split()[1].partition("_")[0] for line in said.splitlines() if line.startswith("Applied")]
        case "sqitch":
            said = run([sqitch(), "deploy", url(database, "db:pg")], cwd=project.root)
            return [line.split()[1] for line in said.splitlines() if line.startswith("  + ")]
        case _:
            said = run(["node", ENGINE, prisma_packages(), url(database), "deploy", project.directory])
            applied: list[str] = json.loads(said.splitlines()[-1])["appliedMigrationNames"]
            return applied


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the machine's user."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SQITCH_SYSTEM_CONFIG", str(tmp_path / "none"))


# --- on a busy server -------------------------------------------------------------------------------------------------


@pytest.mark.majors
@pytest.mark.parametrize("name", TOOLS)
def test_all_kinds_are_released_beside_clients_and_then_nothing_is_pending(
    project: Project, database: Database
) -> None:
    started(project, database)
    of_all_kinds(project)
    waiting = [migration.id for migration in world(project.root, database).state().migrations]
    with busy(database):
        code, run = release(project, database)
    assert (code, run["migrations"], run["in_the_way"]) == (Exit.DONE, waiting, []), run
    assert {unit["kind"] for unit in run["units"]} >= {"transaction", "statement", "backfill"}
    assert pending(project, database) == []
    if project.tool in AT_HAND:
        assert tool(project, database) == []


@pytest.mark.parametrize("name", TOOLS)
def test_a_second_release_writes_nothing(project: Project, database: Database) -> None:
    started(project, database)
    of_all_kinds(project)
    released(project, database)
    # Whoever writes, even what is taken back, is given a number: the next one to be given tells.
    next_number = "SELECT pg_snapshot_xmax(pg_current_snapshot())"
    before = database.fetch(next_number)
    code, run = quickly(project, database)
    assert (code, run["outcome"]) == (Exit.DONE, "nothing pending")
    assert database.fetch(next_number) == before


# --- the bookkeeping --------------------------------------------------------------------------------------------------

WRITTEN = {
    "dbmate": (
        "SELECT version FROM schema_migrations ORDER BY 1",
        [(f"2026010{n}000000",) for n in range(1, 6)],
    ),
    "golang-migrate": ("SELECT version, dirty FROM schema_migrations", [(5, False)]),
    "goose": (
        "SELECT id, version_id, is_applied, tstamp > now() - interval '1 hour' FROM goose_db_version ORDER BY id",
        [(n + 1, n, True, True) for n in range(6)],
    ),
    "flyway": (
        """SELECT installed_rank, version, description, type, script, installed_by = current_user, execution_time >= 0,
        success, checksum IS NULL FROM flyway_schema_history ORDER BY installed_rank""",
        [
            (1, "1", "account", "SQL", "V1__account.sql", True, True, True, False),
            (2, "2", "phone", "SQL", "V2__phone.sql", True, True, True, False),
            (3, "3", "owner", "SQL", "V3__owner.sql", True, True, True, False),
            (4, "4", "fill", "SQL", "V4__fill.sql", True, True, True, False),
            (5, "5", "email", "SQL", "V5__email.sql", True, True, True, False),
            (6, "6", "copied", "SQL", "V6__copied.sql", True, True, True, False),
            (7, None, "emails", "SQL", "R__emails.sql", True, True, True, False),
        ],
    ),
    "diesel": (
        "SELECT version FROM __diesel_schema_migrations ORDER BY 1",
        [(f"2026010{n}000000",) for n in range(1, 6)],
    ),
    "plain": (
        "SELECT id, length(sha256) FROM gate.applied ORDER BY applied_at",
        [(name, 64) for name in ("001_account", "002_phone", "003_owner", "004_fill", "006_copied")],
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_rows_are_the_tool_s_own(project: Project, database: Database) -> None:
    started(project, database)
    of_all_kinds(project)
    released(project, database)
    query, rows = WRITTEN[project.tool]
    assert database.fetch(query) == rows


THEIRS = {
    "dbmate": ("SELECT version FROM schema_migrations ORDER BY 1",),
    "sqitch": tuple(
        f"SELECT {columns} FROM sqitch.{table} ORDER BY 1, 2, 3"
        for table, columns in {
            "changes": "change_id, script_hash, change, project, note, planned_at, planner_name, planner_email",
            "dependencies": "change_id, type, dependency, dependency_id",
            "events": "event, change_id, change, project, note, requires, conflicts, tags, planned_at, planner_name",
            "projects": "project, uri, creator_name IS NULL",
            "tags": "tag_id, tag, project",
        }.items()
    ),
    "prisma": (
        """SELECT migration_name, checksum, logs, rolled_back_at, applied_steps_count, length(id),
        finished_at >= started_at, finished_at > now() - interval '1 hour' FROM _prisma_migrations ORDER BY 1""",
        "SELECT migration_name FROM _prisma_migrations ORDER BY started_at",
        "SELECT migration_name FROM _prisma_migrations ORDER BY finished_at",
    ),
}


@pytest.mark.parametrize("name", THEIRS)
def test_the_rows_are_those_that_the_tool_writes_itself(project: Project, clone: Callable[[str], Database]) -> None:
    by_tool, by_gate = clone(""), clone("")
    started(project, by_gate)
    of_all_kinds(project)
    tool(project, by_tool)
    released(project, by_gate)
    for query in THEIRS[project.tool]:
        assert by_gate.fetch(query) == by_tool.fetch(query)


@pytest.mark.parametrize("name", AT_HAND)
def test_by_turns(project: Project, database: Database) -> None:
    """The tool the first one, gate the next, the tool again."""
    assert len(tool(project, database)) == 1
    project.add(2, "phone", "ALTER TABLE account ADD COLUMN phone text")
    assert len(released(project, database)) == 1
    project.add(3, "city", "ALTER TABLE account ADD COLUMN city text")
    assert len(tool(project, database)) == 1
    project.add(4, "index", "CREATE INDEX purchase_account ON purchase (account_id)")
    project.add(5, "zip", "ALTER TABLE account ADD COLUMN zip text")
    assert len(released(project, database)) == 2
    assert (tool(project, database), pending(project, database)) == ([], [])


def test_only_sqitch_makes_its_registry(tmp_path: Path, database: Database) -> None:
    project = Project("sqitch", tmp_path / "shop")
    project.add(1, "account", "CREATE TABLE account (id bigint PRIMARY KEY)")
    done = gate("release", "--sample", "0", at=project.root, conninfo=database.conninfo)
    assert done.returncode == Exit.USAGE
    assert "sqitch deploy --to" in done.stderr
    assert database.fetch("SELECT to_regclass('account')") == [(None,)]


# --- what goes wrong --------------------------------------------------------------------------------------------------

BOOKS = {
    "dbmate": "schema_migrations",
    "golang-migrate": "schema_migrations",
    "goose": "goose_db_version",
    "flyway": "flyway_schema_history",
    "prisma": "_prisma_migrations",
    "diesel": "__diesel_schema_migrations",
    "sqitch": "sqitch.events",
    "plain": "gate.applied",
}


@pytest.mark.parametrize("name", TOOLS)
def test_one_that_fails_leaves_neither_rows_nor_marks(project: Project, database: Database) -> None:
    """Not even of a tool that would have left a mark of its own; corrected, it is released."""
    started(project, database)
    before = database.fetch(f"SELECT * FROM {BOOKS[project.tool]}")
    path = project.add(
        2, "fails", "INSERT INTO account VALUES (5001, 'x')", "INSERT INTO account SELECT max(id), 'y' FROM account"
    )
    project.add(3, "later", "ALTER TABLE account ADD COLUMN later int")
    waiting = [migration.id for migration in world(project.root, database).state().migrations]
    code, run = quickly(project, database)
    assert (code, run["outcome"], run["migrations"], run["leftovers"]) == (Exit.MIGRATION_FAILED, "failed", [], [])
    assert database.fetch("SELECT count(*) FROM account") == [(ROWS,)]
    assert database.fetch(f"SELECT * FROM {BOOKS[project.tool]}") == before
    path.write_text(path.read_text().replace("max(id)", "max(id) + 1"))
    assert len(released(project, database)) == len(waiting)
    assert pending(project, database) == []


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside_of_a_transaction_too(project: Project, database: Database) -> None:
    started(project, database)
    before = database.fetch(f"SELECT * FROM {BOOKS[project.tool]}")
    # What a function of the user's makes of the rows nobody asks before.
    database.execute("CREATE FUNCTION same(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT left($1, 1)'")
    path = project.add(2, "email", "CREATE UNIQUE INDEX CONCURRENTLY emails ON account (same(email))", is_whole=False)
    code, run = quickly(project, database)
    assert (code, run["migrations"]) == (Exit.MIGRATION_FAILED, []), run
    assert database.fetch("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid") == []
    assert database.fetch(f"SELECT * FROM {BOOKS[project.tool]}") == before
    path.write_text(path.read_text().replace("(same(email))", "(email)"))
    assert len(released(project, database)) == 1


# --- half done, and the tool is run meanwhile -------------------------------------------------------------------------

OWNER = (
    "CREATE INDEX purchase_account ON purchase (account_id)",
    "ALTER TABLE purchase ADD CONSTRAINT purchase_owner FOREIGN KEY (account_id) REFERENCES account",
)


@pytest.fixture
def half_done(project: Project, database: Database) -> Database:
    """The index is there, the foreign key is not: somebody is in its way for as long as gate tries."""
    started(project, database)
    project.add(2, "owner", *OWNER)
    with database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE account IN ROW EXCLUSIVE MODE")
        code, run = quickly(project, database, GATE_LOCK_WAIT="1s")
    assert (code, run["migrations"]) == (Exit.LOCK_NOT_ACQUIRED, []), run
    assert database.fetch("SELECT indisvalid FROM pg_index WHERE indexrelid = 'purchase_account'::regclass") == [
        (True,)
    ]
    return database


@pytest.mark.parametrize("name", TOOLS)
def test_half_done_the_tool_has_it_as_pending_and_gate_goes_on(project: Project, half_done: Database) -> None:
    here = world(project.root, half_done)
    assert (len(here.ids()), here.state().findings) == (1, ())
    assert len(released(project, half_done)) == 1
    assert (here.ids(), here.state().findings) == ([], ())


@pytest.mark.parametrize("name", TOOLS)
def test_half_done_it_is_not_judged_anew(project: Project, half_done: Database) -> None:
    """Its own index would be in its way. What follows is judged, beside it; and a changed file is another matter."""
    project.add(3, "note", "ALTER TABLE purchase ADD COLUMN why text")
    planned = plan(project, half_done)
    begun, after = planned["migrations"]
    assert planned["verdict"] == "pass"
    assert not any(item["findings"] for item in begun["statements"])
    assert any(item["effects"] for item in after["statements"])
    assert [note for note in planned["notes"] if "1 of 4 steps done, gate release goes on with step 2" in note]
    path = next(project.directory.rglob("*owner*.sql"), None) or next(project.directory.glob("*owner*/*.sql"))
    path.write_text(path.read_text().replace("(account_id);", "(account_id, id);", 1))
    planned = plan(project, half_done)
    assert [note for note in planned["notes"] if "has changed since run" in note]
    assert len(released(project, half_done)) == 2
    index = "SELECT indnatts, indisvalid FROM pg_index WHERE indexrelid = 'purchase_account'::regclass"
    assert half_done.fetch(index) == [(2, True)]


@pytest.mark.parametrize("name", ["dbmate", "sqitch"])
def test_the_tool_fails_on_what_is_there_and_gate_goes_on(project: Project, half_done: Database) -> None:
    with pytest.raises(AssertionError, match='relation "purchase_account" already exists'):
        tool(project, half_done)
    assert len(released(project, half_done)) == 1
    assert tool(project, half_done) == []


RESOLVED = {
    "golang-migrate": "UPDATE schema_migrations SET version = 1, dirty = false",
    "prisma": "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL",
}


@pytest.mark.parametrize("name", RESOLVED)
def test_where_the_tool_has_failed_on_it_that_is_refused_until_it_is_resolved(
    project: Project, half_done: Database
) -> None:
    """It is not applied, although the tool does not have it as pending: gate keeps what it knows of it."""
    here = world(project.root, half_done)
    (migration,) = here.state().migrations
    place = here.place()
    assert place is not None
    here.run(*here.source.begins(here.source.load(migration), place))
    code, run = quickly(project, half_done)
    assert (code, run["notes"]) == (Exit.REFUSED, []), run
    assert "its steps are left as they are" in run["problem"]
    assert gate("status", at=project.root, conninfo=half_done.conninfo).returncode == Exit.STOPPED_RESUMABLE
    half_done.execute(RESOLVED[project.tool])
    assert len(released(project, half_done)) == 1
    assert pending(project, half_done) == []


@pytest.mark.parametrize("name", TOOLS)
def test_what_somebody_else_has_finished_is_let_be(project: Project, half_done: Database) -> None:
    """The rest by hand, and the tool's own rows: nothing is run a second time, and that is said once."""
    here = world(project.root, half_done)
    half_done.execute(f"DROP INDEX purchase_account; {'; '.join(OWNER)}")
    (migration,) = here.state().migrations
    place = here.place()
    assert place is not None
    loaded = here.source.load(migration)
    here.run(*here.source.begins(loaded, place), *here.source.marks(loaded, place))
    code, run = quickly(project, half_done)
    assert (code, run["migrations"]) == (Exit.DONE, [])
    assert [note for note in run["notes"] if "brought to its end by somebody else" in note], run
    code, run = quickly(project, half_done)
    assert (code, run["outcome"], run["notes"]) == (Exit.DONE, "nothing pending", [])
