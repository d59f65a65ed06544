"""CREATE TABLE and what stands inside it."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.actions.action import Action
from gate.model.actions.queries import Query
from gate.model.expressions import Expression, TypeName
from gate.model.names import Name


@dataclass(frozen=True, kw_only=True)
class ConstraintSpec:
    """A constraint as written. `kind` is `c f p u x n`; `columns` are names; `index` is that of USING INDEX.

    `are_nulls_equal` is NULLS NOT DISTINCT (15); `set_columns` are those that ON DELETE sets, none where it sets all.
    """

    kind: str
    name: str | None = None
    columns: tuple[str, ...] = ()
    expression: Expression | None = None
    is_valid: bool = True
    is_enforced: bool = True
    no_inherit: bool = False
    is_deferrable: bool = False
    is_deferred: bool = False
    referenced: Name | None = None
    referenced_columns: tuple[str, ...] = ()
    on_delete: str = "a"
    on_update: str = "a"
    set_columns: tuple[str, ...] = ()
    match: str = "s"
    index: str | None = None
    method: str = "btree"
    include: tuple[str, ...] = ()
    without_overlaps: bool = False
    has_expressions: bool = False
    are_nulls_equal: bool = False
    tablespace: str = ""


@dataclass(frozen=True, kw_only=True)
class ColumnSpec:
    """A column as written. `type` is None in a typed table's or partition's options. `serial` is 2, 4, 8 or 0.

    `sequence` is the name that was written for an identity's sequence.
    """

    name: str
    type: TypeName | None = None
    collation: Name | None = None
    default: Expression | None = None
    generated: Expression | None = None
    is_virtual: bool = False
    identity: str = ""
    sequence: Name | None = None
    is_not_null: bool = False
    is_null: bool = False
    serial: int = 0
    storage: str = ""
    compression: str = ""
    constraints: tuple[ConstraintSpec, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bound:
    """FOR VALUES ... or DEFAULT; `lower`, `upper`, `values` hold the texts of literals (None = not a literal).

    `text` is all of it as SQL.
    """

    is_default: bool = False
    strategy: str = ""
    lower: tuple[str | None, ...] = ()
    upper: tuple[str | None, ...] = ()
    values: tuple[str | None, ...] = ()
    modulus: int = 0
    remainder: int = 0
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Like:
    """LIKE source INCLUDING ...; `includes` holds lower-case words (`defaults`, `indexes`, ...)."""

    source: Name
    includes: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class CreateTable(Action):
    """CREATE [FOREIGN] TABLE. `persistence` is `p`, `u`, `t`."""

    name: Name
    columns: tuple[ColumnSpec, ...] = ()
    constraints: tuple[ConstraintSpec, ...] = ()
    inherits: tuple[Name, ...] = ()
    partition_of: Name | None = None
    bound: Bound | None = None
    of_type: Name | None = None
    likes: tuple[Like, ...] = ()
    partition_strategy: str = ""
    partition_columns: tuple[str, ...] = ()
    partition_expressions: tuple[Expression, ...] = ()
    persistence: str = "p"
    if_not_exists: bool = False
    is_foreign: bool = False
    access_method: str = ""
    tablespace: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CreateTableAs(Action):
    """CREATE TABLE AS, SELECT INTO, CREATE MATERIALIZED VIEW."""

    name: Name
    query: Query
    is_matview: bool = False
    if_not_exists: bool = False
    with_data: bool = True
    persistence: str = "p"
    columns: tuple[str, ...] = ()
