"""Whether another user can get at files, and copies of them where it can."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gate.embedded.binaries import Binaries
from gate.embedded.lives import Identity
from gate.embedded.places import reachable_dir

COPIED = ("bin", "lib", "lib64", "share")
"""What is copied of a prefix."""


def lent_to(identity: Identity, binaries: Binaries) -> Binaries:
    """The same installation where `identity` can run it: in place, or as a copy in the cache."""
    if not identity.is_other or _can_run(binaries, identity):
        return binaries
    copy = reachable_dir() / "pg" / f"{binaries.version}-{fingerprint(binaries)}"
    bindir = copy.joinpath(*binaries.bindir.parts[-3:])
    if not (bindir / "postgres").exists():
        _copy(binaries.prefix, copy)
    return replace(binaries, bindir=bindir)


def fingerprint(binaries: Binaries) -> str:
    """Tells builds apart, wherever they lie: the head of the program holds its build id."""
    program = binaries.bindir / "postgres"
    with program.open("rb") as file:
        head = file.read(1 << 20)
    return hashlib.sha256(head + str(program.stat().st_size).encode()).hexdigest()[:12]


def can_traverse(place: Path, identity: Identity) -> bool:
    """Whether every directory down to `place` lets `identity` through."""
    resolved = place.resolve()
    return all(_may(each, identity, stat.S_IXUSR) for each in (resolved, *resolved.parents))


def _can_run(binaries: Binaries, identity: Identity) -> bool:
    """Looks at the programs and at one file of each directory beside them: installers use one umask for all."""
    if not can_traverse(binaries.bindir, identity):
        return False
    programs = [binaries.bindir / name for name in ("initdb", "postgres")]
    beside = [binaries.prefix / name for name in COPIED[1:]]
    return (
        all(_may(each, identity, stat.S_IRUSR | stat.S_IXUSR) for each in programs)
        and all(_may(each, identity, stat.S_IRUSR | stat.S_IXUSR) for each in beside if each.is_dir())
        and all(_may(each, identity, stat.S_IRUSR) for each in _samples(beside))
    )


def _samples(directories: Iterable[Path]) -> list[Path]:
    firsts = (next((each for each in sorted(place.glob("*")) if each.is_file()), None) for place in directories)
    return [each for each in firsts if each is not None]


def _may(place: Path, identity: Identity, owner_bits: int) -> bool:
    """Whether the class of permission bits that applies to `identity` has all of `owner_bits`."""
    found = place.stat()
    shift = 0 if found.st_uid == identity.uid else 3 if found.st_gid == identity.gid else 6
    wanted = owner_bits >> shift
    return found.st_mode & wanted == wanted


def _copy(prefix: Path, to: Path) -> None:
    """Whole or not at all: made beside, then renamed; a second maker's copy is as good."""
    to.parent.mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".new-", ignore_cleanup_errors=True) as scratch:
        new = Path(scratch, "copy")
        site = prefix.parent.parent
        for source in _parts(prefix):
            unneeded = shutil.ignore_patterns("pgxs", "*.a")
            shutil.copytree(source, new / source.relative_to(site), symlinks=True, ignore=unneeded)
        _open_to_all(new)
        try:
            new.rename(to)
        except OSError:
            if not to.is_dir():
                raise


def _parts(prefix: Path) -> list[Path]:
    """What the programs need, below or beside the prefix: wheels keep shared libraries outside of it."""
    package = prefix.parent
    places = [prefix / name for name in COPIED] + [package / ".dylibs", package.parent / f"{package.name}.libs"]
    return [place for place in places if place.is_dir()]


def _open_to_all(place: Path) -> None:
    """Readable for everyone, writable for the owner only, whatever the installer's umask was."""
    place.chmod(0o755)
    for directory, names, files in os.walk(place):
        for name in names + files:
            each = Path(directory, name)
            if not each.is_symlink():
                each.chmod(0o755 if each.stat().st_mode & (stat.S_IXUSR | stat.S_IFDIR) else 0o644)
