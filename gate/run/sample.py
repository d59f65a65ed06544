"""What the watchdog's connection sees at one moment, beside the statement that is being run."""

from __future__ import annotations

from dataclasses import dataclass, field

from gate.model.locks import LockMode
from gate.model.run import Backend


@dataclass(frozen=True, kw_only=True)
class Other:
    """Another session; what the role may not see is None. Ages are seconds.

    `backend` has an empty `started_at` where that cannot be seen. `transaction` is the virtual transaction
    (`3/145`), which tells one transaction of a session from its next; `kind` is `pg_stat_activity.backend_type`.
    `is_waiting` for a lock itself, for `waits_for`. `query` is without literals; `prevents_wraparound` is of an
    autovacuum that does not yield.
    """

    backend: Backend
    transaction: str = ""
    user: str | None = None
    application: str | None = None
    kind: str = "client backend"
    state: str | None = None
    transaction_age_s: float | None = None
    state_age_s: float | None = None
    query: str | None = None
    is_waiting: bool = False
    waits_for: tuple[int, ...] = ()
    prevents_wraparound: bool = False

    @property
    def is_autovacuum(self) -> bool:
        """A worker of the autovacuum."""
        return self.kind == "autovacuum worker"

    @property
    def is_idle_in_transaction(self) -> bool:
        """Nothing runs, and nothing is given back."""
        return (self.state or "").startswith("idle in transaction")


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Somebody who holds, or awaits ahead of us, a lock that conflicts with one that is wanted.

    `other` is None for a prepared transaction, whose name is `gid`. `is_on_standby`: it reads on a standby that would
    have to cancel it.
    """

    relation: str
    mode: LockMode
    other: Other | None
    gid: str = ""
    is_granted: bool = True
    is_on_standby: bool = False


@dataclass(frozen=True, kw_only=True)
class Waiter:
    """Somebody who waits behind our backend, directly or through the queue, to read or write rows.

    `waited_s` is since the wait began (`pg_locks.waitstart`), None for an instant after it did. `mode` is None for
    somebody who waits for a row or a transaction of ours. `waits_anyway`: without us it would wait for somebody else.
    """

    other: Other
    relation: str = ""
    mode: LockMode | None = None
    waited_s: float | None = None
    waits_anyway: bool = False


@dataclass(frozen=True, kw_only=True)
class IndexProgress:
    """`pg_stat_progress_create_index` of our backend; shares are 0 to 1, None before they are known."""

    phase: str
    done: float | None = None
    waits_for: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sample:
    """`at_s` is the monotonic time at which it was asked for.

    `is_running` tells whether our backend is at work, `awaits_lock` whether it waits for a lock itself, `blocked_by`
    who for; `held_by` are those of them who hold it, rather than await it before us. `holders` are asked for only when
    told which locks are wanted. `lag_bytes` is the largest replay lag of a streaming replica, `lag_s` the longest;
    `retained_bytes` the most WAL that any slot holds back; `database_bytes` the size of the database, `active` how many
    client backends of the server are at work on a query (`state` active), ours aside: all None where they were not
    asked for or cannot be seen.
    """

    at_s: float
    is_running: bool = False
    awaits_lock: bool = False
    blocked_by: tuple[Other, ...] = ()
    held_by: tuple[Other, ...] = ()
    waiters: tuple[Waiter, ...] = ()
    holders: tuple[Holder, ...] = ()
    index: IndexProgress | None = None
    lag_bytes: int | None = None
    lag_s: float | None = None
    retained_bytes: int | None = None
    database_bytes: int | None = None
    active: int | None = None
    unseen: tuple[str, ...] = field(default=())
