"""The databases that this command is about: the fleet as it is listed, what was picked of it, and this pod's share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gate.app.database import target
from gate.app.fleet_spec import read_spec, shown
from gate.app.request import Request
from gate.app.settings import Settings
from gate.model.errors import UsageError
from gate.model.fleet import Member, Shard
from gate.run.shards import shard_of

AT_ONCE = 4
_SHARDS, _INDEX = "GATE_FLEET_SHARDS", "JOB_COMPLETION_INDEX"
_SHORTEST_SECRET = 5
_OURSELVES = frozenset({"127.0.0.1", "::1"})
_MOST_PROBLEMS = 10
_FOR_ONE = {
    "--database-url": "database_url",
    "--snapshot": "snapshot",
    "--expect": "expect",
    "--replica-url": "replica_url",
}
_FOR_FLEETS = {
    "--only": "only",
    "--canary": "canary",
    "--wave": "wave",
    "--at-once": "at_once",
    "--max-failures": "max_failures",
    "--shards": "shards",
}


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """`members` are to be looked at, in order; `names` are all that the fleet has. `hidden` takes passwords out."""

    spec: str
    members: tuple[Member, ...]
    names: tuple[str, ...]
    hidden: Callable[[str], str] = field(repr=False)
    conninfos: Mapping[str, str] = field(repr=False)
    shard: Shard | None = None


def fleet_of(request: Request, settings: Settings, environment: Mapping[str, str] = os.environ) -> Fleet:
    """Raises UsageError for what cannot be meant for many databases, and where two of them are one."""
    _check(request, settings)
    assert request.fleet is not None
    shard = shard_here(request, environment)
    listed = read_spec(request.fleet, request.warn)
    conninfos = _conninfos(listed, environment)
    parts = {name: conninfo_to_dict(conninfo) for name, conninfo in conninfos.items()}
    _check_different(parts, environment)
    names = tuple(one.name for one in listed)
    picked = set(named("--only", request.only, names)) if request.only is not None else set(names)
    mine = [
        one for one in listed if one.name in picked and (shard is None or shard_of(one.name, shard.of) == shard.index)
    ]
    return Fleet(
        spec=shown(request.fleet),
        members=tuple(mine),
        names=names,
        hidden=hiding(str(part["password"]) for part in parts.values() if part.get("password")),
        conninfos=conninfos,
        shard=shard,
    )


def named(option: str, told: str, names: Sequence[str]) -> tuple[str, ...]:
    """`a,b` as names, each of which the fleet has."""
    wanted = tuple(dict.fromkeys(name.strip() for name in told.split(",") if name.strip()))
    unknown = [name for name in wanted if name not in names]
    if unknown or not wanted:
        raise UsageError(
            f"{option}: the fleet has no database {', '.join(unknown)}" if unknown else f"{option} names nothing",
            remedy=f"it has {', '.join(names[:10])}{', ...' if len(names) > 10 else ''}",
        )
    return wanted


def hiding(secrets: Any) -> Callable[[str], str]:
    """Takes these passwords out of a text, as they are and as a URL has them; very short ones are no secret."""
    known = {str(secret) for secret in secrets}
    forms = {form for secret in known for form in (secret, quote(secret, safe="")) if len(form) >= _SHORTEST_SECRET}
    if not forms:
        return str
    pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    return lambda text: pattern.sub("***", text)


def shard_here(request: Request, environment: Mapping[str, str]) -> Shard | None:
    """This pod's share. A pod of an Indexed Job that does not know how many there are would do the work of all."""
    index, told = environment.get(_INDEX, "").strip(), environment.get(_SHARDS, "").strip()
    if request.shards is None and (not told or (request.only is not None and not index)):
        if index and request.only is None:
            raise UsageError(
                f"this is pod {index} of an Indexed Job, and nobody says how many share the fleet",
                remedy=f"set {_SHARDS}, or --shards, to the Job's completions",
            )
        return None
    shards = _number(told, _SHARDS) if request.shards is None else request.shards
    if not index:
        raise UsageError(
            f"which of the {shards} shards this is, nobody says: {_INDEX} is not set",
            remedy="it is set in the pods of a Job with completionMode: Indexed; elsewhere leave --shards out",
        )
    if not 0 <= _number(index, _INDEX) < shards:
        raise UsageError(
            f"{_INDEX} is {index}, and there are {shards} shards, counted from 0",
            remedy="the Job's completions and the number of shards have to be the same",
        )
    return Shard(index=int(index), of=shards)


def _number(text: str, variable: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{variable} is {text!r}, which is no number", remedy=f"set {variable} to a whole number")
    return int(text)


def check_options(request: Request) -> None:
    """Raises UsageError for options of a fleet where there is none, and for numbers that can mean nothing."""
    for option, name in _FOR_FLEETS.items():
        if request.fleet is None and getattr(request, name) is not None:
            raise UsageError(f"{option} is for a fleet", remedy="say which: --fleet file:PATH, dir:PATH or command:...")
    for option, name, least in (
        ("--wave", "wave", 1),
        ("--at-once", "at_once", 1),
        ("--max-failures", "max_failures", 0),
    ):
        value = getattr(request, name)
        if value is not None and value < least:
            raise UsageError(f"{option} {value} is too little", remedy=f"{option} takes {least} or more")
    if request.shards is not None and request.shards < 1:
        raise UsageError(f"--shards {request.shards} is too little", remedy="it is the Job's completions")


def _check(request: Request, settings: Settings) -> None:
    for option, name in _FOR_ONE.items():
        if getattr(request, name) is not None:
            raise UsageError(f"{option} is for one database, and --fleet for many", remedy=f"leave {option} out")
    if settings.replica_url is not None:
        raise UsageError(
            "GATE_REPLICA_URL, or release.replica_url of gate.toml, names the standby of one database",
            remedy="a fleet has none: take it out",
        )
    if settings.journal_path is not None:
        raise UsageError(
            "a journal in a file is for one database", remedy="a fleet keeps the journal of each in itself: take it out"
        )


def _conninfos(members: Sequence[Member], environment: Mapping[str, str]) -> dict[str, str]:
    """As libpq takes them; all that is wrong is told at once."""
    found, problems = {}, []
    for one in members:
        try:
            conninfo = target(one.given, environment, option=f"database {one.name}:").conninfo
            conninfo_to_dict(conninfo)
            found[one.name] = conninfo
        except UsageError as error:
            problems.append(f"{one.name}: {error.problem}")
        except psycopg.ProgrammingError:
            # What is wrong with it may quote it.
            problems.append(f"{one.name}: what is given for it is neither a URL nor keywords of libpq")
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        listed = "\n      ".join(problems[:_MOST_PROBLEMS]) + (f"\n      and {more:,} more" if more > 0 else "")
        raise UsageError(
            f"the fleet is not as it must be:\n      {listed}", remedy="put these right; nothing was begun"
        )
    return found


def _check_different(parts: Mapping[str, Mapping[str, Any]], environment: Mapping[str, str]) -> None:
    """Two names for one database would be two releases on it."""
    seen: dict[tuple[str, ...], str] = {}
    for name, part in parts.items():
        place = _place(part, environment)
        if place in seen:
            raise UsageError(
                f"{seen[place]} and {name} are the same database: {_shown(place)}",
                remedy="take one of the two out of the fleet",
            )
        seen[place] = name


def _place(part: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[str, ...]:
    def told(key: str, variable: str, otherwise: str) -> str:
        return str(part.get(key) or environment.get(variable) or otherwise)

    if part.get("service"):
        return "service", str(part["service"]), str(part.get("dbname") or "")
    told_host = str(part.get("host") or part.get("hostaddr") or environment.get("PGHOST") or "")
    host = told_host if told_host.startswith(("/", "@")) else told_host.lower().removesuffix(".")
    # No name is looked up: behind one address there may be many servers, told apart by the name.
    host = "localhost" if host in _OURSELVES else host
    user = told("user", "PGUSER", "")
    return host, told("port", "PGPORT", "5432"), told("dbname", "PGDATABASE", user)


def _shown(place: tuple[str, ...]) -> str:
    first, second, third = place
    return f"service={second}" if first == "service" else f"{third} on {first or 'this machine'}:{second}"
