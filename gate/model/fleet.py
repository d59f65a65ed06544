"""A fleet: many databases with the same migrations (tenants, shards, regions), planned and released together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gate.model.errors import Exit
from gate.model.plan import Mode, Plan, Verdict, worst

PARENT = "GATE_FLEET_PARENT"
"""Set for the release of one database of a fleet: its standard input ends when whoever began it is gone."""

_FROM_BEST_TO_WORST = (
    Exit.DONE,
    Exit.ANOTHER_GATE,
    Exit.LOCK_NOT_ACQUIRED,
    Exit.UNREACHABLE,
    Exit.STOPPED_RESUMABLE,
    Exit.MISSING_PRIVILEGE,
    Exit.USAGE,
    Exit.REFUSED,
    Exit.MIGRATION_FAILED,
    Exit.STOPPED_NEEDS_PERSON,
    Exit.INTERNAL,
)
"""First what the same command mends by itself, then what somebody has to do something about."""


def worst_exit(exits: Iterable[Exit]) -> Exit:
    """The one code of many databases; that of none is `DONE`."""
    return max(exits, key=_FROM_BEST_TO_WORST.index, default=Exit.DONE)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One database of a fleet. `given` is as `--database-url` takes it, and may hold a password: it is never shown."""

    name: str
    given: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Shard:
    """The share of one pod: `index` counts from 0, `of` is how many there are."""

    index: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Range:
    """The least and the most of a number, and the database that has the most; None where it is unknown of all.

    `unknown` is of how many databases nobody knows it.
    """

    least: float | None
    most: float | None
    most_on: str | None = None
    unknown: int = 0


@dataclass(frozen=True, kw_only=True)
class Touched:
    """A relation that a statement locks, with its numbers over all databases of a group.

    `seconds` goes from the lowest of the low estimates to the highest of the high ones.
    """

    migration: str | None
    path: str | None
    line: int
    relation: str
    lock: str
    rows: Range
    size_bytes: Range
    seconds: Range


@dataclass(frozen=True, kw_only=True)
class Group:
    """Databases whose plans differ in numbers only. `example` is the plan of `example_name`, the largest of them.

    `in_the_way` are the databases on which somebody holds, now, a lock that a statement conflicts with.
    """

    names: tuple[str, ...]
    example_name: str
    example: Plan
    touched: tuple[Touched, ...] = ()
    in_the_way: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The same for all of them."""
        return self.example.verdict

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is pending, and nothing is to be said."""
        return not self.example.migrations and not self.example.findings

    @property
    def is_refused(self) -> bool:
        """Whether that ends the command: in observe mode it does not."""
        return self.verdict is Verdict.REFUSE and self.example.mode is Mode.ENFORCE


@dataclass(frozen=True, kw_only=True)
class Unplanned:
    """A database that could not be planned, and why."""

    name: str
    exit: Exit
    problem: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class FleetPlan:
    """The plans of a fleet, the groups with the worst verdict first. `fleet` is where it was read from."""

    gate: str
    fleet: str
    seconds: float
    groups: tuple[Group, ...]
    unplanned: tuple[Unplanned, ...] = ()
    shard: Shard | None = None

    @property
    def causes(self) -> tuple[tuple[Unplanned, tuple[str, ...]], ...]:
        """Why databases could not be planned, each cause with the names that it is the same for."""
        found: dict[tuple[Exit, str, str], list[Unplanned]] = {}
        for one in self.unplanned:
            found.setdefault((one.exit, one.problem, one.remedy), []).append(one)
        return tuple((same[0], tuple(one.name for one in same)) for same in found.values())

    @property
    def number(self) -> int:
        """How many databases this is about."""
        return sum(len(group.names) for group in self.groups) + len(self.unplanned)

    @property
    def verdict(self) -> Verdict | None:
        """The worst; None where a database could not be looked at, and nothing worse is known."""
        known = worst([group.verdict for group in self.groups])
        return None if self.unplanned and known is not Verdict.REFUSE else known

    @property
    def exit(self) -> Exit:
        """The worst: a database that could not be looked at is never fine."""
        refused = [Exit.REFUSED for group in self.groups if group.is_refused]
        return worst_exit([*refused, *(item.exit for item in self.unplanned)])


@dataclass(frozen=True, kw_only=True)
class Released:
    """How one database's release ended. `document` is what it printed, None where it did not come so far.

    `wave` counts from 0, which is the canary's where there is one.
    """

    name: str
    wave: int
    exit: Exit
    outcome: str
    seconds: float
    problem: str = ""
    remedy: str = ""
    document: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was pending."""
        return self.document is not None and self.document.get("outcome") == "nothing pending"


@dataclass(frozen=True, kw_only=True)
class FleetRun:
    """A release of a fleet. `stopped` says why no further database was begun; `not_begun` are those, in their order."""

    gate: str
    fleet: str
    began_at: str
    seconds: float
    released: tuple[Released, ...]
    not_begun: tuple[str, ...] = ()
    stopped: str = ""
    has_canary: bool = False
    is_stopped_by_signal: bool = False
    shard: Shard | None = None
    again: str = ""
    """The command that goes on."""

    @property
    def failed(self) -> tuple[Released, ...]:
        """Those that did not end well."""
        return tuple(one for one in self.released if one.exit is not Exit.DONE)

    @property
    def exit(self) -> Exit:
        """The worst of all; what was not begun for a signal is taken up by the next run."""
        own = [Exit.STOPPED_RESUMABLE] if self.is_stopped_by_signal and self.not_begun else []
        return worst_exit([*own, *(one.exit for one in self.released)])
