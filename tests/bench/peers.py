"""The peers, fetched into this user's cache; one that cannot be had is said to be missing, and not measured."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gate.embedded.places import cache_dir


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A tool on this machine: `command` is how it is run; `missing` says why there is none."""

    name: str
    version: str = ""
    command: tuple[str, ...] = ()
    missing: str = ""


def squawk() -> Peer:
    """From PyPI; one binary."""
    place = cache_dir() / "bench" / "squawk"
    done = _run(sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(place), "squawk-cli")
    binary = place / "bin" / "squawk"
    if not binary.is_file():
        return Peer(name="squawk", missing=f"squawk-cli could not be installed: {_last_line(done)}")
    version = _run(str(binary), "--version").stdout.split()[-1]
    return Peer(name="squawk", version=version, command=(str(binary),))


def pgfence() -> Peer:
    """From npm; needs node."""
    place = cache_dir() / "bench" / "pgfence"
    place.mkdir(parents=True, exist_ok=True)
    try:
        done = _run(
            "npm",
            "install",
            "--silent",
            "--no-fund",
            "--no-audit",
            "--prefix",
            str(place),
            "@flvmnt/pgfence@latest",
        )
    except FileNotFoundError:
        return Peer(name="pgfence", missing="npm is not on this machine")
    package = place / "node_modules" / "@flvmnt" / "pgfence"
    if not package.is_dir():
        return Peer(name="pgfence", missing=f"@flvmnt/pgfence could not be installed: {_last_line(done)}")
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    return Peer(name="pgfence", version=version, command=("node", str(package / "dist" / "index.js"), "analyze"))


def django() -> Peer:
    """Django with django-pg-zero-downtime-migrations, from PyPI, in an environment of its own, whose Python it is."""
    name, distribution = "django-pg-zero-downtime-migrations", "django_pg_zero_downtime_migrations"
    place = cache_dir() / "bench" / "django"
    python = place / "bin" / "python"
    if not python.exists():
        _run(sys.executable, "-m", "venv", str(place))
    done = _run(str(python), "-m", "pip", "install", "--quiet", "--upgrade", "django", name, "psycopg[binary]")
    asked = _run(
        str(python), "-c", f"from importlib.metadata import version as v; print(v('{distribution}'), v('django'))"
    )
    if asked.returncode:
        return Peer(name=name, missing=f"{name} could not be installed: {_last_line(done)}")
    own, framework = asked.stdout.split()
    return Peer(name=name, version=f"{own} (Django {framework})", command=(str(python),))


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path.home())


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"code {done.returncode}"
