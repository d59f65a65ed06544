"""Data checks: questions about rows, as values. A rule asks, `gate.db` bounds and runs, the judge reads the answer.

A check names relations by oid and columns by number, as the live catalog holds them, beside the names that they have by
the time of the statement: an earlier statement of the release may have renamed both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gate.model.expressions import Call


class Field(NamedTuple):
    """A column that a check reads: its number, its name by the time of the statement, its type's oid then."""

    number: int
    name: str
    type: int


@dataclass(frozen=True, kw_only=True)
class Term:
    """An expression to be evaluated on rows: only its names decide whether it may be.

    `calls` and `operators` are those of pg_catalog, by name; `casts` the oids of the types that it casts to. `path` is
    the search path of the statement, under which a user's function of the same name might be meant.
    """

    text: str
    calls: tuple[Call, ...] = ()
    operators: tuple[str, ...] = ()
    casts: tuple[int, ...] = ()
    path: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fill:
    """What the rows hold in a column that the release adds; `type` is its type as SQL, qualified, and its oid."""

    name: str
    value: Term
    type: str
    oid: int


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question. `relations` are the oids of all relations whose rows it reads, the one it is about first.

    `table` is the first one's `schema.name` by the time of the statement, `fields` its columns that are read, `fills`
    those that the live catalog does not have yet. `only` leaves out what inherits from it.
    """

    relations: tuple[int, ...]
    table: str = ""
    fields: tuple[Field, ...] = ()
    fills: tuple[Fill, ...] = ()
    only: bool = False


@dataclass(frozen=True, kw_only=True)
class NullsIn(Check):
    """Rows whose `column` is NULL. `domain` is set where that comes from the column's domain."""

    column: str
    domain: str = ""


@dataclass(frozen=True, kw_only=True)
class ViolatorsOf(Check):
    """Rows for which `condition` is false. `name` is the constraint's, empty for one without; `domain` its domain.

    `value` is the column that VALUE stands for in a domain's condition. `is_stored`: the catalog has the constraint,
    not validated.
    """

    condition: Term
    name: str = ""
    domain: str = ""
    value: str = ""
    is_stored: bool = False


@dataclass(frozen=True, kw_only=True)
class OrphansOf(Check):
    """Rows that refer to nothing: `columns` against `keys` of the second relation, whose name is `referenced`.

    `is_full` is MATCH FULL, which refuses keys that are NULL in part; `is_partitioned` the referenced table.
    `is_stored`: the catalog has the foreign key, not validated.
    """

    columns: tuple[str, ...]
    keys: tuple[Field, ...]
    referenced: str
    is_full: bool = False
    is_partitioned: bool = False
    name: str = ""
    is_stored: bool = False


class Key(NamedTuple):
    """A key of a unique index: a column, or an expression; `collation` is its explicit one, as SQL."""

    column: str = ""
    term: Term | None = None
    collation: str = ""


@dataclass(frozen=True, kw_only=True)
class DuplicatesOf(Check):
    """Keys that more than one row has; `where` is a partial index's predicate."""

    keys: tuple[Key, ...]
    where: Term | None = None
    are_nulls_equal: bool = False
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class FailingCasts(Check):
    """Rows whose `column` (or `using`) does not become a value of `target` (SQL, qualified; `target_name` for people).

    `how`: `range` (a whole number from `low` to `high`), `rounded` (the same once rounded),
    `float` (the same, rounded as floats are), `numeric` (at most `high`
    digits before the point, once rounded to `low` behind it), `length` (at most `high` characters), `bits` (at most
    `high`, or just as many where `low` is 1), `input` (text that the type reads, a whole number from `low` to
    `high`), `labels` (one of these), `evaluate`
    (an error tells). `truncates`: the server would cut the value silently.
    """

    column: str
    target: str
    target_name: str
    how: str
    low: int = 0
    high: int = 0
    labels: tuple[str, ...] = ()
    using: Term | None = None
    is_not_null: bool = False
    truncates: bool = False


class Limit(NamedTuple):
    """A partition's bound on one key: the text of a literal; `infinite` is -1 for MINVALUE, 1 for MAXVALUE."""

    value: str = ""
    infinite: int = 0


@dataclass(frozen=True, kw_only=True)
class Slice:
    """FOR VALUES of one partition: `strategy` is `r`, `l` or `h`; None in `values` is NULL."""

    strategy: str
    lower: tuple[Limit, ...] = ()
    upper: tuple[Limit, ...] = ()
    values: tuple[str | None, ...] = ()
    modulus: int = 0
    remainder: int = 0


@dataclass(frozen=True, kw_only=True)
class OutsidePartition(Check):
    """Rows that do not fit: outside of `bound`, or, where `bound` is None, inside one of `others` (the default's own).

    `partition` is the name of the partition that the rows are to live in, `parent` the oid of the partitioned table.
    """

    keys: tuple[str, ...]
    parent: int
    partition: str
    bound: Slice | None = None
    others: tuple[Slice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unasked(Check):
    """A question that gate does not put to the rows: `what` may be wrong with them, `why` it is not asked."""

    what: str
    why: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the rows said. `count` None is unknown, and `why` says why; 0 is none; `is_at_least` where counting stopped.

    `is_error`: a row raised an error, which `examples` holds. `examples` are up to three keys of violating rows as
    text, for a terminal only; `remedy` what would make it known. `query` shows all of them.
    """

    count: int | None
    is_at_least: bool = False
    is_error: bool = False
    examples: tuple[str, ...] = ()
    why: str = ""
    remedy: str = ""
    query: str = ""
