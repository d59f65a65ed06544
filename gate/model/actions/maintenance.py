"""Indexes, and work on whole relations."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.actions.action import Action
from gate.model.actions.queries import RelationUse
from gate.model.expressions import Expression
from gate.model.names import Name


@dataclass(frozen=True, kw_only=True)
class Truncate(Action):
    """TRUNCATE; each table with its ONLY."""

    tables: tuple[RelationUse, ...]
    restarts: bool = False
    cascade: bool = False


@dataclass(frozen=True, kw_only=True)
class LockTable(Action):
    """LOCK TABLE."""

    tables: tuple[RelationUse, ...]


@dataclass(frozen=True, kw_only=True)
class CreateIndex(Action):
    """CREATE INDEX; `columns` are plain key columns (None for an expression), `opclasses` as written beside them.

    `collations` are those written beside them too; `are_nulls_equal` is NULLS NOT DISTINCT (15).
    `key_names` are the names that the server gives to all columns of it, those of INCLUDE too. `signature` is the
    statement without its name, table and storage: two indexes that share it are alike. `text` is all of it.
    """

    name: str | None
    table: Name
    columns: tuple[str | None, ...] = ()
    include: tuple[str, ...] = ()
    expressions: tuple[Expression, ...] = ()
    where: Expression | None = None
    method: str = "btree"
    is_unique: bool = False
    is_concurrent: bool = False
    if_not_exists: bool = False
    only: bool = False
    opclasses: tuple[str, ...] = ()
    collations: tuple[Name | None, ...] = ()
    are_nulls_equal: bool = False
    key_names: tuple[str, ...] = ()
    signature: str = ""
    text: str = ""
    tablespace: str = ""


@dataclass(frozen=True, kw_only=True)
class Reindex(Action):
    """REINDEX; `object` is `index`, `table`, `schema`, `system`, `database`."""

    object: str
    name: Name | None = None
    is_concurrent: bool = False
    tablespace: str = ""


@dataclass(frozen=True, kw_only=True)
class Cluster(Action):
    """CLUSTER; without a table all that were clustered before."""

    table: Name | None = None
    index: str | None = None


@dataclass(frozen=True, kw_only=True)
class Vacuum(Action):
    """VACUUM and ANALYZE; no tables means all."""

    tables: tuple[RelationUse, ...] = ()
    vacuums: bool = True
    analyzes: bool = False
    is_full: bool = False
    columns: tuple[str, ...] = ()
    skips_locked: bool = False
    skips_main: bool = False
    has_columns: bool = False
    only_database_stats: bool = False


@dataclass(frozen=True, kw_only=True)
class Refresh(Action):
    """REFRESH MATERIALIZED VIEW."""

    name: Name
    is_concurrent: bool = False
    with_data: bool = True
