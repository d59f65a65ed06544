"""From settings to the values of the rooms below: the source of the migrations, and a connection."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gate.app.database import target
from gate.app.request import Request
from gate.app.settings import Settings
from gate.db.connect import connect
from gate.model.errors import UsageError
from gate.sources import find_source
from gate.sources.tool import Options, Source


def open_source(settings: Settings) -> Source:
    """The one source at or below the place that was named, else here."""
    _check_one(settings)
    return find_source(Path(settings.source or "."), told=settings.tool, options=options_of(settings))


def options_of(settings: Settings) -> Options:
    """What the project has told of its tool."""
    told: dict[str, Any] = dict(settings.options)
    if "placeholders" in told:
        told["placeholders"] = tuple(told["placeholders"].items())
    return Options(
        table=settings.bookkeeping_table,
        schema=settings.bookkeeping_schema,
        is_first_run=settings.is_first_run,
        **told,
    )


def open_connection(
    request: Request, settings: Settings, *, name: str, answer_s: float | None = None
) -> psycopg.Connection:
    """A connection to the database that is meant; `name` is what its administrator sees. `answer_s` as in `connect`."""
    meant = target(_given(request, settings))
    if meant.warning:
        request.warn(meant.warning)
    if settings.search_path is None:
        return connect(meant.conninfo, application_name=name, answer_s=answer_s)
    path = _search_path_option(settings.search_path)
    return connect(meant.conninfo, application_name=name, answer_s=answer_s, options=path)


def server_of(request: Request, settings: Settings) -> str:
    """Host, port and name of the database that is meant, as far as they are told; no user and no password."""
    told = conninfo_to_dict(target(_given(request, settings)).conninfo)
    return " ".join(str(told.get(key, "")) for key in ("service", "host", "hostaddr", "port", "dbname"))


def _given(request: Request, settings: Settings) -> str | None:
    if request.database_url is not None:
        return request.database_url
    _check_one(settings)
    return _own_url(settings)


def _own_url(settings: Settings) -> str | None:
    """Where the URL of the database that was picked stands."""
    variable = settings.url_variable
    if variable is not None and not os.environ.get(variable, "").strip():
        raise UsageError(
            f"databases.{settings.database}.url_variable is {variable}, and no such variable is set",
            remedy=f"export {variable}=...",
        )
    return f"env:{variable}" if variable is not None else None


def _check_one(settings: Settings) -> None:
    if settings.databases and settings.database is None:
        names = ", ".join(name for name, _ in settings.databases)
        raise UsageError(
            "gate.toml names several databases, and this is about one", remedy=f"--database takes one of: {names}"
        )


def _search_path_option(path: str) -> str:
    return "-csearch_path=" + path.replace("\\", "\\\\").replace(" ", "\\ ")
