"""What a run has to say while it lasts: events, which somebody else puts into words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gate.model.costs import Seconds
from gate.model.plan import Plan
from gate.model.run import Act, InTheWay, UnitRun


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The plan that is about to be run; `budget_s` is what is left for it."""

    plan: Plan
    budget_s: float | None


@dataclass(frozen=True, kw_only=True)
class TookUp:
    """An earlier run did not finish this migration: it goes on at unit `at` of `of`."""

    migration: str
    run: str
    at: int
    of: int


@dataclass(frozen=True, kw_only=True)
class UnitBegan:
    """Unit `at` of `of` of a migration begins; `sql` is without secrets."""

    migration: str
    path: str | None
    at: int
    of: int
    why: str
    sql: str
    line: int | None
    seconds: Seconds | None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """For a lock, or for whatever `what` names; said at once and then every ten seconds."""

    migration: str
    at: int
    what: str
    in_the_way: tuple[InTheWay, ...]
    waited_s: float
    left_s: float | None


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """Long work goes on: `done` is 0 to 1, None while unknown; `paused_for` says why a backfill rests."""

    migration: str
    at: int
    what: str
    done: float | None = None
    rows: int | None = None
    rows_per_s: float | None = None
    left_s: float | None = None
    paused_for: str = ""


@dataclass(frozen=True, kw_only=True)
class UnitEnded:
    """What became of a unit."""

    unit: UnitRun
    of: int


@dataclass(frozen=True, kw_only=True)
class MigrationEnded:
    """A migration is done, its bookkeeping written."""

    migration: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Acted:
    """A backend was cancelled or terminated."""

    act: Act


@dataclass(frozen=True, kw_only=True)
class Undoing:
    """A finished unit is being taken back."""

    migration: str
    at: int
    sql: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """Anything else, as a sentence."""

    text: str


Event: TypeAlias = (
    Judged
    | TookUp
    | UnitBegan
    | Waiting
    | Progressed
    | UnitEnded
    | MigrationEnded
    | Acted
    | Undoing
    | Said
)  # fmt: skip
Tell: TypeAlias = Callable[[Event], None]
