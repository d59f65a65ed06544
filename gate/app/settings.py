"""Settings: the command line over `GATE_*` variables over `gate.toml` over `[tool.gate]` in pyproject.toml.

pydantic judges them, and is imported only where a file or a variable has something to say.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gate.app.request import Request
from gate.model.errors import UsageError
from gate.policy.journals import journal_path, journal_schema_problem
from gate.policy.policy import DEFAULT, Policy

PREFIX = "GATE_"
VARIABLES = frozenset(
    {
        "source",
        "tool",
        "release_role",
        "bookkeeping_table",
        "bookkeeping_schema",
        "search_path",
        "pooler",
        "sample",
        "mode",
        "budget",
        "grace",
        "stall",
        "lock_wait",
        "runner_wait",
        "journal",
        "journal_schema",
    }
)
# Of these an empty one is none: a platform's form leaves them so.
_UNLESS_EMPTY = frozenset({"budget", "grace", "stall", "lock_wait", "runner_wait", "journal", "journal_schema"})
_REPLICA_URL = "GATE_REPLICA_URL"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that is settled before the work begins; `options` are those of the tool, by the names of `gate.sources`.

    `databases` are all that the file names, in order, each with the variable of its URL. `database` is the one that
    these settings are for, `url_variable` its own; both are None where there is but one. `journal_path` is None for a
    journal in the database, in `journal_schema`. `replica_url` is as `--database-url` takes one.
    """

    source: str | None = None
    tool: str | None = None
    release_role: str | None = None
    bookkeeping_table: str | None = None
    bookkeeping_schema: str | None = None
    search_path: str | None = None
    pooler: str | None = None
    sample: float = 1.0
    is_first_run: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy = DEFAULT
    databases: tuple[tuple[str, str], ...] = ()
    database: str | None = None
    url_variable: str | None = None
    journal_schema: str = "gate"
    journal_path: str | None = None
    replica_url: str | None = None


def load(request: Request, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this request; a key that gate does not know is an error that names it."""
    values, origin = _from_file(request.config)
    around = os.environ if environment is None else environment
    variables = _from_environment(around)
    checked: dict[str, Any] = {}
    if values or variables or request.database is not None:
        checked = _checked(values, origin, variables, request.database)
    if around.get(_REPLICA_URL, "").strip() and checked.get("database") is None:
        checked["replica_url"] = f"env:{_REPLICA_URL}"
    checked.update(_from_request(request))
    settings = Settings(**checked)
    _check_sample(settings.sample)
    if settings.policy.platforms:
        from gate.platforms.tables import check

        check(settings.policy.platforms, origin)
    return replace(settings, policy=_told(settings.policy, request))


def _from_file(named: str | None) -> tuple[dict[str, Any], str]:
    if named is not None:
        document = _read(Path(named))
        return (_tool_table(document) if Path(named).name == "pyproject.toml" else document), named
    if Path("gate.toml").is_file():
        return _read(Path("gate.toml")), "gate.toml"
    if Path("pyproject.toml").is_file():
        table = _tool_table(_read(Path("pyproject.toml")))
        return table, "[tool.gate] of pyproject.toml" if table else ""
    return {}, ""


def _tool_table(document: dict[str, Any]) -> dict[str, Any]:
    table = document.get("tool", {}).get("gate", {})
    return dict(table)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", remedy="check --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}", remedy="put that line right") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    # A variable that gate does not know may be meant for something else of that name: it is left alone.
    from_names = {name: name.removeprefix(PREFIX).lower() for name in environment if name.startswith(PREFIX)}
    told = {key: environment[name] for name, key in from_names.items() if key in VARIABLES}
    told = {key: value for key, value in told.items() if key not in _UNLESS_EMPTY or value.strip()}
    mode = told.pop("mode", "").strip().lower()
    return {**told, "mode": mode} if mode else told


def _checked(
    values: Mapping[str, Any], origin: str, variables: Mapping[str, str], database: str | None
) -> dict[str, Any]:
    from gate.app.settings_file import check

    return check(values, origin, variables, database)


def _from_request(request: Request) -> dict[str, Any]:
    told = {
        "source": request.source,
        "tool": request.tool,
        "release_role": request.release_role,
        "bookkeeping_table": request.bookkeeping_table,
        "bookkeeping_schema": request.bookkeeping_schema,
        "search_path": request.search_path,
        "pooler": request.pooler,
        "sample": request.sample_s,
        "is_first_run": request.is_first_run or None,
        "journal_schema": request.journal_schema,
        "replica_url": request.replica_url,
    }
    given = {key: value for key, value in told.items() if value is not None}
    return {**given, **_journal(request)}


def _journal(request: Request) -> dict[str, Any]:
    if request.journal_schema is not None and (problem := journal_schema_problem(request.journal_schema)):
        raise UsageError(
            f"--journal-schema {problem}", remedy="name a schema for gate's own tables; gate is the default"
        )
    if request.journal is None:
        return {}
    try:
        return {"journal_path": journal_path(request.journal)}
    except ValueError as error:
        raise UsageError(f"--journal {request.journal}: {error}", remedy="without it: in the database") from error


def _told(policy: Policy, request: Request) -> Policy:
    """The policy with what the command line says of this one release."""
    for option, told_s in (("--budget", request.budget_s), ("--grace", request.grace_s)):
        if told_s is not None and not told_s > 0:
            raise UsageError(f"{option} {told_s:g} leaves no time", remedy=f"write {option} 10min, or {option} 90s")
    release = policy.release
    if request.grace_s is not None:
        release = replace(release, grace_s=request.grace_s)
    if not request.calls_hooks:
        release = replace(release, on_begin=(), on_failure=(), on_refused=(), on_success=())
    budget_s = policy.budget_s if request.budget_s is None else request.budget_s
    return replace(policy, release=release, budget_s=budget_s)


def _check_sample(sample_s: float) -> None:
    if sample_s != 0 and not 1 <= sample_s <= 60:
        raise UsageError(
            f"--sample {sample_s:g} is too short or too long to see traffic",
            remedy="between two readings the counters need about a second: --sample 1, or --sample 0 for none",
        )
