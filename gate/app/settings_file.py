"""From `gate.toml` and the variables to `Settings`; imported only where one of them has something to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gate.app.database import has_password
from gate.model.errors import UsageError
from gate.model.plan import Mode
from gate.model.rules import Rule
from gate.policy.file import DatabaseTable, File, ReleaseTable, Source, validated
from gate.policy.journals import journal_path
from gate.policy.policy import Policy
from gate.policy.releasing import release_of, release_problems
from gate.policy.settling import policy_of

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
_SOURCE = {"directory": "source", "tool": "tool", "table": "bookkeeping_table", "schema_": "bookkeeping_schema"}
_PLAIN = ("release_role", "search_path", "pooler", "sample")
_VARIABLES = {"source": "directory", "tool": "tool", "bookkeeping_table": "table", "bookkeeping_schema": "schema"}
_OF_RELEASE = ("grace", "stall", "lock_wait", "runner_wait", "journal", "journal_schema")


def check(
    values: Mapping[str, Any], origin: str, variables: Mapping[str, str], database: str | None = None
) -> dict[str, Any]:
    """The values under the names of `Settings`, only those that were set; or one error that names every bad key.

    `database` picks one of `[databases]`; its own settings go before those of the file.
    """
    file = validated(values, origin)
    policy = policy_of(file, origin, _rules)
    _check_replica(file, origin)
    settled = _settled(file)
    if database is not None:
        settled = _merged(settled, _of_database(file, database, origin))
    told = {key: value for key, value in variables.items() if key not in (*_VARIABLES, *_OF_RELEASE)}
    table = {_VARIABLES[key]: value for key, value in variables.items() if key in _VARIABLES}
    release = {key: value for key, value in variables.items() if key in _OF_RELEASE}
    from_variables = validated({**told, "source": table, "release": release}, "the environment", _variable)
    policy = _overruled(policy, from_variables)
    if from_variables.mode is not None:
        policy = replace(policy, mode=Mode(from_variables.mode))
    return {
        **_merged(settled, _settled(from_variables)),
        "policy": policy,
        "databases": tuple((name, table.url_variable) for name, table in (file.databases or {}).items()),
    }


def _check_replica(file: File, origin: str) -> None:
    """What stands in a file is read by many, and kept for ever: the value is not even repeated."""
    if file.release is not None and file.release.replica_url is not None and has_password(file.release.replica_url):
        raise UsageError(
            f"{origin}: release.replica_url holds a password",
            remedy="write env:NAME, the variable that holds the URL, file:PATH or service=NAME",
        )


def _overruled(policy: Policy, variables: File) -> Policy:
    """The policy with what the environment says of a release."""
    problems = tuple(release_problems(variables, policy.release, _variable))
    if problems:
        raise UsageError(f"the environment: {'; '.join(problems)}", remedy="docs/policy.md describes every key")
    budget_s = policy.budget_s if variables.budget is None else variables.budget
    return replace(policy, budget_s=budget_s, release=release_of(variables.release, policy.release))


def _variable(place: tuple[int | str, ...]) -> str:
    """The variable that a key came from."""
    last = str(place[-1])
    return "GATE_" + next((name for name, key in _VARIABLES.items() if key == last), last).upper()


def _rules() -> tuple[Rule, ...]:
    from gate.plan.known import all_rules

    return all_rules()


def _merged(settled: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {**settled, **more, "options": {**settled["options"], **more["options"]}}


def _settled(table: File | DatabaseTable) -> dict[str, Any]:
    settled = {key: getattr(table, key) for key in _PLAIN if getattr(table, key, None) is not None}
    if isinstance(table, File) and table.release is not None:
        settled.update(_of_journal(table.release))
    return _merged({**settled, "options": {}}, _of_source(table.source or Source()))


def _of_journal(table: ReleaseTable) -> dict[str, Any]:
    settled: dict[str, Any] = {}
    if table.journal is not None:
        settled["journal_path"] = journal_path(table.journal)
    if table.journal_schema is not None:
        settled["journal_schema"] = table.journal_schema
    if table.replica_url is not None:
        settled["replica_url"] = table.replica_url
    return settled


def _of_source(source: Source) -> dict[str, Any]:
    settled: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for key in source.model_fields_set:
        place = options if key in _OPTIONS else settled
        if getattr(source, key) is not None:
            place[_OPTIONS.get(key) or _SOURCE[key]] = getattr(source, key)
    return {**settled, "options": options}


def _of_database(file: File, name: str, origin: str) -> dict[str, Any]:
    table = (file.databases or {}).get(name)
    if table is None:
        known = ", ".join(file.databases or {})
        raise UsageError(
            f"{origin or 'gate.toml'} has no database {name}",
            remedy=f"--database takes one of: {known}" if known else "name it there as [databases.NAME]",
        )
    own = _settled(table)
    if table.tool is not None:
        own["tool"] = table.tool
    if table.replica_url_variable is not None:
        own["replica_url"] = f"env:{table.replica_url_variable}"
    return {**own, "url_variable": table.url_variable, "database": name}
