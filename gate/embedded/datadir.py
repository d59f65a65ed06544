"""Data directories: initdb once per build and user, then copies of what it made."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

from gate.embedded.binaries import Binaries
from gate.embedded.errors import EmbeddedUnavailable
from gate.embedded.lives import Identity, Spawning, end, spawned
from gate.embedded.places import cache_dir
from gate.embedded.reach import fingerprint

SUPERUSER = "postgres"
INITDB_S = 120.0
# The first that this machine has: LIKE 'x%' and ordering should be what most servers do.
LOCALES = ("C.UTF-8", "C")


def make_datadir(binaries: Binaries, identity: Identity, directory: Path, log: Path) -> Path:
    """A data directory `directory/data` that belongs to `identity`. Raises EmbeddedUnavailable with initdb's words."""
    template = _template(binaries)
    data = directory / "data"
    if not (template / "PG_VERSION").exists():
        _initdb(binaries, identity, data, log)
        _keep(data, template)
        return data
    shutil.copytree(template, data)
    if identity.is_other:
        _hand_over(data, identity)
    return data


def server_environment() -> dict[str, str]:
    """Little of ours: PG* variables and locales would leak into the server."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **kept}


def log_tail(log: Path, lines: int = 6) -> str:
    """The last words of a process, for an error message."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return "\n".join(text.strip().splitlines()[-lines:]) or "(it said nothing)"


def _template(binaries: Binaries) -> Path:
    return cache_dir() / "templates" / f"{binaries.version}-{fingerprint(binaries)}"


def _initdb(binaries: Binaries, identity: Identity, data: Path, log: Path) -> None:
    for locale in LOCALES:
        data.mkdir(mode=0o700)
        _hand_over(data, identity)
        if _run_initdb(binaries, identity, data, log, locale) == 0:
            return
        shutil.rmtree(data)
    raise EmbeddedUnavailable(
        f"initdb of PostgreSQL {binaries.version} ({binaries.origin}) failed:\n{log_tail(log)}",
        remedy="the lines above are initdb's own; a user without a passwd entry needs one (or user namespaces) once",
    )


def _run_initdb(binaries: Binaries, identity: Identity, data: Path, log: Path, locale: str) -> int:
    who = ["--username", SUPERUSER, "--auth", "trust"]
    what = ["--encoding", "UTF8", f"--locale={locale}", "--no-sync", "--no-instructions", "--wal-segsize", "1"]
    with log.open("wb") as output:
        spawning = Spawning(
            command=[binaries.bindir / "initdb", "--pgdata", data, *who, *what],
            identity=identity,
            log=output,
            end_signal=signal.SIGTERM,
            environment=server_environment(),
            needs_passwd_entry=True,
        )
        with spawned(spawning) as process:
            try:
                return process.wait(INITDB_S)
            finally:
                end(process, signal.SIGTERM)


def _keep(data: Path, template: Path) -> None:
    """A cache, so failing to keep it is no failure: a full or read-only disk only costs time."""
    with suppress(OSError):
        template.parent.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=template.parent, prefix=".new-", ignore_cleanup_errors=True) as scratch:
            copy = Path(scratch, "data")
            shutil.copytree(data, copy)
            copy.rename(template)


def _hand_over(data: Path, identity: Identity) -> None:
    if not identity.is_other:
        return
    os.chown(data, identity.uid, identity.gid)
    for directory, names, files in os.walk(data):
        for name in names + files:
            os.chown(Path(directory, name), identity.uid, identity.gid, follow_symlinks=False)
