"""What `gate wait` will not wait for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.cli.main import run
from gate.model.errors import Exit

DBMATE = ("--source", "dbmate")


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings of the developer's, no database, and the signals as they were."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://postgres@127.0.0.1:1/shop")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "what to wait for is not told"),
        (("--schema-at-least", "", *DBMATE), "--schema-at-least is empty"),
        (("--schema-at-least", "1"), "no migrations found"),
        (("--schema-at-least", "latest", *DBMATE), "means all migrations of a directory, and there is none here"),
        (("--schema-at-least", "1", "--source", "nobody"), "no tool is called nobody"),
        (("--schema-at-least", "007", "--source", "goose"), "the id of that migration is 7"),
        (("--schema-at-least", "0", "--source", "golang-migrate", "--timeout", "soon"), "write a time"),
        (("--schema-at-least", "1", *DBMATE, "--format", "xml"), "gate wait has no format xml"),
    ],
)
def test_what_cannot_be_meant(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["wait", *arguments]) == Exit.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("wanted", ["20260102000000_a.sql", "20260102000000_a", "db/migrations/20260102000000_a.sql"])
def test_a_file_is_no_id(wanted: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = tmp_path / "db" / "migrations"
    files.mkdir(parents=True)
    (files / "20260102000000_a.sql").write_text("-- migrate:up\nSELECT 1;\n")
    assert run(["wait", "--schema-at-least", wanted]) == Exit.USAGE
    assert "gate wait --schema-at-least 20260102000000" in capsys.readouterr().err


def test_a_directory_that_is_not_in_the_image_is_not_needed(capsys: pytest.CaptureFixture[str]) -> None:
    for place in ((), ("db/migrations",)):
        arguments = ["wait", "--schema-at-least", "x", *DBMATE, *place, "--timeout", "0", "--no-hooks"]
        assert run(arguments) == Exit.STOPPED_RESUMABLE
        assert "Connection refused" in " ".join(capsys.readouterr().out.split())


def test_an_id_that_is_in_no_file_here_may_be_in_another_image(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "20260102000000_a.sql").write_text("-- migrate:up\nSELECT 1;\n")
    assert run(["wait", "--schema-at-least", "20260103000000", "--timeout", "0"]) == Exit.STOPPED_RESUMABLE
    assert "20260103000000 is not among the 1 migration" in capsys.readouterr().err


def test_no_password_is_repeated(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:hunter2@127.0.0.1:1/shop")
    for shown in ("text", "json"):
        arguments = ["wait", "--schema-at-least", "x", *DBMATE, "--timeout", "0", "--format", shown]
        assert run(arguments) == Exit.STOPPED_RESUMABLE
        told = capsys.readouterr()
        assert "hunter2" not in told.out + told.err
