"""Lets root's tests run a program as an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PATH = "/usr/local/bin:/usr/bin:/bin"
NAMES = ("daemon", "games", "mail")
"""Users that every system has. Not `nobody`: root's servers run as that."""

UNKNOWN = 54321


@dataclass(frozen=True, kw_only=True)
class Ordinary:
    """A user with a home; `prefix` goes before a command, `environment` is all that it gets."""

    home: Path
    prefix: tuple[str, ...]
    environment: dict[str, str]

    def python(self) -> str:
        """A Python 3.11 that this user can run: the one that runs the tests may lie where only root can read."""
        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        for name in ("python3.13", "python3.12", "python3.11", "python3"):
            path = shutil.which(name, path=PATH)
            if (
                path
                and subprocess.run([*self.prefix, path, "-c", check], env=self.environment, check=False).returncode == 0
            ):
                return path
        pytest.skip("no Python 3.11 that an ordinary user can run")


@contextmanager
def ordinary_user(*, is_known: bool = True) -> Iterator[Ordinary]:
    """Someone who is not root, with an empty home. Unless `is_known` it has no passwd entry, as on some platforms.

    Skips the test where that cannot be.
    """
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        pytest.skip("only root, and with setpriv, can become an ordinary user")
    uid, gid = _known() if is_known else (UNKNOWN, UNKNOWN)
    with tempfile.TemporaryDirectory(prefix="gate-test-", dir="/var/tmp") as name:
        os.chown(name, uid, gid)
        prefix = (setpriv, f"--reuid={uid}", f"--regid={gid}", "--clear-groups")
        environment = {"PATH": PATH, "HOME": name, "PYTHONDONTWRITEBYTECODE": "1"}
        yield Ordinary(home=Path(name), prefix=prefix, environment=environment)


def _known() -> tuple[int, int]:
    for name in NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    pytest.skip("no ordinary user to become")
