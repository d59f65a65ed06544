"""A server's own directory: short enough for a socket, locked by its owner, removed by it or by the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gate.embedded.errors import EmbeddedUnavailable
from gate.embedded.lives import Identity
from gate.embedded.reach import can_traverse

LOCK = "owner"
SOCKET_PATH_BYTES = 100
"""The kernel's limit is 103 bytes on macOS and 107 on Linux."""

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes it safe
MEMORY_BYTES = 2 << 30
"""Containers get 64 MB there, which is not enough for a server."""

_LONGEST_BELOW = len("/gate-pg-4294967295-abcdefgh/data/.s.PGSQL.5432")
_UNLOCKED_S = 3600.0


@contextmanager
def work_dir(identity: Identity, *, in_memory: bool = False) -> Iterator[Path]:
    """A fresh directory that `identity` can traverse. Leftovers of owners that were killed are removed first.

    `in_memory` prefers a file system in memory, where one is large enough: making files there costs next to nothing.
    """
    sweep()
    place = Path(tempfile.mkdtemp(prefix=_prefix(), dir=_parent(identity, in_memory=in_memory)))
    try:
        if identity.is_other:
            place.chmod(0o711)
        with _locked(place):
            yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def sweep() -> None:
    """Remove this user's directories whose owner is dead. One that is locked, or still has a server, stays."""
    for parent in (MEMORY, *_candidates()):
        for place in parent.glob(_prefix() + "*"):
            with suppress(OSError):
                if place.lstat().st_uid == os.geteuid() and _is_abandoned(place):
                    shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """The kernel drops the lock when the owner dies, however it dies. Named only once it is held."""
    with (place / f"{LOCK}.new").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (place / f"{LOCK}.new").rename(place / LOCK)
        yield


def _is_abandoned(place: Path) -> bool:
    if _has_server(place):
        return False
    try:
        file = (place / LOCK).open("r")
    except FileNotFoundError:
        # Just being made, or its owner died while making it.
        return time.time() - place.stat().st_mtime > _UNLOCKED_S
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _has_server(place: Path) -> bool:
    """Whether the server in it is still on its way out."""
    try:
        os.kill(int((place / "data" / "postmaster.pid").read_text().split("\n", 1)[0]), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _prefix() -> str:
    return f"gate-pg-{os.geteuid()}-"


def _candidates() -> list[Path]:
    return list(dict.fromkeys(map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp"))))  # noqa: S108 - mkdtemp makes it safe


def _is_roomy(place: Path) -> bool:
    try:
        found = os.statvfs(place)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize >= MEMORY_BYTES


def _parent(identity: Identity, *, in_memory: bool) -> Path:
    for parent in [MEMORY] * (in_memory and _is_roomy(MEMORY)) + _candidates():
        is_short = len(os.fsencode(parent)) + _LONGEST_BELOW <= SOCKET_PATH_BYTES
        if is_short and os.access(parent, os.W_OK | os.X_OK) and can_traverse(parent, identity):
            return parent
    raise EmbeddedUnavailable(
        f"no temporary directory that is writable, reachable by uid {identity.uid} and short enough for a socket",
        remedy=f"set TMPDIR to one of at most {SOCKET_PATH_BYTES - _LONGEST_BELOW} bytes",
    )
