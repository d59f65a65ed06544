"""The present moment: who holds what, who waits, what stands in the way; read once beside the catalog."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.locks import LockMode


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session as `pg_stat_activity` shows it; what the role may not see is None. Ages are seconds."""

    pid: int
    user: str | None = None
    application: str | None = None
    backend: str = "client backend"
    state: str | None = None
    query: str | None = None
    transaction_age_s: float | None = None
    query_age_s: float | None = None
    state_age_s: float | None = None
    holds_snapshot: bool = False
    is_visible: bool = True


@dataclass(frozen=True, kw_only=True)
class HeldLock:
    """A relation lock held or awaited by a session now; `pid` 0 is a prepared transaction."""

    relation: int
    mode: LockMode
    pid: int
    is_granted: bool = True


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """A session, or a prepared transaction, that would make a statement wait now, and on what.

    `normalised` is the session's query without its literals, for every place but a terminal; None where unknown.
    """

    relation: str
    held: LockMode
    wanted: LockMode
    session: Session
    what: str = ""
    normalised: str | None = None


@dataclass(frozen=True, kw_only=True)
class PreparedTransaction:
    """A row of `pg_prepared_xacts` of this database."""

    gid: str
    owner: str
    age_s: float


@dataclass(frozen=True, kw_only=True)
class Replica:
    """A row of `pg_stat_replication`; lags are None where unknown."""

    application: str
    state: str | None = None
    is_synchronous: bool = False
    replay_lag_s: float | None = None
    replay_lag_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A row of `pg_replication_slots`."""

    name: str
    kind: str
    is_active: bool
    retained_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class IndexBuild:
    """An index build in progress (`pg_stat_progress_create_index`)."""

    pid: int
    relation: int
    phase: str = ""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """All of the above at one time."""

    sessions: tuple[Session, ...] = ()
    locks: tuple[HeldLock, ...] = ()
    prepared: tuple[PreparedTransaction, ...] = ()
    replicas: tuple[Replica, ...] = ()
    slots: tuple[Slot, ...] = ()
    index_builds: tuple[IndexBuild, ...] = ()

    def session(self, pid: int) -> Session | None:
        """The session with that pid."""
        return next((session for session in self.sessions if session.pid == pid), None)
