"""The watchdog's connection: what it sees beside the statement that runs, and how it ends a backend.

Source: https://www.postgresql.org/docs/18/view-pg-locks.html, monitoring-stats.html, functions-admin.html.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from gate.db import sighting
from gate.db.lane import Lane
from gate.db.queries import query
from gate.db.sighting import Sighting
from gate.model.errors import GateError, MissingPrivilege, Unreachable
from gate.model.migration import Query
from gate.model.program import WantedLock
from gate.model.run import Backend
from gate.run.sample import Holder, Sample
from gate.run.sending import numbered
from gate.run.world import Answer, Row, Sent, ServerError

ANSWER_S = 2.0
"""After this time a question that the server should have ended itself is given up with its connection."""
_SIZE_AGAIN_S = 60.0
_RENEW_EVERY_S = 1.0

_FITS = "a.pid = %s AND a.backend_start = %s::timestamptz"
_ENDS = {
    "cancel": f"SELECT pg_catalog.pg_cancel_backend(a.pid) AS is_done FROM pg_catalog.pg_stat_activity a WHERE {_FITS}",
    "terminate": "SELECT pg_catalog.pg_terminate_backend(a.pid) AS is_done FROM pg_catalog.pg_stat_activity a "
    f"WHERE {_FITS}",
}
# Where its start may not be seen a process with that pid may be another one; it counts as the same.
_THERE = (
    "SELECT a.pid FROM pg_catalog.pg_stat_activity a "
    "WHERE a.pid = %s AND coalesce(a.backend_start = %s::timestamptz, true)"
)


_GRANT = "GRANT pg_monitor, pg_signal_backend to the role that releases"


class Watch:
    """Satisfies `gate.run.world.Eyes`. `connect` is tried once each time; one without patience is best.

    `look` and `end` raise nothing: a watchdog that lost its connection is blind until the next look, while the limits
    that were sent with the statement still hold. `refused` is what the role was last forbidden to end, with the GRANT.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection]) -> None:
        self._lane = Lane(lambda: _prepared(connect()))
        self._asked: _Asked | None = None
        self._sample: Sample | None = None
        self._size_not_before_s = self._renewed_at_s = 0.0
        self.refused: tuple[str, ...] = ()

    @property
    def backend(self) -> Backend:
        """The watchdog's own."""
        return self._lane.backend

    @property
    def database(self) -> str:
        """Its name."""
        return self._lane.connection.info.dbname

    def fileno(self) -> int:
        """For `select`; -1 while it is blind."""
        return self._lane.fileno()

    @property
    def is_busy(self) -> bool:
        """Whether a look is under way."""
        return self._lane.is_busy

    @property
    def wants_to_write(self) -> bool:
        """Whether a question has not left yet."""
        return self._lane.wants_to_write

    def close(self) -> None:
        """Gives the connection up."""
        self._lane.close()

    # --- looking ------------------------------------------------------------------------------------------------------

    def look(self, ours: Backend, wanted: Sequence[WantedLock] = (), *, for_load: bool = False) -> None:
        """Sends the question, unless one is still under way; one that is for too long never gets its answer."""
        if self._lane.is_busy and self._asked is not None and time.monotonic() - self._asked.at_s >= ANSWER_S:
            self._asked = None
            self._lane.close()
        if self._lane.is_busy or not self._can_see():
            return
        sent = [self._question(ours.pid, wanted)]
        if for_load:
            sent.append(Sent(sql=_text("watch_load", self._lane.major), parameters=(str(ours.pid),)))
            if time.monotonic() >= self._size_not_before_s:
                sent.append(Sent(sql=_text("watch_size", self._lane.major)))
        self._asked = _Asked(ours=ours.pid, wanted=tuple(wanted), at_s=time.monotonic())
        self._lane.start(sent)

    def seen(self) -> Sample | None:
        """The sample that was asked for, once; None while there is none, and where the question failed."""
        if self._lane.is_busy:
            answer = self._lane.answer()
            if answer is not None:
                self._keep(answer)
        found, self._sample = self._sample, None
        return found

    def holders(self, ours: Backend, wanted: Sequence[WantedLock]) -> tuple[Holder, ...]:
        """Who is in the way of these locks now. Raises Unreachable where nobody can tell."""
        return tuple(sighting.holders(self.sighting(ours.pid, wanted), wanted))

    def sighting(self, ours: int = 0, wanted: Sequence[WantedLock] = ()) -> Sighting:
        """Everything that anybody waits for, now; `ours` is the pid of whom it is about."""
        rows = self._answered(lambda: self._question(ours, wanted))
        return sighting.sighted(rows[0], ours)

    def hidden(self, seen: Sighting, load: Row | None = None) -> tuple[str, ...]:
        """What the role may not see of it, and may not do, with the GRANT."""
        return (*sighting.hidden(seen, load or {}, self._role), *self.refused)

    @property
    def _role(self) -> str:
        return self._lane.connection.info.user

    def _question(self, ours: int, wanted: Sequence[WantedLock]) -> Sent:
        schemas, names = [lock.schema for lock in wanted], [lock.name for lock in wanted]
        text = sql.SQL("EXECUTE gate_look({}, {}, {})").format(ours, schemas, names)
        return Sent(sql=text.as_string(self._lane.connection))

    def _keep(self, answer: Answer) -> None:
        asked, self._asked = self._asked, None
        if answer.error is not None and answer.error.is_lost:
            self._lane.close()
        if asked is None or not answer.rows:
            return
        if answer.error is not None:
            # A database of very many files: its size takes longer than a look may.
            self._size_not_before_s = time.monotonic() + _SIZE_AGAIN_S
        load = {name: value for rows in answer.rows[1:] for row in rows for name, value in row.items()}
        seen = sighting.sighted(answer.rows[0][0], asked.ours)
        found = sighting.sample(seen, asked.wanted, at_s=asked.at_s, load=load)
        self._sample = replace(found, unseen=self.hidden(seen, load))

    def _can_see(self) -> bool:
        """Whether there is a connection; a lost one is made anew, once a second at most."""
        if not self._lane.is_lost:
            return True
        now_s = time.monotonic()
        if now_s - self._renewed_at_s < _RENEW_EVERY_S:
            return False
        self._renewed_at_s = now_s
        try:
            self._lane.renew()
        except GateError:
            return False
        return True

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(self, query: Query) -> tuple[Row, ...]:
        """One bounded question of the catalog.

        Raises:
            Unreachable: no connection, or no answer in time.
            MissingPrivilege: the role may not ask this.
        """
        return self._answered(lambda: numbered(query))

    def _answered(self, question: Callable[[], Sent]) -> tuple[Row, ...]:
        self._settle()
        if not self._lane.is_lost:
            answer = self._lane.ask((question(),), ANSWER_S)
            if answer.error is None:
                return answer.rows[0]
            if not answer.error.is_lost:
                raise _translated(answer.error)
        self._lane.renew()
        answer = self._lane.ask((question(),), ANSWER_S)
        if answer.error is not None:
            raise _translated(answer.error)
        return answer.rows[0]

    def _settle(self) -> None:
        """Waits for the look that is under way; its sample is kept for `seen`."""
        until = time.monotonic() + ANSWER_S
        while self._lane.is_busy:
            answer = self._lane.answer()
            if answer is not None:
                self._keep(answer)
                return
            left_s = until - time.monotonic()
            if left_s <= 0:
                self._lane.close()
                return
            select.select([self._lane.fileno()], [], [], left_s)

    # --- ending -------------------------------------------------------------------------------------------------------

    def end(self, backend: Backend, how: str) -> bool:
        """`cancel` or `terminate`; False where it was gone, could not be told from another, or may not be ended."""
        return not self.problem_of_ending(backend, how)

    def problem_of_ending(self, backend: Backend, how: str) -> str:
        """The same with why it has not worked; empty where the signal was sent."""
        if not backend.started_at:
            self.refused = (f"since when pid {backend.pid} runs is hidden, so it may be another by now: {_GRANT}",)
            return self.refused[0]
        try:
            rows = self.ask(Query(_ENDS[how], (backend.pid, backend.started_at)))
        except MissingPrivilege as error:
            self.refused = (f"may not {how} pid {backend.pid}: {error.problem}; {error.remedy}",)
            return self.refused[0]
        except GateError as error:
            return error.problem
        return "" if rows and rows[0]["is_done"] else "it had ended already"

    def is_gone(self, backend: Backend) -> bool:
        """Whether that process has ended, with all its locks; False as well while nobody can tell."""
        try:
            return not self.ask(Query(_THERE, (backend.pid, backend.started_at or None)))
        except GateError:
            return False


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The question that is under way; `at_s` is monotonic."""

    ours: int
    wanted: tuple[WantedLock, ...]
    at_s: float


def _prepared(connection: psycopg.Connection) -> psycopg.Connection:
    """With the settings of the watchdog, and its query planned."""
    major = connection.info.server_version // 10000
    connection.execute(query("watch_begin", major), prepare=False)
    look = b"PREPARE gate_look (pg_catalog.int4, pg_catalog.text[], pg_catalog.text[]) AS " + query("watch_look", major)
    connection.execute(look, prepare=False)
    return connection


def _text(name: str, major: int) -> str:
    return query(name, major).decode()


def _translated(error: ServerError) -> GateError:
    if error.sqlstate == "42501":
        more = f" ({error.detail})" if error.detail else ""
        return MissingPrivilege(f"{error.problem}{more}", remedy=_GRANT)
    if error.is_lost or error.sqlstate in ("57014", "55P03"):
        return Unreachable(error.problem, remedy="the server did not answer in time; try again")
    return GateError(error.problem, remedy="this is a bug in gate: please report it")
