"""What the bookkeeping says is applied: with the files, and for whoever waits without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.model.migration import Migration
from gate.sources import tools
from gate.sources.tool import DEFAULTS, Options, Row, Source
from tests.servers import Database
from tests.sources.running import EXAMPLES, World, world

pytestmark = pytest.mark.majors(newest=True)
CREATABLE = [tool.name for tool in tools() if tool.name != "sqitch"]


def of(name: str, directory: Path = Path("/nowhere")) -> Source:
    return next(tool for tool in tools() if tool.name == name).source(directory, DEFAULTS)


def rows_of(here: World, source: Source) -> list[Row]:
    place = here.place()
    assert place is not None
    return list(here.asked(source.rows(place)))


@pytest.mark.parametrize("name", CREATABLE)
def test_one_by_one(name: str, database: Database) -> None:
    here = world(EXAMPLES / name, database)
    files = here.source.migrations()
    ids = [one.id or "" for one in files]
    for at, migration in enumerate(files):
        here.apply([migration])
        applied = here.source.applied(files, rows_of(here, here.source))
        assert ([one for one in ids if applied.has(one)], applied.failed) == (ids[: at + 1], ())


@pytest.mark.parametrize("name", CREATABLE)
def test_without_files_the_rows_alone_say_it(name: str, database: Database) -> None:
    here = world(EXAMPLES / name, database)
    here.apply(here.state().migrations)
    ids = [one.id or "" for one in here.source.migrations()]
    applied = of(name).applied((), rows_of(here, of(name)))
    assert applied.has(ids[-1])
    if name == "golang-migrate":
        assert not applied.has(ids[0])
        assert "only the order of the files tells" in applied.unknown
    else:
        assert (all(map(applied.has, ids)), applied.unknown) == (True, "")


@pytest.mark.parametrize("name", ["dbmate", "diesel", "goose", "golang-migrate"])
def test_ids_are_no_numbers(name: str) -> None:
    rows: list[Row] = [{"version": 10, "version_id": 10, "is_applied": True, "dirty": False}]
    applied = of(name).applied((), rows)
    assert [one for one in ("9", "010", "10", "10.0", "1") if applied.has(one)] == ["10"]


def test_goose_counts_the_last_row_of_a_version() -> None:
    rows: list[Row] = [
        {"version_id": 0, "is_applied": True},
        {"version_id": 1, "is_applied": True},
        {"version_id": 2, "is_applied": True},
        {"version_id": 2, "is_applied": False},
    ]
    assert of("goose").applied((), rows).ids == {"1"}


def test_golang_migrate_s_dirty_version_is_not_applied(tmp_path: Path) -> None:
    for name in ("0001_a.up.sql", "0002_b.up.sql", "0003_c.up.sql"):
        (tmp_path / name).write_text("SELECT 1;\n")
    source = of("golang-migrate", tmp_path)
    applied = source.applied(source.migrations(), [{"version": 2, "dirty": True}])
    assert applied.ids == {"1"}
    assert "version 2 dirty" in applied.failed[0]
    ahead = source.applied(source.migrations(), [{"version": 20260101, "dirty": False}])
    assert ahead.ids == {"1", "2", "3", "20260101"}
    (tmp_path / "0002_b.up.sql").unlink()
    beside = source.applied(source.migrations(), [{"version": 2, "dirty": False}])
    assert (set(beside.ids), bool(beside.unknown)) == ({"2"}, True)
    assert source.applied(source.migrations(), ()).ids == source.applied((), [{"version": -1, "dirty": False}]).ids


def row(version: str | None, **more: object) -> Row:
    usual = {"description": "d", "type": "SQL", "script": "s", "checksum": 1, "success": True}
    return {"version": version, **usual, **more}


def test_flyway_s_baseline_stands_for_what_is_older_once_the_files_say_what_that_is(tmp_path: Path) -> None:
    for name in ("V1_2__a.sql", "V2__b.sql", "V10__c.sql"):
        (tmp_path / name).write_text("SELECT 1;\n")
    source, rows = of("flyway", tmp_path), [row("9", type="BASELINE")]
    assert source.applied(source.migrations(), rows).ids == {"1.2", "2", "9"}
    without = source.applied((), rows)
    assert (set(without.ids), "baseline is 9" in without.unknown) == ({"9"}, True)


def test_flyway_s_failures_and_what_was_taken_back_are_not_applied(tmp_path: Path) -> None:
    source = of("flyway", tmp_path)
    rows = [row("1"), row("2"), row("2", type="UNDO_SQL"), row("3", success=False), row(None, description="v")]
    applied = source.applied((), rows)
    assert applied.ids == {"1", "v"}
    assert "3 (s) as failed" in applied.failed[0]


def test_flyway_s_repeatable_script_counts_once_it_is_the_one_of_these_files(tmp_path: Path) -> None:
    (tmp_path / "R__v.sql").write_text("SELECT 2;\n")
    source = of("flyway", tmp_path)
    (file,) = source.migrations()
    assert not source.applied((file,), [row(None, description="v")]).has("v")
    assert source.applied((file,), [row(None, description="v", checksum=file.checksum)]).has("v")


def test_prisma_s_failures_are_not_applied() -> None:
    rows: list[Row] = [
        {"migration_name": "1_a", "rolled_back_at": None, "finished_at": "now", "logs": None},
        {"migration_name": "2_b", "rolled_back_at": None, "finished_at": None, "logs": "syntax error"},
        {"migration_name": "3_c", "rolled_back_at": "now", "finished_at": None, "logs": None},
    ]
    applied = of("prisma").applied((), rows)
    assert applied.ids == {"1_a"}
    assert applied.failed == ("Prisma recorded 2_b as failed: syntax error",)


def test_sqitch_s_change_is_known_by_its_hash_and_by_its_name() -> None:
    source = next(tool for tool in tools() if tool.name == "sqitch").source(EXAMPLES / "sqitch", Options())
    files = source.migrations()
    rows: list[Row] = [{"change_id": files[0].id, "change": files[0].name, "script_hash": None}]
    for known in (files, ()):
        applied = source.applied(known, rows)
        assert (applied.has(files[0].id or ""), applied.has(files[0].name), applied.has("nobody")) == (
            True,
            True,
            False,
        )


def test_a_reworked_change_of_sqitch_s_is_the_last_of_its_name() -> None:
    source = of("sqitch")
    rows: list[Row] = [{"change_id": "aaa", "change": "rates", "script_hash": None}]
    listed = tuple(Migration(id=one, path=None, text="", name="rates") for one in ("aaa", "bbb"))
    assert source.applied((), rows).has("rates")
    assert not source.applied(listed, rows).has("rates")
