"""What a release runs: the steps of each pending migration as values that can be stored, compared and taken up again.

A program is made once, from the plan, and kept in the journal until its migration is done: a run that takes it up does
not plan again, for the catalog is no longer the one that the plan was made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gate.model.costs import Seconds
from gate.model.locks import LockMode
from gate.model.steps import StepKind
from gate.model.work import Work


class UnitKind(Enum):
    """How a unit is sent to the server."""

    TRANSACTION = "transaction"  # its commands commit together, with the journal's mark among them
    STATEMENT = "statement"  # one command that no transaction block may hold; its mark follows
    BACKFILL = "backfill"  # batches, each a transaction with the cursor in it
    GATHER = "gather"  # ANALYZE with growing statistics targets
    WAIT = "wait"  # until its query returns no row


@dataclass(frozen=True, kw_only=True)
class Command:
    """One statement: `sql`, or the migration's own at `place` (counted from 0), whose text stays in its file."""

    sql: str = ""
    place: int | None = None


@dataclass(frozen=True, kw_only=True)
class WantedLock:
    """A relation that was there before the migration, and the strongest mode that the unit takes on it.

    `is_table`: LOCK TABLE can take it beforehand.
    """

    schema: str
    name: str
    mode: LockMode
    is_table: bool = True

    @property
    def relation(self) -> str:
        """`schema.name`, unquoted."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, kw_only=True)
class Batches:
    """A backfill, as `gate.model.steps.Backfill` has it."""

    relation: str
    oid: int
    keys: tuple[str, ...]
    key_types: tuple[str, ...]
    sql: str
    rows: float | None = None
    pins: tuple[str, ...] = ()
    is_repeatable: bool = True


@dataclass(frozen=True, kw_only=True)
class Priced:
    """What a unit's time was estimated from, where it is one kind of work on one relation.

    `estimated_s` is the likely time by the figures alone, without anything learned from earlier runs.
    """

    work: Work
    size_bytes: int
    rows: float
    estimated_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What is run, marked and taken back as one.

    `ordinal` counts from 1 within its migration. `settings` are places of the file's own SET statements that are in
    force before it. `locks` are in the order in which they are taken, before the command at `locked_from`; `blocked_s`
    is how long the plan expects, at most, that others are kept out by them, where that is longer than the policy's
    limit and somebody has allowed it. `undo` is SQL, statement by statement; `is_final`: what is taken back ends here.
    `writes_bookkeeping`: the tool's own rows are written in its transaction, after its commands.
    `builds` is schema and name of the index that a STATEMENT builds, `touches` are all relations that it touches.
    `relation` and `columns` are of a GATHER. `priced` is what later estimates learn from. `line` is that of the
    statement in the file, None for the bookkeeping.
    """

    ordinal: int
    kind: UnitKind
    limits: StepKind = StepKind.CATALOG
    why: str = ""
    line: int | None = None
    commands: tuple[Command, ...] = ()
    undo: str = ""
    is_final: bool = False
    settings: tuple[int, ...] = ()
    locks: tuple[WantedLock, ...] = ()
    locked_from: int = 0
    blocked_s: float | None = None
    seconds: Seconds | None = None
    writes_bookkeeping: bool = False
    batches: Batches | None = None
    builds: tuple[str, str] | None = None
    touches: tuple[str, ...] = ()
    relation: str = ""
    columns: tuple[str, ...] = ()
    priced: Priced | None = None


@dataclass(frozen=True, kw_only=True)
class Program:
    """One migration as a release runs it. `fingerprint` is that of its text and of the settings it depends on."""

    source: str
    migration: str
    path: str | None
    fingerprint: str
    units: tuple[Unit, ...]

    @property
    def is_whole(self) -> bool:
        """One transaction with the bookkeeping in it: nothing of it can be left half done but lost statistics."""
        first, *others = self.units
        is_one = first.kind is UnitKind.TRANSACTION and first.writes_bookkeeping
        return is_one and all(unit.kind is UnitKind.GATHER for unit in others)

    @property
    def seconds(self) -> Seconds | None:
        """What all of it takes; None where a part is unknown."""
        found = Seconds(0.0, 0.0, 0.0)
        for unit in self.units:
            if unit.seconds is None:
                return None
            found += unit.seconds
        return found
