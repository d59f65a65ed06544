"""Queries by name, many in one round trip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.rows import dict_row

from gate.db.errors import translated
from gate.db.queries import query
from gate.model.errors import GateError

Row = dict[str, Any]
Ask = tuple[str, dict[str, Any]]


class Asking:
    """Sends named queries in one pipeline; each answer is a list of rows."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.major = connection.info.server_version // 10000

    def all(
        self, asks: Iterable[Ask], *, before: tuple[bytes, ...] = (), after: tuple[bytes, ...] = ()
    ) -> list[list[Row]]:
        """The rows of each query in order; `before` and `after` are commands without an answer."""
        with self._connection.pipeline(), self._connection.cursor() as plain:
            for command in before:
                plain.execute(command)
            cursors = [self._sent(name, parameters) for name, parameters in asks]
            for command in after:
                plain.execute(command)
        return [cursor.fetchall() for cursor in cursors]

    def ahead(self, batches: Iterable[list[Ask]], *, after: bytes) -> Iterator[list[list[Row]]]:
        """The rows of each batch, one batch after the other: the server works on the next while the caller has this."""
        with self._connection.pipeline(), self._connection.cursor() as plain:
            rows: list[list[Row]] | None = None
            for asks in batches:
                cursors = [self._sent(name, parameters) for name, parameters in asks]
                plain.execute(after)
                if rows is not None:
                    yield rows
                rows = [cursor.fetchall() for cursor in cursors]
            if rows is not None:
                yield rows

    def each(self, ask: Ask) -> Iterator[Row]:
        """The rows of one query, one after the other: a large answer never stands there as dictionaries at once."""
        yield from self._sent(*ask)

    def run(self, command: bytes) -> None:
        """One command without an answer."""
        self._connection.execute(command)

    def end(self) -> None:
        """Ends a transaction that an error left open; nothing was written, so that a rollback is all there is.

        Raises Unreachable: the connection breaks only here where the server ended it a moment ago.
        """
        connection = self._connection
        if connection.closed or connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return
        try:
            connection.execute(b"ROLLBACK")
        except psycopg.Error as error:
            # What went wrong first says more than that nothing can be asked any more.
            first = error.__context__
            raise (first if isinstance(first, GateError) else translated(error)) from error

    def tentative(self, text: sql.Composed) -> list[Row]:
        """The rows of a query made on the spot, none where another session is in its way; its locks are given back."""
        self.run(b"SAVEPOINT gate_try")
        try:
            with self._connection.cursor(row_factory=dict_row) as cursor:
                return cursor.execute(text, prepare=False).fetchall()
        except (errors.LockNotAvailable, errors.UndefinedTable, errors.InsufficientPrivilege):
            return []
        finally:
            self.run(b"ROLLBACK TO SAVEPOINT gate_try")

    def _sent(self, name: str, parameters: dict[str, Any]) -> psycopg.Cursor[Row]:
        cursor = self._connection.cursor(row_factory=dict_row, binary=True)
        values = {key: _literal(value) for key, value in parameters.items()}
        return cursor.execute(query(name, self.major), values or None, prepare=False)


def _literal(value: Any) -> Any:
    """Oids as an array in text: psycopg would look at each, for each of the queries that ask for the same ones."""
    if isinstance(value, list) and all(isinstance(item, int) for item in value):
        return "{" + ",".join(map(str, value)) + "}"
    return value
