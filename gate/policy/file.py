"""What may stand in `gate.toml`: its tables and keys, judged by pydantic. A mapping comes in, settings come out.

Imported only where a file or a variable has something to say. What each key means is in docs/policy.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gate.model.errors import UsageError
from gate.model.rates import Figures
from gate.policy import quantities
from gate.policy.hours import Window, window, window_of

ToolName = Literal["dbmate", "golang-migrate", "goose", "flyway", "prisma", "diesel", "sqitch", "plain"]
Seconds = Annotated[float, BeforeValidator(quantities.seconds)]
Bytes = Annotated[int, BeforeValidator(quantities.size_bytes)]
Count = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]


def _or_off(value: Callable[[object], float]) -> BeforeValidator:
    """For a limit that can be taken away: the word `off`, or what `value` reads."""
    return BeforeValidator(lambda told: told if told == "off" else value(told))


def _sessions(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError('write a number of sessions such as 25, or "off"')
    return value


YesOrNo = Annotated[bool, Field(strict=True)]
SecondsOrOff = Annotated[float | Literal["off"], _or_off(quantities.seconds)]
BytesOrOff = Annotated[int | Literal["off"], _or_off(quantities.size_bytes)]


class Table(BaseModel):
    """A table of the file; a key that it does not have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Source(Table):
    """`[source]`: where the migrations are, and what the project has told its tool; options have the tool's names."""

    directory: str | None = None
    tool: ToolName | None = None
    table: str | None = None
    schema_: str | None = Field(default=None, alias="schema")
    strict: bool | None = None
    multi_statement: bool | None = Field(default=None, alias="x-multi-statement")
    allow_missing: bool | None = Field(default=None, alias="allow-missing")
    out_of_order: bool | None = Field(default=None, alias="out-of-order")
    placeholders: dict[str, str] | None = None
    committer_name: str | None = None
    committer_email: str | None = None


class LimitsTable(Table):
    """`[limits]`, and `[relations."schema.name"]` for one relation."""

    blocked_reads: Seconds | None = None
    blocked_writes: Seconds | None = None
    queued: Count | None = None
    hot_per_s: Count | None = None
    batch_rows: Annotated[int, Field(ge=1, strict=True)] | None = None


class RuleTable(Table):
    """`[rules.NAME]`."""

    severity: Literal["off", "note", "warn", "refuse"] | None = None
    reason: str | None = None
    may_be_allowed: bool | None = None


class HoursTable(Table):
    """One of `[[allowed_hours]]`, in its long form."""

    days: str | list[str] = "daily"
    from_: str = Field(alias="from")
    to: str


class WaitForTable(Table):
    """One of `[[wait_for]]`."""

    application: str | None = None
    user: str | None = None
    state: str | None = None
    older_than: Seconds | None = None
    reason: str | None = None


class ChecksTable(Table):
    """`[checks]`: what a question about rows may take."""

    timeout: Seconds | None = None
    total: Seconds | None = None
    cost_limit: Count | None = None


def _arguments(value: Any) -> Any:
    """No shell splits it, so one string is no command."""
    if isinstance(value, str):
        raise ValueError('write a list, for no shell reads it: ["program", "argument"]')  # noqa: TRY004 - as above
    return value


class HookTable(Table):
    """One of `[[release.on_failure]]` and its like: a command, or a hook by its name with options of its own."""

    model_config = ConfigDict(extra="allow")

    command: Annotated[list[str], BeforeValidator(_arguments)] | None = None
    hook: str | None = None
    timeout: Seconds | None = None
    required: YesOrNo | None = None


class KillTable(Table):
    """One of `[[release.kill]]`."""

    application: str | None = None
    user: str | None = None
    idle_in_transaction: Seconds | None = None
    older_than: Seconds | None = None
    how: Literal["cancel", "terminate"] | None = None
    reason: str | None = None


class ThrottleTable(Table):
    """`[release.throttle]`."""

    batch: Seconds | None = None
    lag: SecondsOrOff | None = None
    lag_wal: BytesOrOff | None = None
    retained_wal: BytesOrOff | None = None
    growth: BytesOrOff | None = None
    active: Annotated[int | Literal["off"], _or_off(_sessions)] | None = None


class ReleaseTable(Table):
    """`[release]`: how a release runs, and what is called when it ends."""

    stall: Seconds | None = None
    lock_wait: Seconds | None = None
    runner_wait: Seconds | None = None
    grace: Seconds | None = None
    undo: Literal["failed", "always", "never"] | None = None
    down: YesOrNo | None = None
    journal: str | None = None
    journal_schema: str | None = None
    journal_published: YesOrNo | None = None
    replica_url: str | None = None
    throttle: ThrottleTable | None = None
    kill: list[KillTable] | None = None
    on_begin: list[HookTable] | None = None
    on_failure: list[HookTable] | None = None
    on_refused: list[HookTable] | None = None
    on_success: list[HookTable] | None = None


class MetricsTable(Table):
    """`[metrics]`."""

    textfile: str | None = None
    pushgateway: str | None = None
    job: str | None = None
    instance: str | None = None
    traces: YesOrNo | None = None


def _one_url(value: Any) -> Any:
    """The URL alone stands for the table."""
    return {"url": value} if isinstance(value, str) else value


class HealthTable(Table):
    """`[watch.health]`: what a request to the app has to be answered with."""

    url: str
    status: Annotated[tuple[tuple[int, int], ...], BeforeValidator(quantities.statuses)] | None = None
    timeout: Seconds | None = None
    text: str | None = None


class WatchTable(Table):
    """`[watch]`: how long a release is held against errors after its deploy, which they are, and what is called."""

    for_: Seconds | None = Field(default=None, alias="for")
    every: Seconds | None = None
    start_after: Seconds | None = None
    failures: Annotated[int, Field(ge=1, strict=True)] | None = None
    release: str | None = None
    health: Annotated[HealthTable, BeforeValidator(_one_url)] | None = None
    command: Annotated[list[str], BeforeValidator(_arguments)] | None = None
    command_timeout: Seconds | None = None
    blocked: Seconds | None = None
    blocked_sessions: Annotated[int, Field(ge=1, strict=True)] | None = None
    on_failure: list[HookTable] | None = None


class DatabaseTable(Table):
    """`[databases.NAME]`."""

    source: Source | None = None
    url_variable: str
    tool: ToolName | None = None
    release_role: str | None = None
    search_path: str | None = None
    pooler: Literal["session"] | None = None
    replica_url_variable: str | None = None


def _window(value: Any) -> Window:
    if isinstance(value, str):
        return window(value)
    if not isinstance(value, dict):
        raise ValueError("write Mon-Fri 09:00-17:00, or days, from and to")  # noqa: TRY004 - pydantic takes ValueError
    table = HoursTable.model_validate(value)
    days = table.days if isinstance(table.days, str) else ",".join(table.days)
    return window_of(days, table.from_, table.to)


def _rule(value: Any) -> Any:
    """The severity alone stands for the table."""
    return {"severity": value} if isinstance(value, str) else value


class File(Table):
    """All of `gate.toml`, and of `[tool.gate]` in pyproject.toml."""

    source: Source | None = None
    release_role: str | None = None
    search_path: str | None = None
    pooler: Literal["session"] | None = None
    sample: float | None = None
    mode: Literal["enforce", "observe", "off"] | None = None
    splits: Literal["auto", "refuse"] | None = None
    budget: Seconds | None = None
    free_disk: Bytes | None = None
    limits: LimitsTable | None = None
    relations: dict[str, LimitsTable] = Field(default_factory=dict)
    rules: dict[str, Annotated[RuleTable, BeforeValidator(_rule)]] = Field(default_factory=dict)
    allowed_hours: list[Annotated[Window, BeforeValidator(_window)]] | None = None
    time_zone: str | None = None
    wait_for: list[WaitForTable] = Field(default_factory=list)
    checks: ChecksTable | None = None
    calibration: dict[str, Rate] = Field(default_factory=dict)
    databases: dict[str, DatabaseTable] | None = None
    release: ReleaseTable | None = None
    watch: WatchTable | None = None
    metrics: MetricsTable | None = None
    platform: dict[str, dict[str, Any]] = Field(default_factory=dict)


Spelling = Callable[[tuple[int | str, ...]], str]


def dotted(place: tuple[int | str, ...]) -> str:
    """The key as it is written in the file, tables first."""
    parts = [f'"{part}"' if isinstance(part, str) and "." in part else str(part) for part in place]
    return ".".join(parts)


def validated(values: Mapping[str, Any], origin: str, spelled: Spelling = dotted) -> File:
    """The file as values. Raises UsageError that names every bad key of `origin`, as `spelled` there."""
    try:
        return File.model_validate(_spelled_out(values))
    except ValidationError as error:
        problems = "; ".join(_problem(item, spelled) for item in error.errors())
        raise UsageError(f"{origin}: {problems}", remedy=_remedy(error)) from error


def _spelled_out(values: Mapping[str, Any]) -> dict[str, Any]:
    """`source` may be the directory alone."""
    told = dict(values)
    if isinstance(told.get("source"), str):
        told["source"] = {"directory": told["source"]}
    databases = told.get("databases")
    if isinstance(databases, dict):
        told["databases"] = {
            name: _spelled_out(table) if isinstance(table, dict) else table for name, table in databases.items()
        }
    return told


# --- errors -----------------------------------------------------------------------------------------------------------


def _problem(error: Any, spelled: Spelling) -> str:
    place: tuple[int | str, ...] = error["loc"]
    key, kind = spelled(place), error["type"]
    if kind == "extra_forbidden":
        return f"unknown key {key!r}{_near(str(place[-1]), keys_at(place[:-1])) or _above(place)}"
    if kind == "missing":
        return f"{key} is missing"
    message = str(error["msg"])
    if kind == "value_error":
        return f"{key}: {message.removeprefix('Value error, ')}"
    if kind in ("model_type", "dict_type"):
        return f"{key} is a table: write [{key}] and its keys below"
    if kind == "list_type" and place[0] in ("release", "wait_for", "watch") and keys_at((*place, 0)):
        return f"{key} is a list of tables: write [[{key}]] and its keys below"
    hint = ""
    if kind == "literal_error" and isinstance(error["input"], str):
        hint = _near(error["input"], re.findall(r"'([^']*)'", error["ctx"]["expected"]))
    return f"{key}: {message[:1].lower()}{message[1:]}{hint}"


def _near(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f", did you mean {near[0]}?" if near else ""


def _above(place: tuple[int | str, ...]) -> str:
    """For a key that is right, in the wrong table: `[release]` is where many look for the budget."""
    is_above = len(place) > 1 and place[-1] in keys_at(())
    return f", {place[-1]} stands at the top of the file, before all tables" if is_above else ""


def _remedy(error: ValidationError) -> str:
    unknown = next((item["loc"][:-1] for item in error.errors() if item["type"] == "extra_forbidden"), None)
    if unknown is None:
        return "docs/policy.md describes every key"
    table = f"under [{dotted(unknown)}] " if unknown else ""
    return f"the keys {table}are {', '.join(keys_at(unknown))}"


_ANY = "*"
_TABLES: dict[tuple[str, ...], type[Table]] = {
    (): File,
    ("source",): Source,
    ("databases", _ANY, "source"): Source,
    ("limits",): LimitsTable,
    ("relations", _ANY): LimitsTable,
    ("rules", _ANY): RuleTable,
    ("allowed_hours", _ANY): HoursTable,
    ("wait_for", _ANY): WaitForTable,
    ("checks",): ChecksTable,
    ("metrics",): MetricsTable,
    ("databases", _ANY): DatabaseTable,
    ("release",): ReleaseTable,
    ("release", "throttle"): ThrottleTable,
    ("release", "kill", _ANY): KillTable,
    ("release", "on_begin", "*"): HookTable,
    ("release", "on_failure", _ANY): HookTable,
    ("release", "on_refused", _ANY): HookTable,
    ("release", "on_success", _ANY): HookTable,
    ("watch",): WatchTable,
    ("watch", "health"): HealthTable,
    ("watch", "on_failure", _ANY): HookTable,
}


def keys_at(place: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at that place of the file may have, as they are written there."""
    for named, model in _TABLES.items():
        if len(named) == len(place) and all(one in (_ANY, other) for one, other in zip(named, place, strict=True)):
            return _keys(model)
    return []


def _keys(model: type[Table]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


FIGURES = tuple(item.name for item in fields(Figures))
"""What may stand in `[calibration]`."""
