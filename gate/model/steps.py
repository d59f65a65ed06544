"""What a split consists of: steps, in order, each committed before the next begins.

A step is a value. Splits make them, a supervisor decides sizes and pauses, and a person can run `sql` with psql,
outside a transaction block, one step after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gate.model.effects import Effect


class StepKind(Enum):
    """What limits a step is run under: each kind has its own timeouts."""

    CATALOG = "catalog"  # a short lock, no work
    CONCURRENT = "concurrent"  # long work beside readers and writers; waits for old transactions
    VALIDATION = "validation"  # reads all rows under a lock that shuts nobody out
    BATCH = "batch"  # rows in small transactions


@dataclass(frozen=True, kw_only=True)
class Step:
    """`sql` is what a person can paste; `why` says in a line what the step is for, with the user's own names.

    `undo` is SQL that takes the step back when a later one cannot be done; steps are taken back from the last one that
    was done, one by one. It is empty where nothing has to be, and where nothing can be. `is_final`: it cannot be, and
    without it the undo of a step before it would fail or do harm: what is taken back ends there.
    `effects` are filled in by the plan, as those of any statement.
    """

    sql: str
    why: str
    undo: str = ""
    is_final: bool = False
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StatementStep(Step):
    """One statement; several, separated by semicolons, are one transaction. `is_transactional` False: in no block."""

    kind: StepKind = StepKind.CATALOG
    is_transactional: bool = True


@dataclass(frozen=True, kw_only=True)
class Backfill(Step):
    """Rows changed in batches by key, each batch a transaction.

    `relation` is `schema.name` unquoted, `oid` its own. `batch` is one batch as SQL: `$1` is the last key done (NULL at
    the start; several key columns are `$1`, `$2`, ...), the parameter after them the number of rows. It returns one row
    with the key to go on from, as text; the last batch, whether it changes rows or not, returns none. `sql` does all of
    them in a loop. `rows` is how many rows have to be looked at, None where unknown. `pins` are expressions to evaluate
    once, before the first batch, also when a run is resumed: the parameters after the number of rows (`now()` is
    another time in each transaction). `is_repeatable` False: a batch that is done a second time does harm, so the key
    must be kept in its transaction.
    """

    relation: str
    oid: int
    keys: tuple[str, ...]
    key_types: tuple[str, ...]
    batch: str
    rows: float | None = None
    pins: tuple[str, ...] = ()
    is_repeatable: bool = True


@dataclass(frozen=True, kw_only=True)
class Gather(Step):
    """ANALYZE of the named columns (all where there is none), so that no query is planned without statistics."""

    relation: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Wait(Step):
    """Until something is so: `sql` returns a row for each thing that still has to be waited for."""


class CannotSplit(Exception):
    """Raised by a recipe: there is no safer way, and why; `remedy` is what to do instead."""

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
