"""One way to a connection: bounded, named, in autocommit, without server-side prepared statements."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gate.db.errors import malformed, translated

CONNECT_S = 10


def connect(conninfo: str, *, application_name: str = "gate plan", **options: str | int) -> psycopg.Connection:
    """A connection in autocommit; what `conninfo` says wins over the defaults, `options` over both.

    Raises:
        UsageError: `conninfo` is malformed.
        Unreachable: no server, or it does not let us in. No message holds a password.
    """
    try:
        given = conninfo_to_dict(conninfo, **options)
    except psycopg.ProgrammingError as error:
        raise malformed(error) from error
    defaults: dict[str, str | int] = {"connect_timeout": CONNECT_S, "application_name": application_name}
    try:
        # A pooler in transaction mode keeps prepared statements on another server connection.
        return psycopg.connect("", autocommit=True, prepare_threshold=None, **{**defaults, **given})  # type: ignore[arg-type]
    except psycopg.Error as error:
        raise translated(error) from error
