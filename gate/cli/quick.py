"""The usual lines of `gate plan`, `gate release` and `gate wait`, read without typer: in a release phase its import
would cost as much as the answer.

Whatever is not usual (help, completion, an option that is not known or misses its value) is left to typer, which then
says what is wrong. A test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gate.app.request import Request
from gate.cli.printing import Printing
from gate.policy.quantities import seconds

_SHARED = {
    "--source": "tool",
    "--database-url": "database_url",
    "--database": "database",
    "--format": "format_name",
    "--output": "output",
    "-o": "output",
    "--sample": "sample_s",
    "--bookkeeping-table": "bookkeeping_table",
    "--bookkeeping-schema": "bookkeeping_schema",
    "--search-path": "search_path",
    "--pooler": "pooler",
    "--config": "config",
}
_FLEET = {"--fleet": "fleet", "--only": "only", "--at-once": "at_once", "--shards": "shards"}
TEXTS: Mapping[str, Mapping[str, str]] = {
    "plan": {**_SHARED, **_FLEET, "--also": "also", "--snapshot": "snapshot", "--release-role": "release_role"},
    "release": {
        **_SHARED,
        **_FLEET,
        "--budget": "budget_s",
        "--grace": "grace_s",
        "--expect": "expect",
        "--journal": "journal",
        "--journal-schema": "journal_schema",
        "--replica-url": "replica_url",
        "--canary": "canary",
        "--wave": "wave",
        "--max-failures": "max_failures",
    },
    "wait": {
        **{option: name for option, name in _SHARED.items() if option not in ("--sample", "--pooler")},
        "--schema-at-least": "schema_at_least",
        "--timeout": "timeout_s",
        "--job": "job",
        "--journal-schema": "journal_schema",
    },
}
FLAGS: Mapping[str, Mapping[str, tuple[str, bool]]] = {
    "plan": {"--first-run": ("is_first_run", True), "--show-rows": ("shows_rows", True)},
    "release": {
        "--first-run": ("is_first_run", True),
        "--show-rows": ("shows_rows", True),
        "--no-hooks": ("calls_hooks", False),
    },
    "wait": {"--no-hooks": ("calls_hooks", False), "--quiet": ("is_quiet", True), "-q": ("is_quiet", True)},
}
_READ: Mapping[str, Callable[[str], float]] = {
    "sample_s": float,
    "budget_s": seconds,
    "grace_s": seconds,
    "timeout_s": seconds,
    "at_once": int,
    "shards": int,
    "wave": int,
    "max_failures": int,
}
_OF_PRINTING = ("format_name", "output", "also", "shows_rows", "is_quiet")


def read_line(arguments: Sequence[str]) -> tuple[str, dict[str, Any]] | None:
    """The command and its values by their names in `Request` and `Printing`, None where it is not a usual line."""
    if not arguments or arguments[0] not in TEXTS:
        return None
    command, *words = arguments
    values = _values(words, TEXTS[command], FLAGS[command])
    return None if values is None else (command, values)


def _values(
    words: Sequence[str], texts: Mapping[str, str], flags: Mapping[str, tuple[str, bool]]
) -> dict[str, Any] | None:
    values: dict[str, Any] = {}
    left = iter(words)
    for word in left:
        name, has_value, value = word.partition("=")
        if word in flags:
            values.update([flags[word]])
        elif name in texts and name.startswith("--"):
            values[texts[name]] = value if has_value else next(left, None)
        elif word in texts:
            values[texts[word]] = next(left, None)
        elif word.startswith("-") or "source" in values:
            return None
        else:
            values["source"] = word
    return _converted(values)


def _converted(values: dict[str, Any]) -> dict[str, Any] | None:
    if None in values.values():
        return None
    try:
        return {name: _READ[name](value) if name in _READ else value for name, value in values.items()}
    except ValueError:
        return None


def request_of(values: dict[str, Any]) -> tuple[Request, Printing]:
    """The request, and how its answer is printed."""
    printing = {name: value for name, value in values.items() if name in _OF_PRINTING}
    return Request(**{name: value for name, value in values.items() if name not in printing}), Printing(**printing)
