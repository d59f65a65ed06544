"""psycopg's errors become gate's own at this door; nothing above sees another exception."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors

from gate.model.errors import GateError, MissingPrivilege, Unreachable, UsageError
from gate.model.passwords import masked

# What libpq quotes of a string that it cannot read may be a piece of a password; names of options are told.
_OPTION = re.compile(r'"(?:=|[a-z_]{1,40})"')


def scrubbed(text: str) -> str:
    """The text with passwords in connection strings replaced by `***`."""
    return masked(text).strip()


def translated(error: psycopg.Error) -> GateError:
    """The error as gate's: what is unreachable, what is forbidden; anything else is a bug of gate."""
    problem = scrubbed(str(error))
    match error:
        case errors.InsufficientPrivilege():
            return MissingPrivilege(problem, remedy="GRANT what the message names to the role, or use another role")
        case errors.InvalidPassword() | errors.InvalidAuthorizationSpecification():
            return Unreachable(problem, remedy="check the role and its password in the connection string")
        case errors.QueryCanceled() | errors.LockNotAvailable():
            return Unreachable(problem, remedy="the server did not answer in time; try again")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return Unreachable(
                problem, remedy="check the host, the port, the database, the user and sslmode, then try again"
            )
        case _:
            return GateError(problem, remedy="this is a bug in gate: please report it with the statement")


def malformed(error: psycopg.Error) -> UsageError:
    """For a connection string that libpq does not parse."""
    return UsageError(
        f"the connection string is malformed: {_without_quotes(scrubbed(str(error)))}",
        remedy="write it as postgresql://user@host:port/database or as key=value pairs",
    )


def _without_quotes(text: str) -> str:
    return re.sub(r'"[^"]*"', lambda found: found[0] if _OPTION.fullmatch(found[0]) else '"***"', text)
