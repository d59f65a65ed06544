"""Which database is meant: the URL without its having to stand on a command line, and as libpq takes it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from gate.model.errors import UsageError
from gate.model.names import quoted

_VARIABLES = ("GATE_DATABASE_URL", "DATABASE_URL")
_SCHEMES = ("postgres", "postgresql")
# What drivers and tools add to a URL for themselves; libpq refuses any parameter that it does not know.
_NOT_FOR_LIBPQ = frozenset(
    (
        "connection_limit",
        "pool_timeout",
        "pgbouncer",
        "socket_timeout",
        "statement_cache_size",
        "sslaccept",
        "sslidentity",
        "pool",
        "prepared_statements",
        "encoding",
        "reaping_frequency",
        "checkout_timeout",
        "binary_parameters",
        "pool_max_conns",
        "pool_min_conns",
        "default_query_exec_mode",
        "statement_cache_capacity",
        "x-migrations-table",
        "x-migrations-table-quoted",
        "x-multi-statement",
        "x-multi-statement-max-size",
        "x-statement-timeout",
    ),
)
_AUTHORITY = re.compile(r"[^/?#]*")
_PORT = re.compile(r"\d*(?:,.*)?")
# These name the schema that unqualified names mean: Prisma's, and dbmate's and goose's (lib/pq passes it on).
_SEARCH_PATHS = ("schema", "search_path")


@dataclass(frozen=True)
class Target:
    """What to connect to; `warning` is empty unless the way it was given is to be spoken about."""

    conninfo: str
    warning: str = ""


def target(
    given: str | None, environment: Mapping[str, str] | None = None, *, option: str = "--database-url"
) -> Target:
    """From `--database-url`, else GATE_DATABASE_URL, else DATABASE_URL; `option` is where `given` was, for messages."""
    variables = os.environ if environment is None else environment
    if given is None:
        return Target(_for_libpq(_from_variables(variables)))
    kind, _, rest = given.partition(":")
    if kind == "env":
        return Target(_for_libpq(_from_variable(rest, variables, option)))
    if kind == "file":
        return Target(_for_libpq(_from_file(rest, option)))
    return Target(_for_libpq(given), _warning(option) if has_password(given) else "")


def _warning(option: str) -> str:
    return (
        f"the password in {option} can be read by every user of this machine: "
        f"use {option} env:NAME, file:PATH or service=NAME"
    )


def _from_variables(variables: Mapping[str, str]) -> str:
    for name in _VARIABLES:
        if variables.get(name, "").strip():
            return variables[name].strip()
    raise UsageError(
        "no database is named",
        remedy="set DATABASE_URL, or GATE_DATABASE_URL for gate alone, or give --database-url env:NAME, "
        "file:PATH or service=NAME",
    )


def _from_variable(name: str, variables: Mapping[str, str], option: str) -> str:
    if not variables.get(name, "").strip():
        raise UsageError(f"the variable {name} of {option} env:{name} is not set", remedy=f"export {name}=...")
    return variables[name].strip()


def _from_file(name: str, option: str) -> str:
    try:
        text = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise UsageError(f"cannot read {name} of {option} file:{name}: {why}", remedy="check the path") from error
    if not text:
        raise UsageError(f"{name} of {option} file:{name} is empty", remedy="put the URL in it, on one line")
    return text


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        # What is wrong with it may quote it, and it may hold a password.
        raise UsageError(
            "the database URL cannot be read: brackets or odd characters before its path",
            remedy="an IPv6 address stands in [ ]; in a name or password write %5B for [ and %5D for ]",
        ) from None


def has_password(text: str) -> bool:
    """Whether a URL, or keywords of libpq, hold one."""
    if "://" in text:
        parts = _split(text)
        return bool(parts.password) or "password=" in parts.query
    return "password=" in text


def _for_libpq(text: str) -> str:
    if "://" not in text:
        if "=" not in text:
            raise UsageError(
                "the database URL is neither a URL nor keywords of libpq",
                remedy="write postgresql://user@host/database, or service=NAME",
            )
        return text
    scheme, _, rest = text.partition("://")
    # `postgresql+psycopg://`, `postgres+asyncpg://` (SQLAlchemy), `jdbc:postgresql://` (Flyway)
    plain = scheme.removeprefix("jdbc:").partition("+")[0]
    if plain not in _SCHEMES:
        raise UsageError(
            f"the database URL begins with {scheme}://, which is not PostgreSQL",
            remedy="gate works with PostgreSQL only: postgresql://user@host/database",
        )
    _check_password(rest)
    return _with_known_parameters(f"postgresql://{rest}")


def _check_password(rest: str) -> None:
    """Of one that was not encoded libpq would take the end for a host, and say so in its message."""
    place = _AUTHORITY.match(rest)
    authority = place[0] if place else ""
    before, _, port = authority.rpartition(":")
    is_cut = "@" not in authority and "@" in rest and bool(before) and not _PORT.fullmatch(port) and port[-1:] != "]"
    if authority.count("@") > 1 or is_cut:
        raise UsageError(
            "the database URL cannot be read: its password holds a character that ends it",
            remedy="in a name or password write %40 for @, %2F for /, %3F for ?, %23 for #, %3A for : and %25 for %",
        )


def _with_known_parameters(url: str) -> str:
    parts = _split(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(key, value) for key, value in pairs if key not in _NOT_FOR_LIBPQ and key not in _SEARCH_PATHS]
    if len(kept) == len(pairs):
        return url
    path = next((_as_path(key, value) for key, value in pairs if key in _SEARCH_PATHS and value), "")
    options = [value for key, value in kept if key == "options"]
    if path:
        kept = [pair for pair in kept if pair[0] != "options"]
        kept.append(("options", " ".join([*options, "-csearch_path=" + _escaped(path)])))
    return urlunsplit(parts._replace(query=urlencode(kept, quote_via=quote)))


def _as_path(key: str, value: str) -> str:
    # Prisma's `schema` is one name as it stands; a search_path is SQL already.
    return quoted(value) if key == "schema" else value


def _escaped(value: str) -> str:
    # Within `options` a blank separates, a backslash escapes.
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
