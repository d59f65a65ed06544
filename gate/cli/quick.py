"""The usual `gate plan` line, read without typer: in a release phase its import would cost as much as the plan.

Whatever is not usual (help, completion, an option that is not known or misses its value) is left to typer, which then
says what is wrong. A test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gate.app.request import Request
from gate.cli.printing import Printing

TEXTS = {
    "--source": "tool",
    "--database-url": "database_url",
    "--database": "database",
    "--format": "format_name",
    "--output": "output",
    "-o": "output",
    "--snapshot": "snapshot",
    "--sample": "sample_s",
    "--release-role": "release_role",
    "--bookkeeping-table": "bookkeeping_table",
    "--bookkeeping-schema": "bookkeeping_schema",
    "--search-path": "search_path",
    "--pooler": "pooler",
    "--config": "config",
}
FLAGS = {"--first-run": "is_first_run", "--show-rows": "shows_rows"}
_OF_PRINTING = ("format_name", "output", "shows_rows")


def read_plan(arguments: Sequence[str]) -> dict[str, Any] | None:
    """The values of the line by their names in `Request` and `Printing`, None where it is not a usual one."""
    if not arguments or arguments[0] != "plan":
        return None
    values: dict[str, Any] = {}
    left = iter(arguments[1:])
    for word in left:
        name, has_value, value = word.partition("=")
        if word in FLAGS:
            values[FLAGS[word]] = True
        elif name in TEXTS and name.startswith("--"):
            values[TEXTS[name]] = value if has_value else next(left, None)
        elif word in TEXTS:
            values[TEXTS[word]] = next(left, None)
        elif word.startswith("-") or "source" in values:
            return None
        else:
            values["source"] = word
    return _converted(values)


def _converted(values: dict[str, Any]) -> dict[str, Any] | None:
    try:
        if values.get("sample_s") is not None:
            values["sample_s"] = float(values["sample_s"])
    except ValueError:
        return None
    return None if None in values.values() else values


def request_of(values: dict[str, Any]) -> tuple[Request, Printing]:
    """The request, and how its answer is printed."""
    printing = {name: value for name, value in values.items() if name in _OF_PRINTING}
    return Request(**{name: value for name, value in values.items() if name not in printing}), Printing(**printing)
