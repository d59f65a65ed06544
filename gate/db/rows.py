"""Runs a query that another room made as a value, and only reads."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from gate.db.asking import Asking
from gate.db.errors import translated
from gate.model.errors import MissingPrivilege, UsageError
from gate.model.migration import Query


def fetch(connection: psycopg.Connection, query: Query) -> list[dict[str, Any]]:
    """The rows of `query` as dictionaries, from a READ ONLY transaction that waits for no lock longer than a moment.

    Raises:
        UsageError: the table does not exist (any more).
        MissingPrivilege: the role may not read it; the message names the table.
        Unreachable: the server went away, or another session holds the table under ACCESS EXCLUSIVE.
    """
    try:
        cursor = connection.cursor(row_factory=dict_row)
        # All of it in one round trip.
        with connection.pipeline(), connection.cursor() as plain:
            plain.execute(b"BEGIN READ ONLY")
            plain.execute(b"SET LOCAL lock_timeout = '1s'")
            cursor.execute(query.sql.encode(), query.parameters or None, prepare=False)
            plain.execute(b"ROLLBACK")
        return cursor.fetchall()
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName) as error:
        raise UsageError(
            _first_line(error), remedy="check the configured schema and table of the bookkeeping"
        ) from error
    except errors.InsufficientPrivilege as error:
        role = connection.info.user
        raise MissingPrivilege(
            _first_line(error), remedy=f"GRANT SELECT on it (and USAGE on its schema) TO {role}"
        ) from error
    except psycopg.Error as error:
        raise translated(error) from error
    finally:
        Asking(connection).end()


def _first_line(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).partition("\n")[0]
