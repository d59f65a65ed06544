"""Queries, and what they do to rows."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.actions.action import Action
from gate.model.expressions import Call, Expression, TypeName
from gate.model.locks import LockMode
from gate.model.names import Name


@dataclass(frozen=True)
class Qual:
    """A conjunct of WHERE on one column: `operator` is `=`, `<`, `<=`, `>`, `>=`, `in`, `null` or `not null`;
    `not in` stands for `<>` too. On no column, `never` is a condition that no row meets, `or` one of `branches` that
    some row must meet.

    `values` are literals' texts, None for anything that is no literal.
    """

    column: str
    operator: str
    values: tuple[str | None, ...] = ()
    branches: tuple[tuple[Qual, ...], ...] = ()


@dataclass(frozen=True)
class Cell:
    """What a column is given: `kind` is `literal` (with its `text`), `null`, `default`, `same` (its own) or `other`."""

    kind: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class RelationUse:
    """A relation that a query names. `mode` is what parse analysis takes on it; `only` keeps the children out.

    `event` is what a target is for: insert, update, delete, merge; `sequence` marks one that nextval and its like
    move, `serial` one that a column (the one in `columns`) owns, `tree` a partition tree that is listed, `definition`
    a view that is printed. `events` are what the target's rows may meet (ON CONFLICT DO UPDATE and MERGE: several).
    `columns` are the names of an INSERT's target list, `rows` its VALUES, `width` the number of values that a row has
    (None unknown), `sets` what an UPDATE assigns. `quals` are the query's own simple conjuncts on it,
    and `is_filtered` tells that there is a WHERE at all.
    """

    name: Name
    mode: LockMode = LockMode.ACCESS_SHARE
    only: bool = False
    event: str = ""
    nowait: bool = False
    events: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] | None = None
    width: int | None = None
    sets: tuple[tuple[str, Cell], ...] = ()
    quals: tuple[Qual, ...] = ()
    is_filtered: bool = False


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """`column = value` of an UPDATE; `value` is None for DEFAULT, and for what a subquery gives to several columns."""

    column: str
    value: Expression | None = None
    is_default: bool = False


@dataclass(frozen=True, kw_only=True)
class Change:
    """An UPDATE or DELETE as it is written. `event` is update or delete, `alias` what its columns are qualified with.

    `meets_all` tells that no condition keeps any row out; `limits` are (column, number): rows only whose column is
    among so many values (IN a subquery with LIMIT). `entangled` says, in words, what in its text ties rows to other
    rows, to other relations or to this very statement: it cannot be done a part at a time.
    """

    event: str
    target: Name
    alias: str
    only: bool = False
    assignments: tuple[Assignment, ...] = ()
    condition: Expression | None = None
    meets_all: bool = False
    limits: tuple[tuple[str, int], ...] = ()
    entangled: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Query(Action):
    """SELECT, INSERT, UPDATE, DELETE, MERGE, and what wraps them.

    `plans` is False where the query is only analysed and rewritten (PREPARE), `rewrites` where it is not even that (a
    view's definition), `runs` where it does not run (EXPLAIN). `calls` are functions that it may run; `settings` what
    set_config gives to settings: (name, value, is local). `source` is the only relation of the outermost FROM,
    `column_sources` its columns where the output is one of them; `unknown_names` are functions that get a relation
    which only a run can name. `change` is set where the whole statement is an UPDATE or DELETE.
    """

    uses: tuple[RelationUse, ...] = ()
    calls: tuple[Call, ...] = ()
    columns: tuple[str, ...] = ()
    types: tuple[TypeName, ...] = ()
    operators: tuple[str, ...] = ()
    runs: bool = True
    plans: bool = True
    rewrites: bool = True
    has_star: bool = False
    modifies: bool = False
    output_columns: tuple[str | None, ...] = ()
    settings: tuple[tuple[str, str, bool], ...] = ()
    unknown_names: tuple[str, ...] = ()
    source: Name | None = None
    column_sources: tuple[str | None, ...] = ()
    change: Change | None = None


@dataclass(frozen=True, kw_only=True)
class Run(Action):
    """DO, CALL or EXECUTE: code that runs. `body` is a DO block's own text."""

    language: str = "plpgsql"
    body: str | None = None
    call: Call | None = None
    query: Query | None = None


@dataclass(frozen=True, kw_only=True)
class Copy(Action):
    """COPY of a table or a query."""

    table: Name | None = None
    query: Query | None = None
    is_from: bool = False
    columns: tuple[str, ...] = ()
    where: Expression | None = None
