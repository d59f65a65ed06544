"""What a run needs of its journal: a Protocol that the room `journal` fills, and the values that it hands out.

What has to be true together with a step is a Query that the caller sends inside the step's own transaction; everything
else the journal writes by itself, on the connection that holds the runner's lock, each write a transaction of its own.
Every parameter of such a Query is text or None, and every place has a cast: any driver can send it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from gate.model.changes import Change, KeptChange
from gate.model.migration import Query
from gate.model.plan import Finding
from gate.model.program import Program, Unit
from gate.model.rates import PastRun
from gate.model.run import Backend, Outcome, Run, State, UnitRun
from gate.run.world import Row

RUNNER_LOCK_CLASS = 0x67617465
"""`gate` in ASCII: the first key of the lock that a run holds; the second is `hashtext` of the journal's schema."""

DEFAULT_SCHEMA = "gate"


def takes_runner_lock(schema: str) -> Query:
    """Tries, and never waits: `is_taken`. The session keeps the lock until it ends."""
    lock = "pg_catalog.pg_try_advisory_lock(%s::integer, pg_catalog.hashtext(%s::text))"
    return Query(f"SELECT {lock} AS is_taken", (str(RUNNER_LOCK_CLASS), schema))


def runner_lock_holder(schema: str) -> Query:
    """Who holds it, in this database: `pid`, and where it may be seen `started_at` (ISO 8601, UTC) and `application`.

    Source: https://www.postgresql.org/docs/18/view-pg-locks.html, of advisory locks with two keys.
    """
    return Query(_HOLDER, (str(RUNNER_LOCK_CLASS), schema))


_HOLDER = """
SELECT l.pid, a.application_name AS application,
  to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS started_at
FROM pg_catalog.pg_locks AS l
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
  AND l.classid = (%s::integer)::oid AND l.objid = pg_catalog.hashtext(%s::text)::oid
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
"""


class ProgramState(Enum):
    """What became of a program. `SETTLED`: its migration was brought to its end by somebody else."""

    UNFINISHED = "unfinished"
    DONE = "done"
    UNDONE = "undone"
    SETTLED = "settled"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where one unit is.

    `cursor` are the key values, as text, of the last row that a backfill has done; None before its first batch. `pins`
    are the values of its pinned expressions, as text; None before they were asked for. `note` is as in UnitRun. What is
    None or empty here leaves in the journal what stands there already, but `UNDONE` forgets all of it.
    """

    ordinal: int
    state: State
    cursor: tuple[str | None, ...] | None = None
    pins: tuple[str | None, ...] | None = None
    rows_done: int | None = None
    attempts: int | None = None
    note: str = ""
    error: str = ""
    sqlstate: str = ""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A program in the journal. `run` is the last one that worked on it; `kept_at` is ISO 8601 in UTC.

    `program` is None where a newer gate has written something that this one does not understand: then nothing can be
    done with it but by that gate.
    """

    key: int
    source: str
    migration: str
    path: str | None
    fingerprint: str
    state: ProgramState
    run: str
    kept_at: str
    program: Program | None
    marks: tuple[Mark, ...] = ()

    def mark_of(self, ordinal: int) -> Mark:
        """Where that unit is: WAITING where nothing was written."""
        found = (mark for mark in self.marks if mark.ordinal == ordinal)
        return next(found, Mark(ordinal=ordinal, state=State.WAITING))

    @property
    def next_unit(self) -> Unit | None:
        """The first that is not done; None when all are."""
        units = self.program.units if self.program is not None else ()
        return next((unit for unit in units if self.mark_of(unit.ordinal).state is not State.DONE), None)


@dataclass(frozen=True, kw_only=True)
class Start:
    """A run that begins. The journal itself adds the time, and the backend that holds the runner's lock."""

    id: str
    gate: str
    source: str
    database: str
    server_version: str
    budget_s: float | None = None
    took_up: str | None = None


@dataclass(frozen=True, kw_only=True)
class KnownRun:
    """A run as the journal has it; times are ISO 8601 in UTC, ages seconds by the server's clock.

    `RUNNING` is what its own last word was: it is alive only while its lock is held. `backend` is that of the
    connection which holds the lock. `document` is all that was known at its end, as `gate.model.run_document` has it,
    without the plan; empty before. `outcome` is None where a newer gate has one that this one does not know.
    """

    id: str
    gate: str
    source: str
    started_at: str
    outcome: Outcome | None
    heartbeat_at: str | None = None
    heartbeat_age_s: float | None = None
    ended_at: str | None = None
    backend: Backend | None = None
    took_up: str | None = None
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the journal says now. `place` is where it is, for people; `version` is None where there is no journal.

    `is_newer`: a newer gate, `made_by`, has changed it; it is read and never written to. `unreadable` says why nothing
    of it could be read, and `remedy` what to do; that is the GRANT where it `is_forbidden`. `unfinished` are in the
    order in which they were kept, `runs` newest first, `changes` outside the database that nobody has put back.
    """

    place: str
    version: int | None = None
    made_by: str = ""
    is_newer: bool = False
    unreadable: str = ""
    remedy: str = ""
    is_forbidden: bool = False
    unfinished: tuple[Kept, ...] = ()
    runs: tuple[KnownRun, ...] = ()
    changes: tuple[KeptChange, ...] = ()

    def unfinished_of(self, source: str, migration: str) -> Kept | None:
        """The program of that migration which was not brought to its end."""
        found = (kept for kept in self.unfinished if (kept.source, kept.migration) == (source, migration))
        return next(found, None)


class Journal(Protocol):
    """Where runs are written.

    `keeps_programs` is False for a journal that is no part of the database: only programs that are whole can be run
    with it, for which `keep` answers 0 and every mark is no Query at all; their tool's own row is the mark.
    """

    @property
    def keeps_programs(self) -> bool: ...

    def standing(self) -> Standing:
        """Reads only, in one or two questions; also where there is no journal, and where nothing may be written."""

    def needs_acceptance(self) -> Finding | None:
        """Why the journal must not be made before the policy has accepted it (`release.is_journal_published`)."""

    def prepare(self) -> None:
        """Makes the journal or brings it up to date; does nothing where it is.

        Raises MissingPrivilege with the GRANT; UsageError where a newer gate has changed it, where somebody else's
        tables are in its place, and where the session may not write.
        """

    def begin_run(self, start: Start) -> None:
        """Also notes that earlier runs which never said how they ended are dead: the runner's lock is ours."""

    def heartbeat(self, run: str) -> None: ...

    def is_current(self, run: str) -> bool:
        """Whether no other run has begun since: one that does takes this one for dead."""

    def end_run(self, run: Run) -> None:
        """Writes the run without its plan, and forgets the oldest ones."""

    def keep(self, program: Program, *, run: str) -> int:
        """Before its first unit is sent. The key is what the marks are made with."""

    def take_up(self, key: int, *, run: str) -> None:
        """From now on the program is this run's."""

    def record(self, key: int, mark: Mark, *, run: str) -> None:
        """Writes a mark at once, for what cannot mark itself: begun, failed, done after CONCURRENTLY, undone."""

    def measure(self, key: int, unit: UnitRun, *, run: str) -> None:
        """What a unit took and met, once it is over. Its state is left to its marks."""

    def mark(self, key: int, mark: Mark, *, run: str) -> tuple[Query, ...]:
        """To be sent in the unit's (or the batch's) own transaction, after all that the migration's role has to do."""

    def finish(self, key: int, state: ProgramState) -> tuple[Query, ...]:
        """To be sent after the mark of the program's last unit, or alone where that has no transaction."""

    def asks(self, key: int, ordinal: int) -> tuple[Query, ...]:
        """Asks for the mark of a unit, on any connection; what it answers is for `read`."""

    def read(self, rows: Sequence[Row]) -> Mark | None:
        """The mark in the rows of `asks`; None where there is none."""

    def keep_change(self, change: Change, *, run: str) -> str:
        """Before it is made. The key is what `settle_change` takes."""

    def settle_change(self, key: str) -> None:
        """It was put back, or was never made."""

    def settled(self) -> tuple[Kept, ...]:
        """The last programs whose migrations somebody else has brought to their end: no run looks at them again."""

    def past_runs(self) -> tuple[PastRun, ...]:
        """What earlier units took, for `gate.model.rates.learned`."""
