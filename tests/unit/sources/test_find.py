"""How a directory is recognised, and what is said when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.model.errors import UsageError
from gate.sources import find_source, tools


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


MARKED = {
    "dbmate": {"1_a.sql": "-- migrate:up\n-- migrate:down\n"},
    "golang-migrate": {"1_a.up.sql": "", "1_a.down.sql": ""},
    "goose": {"1_a.sql": "-- +goose Up\n"},
    "flyway": {"V1__a.sql": ""},
    "prisma": {"1_a/migration.sql": ""},
    "diesel": {"1_a/up.sql": ""},
    "sqitch": {"sqitch.plan": "%project=a\n"},
    "plain": {"1_a.sql": ""},
}


def test_the_tools_are_found_by_walking_the_room() -> None:
    assert sorted(MARKED) == sorted(tool.name for tool in tools())


@pytest.mark.parametrize("name", MARKED)
def test_wherever_the_directory_lies(name: str, tmp_path: Path) -> None:
    write(tmp_path, {f"deep/down/in/here/{path}": text for path, text in MARKED[name].items()})
    write(
        tmp_path, {"node_modules/a/1_a.sql": "", ".hidden/1_b.sql": "", "other/notes.sql": "SELECT 1", "setup.py": ""}
    )
    source = find_source(tmp_path)
    assert (source.name, source.directory) == (name, tmp_path / "deep/down/in/here")


def test_several_are_named_with_why(tmp_path: Path) -> None:
    write(tmp_path, {f"a/{path}": text for path, text in MARKED["dbmate"].items()})
    write(tmp_path, {f"b/{path}": text for path, text in MARKED["flyway"].items()})
    with pytest.raises(UsageError) as caught:
        find_source(tmp_path)
    assert "dbmate in" in caught.value.problem
    assert "flyway in" in caught.value.problem
    assert "1_a.sql has `-- migrate:up`" in caught.value.problem
    assert "--source TOOL" in caught.value.remedy
    assert find_source(tmp_path, told="flyway").directory == tmp_path / "b"


def test_two_tools_in_one_directory(tmp_path: Path) -> None:
    write(tmp_path, MARKED["dbmate"] | MARKED["flyway"])
    with pytest.raises(UsageError, match="2 directories hold migrations"):
        find_source(tmp_path)
    assert find_source(tmp_path, told="dbmate").name == "dbmate"


def test_of_many_directories_some_are_named(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path / f"service_{number}", MARKED["dbmate"])
    with pytest.raises(UsageError, match="10 directories hold migrations") as caught:
        find_source(tmp_path)
    assert caught.value.problem.count("dbmate in") == 8
    assert caught.value.problem.endswith("; and 2 more")


@pytest.mark.parametrize("files", [{}, {"README.md": "nothing"}, {"a.sql": "SELECT 1"}])
def test_none_names_the_usual_places(files: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, files)
    with pytest.raises(UsageError, match="no migrations found") as caught:
        find_source(tmp_path)
    assert "dbmate: db/migrations" in caught.value.remedy


@pytest.mark.parametrize("name", MARKED)
def test_a_tool_that_is_told_takes_the_directory_as_it_is(name: str, tmp_path: Path) -> None:
    source = find_source(tmp_path, told=name)
    assert (source.name, source.directory, source.migrations()) == (name, tmp_path, ())


def test_an_unknown_tool_and_no_directory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no tool is called alembic") as caught:
        find_source(tmp_path, told="alembic")
    assert "dbmate" in caught.value.remedy
    with pytest.raises(UsageError, match="is not a directory"):
        find_source(tmp_path / "nowhere")


def test_numbered_files_are_plain_where_one_names_no_direction(tmp_path: Path) -> None:
    write(tmp_path, {"1_a.sql": "", "2_b.up.sql": "", "2_b.down.sql": ""})
    source = find_source(tmp_path)
    assert (source.name, [one.id for one in source.migrations()]) == ("plain", ["1_a", "2_b"])


def test_flyway_s_own_directory_is_one_location_with_all_below(tmp_path: Path) -> None:
    write(tmp_path, {"db/migration/v1/V1__a.sql": "", "db/migration/v2/V2__b.sql": ""})
    source = find_source(tmp_path)
    assert (source.directory, [one.id for one in source.migrations()]) == (tmp_path / "db/migration", ["1", "2"])
