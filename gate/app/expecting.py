"""`gate release --expect PLAN.json`: what is about to be run, held against the plan that was reviewed.

Statements, verdicts and steps count. Sizes, times and findings' numbers do not: they change from hour to hour. Both
sides are documents without secrets, so nothing here can print one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from gate.model.document import SCHEMA, document
from gate.model.errors import UsageError
from gate.model.plan import Plan, Severity

_EXCERPT = 60
_BEFORE = 15
_MASK = "***"
# What of a step decides about what is done; the rest explains it, or estimates it.
_OF_STEP = ("kind", "sql", "transactional", "undo", "final", "limits", "relation", "keys", "batch", "columns")
_REMEDY = "write it with gate plan --format json -o PLAN.json"


def reviewed(name: str, database: str | None = None) -> dict[str, Any]:
    """The document in that file; of several databases' the one of `database`. Raises UsageError for anything else."""
    try:
        found = json.loads(Path(name).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"cannot read --expect {name}: {error.strerror}", remedy=_REMEDY) from error
    except ValueError as error:
        raise UsageError(f"--expect {name} is not JSON: {error}", remedy=_REMEDY) from error
    if isinstance(found, dict) and isinstance(found.get("databases"), list):
        found = _one_of(found, name, database)
    problem = _problem(found)
    if problem:
        raise UsageError(f"--expect {name} {problem}", remedy=_REMEDY)
    return dict(found)


def differences(old: Mapping[str, Any], plan: Plan, settled: Collection[str] = ()) -> tuple[str, ...]:
    """What is about to be run and was not reviewed so, a sentence each; none where the plans agree.

    `settled` are the ids of migrations that need no comparing: applied since, or begun by an earlier run that is now
    taken up.
    """
    new = document(plan)
    found = tuple(_found(old, new, frozenset(settled)))
    return found or tuple(_hidden(old, new))


# --- the file ---------------------------------------------------------------------------------------------------------


def _one_of(found: Mapping[str, Any], name: str, database: str | None) -> Any:
    plans = {str(plan.get("name")): plan for plan in found["databases"] if isinstance(plan, dict)}
    if database is not None and database in plans:
        return plans[database]
    known = ", ".join(plans)
    raise UsageError(
        f"--expect {name} holds the plans of several databases ({known}), and none is of {database or 'this one'}",
        remedy="say which with --database NAME, or write a plan for each",
    )


def _problem(found: Any) -> str:
    """Why that is no plan; empty where it is one."""
    if not isinstance(found, dict) or "schema" not in found:
        return "is not a plan"
    if found.get("mode") == "off":
        return "was written while gate was off: nothing was judged"
    if "run" in found:
        return "is the document of a run, not of a plan"
    if found["schema"] != SCHEMA:
        return f"is a plan of schema {found['schema']}, and this gate writes and reads schema {SCHEMA}"
    return "" if _is_whole(found) else "is not a whole plan"


_MIGRATION = {"id": (str, type(None)), "transactional": (bool,), "verdict": (str,), "statements": (list,)}
_STATEMENT = {"sql": (str,), "line": (int,), "verdict": (str,), "steps": (list,)}
_STEP = {"kind": (str,), "sql": (str,)}


def _is_whole(found: Mapping[str, Any]) -> bool:
    """Whether all is there that is compared."""
    if not _are_tables(found.get("migrations"), _MIGRATION) or not _are_tables(found.get("findings"), {}):
        return False
    statements = [statement for migration in found["migrations"] for statement in migration["statements"]]
    if not _are_tables(statements, _STATEMENT):
        return False
    return all(_are_tables(statement["steps"], _STEP) for statement in statements)


def _are_tables(found: Any, keys: Mapping[str, tuple[type, ...]]) -> bool:
    return isinstance(found, list) and all(
        isinstance(item, dict) and all(key in item and isinstance(item[key], kinds) for key, kinds in keys.items())
        for item in found
    )


# --- the difference ---------------------------------------------------------------------------------------------------


def _found(old: Mapping[str, Any], new: Mapping[str, Any], settled: frozenset[str]) -> Iterator[str]:
    if old.get("source") != new["source"]:
        yield f"the reviewed migrations are {old.get('source')}'s, and these are {new['source']}'s"
    yield from _of_state(old["findings"], new["findings"])
    before = {item["id"]: item for item in old["migrations"] if item["id"] not in settled}
    now = {item["id"]: item for item in new["migrations"] if item["id"] not in settled}
    for key, item in before.items():
        if key not in now:
            yield f"{_name(item)} was reviewed, and is not pending"
    for key, item in now.items():
        if key in before:
            yield from _of_migration(before[key], item)
        else:
            yield f"{_name(item)} is pending, and was not reviewed"
    if not set(before) ^ set(now) and list(before) != list(now):
        yield f"the order was {', '.join(map(str, before))}, and is {', '.join(map(str, now))}"


def _of_state(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What concerns the bookkeeping has a say in the verdict too."""
    refused = {item.get("rule") for item in before if item.get("severity") == Severity.REFUSE.value}
    for item in now:
        if item["severity"] == Severity.REFUSE.value and item["rule"] not in refused:
            yield f"refused now, and not when it was reviewed: {item['problem']}"


def _of_migration(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    name = _name(now)
    if before["transactional"] != now["transactional"]:
        words = {True: "in one transaction", False: "without a transaction"}
        yield f"{name} was to run {words[bool(before['transactional'])]}, and now {words[now['transactional']]}"
    found = [
        difference
        for one, other in zip_longest(before["statements"], now["statements"])
        for difference in _of_statement(one, other, name)
    ]
    yield from found
    if not found and before["verdict"] != now["verdict"]:
        yield f"{name}: the verdict was {before['verdict']}, and is {now['verdict']}"


def _of_statement(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None, name: str) -> Iterator[str]:
    if now is None:
        assert before is not None
        yield f"{name}, line {before['line']} when reviewed: {_excerpt(before['sql'])} is not there any more"
        return
    place = f"{name}, line {now['line']}"
    if before is None:
        yield f"{place}: {_excerpt(now['sql'])} was not reviewed"
        return
    if before["sql"] != now["sql"]:
        yield f"{place}: {_apart(before['sql'], now['sql'])}"
        return
    if before["verdict"] != now["verdict"]:
        yield f"{place}: the verdict was {before['verdict']}, and is {now['verdict']}: {_excerpt(now['sql'])}"
    for number, (one, other) in enumerate(zip_longest(before["steps"], now["steps"]), start=1):
        yield from _of_step(one, other, f"{place}, step {number}")


def _of_step(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None, place: str) -> Iterator[str]:
    if before is None or now is None:
        if now is None and before is not None:
            yield f"{place}: {_excerpt(before['sql'])} was reviewed, and is not planned"
        elif now is not None:
            yield f"{place}: {_excerpt(now['sql'])} was not reviewed"
        return
    for key in _OF_STEP:
        if key in before and before[key] != now.get(key):
            what = "" if key == "sql" else f"{key} "
            yield f"{place}: {what}{_apart(_text(before[key]), _text(now.get(key)))}"
            return


def _hidden(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """A statement that differs only in what is masked: the fingerprint is that of the text as written.

    It is also that of locks, work and server, so it tells this only where all that can be seen is alike.
    """
    if any(old.get(key) != new[key] for key in ("gate", "server")) or old.get("fingerprint") == new["fingerprint"]:
        return
    pairs = list(zip_longest(_statements(old), _statements(new)))
    if any(one is None or other is None or _work(one) != _work(other) for one, other in pairs):
        return
    for migration in new["migrations"]:
        for statement in migration["statements"]:
            if _MASK in statement["sql"]:
                yield (
                    f"{_name(migration)}, line {statement['line']}: what {_MASK} stands for may not be what was "
                    f"reviewed: {_excerpt(statement['sql'])}"
                )


def _statements(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [statement for migration in plan["migrations"] for statement in migration["statements"]]


def _work(statement: Mapping[str, Any]) -> list[Any]:
    effects = statement.get("effects") or []
    return [statement["sql"], *((item.get("relation"), item.get("lock"), item.get("work")) for item in effects)]


# --- words ------------------------------------------------------------------------------------------------------------


def _name(migration: Mapping[str, Any]) -> str:
    return str(migration.get("path") or migration["id"])


def _apart(before: str, now: str) -> str:
    """Where two texts part, with a little of what stands before it."""
    at = next(
        (place for place, (one, other) in enumerate(zip(before, now, strict=False)) if one != other),
        min(len(before), len(now)),
    )
    one, other = _excerpt(before, at), _excerpt(now, at)
    return f"was {one}, and is {other}" if one != other else f"{one} has other white space"


def _excerpt(text: str, at: int = 0) -> str:
    """On one line, with nothing that could steer a terminal."""
    begin = max(0, at - _BEFORE) if len(text) > _EXCERPT else 0
    plain = "".join(char if char.isprintable() else " " for char in text[begin : begin + _EXCERPT])
    lead, tail = "..." if begin else "", "..." if begin + _EXCERPT < len(text) else ""
    return f"`{lead}{' '.join(plain.split())}{tail}`"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
