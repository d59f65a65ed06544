"""The direct address of a database, where the one that is used leads through a pooler.

Platforms give both, each in a variable of its own. On Heroku those of a pooler end in `_POOL_URL`, as the attachment is
called (`pg:connection-pooling:attach --as DATABASE_CONNECTION_POOL`); elsewhere the direct one says so in its name.

Source: https://devcenter.heroku.com/articles/postgres-connection-pooling (2026-05).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

_POOLED = re.compile(r"\w*_POOL(ER|ED)?_URL", re.ASCII)
_DIRECT = (
    re.compile(r"DIRECT_(DATABASE_)?URL|DATABASE_(DIRECT|UNPOOLED)_URL|MIGRATION_DATABASE_URL|DATABASE_URL_UNPOOLED"),
    re.compile(r"DATABASE_URL"),
    re.compile(r"HEROKU_POSTGRESQL_[A-Z0-9_]+_URL"),
)
"""In the order in which they are looked at."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a connection leads; `user` and what else is told with it is no part of the place."""

    host: str
    port: int
    database: str
    user: str = ""

    def is_place_of(self, other: Address | None) -> bool:
        """Whether both lead to the same database by the same way."""
        return other is not None and (self.host, self.port, self.database) == (other.host, other.port, other.database)

    def may_be_database_of(self, other: Address) -> bool:
        """Whether the database or its user is called the same: a pooler may have a name of its own for one of them."""
        return self.database == other.database or (bool(self.user) and self.user == other.user)


def pooled_variable(used: Address, environment: Mapping[str, str]) -> str | None:
    """The variable that says that this is a pooler's address, None where none does."""
    return next((name for name in _pooled(environment) if used.is_place_of(_address(environment[name]))), None)


def direct_variable(used: Address, environment: Mapping[str, str]) -> str | None:
    """The variable with the direct address of the database that `used` reaches through a pooler; None if none has it.

    A follower of that database is called the same on Heroku: `DATABASE_URL` is taken before the others.
    """
    poolers = [used, *(address for name in _pooled(environment) if (address := _address(environment[name])))]
    for pattern in _DIRECT:
        for name in sorted(filter(pattern.fullmatch, environment)):
            found = _address(environment[name])
            if found is not None and found.may_be_database_of(used) and not any(map(found.is_place_of, poolers)):
                return name
    return None


def _pooled(environment: Mapping[str, str]) -> list[str]:
    return sorted(filter(_POOLED.fullmatch, environment))


def _address(url: str) -> Address | None:
    """None for what is no URL, or an odd one."""
    try:
        parts = urlsplit(url.strip())
        told = dict(parse_qsl(parts.query))
        host, port = parts.hostname or told.get("host", ""), parts.port or int(told.get("port", "5432"))
        if parts.scheme.partition("+")[0] not in ("postgres", "postgresql") or not host:
            return None
        database, user = unquote(parts.path.removeprefix("/")), unquote(parts.username or "")
        return Address(host=host.lower(), port=port, database=database, user=user)
    except ValueError:
        return None
