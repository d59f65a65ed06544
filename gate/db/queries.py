"""The SQL files, chosen by the server's major: `name.sql`, or the newest `name__pgNN.sql` that is not above it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def query(name: str, major: int = 0) -> bytes:
    """The text of `name` for this server major; 0 means that no variant is wanted. KeyError without such a file."""
    variants = _variants()[name]
    return variants[max(since for since in variants if since <= major)]


@cache
def _variants() -> dict[str, dict[int, bytes]]:
    """Name -> {lowest major: text}."""
    found: dict[str, dict[int, bytes]] = {}
    for file in (files("gate.db") / "sql").iterdir():
        if file.name.endswith(".sql"):
            name, _, since = file.name.removesuffix(".sql").partition("__pg")
            found.setdefault(name, {})[int(since or 0)] = file.read_bytes()
    return found
