"""A run: what a release did and how it ended, as a value that is printed, sent to hooks, and read from the journal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gate.model.costs import Seconds
from gate.model.errors import Exit
from gate.model.plan import Plan


class State(Enum):
    """Where a unit is. `BEGUN` is written only where the unit cannot mark itself in its own transaction."""

    WAITING = "waiting"
    BEGUN = "begun"
    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"


class Outcome(Enum):
    """How a run ended, each with its exit code."""

    NOTHING_PENDING = "nothing pending"
    DONE = "done"
    REFUSED = "refused"
    LOCK_NOT_ACQUIRED = "lock not acquired"
    ANOTHER_GATE = "another gate"
    STOPPED = "stopped"
    NEEDS_PERSON = "needs a person"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    RUNNING = "running"
    ABANDONED = "abandoned"

    @property
    def exit(self) -> Exit:
        """The exit code of a command that ends so."""
        return _EXITS[self]


_EXITS = {
    Outcome.NOTHING_PENDING: Exit.DONE,
    Outcome.DONE: Exit.DONE,
    Outcome.REFUSED: Exit.REFUSED,
    Outcome.LOCK_NOT_ACQUIRED: Exit.LOCK_NOT_ACQUIRED,
    Outcome.ANOTHER_GATE: Exit.ANOTHER_GATE,
    Outcome.STOPPED: Exit.STOPPED_RESUMABLE,
    Outcome.NEEDS_PERSON: Exit.STOPPED_NEEDS_PERSON,
    Outcome.FAILED: Exit.MIGRATION_FAILED,
    Outcome.UNREACHABLE: Exit.UNREACHABLE,
    Outcome.RUNNING: Exit.ANOTHER_GATE,
    Outcome.ABANDONED: Exit.STOPPED_RESUMABLE,
}


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A server process, told apart from a later one with the same pid by when it began (ISO 8601, UTC)."""

    pid: int
    started_at: str


@dataclass(frozen=True, kw_only=True)
class InTheWay:
    """Whoever held or awaited a lock that a unit needed; what the role may not see is None. Ages are seconds.

    `relation` is `schema.name`, `held` in Postgres's words. `backend` is None for a prepared transaction, whose name is
    `gid`. `kind` is `pg_stat_activity.backend_type`, `prevents_wraparound` of an autovacuum that does not yield.
    `waits_for` are the pids that it waits for itself. `query` is without literals. `is_on_standby`: it reads there.
    """

    relation: str
    held: str
    backend: Backend | None = None
    user: str | None = None
    application: str | None = None
    state: str | None = None
    age_s: float | None = None
    query: str | None = None
    what: str = ""
    waits_for: tuple[int, ...] = ()
    kind: str = "client backend"
    gid: str = ""
    prevents_wraparound: bool = False
    is_on_standby: bool = False

    @property
    def pid(self) -> int:
        """0 for a prepared transaction, as `pg_blocking_pids` has it."""
        return self.backend.pid if self.backend is not None else 0

    @property
    def is_platforms_backup(self) -> bool:
        """Whether the platform itself copies the database: it is for the platform to end that."""
        return (self.application or "").casefold().startswith("heroku postgres backup")

    @property
    def is_backup(self) -> bool:
        """Whether it copies the database; it holds ACCESS SHARE on every table until its end."""
        name = (self.application or "").casefold()
        return self.is_platforms_backup or name in ("pg_dump", "pg_dumpall", "pg_basebackup")

    @property
    def way_out(self) -> str:
        """The SQL that ends it, empty where none is to be advised: replication, workers, the platform's backup."""
        if self.gid:
            name = self.gid.replace("'", "''")
            return f"ROLLBACK PREPARED '{name}';"
        if not self.pid or self.kind != "client backend" or self.is_platforms_backup:
            return ""
        # That pid is somebody else's on the primary.
        return f"SELECT pg_terminate_backend({self.pid});" + (" -- on the standby" if self.is_on_standby else "")


@dataclass(frozen=True, kw_only=True)
class Act:
    """Something done to a backend: `how` is `cancel` or `terminate`, `why` for whom and by which rule of the policy."""

    at: str
    how: str
    backend: Backend
    who: str
    why: str
    is_own: bool = True
    has_worked: bool = True


@dataclass(frozen=True, kw_only=True)
class UnitRun:
    """What became of one unit. `waited_s` is for locks, `blocked_s` how long others were kept out, at most.

    `path` is the migration's file, `line` the statement's in it. `sql` is without secrets. `note` says what else there
    is to know: adopted, dropped and built anew, already marked. `error`, `detail` and `hint` are the server's words.
    `began_at` is ISO 8601 in UTC, None of one that was not begun.
    """

    migration: str
    ordinal: int
    kind: str
    why: str
    sql: str
    state: State
    line: int | None = None
    attempts: int = 0
    seconds: float | None = None
    waited_s: float = 0.0
    blocked_s: float | None = None
    planned: Seconds | None = None
    rows_done: int | None = None
    in_the_way: tuple[InTheWay, ...] = ()
    note: str = ""
    error: str = ""
    sqlstate: str = ""
    detail: str = ""
    hint: str = ""
    path: str | None = None
    began_at: str | None = None

    @property
    def detail_names_rows(self) -> bool:
        """Whether `detail` quotes values of rows, as class 22 (data) and 23 (constraints) do: for a terminal only."""
        return self.sqlstate[:2] in ("22", "23")


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """What the run left in the database: what it is, the SQL that takes it away, and whether the next run does that."""

    what: str
    sql: str = ""
    needs_person: bool = False


@dataclass(frozen=True, kw_only=True)
class HookRun:
    """A hook that was called: `event` is `on_failure`, `on_refused` or `on_success`; no `problem` if it worked."""

    event: str
    name: str
    seconds: float
    problem: str = ""
    output: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of `gate release`; times are ISO 8601 in UTC.

    `plan` is what was judged, None where nothing was. `migrations` are ids that are done now, in order. `problem` and
    `remedy` say why it ended as it did. `took_up` is the run that it took up. `in_the_way` are whoever was, at the end;
    `still_waiting` are those who had waited behind us and had not got on 30 s after we were gone, or when the time was
    over: `held` is then what they want, `waits_for` whom they wait for now.
    """

    id: str
    gate: str
    database: str
    server_version: str
    source: str
    started_at: str
    seconds: float
    outcome: Outcome
    plan: Plan | None = None
    migrations: tuple[str, ...] = ()
    units: tuple[UnitRun, ...] = ()
    acts: tuple[Act, ...] = ()
    in_the_way: tuple[InTheWay, ...] = ()
    still_waiting: tuple[InTheWay, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    hooks: tuple[HookRun, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    remedy: str = ""
    took_up: str | None = None
    budget_s: float | None = None

    @property
    def exit(self) -> Exit:
        """The exit code that says it."""
        return self.outcome.exit

    @property
    def left(self) -> tuple[str, ...]:
        """Ids of the migrations that this run had before it and has not done, in order."""
        planned = self.plan.migrations if self.plan is not None else ()
        known = [*(unit.migration for unit in self.units), *(item.id for item in planned if item.id is not None)]
        return tuple(dict.fromkeys(name for name in known if name not in self.migrations))

    @property
    def longest_blocked_s(self) -> float | None:
        """How long anybody was kept out by one unit, at most; None where no unit was measured."""
        return max((unit.blocked_s for unit in self.units if unit.blocked_s is not None), default=None)
