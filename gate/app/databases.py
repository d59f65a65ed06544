"""Several databases: each of `[databases]` planned in order, stopping at the first that fails."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gate.app.plan import plan
from gate.app.request import Request
from gate.app.settings import Settings
from gate.model.errors import UsageError
from gate.model.plan import Plan


def names(request: Request, settings: Settings, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The databases that are meant, in order; none where there is only one, or one was picked.

    Raises UsageError for two that have the same URL, and for options that can only be meant for one of them.
    """
    databases = settings.databases
    if not databases or request.database is not None:
        return ()
    known = ", ".join(name for name, _ in databases)
    for option, value in _FOR_ONE.items():
        if getattr(request, value) is not None:
            raise UsageError(
                f"gate.toml names several databases ({known}), and {option} is for one of them",
                remedy=f"say which: --database {databases[0][0]}",
            )
    _check_urls(databases, os.environ if environment is None else environment)
    return tuple(name for name, _ in databases)


_FOR_ONE = {
    "SOURCE": "source",
    "--source": "tool",
    "--database-url": "database_url",
    "--snapshot": "snapshot",
    "--replica-url": "replica_url",
}


def _check_urls(databases: tuple[tuple[str, str], ...], environment: Mapping[str, str]) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for name, variable in databases:
        url = environment.get(variable, "").strip()
        if url and url in seen:
            other, others = seen[url]
            raise UsageError(
                f"databases.{name} and databases.{other} have the same URL ({variable} and {others})",
                remedy="give each its own, or make one of the two",
            )
        seen[url] = (name, variable)


def plan_each(request: Request, wanted: tuple[str, ...]) -> Iterator[tuple[str, Plan]]:
    """The plans, one after the other; whoever asks for no more stops."""
    for name in wanted:
        yield name, plan(replace(request, database=name))
