"""A connection that is worked without waiting: statements are sent, and the answer is fetched when it is there.

It speaks libpq's own words (`psycopg.pq`), so that one loop can watch several connections. Statements that need no COPY
data go out in one pipeline: one round trip, whatever their number.

Source: https://www.postgresql.org/docs/18/libpq-async.html, https://www.postgresql.org/docs/18/libpq-pipeline-mode.html.
"""

from __future__ import annotations

import re
import select
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.rows import dict_row

from gate.db.errors import scrubbed, translated
from gate.db.lenient import reads_any_letter
from gate.model.errors import Unreachable
from gate.model.run import Backend
from gate.run.world import Answer, Row, Sent, ServerError

_CANCEL_S = 2.0
# libpq tells no SQLSTATE of a connection that was refused: 53300 in two wordings, 28000, 28P01, 3D000.
_IS_FINAL = re.compile(
    r"too many (?:clients|connections)|remaining connection slots|authentication failed|no pg_hba\.conf entry"
    r"|(?:role|database) \".*\" does not exist|is not permitted to log in"
)
_LOST = ServerError(problem="the connection to the server was lost")
_WHO_AM_I = (
    b"SELECT pg_catalog.pg_backend_pid() AS pid, to_char(backend_start AT TIME ZONE 'UTC', "
    b'\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') AS started_at '
    b"FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())"
)
_IN_TRANSACTION = (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)


class Lane:
    """One connection at a time, made by `connect`, and made anew when it was lost.

    Satisfies `gate.run.world.Hands`. `start` must not be called again before `answer` gave the whole answer.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection]) -> None:
        self._connect = connect
        self._take(connect())

    def _take(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        reads_any_letter(connection)
        self._sending: _Sending | None = None
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(_WHO_AM_I, prepare=False).fetchone()
        assert row is not None
        self.backend = Backend(pid=row["pid"], started_at=row["started_at"])
        self.major = connection.info.server_version // 10000
        self._notices: list[str] = []
        connection.add_notice_handler(lambda said: self._notices.append(said.message_primary or ""))
        connection.pgconn.nonblocking = 1

    def fileno(self) -> int:
        """For `select`; -1 once it is lost."""
        return self.connection.pgconn.socket if not self.is_lost else -1

    @property
    def is_lost(self) -> bool:
        """Whether there is no connection any more."""
        return self.connection.pgconn.status != pq.ConnStatus.OK

    @property
    def is_busy(self) -> bool:
        """Whether an answer has still to be fetched."""
        return self._sending is not None

    @property
    def is_in_transaction(self) -> bool:
        """Whether a block is open, failed or not."""
        return self.connection.pgconn.transaction_status in _IN_TRANSACTION

    def start(self, sent: Sequence[Sent]) -> None:
        """Sends; a connection that is lost is told by the answer."""
        self._notices.clear()
        is_piped = len(sent) > 1 and all(item.data is None for item in sent)
        self._sending = _Piped(self.connection, sent) if is_piped else _OneByOne(self.connection, sent)
        try:
            self._sending.begin()
        except psycopg.OperationalError as error:
            self._sending.lose(error)

    def answer(self) -> Answer | None:
        """The whole answer, None while there is none yet."""
        sending = self._sending
        if sending is None:
            return None
        try:
            is_whole = (sending.error is not None and sending.error.is_lost) or sending.go_on()
        except psycopg.OperationalError as error:
            sending.lose(error)
            is_whole = True
        if not is_whole:
            return None
        self._sending = None
        return Answer(
            rows=tuple(sending.rows), error=sending.error, notices=tuple(self._notices), counts=tuple(sending.counts)
        )

    def ask(self, sent: Sequence[Sent], timeout_s: float = 10.0) -> Answer:
        """Sends and waits; an answer that does not come in time is that of a lost connection, and it is closed."""
        until = time.monotonic() + timeout_s
        self.start(sent)
        while (answer := self.answer()) is None:
            left_s = until - time.monotonic()
            if left_s <= 0:
                self.close()
                return Answer(error=ServerError(problem=f"no answer within {timeout_s:g} s"))
            select.select([self.fileno()], [self.fileno()] if self.wants_to_write else [], [], left_s)
        return answer

    @property
    def wants_to_write(self) -> bool:
        """Whether something sent has not left yet."""
        return self._sending is not None and self._sending.is_unsent

    def cancel(self) -> None:
        """Asks the server to cancel what it runs for us; whether it does shows in the answer."""
        with suppress(psycopg.Error):
            self.connection.cancel_safe(timeout=_CANCEL_S)

    def close(self) -> None:
        """The connection is given up; the server ends what it ran, as `client_connection_check_interval` tells it."""
        self._sending = None
        self.connection.close()

    def renew(self) -> None:
        """A new connection in place of this one. Raises Unreachable as `connect` does."""
        self.close()
        try:
            self._take(self._connect())
        except psycopg.Error as error:
            raise translated(error) from error


class _Sending:
    """What was sent, and what has come back of it."""

    def __init__(self, connection: psycopg.Connection, sent: Sequence[Sent]) -> None:
        self.pgconn = connection.pgconn
        self.sent = sent
        self.rows: list[tuple[Row, ...]] = []
        self.counts: list[int | None] = []
        self.error: ServerError | None = None
        self.is_unsent = False
        self._loads = Transformer(connection)

    def begin(self) -> None:
        raise NotImplementedError

    def go_on(self) -> bool:
        """Takes what is there; True when the answer is whole."""
        self.is_unsent = bool(self.pgconn.flush())
        self.pgconn.consume_input()
        while not self.pgconn.is_busy():
            if self.take(self.pgconn.get_result()):
                return True
        return False

    def take(self, result: pq.abc.PGresult | None) -> bool:
        raise NotImplementedError

    def lose(self, error: psycopg.OperationalError) -> None:
        """The connection went away before the answer came; what the server said last is kept."""
        if self.error is None or not self.error.is_lost:
            said = scrubbed(str(error)).partition("\n")[0]
            self.error = ServerError(problem=said or _LOST.problem, at=len(self.rows))

    def send(self, item: Sent) -> None:
        values = [None if value is None else value.encode() for value in item.parameters]
        self.pgconn.send_query_params(item.sql.encode(), values or None, item.types or None)

    def keep(self, result: pq.abc.PGresult) -> None:
        """Rows, or the error, of one statement."""
        match result.status:
            case pq.ExecStatus.TUPLES_OK:
                self._loads.set_pgresult(result)
                names = [(result.fname(place) or b"").decode() for place in range(result.nfields)]
                made = self._loads.load_rows(0, result.ntuples, lambda values: dict(zip(names, values, strict=True)))
                self.rows.append(tuple(made))
                self.counts.append(result.command_tuples)
            case pq.ExecStatus.COMMAND_OK | pq.ExecStatus.EMPTY_QUERY:
                self.rows.append(())
                self.counts.append(result.command_tuples)
            case pq.ExecStatus.FATAL_ERROR if self.error is None:
                self.error = _error(result, len(self.rows))
            case _:
                pass


class _Piped(_Sending):
    """All at once; what follows an error is not run."""

    def begin(self) -> None:
        self.pgconn.enter_pipeline_mode()
        for item in self.sent:
            self.send(item)
        self.pgconn.pipeline_sync()
        self.is_unsent = bool(self.pgconn.flush())

    def take(self, result: pq.abc.PGresult | None) -> bool:
        if result is None:
            # The end of one statement's results; a connection that was lost gives nothing else for ever.
            if self.pgconn.status != pq.ConnStatus.OK:
                raise psycopg.OperationalError(self.pgconn.get_error_message())
            return False
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            self.pgconn.exit_pipeline_mode()
            return True
        self.keep(result)
        return False


class _OneByOne(_Sending):
    """One after the other: what needs COPY data, and what must not be in a pipeline."""

    def begin(self) -> None:
        self.send(self.sent[0])
        self.is_unsent = bool(self.pgconn.flush())

    def take(self, result: pq.abc.PGresult | None) -> bool:
        if result is not None:
            if result.status == pq.ExecStatus.COPY_IN:
                self._copy(self.sent[len(self.rows)].data or "")
            elif result.status == pq.ExecStatus.COPY_OUT:
                raise psycopg.OperationalError("COPY TO STDOUT has nobody to read it")
            else:
                self.keep(result)
            return False
        if self.pgconn.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError(self.pgconn.get_error_message())
        if self.error is not None or len(self.rows) == len(self.sent):
            return True
        self.send(self.sent[len(self.rows)])
        self.is_unsent = bool(self.pgconn.flush())
        return False

    def _copy(self, data: str) -> None:
        self.pgconn.nonblocking = 0
        try:
            self.pgconn.put_copy_data(data.encode())
            self.pgconn.put_copy_end()
        finally:
            self.pgconn.nonblocking = 1


def _error(result: pq.abc.PGresult, at: int) -> ServerError:
    def field(name: pq.DiagnosticField) -> str:
        value = result.error_field(name)
        return scrubbed(value.decode(errors="replace")) if value else ""

    return ServerError(
        problem=field(pq.DiagnosticField.MESSAGE_PRIMARY) or scrubbed(result.get_error_message()),
        sqlstate=field(pq.DiagnosticField.SQLSTATE),
        detail=field(pq.DiagnosticField.MESSAGE_DETAIL),
        hint=field(pq.DiagnosticField.MESSAGE_HINT),
        at=at,
    )


def patiently(
    connect: Callable[[], psycopg.Connection],
    *,
    for_s: float = 30.0,
    is_stopped: Callable[[], bool] = lambda: False,
    say: Callable[[str], object] = str,
) -> psycopg.Connection:
    """A connection, tried again while the server is unreachable; `connect` reads URL and password anew each time.

    Raises Unreachable when the time is over, and at once where trying would not help: where there are too many
    connections already (one more would take what others need), and where the server does not let this role in.
    """
    until, wait_s = time.monotonic() + for_s, 0.2
    while True:
        try:
            return connect()
        except Unreachable as error:
            if _IS_FINAL.search(error.problem) or is_stopped() or time.monotonic() + wait_s > until:
                raise
            say(f"{error.problem.partition(chr(10))[0]}; trying again for {until - time.monotonic():.0f} s")
            time.sleep(wait_s)
            wait_s = min(2.0, wait_s * 1.7)
