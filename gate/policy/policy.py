"""A policy as a value: limits, rules, splits, hours. Where nothing is written down, these are the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from gate.model.plan import Mode, Severity
from gate.policy.hours import AllowedHours


class Splits(Enum):
    """What becomes of a statement that a split would cure."""

    AUTO = "auto"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a relation's readers and writers may be kept waiting, and how many queries may queue meanwhile.

    They hold for one transaction, from the statement that takes the lock to the commit, by the high estimate. A
    relation with at least `hot_per_s` scans or writes a second is busy: no work is done on it under a blocking lock.
    `batch_rows` is how many rows one UPDATE or DELETE may change at once.
    """

    blocked_reads_s: float = 0.2
    blocked_writes_s: float = 0.2
    queued: float = 20.0
    hot_per_s: float = 10.0
    batch_rows: int = 10_000


@dataclass(frozen=True, kw_only=True)
class RuleSetting:
    """What a team says of one rule: a weight of its own (None: as the rule has it), or off altogether, and why."""

    severity: Severity | None = None
    is_off: bool = False
    reason: str = ""
    may_be_allowed: bool = True


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What questions about rows may take, each and all together; `cost_limit` counts as the planner does."""

    timeout_s: float = 2.0
    total_s: float = 20.0
    cost_limit: float = 2_000_000.0


@dataclass(frozen=True, kw_only=True)
class WaitFor:
    """Sessions to let end before anything is done: all patterns that are given must match, `*` stands for anything.

    `older_than_s` is the age of the transaction, or of the query where there is none.
    """

    application: str | None = None
    user: str | None = None
    state: str | None = None
    older_than_s: float = 0.0
    reason: str = ""


class Undo(Enum):
    """When a migration's finished steps are taken back: once a statement of it has failed, at every end, or never."""

    FAILED = "failed"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class KillFilter:
    """Blockers that a release may end: all that is given must match, `*` stands for anything; `how` says by what.

    `idle_in_transaction_s` is how long it has been so; None for any state. Without any filter nobody is ended.
    """

    application: str | None = None
    user: str | None = None
    idle_in_transaction_s: float | None = None
    older_than_s: float = 0.0
    how: str = "terminate"
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class HookSetting:
    """What to call: a program (its arguments, no shell; the run goes to its standard input as JSON), or a `kind` of
    `gate.platforms`, as `heroku.maintenance`, with its options as they were written.

    `is_required`: of `on_begin`, whether nothing is begun where it does not work; None: if it does more
    than tell people.
    """

    command: tuple[str, ...] = ()
    timeout_s: float = 30.0
    kind: str = "command"
    options: Mapping[str, Any] = field(default_factory=dict)
    is_required: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """When a backfill pauses, and how long one batch should take; None for a limit that does not hold.

    `lag_s` and `lag_bytes` are of the slowest streaming replica, `retained_bytes` of the WAL that any slot holds back,
    `growth_bytes` of the database since the backfill began, `active` how many more sessions may be at work than then.
    """

    batch_s: float = 0.1
    lag_s: float | None = 10.0
    lag_bytes: int | None = 256 * 1024**2
    retained_bytes: int | None = 8 * 1024**3
    growth_bytes: int | None = None
    active: int | None = 25


@dataclass(frozen=True, kw_only=True)
class Release:
    """How a release runs. `stall_s` is how long anybody may wait for us, in the queue and behind our lock together.

    `lock_wait_s` is how long to try for one step's locks, `grace_s` how long the platform leaves after SIGTERM (None:
    as the platform that is recognised has it), `runner_wait_s` how long to wait for another gate's run. `down` lets the
    tool's own down migration take back what has failed.
    """

    stall_s: float = 0.2
    lock_wait_s: float = 300.0
    grace_s: float | None = None
    runner_wait_s: float = 60.0
    undo: Undo = Undo.FAILED
    down: bool = False
    throttle: Throttle = Throttle()
    kill: tuple[KillFilter, ...] = ()
    on_begin: tuple[HookSetting, ...] = ()
    on_failure: tuple[HookSetting, ...] = ()
    on_refused: tuple[HookSetting, ...] = ()
    on_success: tuple[HookSetting, ...] = ()
    is_journal_published: bool = False


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Where a release leaves its figures: a file for node_exporter, a push gateway (`env:NAME`, `file:PATH`, or a URL
    without secrets) that keeps them by `job`, database and `instance`. `traces` says whether spans are sent,
    None: where the environment names a collector.
    """

    textfile: str | None = None
    pushgateway: str | None = None
    job: str = "gate"
    instance: str | None = None
    traces: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Health:
    """A request to the app: `url` is the address, `env:NAME` or `file:PATH`. `statuses` are ranges, both ends included;
    `text` has to stand in the answer, empty for any.
    """

    url: str
    statuses: tuple[tuple[int, int], ...] = ((200, 399),)
    timeout_s: float = 5.0
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How a release is held against errors after its deploy.

    For `start_after_s` it may boot: what is bad then does not count. After that it has to be good for `for_s`;
    `failures` bad samples in a row are a failure. `blocked_s` is how long a session may wait for a lock, None where the
    database is not looked at; `blocked_sessions` how many have to wait so long to be a bad sample.
    """

    for_s: float = 600.0
    every_s: float = 5.0
    start_after_s: float = 0.0
    failures: int = 3
    release: str = ""
    health: Health | None = None
    command: tuple[str, ...] = ()
    command_timeout_s: float = 30.0
    blocked_s: float | None = None
    blocked_sessions: int = 1
    on_failure: tuple[HookSetting, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All of it. `relations` are limits of their own by `schema.name`; `rules` settings by the rule's name.

    `budget_s` is all the time that a release may take, None for no end. `free_disk_bytes` is what the server has free,
    where gate cannot see it. `calibration` are figures of `gate.model.rates`, measured on this server. `platforms` has
    by the key of a platform what is told of it, as it was written: `gate.platforms` judges that.
    """

    limits: Limits = Limits()
    relations: Mapping[str, Limits] = field(default_factory=dict)
    rules: Mapping[str, RuleSetting] = field(default_factory=dict)
    splits: Splits = Splits.AUTO
    mode: Mode = Mode.ENFORCE
    hours: AllowedHours | None = None
    wait_for: tuple[WaitFor, ...] = ()
    checks: Checks = field(default_factory=Checks)
    budget_s: float | None = None
    free_disk_bytes: int | None = None
    calibration: Mapping[str, float] = field(default_factory=dict)
    release: Release = Release()
    watch: Watch = Watch()
    metrics: Metrics = Metrics()
    platforms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def limits_of(self, relation: str) -> Limits:
        """Those of `schema.name`, the general ones without."""
        return self.relations.get(relation, self.limits)


DEFAULT = Policy()
"""What holds where nothing is written down."""
