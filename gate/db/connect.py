"""One way to a connection: bounded, named, in autocommit, without server-side prepared statements."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from gate.db.errors import malformed, translated

CONNECT_S = 10

# What psycopg says there of a connection that broke, the error says that is raised: it would come before our own lines.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class Bounded(psycopg.Connection[TupleRow]):
    """Is cut by ourselves where an answer takes longer than `answer_s`: one that is half-open is silent for ever.

    The server's own limits are no help there, and keepalives end at a proxy that stands between.
    """

    answer_s: float | None = None

    def wait(self, *arguments: Any, **named: Any) -> Any:
        """As psycopg's own, which has no limit in all versions."""
        if self.answer_s is None:
            return super().wait(*arguments, **named)
        timer = threading.Timer(self.answer_s, self.cut)
        timer.daemon = True
        timer.start()
        try:
            return super().wait(*arguments, **named)
        finally:
            timer.cancel()

    def cut(self) -> None:
        """From another thread: whoever waits for an answer gets an error."""
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.pgconn.socket)) as own:
            own.shutdown(socket.SHUT_RDWR)


def bound(connection: psycopg.Connection, answer_s: float) -> None:
    """From now on nothing that is asked of a connection made here can take longer."""
    if isinstance(connection, Bounded):
        connection.answer_s = answer_s


@contextmanager
def cut_after(connection: psycopg.Connection, longest_s: float | None) -> Iterator[None]:
    """Whatever is asked of a connection made here meanwhile: it is cut when that time is over; None is no limit."""
    if longest_s is None or not isinstance(connection, Bounded):
        yield
        return
    timer = threading.Timer(longest_s, connection.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def connect(
    conninfo: str, *, application_name: str = "gate plan", answer_s: float | None = None, **options: str | int
) -> psycopg.Connection:
    """A connection in autocommit; what `conninfo` says wins over the defaults, `options` over both.

    It speaks UTF-8, whatever the database, the role or the environment has it speak: the files are read as UTF-8, as
    the tools' own drivers send them, and what else was sent would become other letters without a word.

    `answer_s` is the longest that anything asked of it can take, None where nobody knows.

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
        connection = Bounded.connect(
            "",
            autocommit=True,
            prepare_threshold=None,
            **{**defaults, **given, "client_encoding": "UTF8"},  # type: ignore[arg-type]
        )
    except psycopg.Error as error:
        raise translated(error) from error
    connection.answer_s = answer_s
    return connection
