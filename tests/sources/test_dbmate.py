"""gate and the real dbmate by turns."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gate.model.migration import Sending
from gate.sources import find_source
from gate.sources.tool import Options
from tests.servers import Database
from tests.sources.running import EXAMPLES, world
from tests.sources.tools_at_hand import dbmate, run, url

pytestmark = pytest.mark.majors(newest=True)
DIRECTORY = EXAMPLES / "dbmate" / "db" / "migrations"


def up(database: Database, directory: Path, options: tuple[str, ...] = ("migrate",), **more: str) -> str:
    address = url(database, sslmode="disable", **more)
    return run([dbmate(), "--url", address, "--migrations-dir", directory, "--no-dump-schema", *options])


@pytest.mark.majors
def test_what_gate_marks_dbmate_takes_as_applied(database: Database) -> None:
    here = world(DIRECTORY, database)
    here.apply(here.state().migrations)
    assert "Applying" not in up(database, DIRECTORY)


@pytest.mark.majors
def test_what_dbmate_applies_gate_takes_as_applied(database: Database) -> None:
    assert up(database, DIRECTORY).count("Applied") == 3
    here = world(DIRECTORY, database)
    assert (here.ids(), here.rules()) == ([], {})


def test_by_turns(database: Database, tmp_path: Path) -> None:
    files = sorted(DIRECTORY.glob("*.sql"))
    shutil.copy(files[0], tmp_path)
    up(database, tmp_path)
    shutil.copy(files[1], tmp_path)
    here = world(tmp_path, database)
    here.apply(here.state().migrations)
    shutil.copy(files[2], tmp_path)
    assert up(database, tmp_path).count("Applied") == 1
    assert here.ids() == []


def test_both_create_the_same_table(database: Database) -> None:
    up(database, DIRECTORY)
    columns = "SELECT attname, atttypid::regtype, attnotnull FROM pg_attribute WHERE attrelid = {} AND attnum > 0"
    theirs = database.fetch(columns.format("'schema_migrations'::regclass"))
    here = world(DIRECTORY, database, Options(schema="other"))
    here.apply(())
    assert database.fetch(columns.format("'other.schema_migrations'::regclass")) == theirs


def test_an_older_migration_is_applied_by_both_unless_strict(database: Database, tmp_path: Path) -> None:
    for file in DIRECTORY.glob("*.sql"):
        shutil.copy(file, tmp_path)
    up(database, tmp_path)
    (tmp_path / "20250101000000_late.sql").write_text("-- migrate:up\nCREATE TABLE late ();\n-- migrate:down\n")
    assert world(tmp_path, database).rules() == {"out-of-order": "note"}
    assert world(tmp_path, database).ids() == ["20250101000000"]
    assert world(tmp_path, database, Options(is_strict=True)).rules() == {"out-of-order": "refuse"}
    with pytest.raises(AssertionError, match="out of order"):
        up(database, tmp_path, ("migrate", "--strict"))
    assert "Applied: 20250101000000_late.sql" in up(database, tmp_path)


def test_a_database_ahead_of_the_files_is_nothing_to_either(database: Database, tmp_path: Path) -> None:
    up(database, DIRECTORY)
    shutil.copy(DIRECTORY / "20260101000000_account.sql", tmp_path)
    here = world(tmp_path, database)
    assert here.rules() == {"database-ahead": "note"}
    assert here.state().ahead == ("20260102000000", "20260103000000")
    assert "Applying" not in up(database, tmp_path)


def test_dbmate_itself_fails_on_what_gate_refuses(database: Database, tmp_path: Path) -> None:
    """A second "up" part: dbmate writes the version twice, which its own key forbids."""
    (tmp_path / "1_two.sql").write_text(
        "-- migrate:up\nSELECT 1;\n-- migrate:down\n-- migrate:up\nSELECT 2;\n-- migrate:down\n"
    )
    with pytest.raises(AssertionError, match="duplicate key"):
        up(database, tmp_path)


def test_another_table_and_schema(database: Database) -> None:
    up(database, DIRECTORY, ("--migrations-table", "ops.versions", "migrate"))
    here = world(DIRECTORY, database, Options(schema="ops", table="versions"))
    assert here.ids() == []
    assert world(DIRECTORY, database, Options(table="versions")).ids() == []


def test_what_gate_takes_back_dbmate_applies_again(database: Database) -> None:
    here = world(DIRECTORY, database)
    here.apply(here.state().migrations)
    here.take_back(here.source.migrations()[1:])
    assert up(database, DIRECTORY).count("Applied") == 2
    here.take_back(here.source.migrations())
    assert up(database, DIRECTORY).count("Applied") == 3


def test_both_take_back_the_same(database: Database) -> None:
    here = world(DIRECTORY, database)
    rows = "SELECT version FROM schema_migrations ORDER BY version"
    left: list[list[object]] = []
    for takes_back in (
        lambda: up(database, DIRECTORY, ("rollback",)),
        lambda: here.take_back(here.source.migrations()[-1:]),
    ):
        up(database, DIRECTORY)
        takes_back()
        left.append(
            [database.fetch(rows), database.fetch("SELECT relname FROM pg_class WHERE relkind = 'i' ORDER BY 1")]
        )
    assert left[0] == left[1]


def test_a_way_back_has_options_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "1_a.sql").write_text(
        "-- migrate:up transaction:false\nSELECT 1;\n-- migrate:down\nSELECT 2;\nSELECT 3;\n"
    )
    (tmp_path / "2_b.sql").write_text("-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nSELECT 2;\n")
    (tmp_path / "3_c.sql").write_text("-- migrate:up\nSELECT 1;\n-- migrate:down\n-- nothing to do\n")
    (tmp_path / "4_d.sql").write_text("-- migrate:up\nSELECT 1;\n")
    source = find_source(tmp_path)
    one, two, three, four = map(source.down, source.migrations())
    assert one is not None
    assert two is not None
    assert (three, four) == (None, None)
    assert [(statement.sql, statement.line) for statement in one.statements] == [("SELECT 2", 4), ("SELECT 3", 5)]
    assert (one.is_transactional, one.sending) == (True, Sending.IN_TRANSACTION)
    assert (two.is_transactional, two.sending) == (False, Sending.ONE_MESSAGE)
    assert (one.id, one.path) == ("1", source.migrations()[0].path)
