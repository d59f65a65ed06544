"""What may stand in `gate.toml`, judged by pydantic; the only module that imports it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gate.model.errors import UsageError

ToolName = Literal["dbmate", "golang-migrate", "goose", "flyway", "prisma", "diesel", "sqitch", "plain"]


class Table(BaseModel):
    """A table of the file; a key that it does not have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class File(Table):
    """All of `gate.toml`, and of `[tool.gate]` in pyproject.toml. `source` may be the directory alone."""

    source: str | Source | None = None
    release_role: str | None = None
    search_path: str | None = None
    pooler: Literal["session"] | None = None
    sample: float | None = None


# How the rooms below call what the file and the variables name.
_OPTIONS = {
    "strict": "is_strict",
    "multi_statement": "is_split",
    "allow_missing": "is_out_of_order_allowed",
    "out_of_order": "is_out_of_order_allowed",
    "placeholders": "placeholders",
    "committer_name": "committer_name",
    "committer_email": "committer_email",
}
_SETTINGS = {"directory": "source", "tool": "tool", "table": "bookkeeping_table", "schema_": "bookkeeping_schema"}
_VARIABLES = {"source": "directory", "tool": "tool", "bookkeeping_table": "table", "bookkeeping_schema": "schema"}


def check(values: Mapping[str, Any], origin: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """The values under the names of `Settings`, only those that were set; or one error that names every bad key."""
    settled = _settled(_validated(values, origin))
    told = {key: value for key, value in variables.items() if key not in _VARIABLES}
    table = {_VARIABLES[key]: value for key, value in variables.items() if key in _VARIABLES}
    from_variables = _settled(_validated({**told, "source": table}, "the environment"))
    options = {**settled.pop("options"), **from_variables.pop("options")}
    return {**settled, **from_variables, "options": options}


def _validated(values: Mapping[str, Any], origin: str) -> File:
    told = dict(values)
    if isinstance(told.get("source"), str):
        told["source"] = {"directory": told["source"]}
    try:
        return File.model_validate(told)
    except ValidationError as error:
        details = [item for item in error.errors() if "str" not in item["loc"]]
        problems = "; ".join(_problem(item["loc"], item["msg"], item["type"]) for item in details)
        raise UsageError(f"{origin}: {problems}", remedy=_remedy()) from error


def _settled(file: File) -> dict[str, Any]:
    settled = {key: getattr(file, key) for key in file.model_fields_set - {"source"}}
    options: dict[str, Any] = {}
    if isinstance(file.source, Source):
        for key in file.source.model_fields_set:
            place = options if key in _OPTIONS else settled
            place[_OPTIONS.get(key) or _SETTINGS[key]] = getattr(file.source, key)
    return {**{key: value for key, value in settled.items() if value is not None}, "options": options}


def _problem(place: tuple[int | str, ...], message: str, kind: str) -> str:
    key = ".".join(str(part) for part in place if part != "Source")
    return f"unknown key {key!r}" if kind == "extra_forbidden" else f"{key}: {message[:1].lower()}{message[1:]}"


def _remedy() -> str:
    outer = [name for name in File.model_fields if name != "source"]
    inner = [field.alias or name for name, field in Source.model_fields.items()]
    return f"the keys are {', '.join(outer)}, and under [source] {', '.join(inner)}"
