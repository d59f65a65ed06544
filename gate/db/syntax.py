"""Whether this server's own grammar accepts a text: asked without analysing, planning or running it."""

from __future__ import annotations

import psycopg
from psycopg import pq

from gate.db.errors import scrubbed, translated


def accepts(connection: psycopg.Connection, sql: str) -> str | None:
    """None if the server's grammar accepts the one statement `sql`, else what the server says against it.

    A protocol-level Parse reads the whole text by the grammar, then refuses one of several commands before it looks at
    any of them (`exec_parse_message` in `src/backend/tcop/postgres.c`, the same from 14 to 18). So a second command is
    added: nothing is ever analysed, and no relation is opened, not even for EXPLAIN and CREATE TABLE AS, which Parse
    analyses when they come alone. Whoever complains from elsewhere than that function is the grammar.

    Raises:
        Unreachable: the server went away.
    """
    # The line feed ends a comment that `sql` may end with.
    text = f"{sql}\n;COMMIT".encode(connection.info.encoding)
    try:
        result = connection.pgconn.prepare(b"", text)
    except psycopg.Error as error:
        raise translated(error) from error
    if result.status == pq.ExecStatus.COMMAND_OK:
        return None  # nothing but comments stood before the second command
    field = result.error_field
    if field(pq.DiagnosticField.SQLSTATE) is None:
        raise translated(psycopg.OperationalError(result.error_message.decode(errors="replace")))
    if field(pq.DiagnosticField.SOURCE_FUNCTION) == b"exec_parse_message":
        return None
    message = field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
    return scrubbed(message.decode(connection.info.encoding, errors="replace"))
