"""How much room the server's disk has, where gate can see it: on the same machine, through its socket."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg

from gate.db.errors import translated


def free_disk_bytes(connection: psycopg.Connection) -> int | None:
    """What is free beside the data directory; None for a server reached by network, or one that hides its directory.

    A loopback address proves nothing: a container's or a tunnel's port is there too.
    """
    if not connection.info.host.startswith("/"):
        return None
    try:
        row = connection.execute(
            b"SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'", prepare=False
        ).fetchone()
    except psycopg.Error as error:
        raise translated(error) from error
    directory = Path(row[0]) if row and row[0] else None
    try:
        return None if directory is None else shutil.disk_usage(directory).free
    except OSError:
        return None
