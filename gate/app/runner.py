"""The runner's connection: the lock that says that this run is alive, its heartbeat, and the journal's writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from gate.app.turn import polled
from gate.db.errors import translated
from gate.model.migration import Query
from gate.run.journalling import runner_lock_holder, takes_runner_lock

HEARTBEAT_S = 10.0
_RETAKE_S = 10.0
Row = dict[str, Any]


# What the journal writes by itself waits for no synchronous standby: a missing one would hold up every word of it.
# Nothing is lost by that: a step that such a standby has confirmed has all of the log before it confirmed too.
_WAITS_FOR_NOBODY = Query("SELECT pg_catalog.set_config('synchronous_commit', 'local', false) ")


# A connection that was cut may be there still on the server, with the lock, for as long as its silence may last.
_ENDS_OUR_LAST = Query(
    "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a "
    "WHERE a.application_name = pg_catalog.current_setting('application_name') "
    "AND a.usename = session_user AND a.datname = pg_catalog.current_database() "
    "AND a.pid <> pg_catalog.pg_backend_pid()"
)


class LostLock(Exception):
    """Somebody else has the runner's lock now: nothing may be written any more."""


class Runner:
    """`connect` makes the connection, and makes it anew where it was lost; the lock is then taken once more."""

    def __init__(self, connect: Callable[[], psycopg.Connection], schema: str) -> None:
        self._connect = connect
        self._schema = schema
        self._is_locked = self._is_lost = self._dies_with_us = False
        self.connection = connect()
        self._limit()

    def ask(self, query: Query) -> tuple[Row, ...]:
        """One query in autocommit. A lost connection is made anew, and what was asked is asked again.

        Raises LostLock where another run has begun meanwhile; Unreachable where there is no server.
        """
        if self._is_lost:
            raise LostLock
        try:
            return self._ask(query)
        except psycopg.OperationalError as error:
            if not self.connection.closed:
                raise translated(error) from error
        except psycopg.Error as error:
            raise translated(error) from error
        self.renew()
        try:
            return self._ask(query)
        except psycopg.Error as error:
            raise translated(error) from error

    def renew(self) -> None:
        """A new connection, with the lock if this run had it."""
        self.connection.close()
        self.connection = self._connect()
        self._limit()
        if self._is_locked:
            self._ask(_ENDS_OUR_LAST)
        if self._is_locked and not self.lock(_RETAKE_S):
            self._is_lost = True
            raise LostLock

    def lock(self, for_s: float, say: Callable[[str], object] = str) -> bool:
        """Tries again and again, and never waits in the server: an index build of the other would wait for that."""
        is_ours = polled(self._is_taken, for_s=for_s, who=self.other, say=say)
        self._is_locked = self._is_locked or is_ours
        return is_ours

    def _is_taken(self) -> bool:
        return bool(self._ask(takes_runner_lock(self._schema))[0]["is_taken"])

    def other(self) -> str:
        """Whoever has the lock, in words."""
        holder = self.holder()
        named = f"pid {holder['pid']}, {holder['application'] or 'unnamed'}" if holder else "it ended this moment"
        return f"another gate is running on this database ({named})"

    def holder(self) -> Row | None:
        """Who has the lock."""
        return next(iter(self._ask(runner_lock_holder(self._schema))), None)

    def die_with_us(self) -> None:
        """From here on a silence of three heartbeats gives the lock back, where the server knows such a limit (14)."""
        self._dies_with_us = True
        self._limit()

    def close(self) -> None:
        """Gives the lock back."""
        self._is_locked = False
        self.connection.close()

    def _limit(self) -> None:
        silence = f"{3 * HEARTBEAT_S:.0f}s" if self._dies_with_us else "0"
        for name, value in (("statement_timeout", "10s"), ("lock_timeout", "5s"), ("idle_session_timeout", silence)):
            self._ask(Query("SELECT pg_catalog.set_config(%s, %s, false)", (name, value)))
        self._ask(_WAITS_FOR_NOBODY)

    def _ask(self, query: Query) -> tuple[Row, ...]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(query.sql.encode(), query.parameters or None, prepare=False)
            return tuple(cursor.fetchall()) if cursor.description is not None else ()
