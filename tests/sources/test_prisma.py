"""gate and Prisma's real schema engine by turns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Database
from tests.sources.running import EXAMPLES, world
from tests.sources.tools_at_hand import prisma_packages, run, url

# The engine brings its own driver along; what it writes does not differ from one major to another.
pytestmark = pytest.mark.majors(newest=True)
DIRECTORY = EXAMPLES / "prisma" / "prisma" / "migrations"
ENGINE = Path(__file__).parent / "prisma_engine.mjs"
NAMES = ["20260101000000_account", "20260102000000_purchase", "20260103000000_account_email"]


def engine(database: Database, command: str, directory: Path = DIRECTORY) -> dict[str, Any]:
    said = run(["node", ENGINE, prisma_packages(), url(database), command, directory])
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


def test_what_gate_marks_prisma_takes_as_applied(database: Database) -> None:
    here = world(DIRECTORY, database)
    here.apply(here.state().migrations)
    assert engine(database, "deploy") == {"appliedMigrationNames": []}
    assert engine(database, "status")["history"] is None
    assert engine(database, "status")["editedMigrationNames"] == []


def test_what_prisma_applies_gate_takes_as_applied(database: Database) -> None:
    assert engine(database, "deploy") == {"appliedMigrationNames": NAMES}
    here = world(DIRECTORY, database)
    assert (here.ids(), here.rules()) == ([], {})


def test_what_gate_began_and_did_not_finish_stops_prisma_until_it_is_done(database: Database, tmp_path: Path) -> None:
    directory = shutil.copytree(DIRECTORY, tmp_path / "migrations")
    here = world(directory, database)
    (first, *_) = here.state().migrations
    here.apply([first])
    place = here.place()
    assert place
    (second, *_) = here.state().migrations
    here.run(*here.source.begins(second, place))
    assert here.rules() == {"tool-dirty": "refuse"}
    assert "failed" in engine(database, "deploy", directory)["error"]
    here.database.execute(here.source.load(second).text)
    here.run(*here.source.marks(second, place))
    assert engine(database, "deploy", directory) == {"appliedMigrationNames": NAMES[2:]}


def test_a_failure_of_prisma_s_is_refused(database: Database, tmp_path: Path) -> None:
    script = tmp_path / "20260101000000_wrong" / "migration.sql"
    script.parent.mkdir()
    script.write_text("ALTER TABLE nowhere ADD COLUMN a int;\n")
    assert "nowhere" in engine(database, "deploy", tmp_path)["error"]
    (finding,) = world(tmp_path, database).state().findings
    assert (finding.rule, finding.severity) == ("tool-dirty", "refuse")
    assert "20260101000000_wrong" in finding.problem
    assert "prisma migrate resolve" in finding.remedy


def test_edited_files_are_what_prisma_says_they_are(database: Database, tmp_path: Path) -> None:
    directory = shutil.copytree(DIRECTORY, tmp_path / "migrations")
    engine(database, "deploy", directory)
    edited, other_ends = (directory / name / "migration.sql" for name in NAMES[:2])
    edited.write_bytes(edited.read_bytes() + b"-- more\n")
    other_ends.write_bytes(other_ends.read_bytes().replace(b"\r\n", b"\n"))
    assert engine(database, "status", directory)["editedMigrationNames"] == NAMES[:1]
    here = world(directory, database)
    assert here.rules() == {"edited-after-applied": "warn"}
    assert here.state().findings[0].migrations == (NAMES[0],)


def test_older_and_missing_and_ahead(database: Database, tmp_path: Path) -> None:
    directory = shutil.copytree(DIRECTORY, tmp_path / "migrations")
    engine(database, "deploy", directory)
    shutil.rmtree(directory / NAMES[2])
    here = world(directory, database)
    assert (here.rules(), here.state().ahead) == ({"database-ahead": "note"}, (NAMES[2],))
    shutil.rmtree(directory / NAMES[0])
    (directory / "2025_late").mkdir()
    (directory / "2025_late" / "migration.sql").write_text("SELECT 1;\n")
    assert here.rules() == {"database-ahead": "note", "file-missing": "warn", "out-of-order": "note"}
    assert engine(database, "deploy", directory) == {"appliedMigrationNames": ["2025_late"]}
    assert here.ids() == []
