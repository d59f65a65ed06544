"""Binaries that the server's user cannot reach are lent to it; caches belong to one user."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from gate.embedded import EmbeddedUnavailable, places, serve
from gate.embedded.binaries import inspect
from gate.embedded.lives import Identity, server_identity
from gate.embedded.places import cache_dir
from gate.embedded.reach import can_traverse, lent_to
from tests.servers import Farm

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends")


@needs_root
@pytest.mark.majors(newest=True)
def test_binaries_that_the_servers_user_cannot_read_are_copied(
    servers: Farm, major: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "pg" / "prefix"
    shutil.copytree(servers.binaries[major].prefix, closed, symlinks=True)
    closed.chmod(0o700)
    found = inspect(closed / "bin", "test")
    assert found is not None
    with public_directory() as place:
        monkeypatch.setattr("gate.embedded.reach.reachable_dir", lambda: place)
        with serve(found, in_memory=True) as server:
            assert server.binaries.bindir.is_relative_to(place)
            with psycopg.connect(server.conninfo()) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS plpgsql")
        assert lent_to(server_identity(), found) == server.binaries, "the second time it is there"
        assert not stat.S_IMODE((place / "pg").stat().st_mode) & 0o022, "nobody else may change what runs"


@needs_root
@pytest.mark.parametrize("file", ["bin/postgres", "share/catalog.bki", "lib"])
def test_one_unreadable_file_is_enough_to_copy(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with public_directory() as place:
        monkeypatch.setattr("gate.embedded.reach.reachable_dir", lambda: place)
        prefix = place / "a" / "prefix"
        for name in ("bin/postgres", "bin/initdb", "share/catalog.bki", "lib/plpgsql.so"):
            (prefix / name).parent.mkdir(parents=True, exist_ok=True)
            (prefix / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.1'\n")
            (prefix / name).chmod(0o755)
        found = inspect(prefix / "bin", "test")
        assert found is not None
        assert lent_to(server_identity(), found) == found
        (prefix / file).chmod(0o700)
        assert lent_to(server_identity(), found) != found


@contextmanager
def public_directory() -> Iterator[Path]:
    """Root's own, and open to all to look into: pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="gate-test-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_closed_directory_on_the_way_stops_others(tmp_path: Path) -> None:
    (tmp_path / "closed" / "open").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert not can_traverse(tmp_path / "closed" / "open", Identity(uid=12345, gid=12345))


def test_the_cache_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "deploy-gate").mkdir(mode=0o755)
    assert cache_dir() == tmp_path / "deploy-gate"
    assert stat.S_IMODE(cache_dir().stat().st_mode) == 0o700


@needs_root
def test_a_home_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(tmp_path, 12345, 12345)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == Path("/var/tmp", f"deploy-gate-{os.geteuid()}")
    assert list(tmp_path.iterdir()) == []


def test_a_name_taken_by_somebody_else_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_homes", list)
    monkeypatch.setattr(places, "_make_private", lambda *_: False)
    with pytest.raises(EmbeddedUnavailable) as caught:
        cache_dir()
    assert "XDG_CACHE_HOME" in caught.value.remedy
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    monkeypatch.undo()
    assert not places._make_private(link, 0o700)
