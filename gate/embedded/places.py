"""Where files are kept between runs: directories of one user, never shared through a world-writable one."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from gate.embedded.errors import EmbeddedUnavailable

NAME = "deploy-gate"


def cache_dir() -> Path:
    """The cache of this user, mode 0700: XDG_CACHE_HOME, the home, or a directory with the uid in its name.

    Raises EmbeddedUnavailable when none of them belongs to this user.
    """
    for parent in _homes():
        place = parent / NAME
        if _make_private(place, 0o700):
            return place
    return _fallback(0o700)


def reachable_dir() -> Path:
    """A directory of this user's that an unprivileged uid can traverse, for the binaries that root lends to one."""
    if os.geteuid() != 0:
        return cache_dir()
    place = Path("/var/cache") / NAME
    return place if _make_private(place, 0o755) else _fallback(0o755)


def _homes() -> list[Path]:
    """The usual places; a home that sudo left in place belongs to somebody else and is not one."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    home = os.environ.get("HOME", "")
    places = [Path(named)] if named else []
    if home and _is_ours(Path(home)):
        places.append(Path(home, ".cache"))
    return places


def _fallback(mode: int) -> Path:
    """A sticky directory, where the name is free for anyone to take: who owns it is checked."""
    suffix = "" if mode == 0o700 else "-pg"
    for parent in (Path("/var/tmp"), Path(tempfile.gettempdir())):  # noqa: S108 - ownership is checked below
        place = parent / f"{NAME}-{os.geteuid()}{suffix}"
        if _make_private(place, mode):
            return place
    raise EmbeddedUnavailable(
        f"no directory for caches: neither the home nor a temporary directory can be used by uid {os.geteuid()}",
        remedy="set XDG_CACHE_HOME to a directory that belongs to this user",
    )


def _make_private(place: Path, mode: int) -> bool:
    """Make `place` unless it is there; whether it is a directory of ours that nobody else can write to."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(mode=mode, exist_ok=True)
    except OSError:
        return False
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return False
    if stat.S_IMODE(found.st_mode) != mode:
        place.chmod(mode)  # the umask may have narrowed it, an earlier version may have widened it
    return os.access(place, os.W_OK)


def _is_ours(place: Path) -> bool:
    try:
        return place.stat().st_uid == os.geteuid()
    except OSError:
        return False
