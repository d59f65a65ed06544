"""What a migration tool is to gate: how its directory is recognised and read, and what its bookkeeping says.

Nothing here talks to the database: what must be asked or written is a Query value that somebody else runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from gate.model.migration import Migration, Query, StateFinding

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a project may tell of its tool. Whatever is not told is the tool's own default.

    `table` and `schema` name the bookkeeping. `is_first_run` says that all migrations are pending although user tables
    exist. `is_out_of_order_allowed` is Flyway's `outOfOrder` and goose's `-allow-missing`; `is_strict` is dbmate's
    `--strict`; `is_split` is golang-migrate's `x-multi-statement`. `placeholders` are Flyway's; the committer is
    written by sqitch beside each change.
    """

    table: str | None = None
    schema: str | None = None
    is_first_run: bool = False
    is_out_of_order_allowed: bool = False
    is_strict: bool = False
    is_split: bool = False
    placeholders: tuple[tuple[str, str], ...] = ()
    committer_name: str = "gate"
    committer_email: str = "gate@localhost"


DEFAULTS = Options()


@dataclass(frozen=True)
class Place:
    """Where a bookkeeping table is, or will be."""

    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"

    @property
    def sql(self) -> str:
        """The name as SQL, always quoted."""
        return f"{identifier(self.schema)}.{identifier(self.table)}"


def identifier(name: str) -> str:
    """One name as SQL. A percent sign is escaped, so that no driver takes it for a parameter's place."""
    if "%" not in name:
        return '"' + name.replace('"', '""') + '"'
    escaped = name.replace("\\", "\\\\").replace("%", "\\0025").replace('"', '""')
    return f'U&"{escaped}"'


def creates_schema(name: str) -> Query:
    """The schema if it is missing; CREATE SCHEMA IF NOT EXISTS wants its privilege even where it does nothing."""
    escaped = name.replace("\\", "\\\\").replace("%", "\\045").replace("'", "''")
    is_missing = f"NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = E'{escaped}')"
    body = f"BEGIN IF {is_missing} THEN CREATE SCHEMA {identifier(name)}; END IF; END"
    return Query("DO '" + body.replace("'", "''") + "'")


@dataclass(frozen=True, kw_only=True)
class FoundTable:
    """A table of a name that was looked for; `columns` maps each column to its type as the server writes it.

    `beside` names the other tables that were looked for and are in the same schema.
    """

    place: Place
    columns: tuple[tuple[str, str], ...]
    beside: frozenset[str] = frozenset()

    def has(self, *columns: str) -> bool:
        return set(columns) <= {name for name, _ in self.columns}

    def type_of(self, column: str) -> str:
        return dict(self.columns).get(column, "")


@dataclass(frozen=True, kw_only=True)
class Pending:
    """What is to be run, in order; what is to be said; and the ids that the database has beyond the files."""

    migrations: tuple[Migration, ...] = ()
    findings: tuple[StateFinding, ...] = ()
    ahead: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What the bookkeeping says is applied: `ids` as the tool writes them, and how people call some of them.

    `failed` are migrations that the tool has as begun and not finished, in words. `unknown` says why an id that is not
    among `ids` may be applied all the same, and what would make it known; empty where it is not applied.
    """

    ids: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    unknown: str = ""

    def has(self, wanted: str) -> bool:
        """Exactly that id, or the name of exactly that one."""
        return wanted in self.ids or self.names.get(wanted) in self.ids


class Source(Protocol):
    """One directory of one tool.

    `migrations` reads names, ids and checksums, no statements; `load` fills one migration's text and statements and
    says how the tool sends it; both raise UsageError (InvalidSql for text). `pending` is pure; None for its rows is the
    same as no rows. `applied` is what the rows say by themselves, for whoever has no files: then `migrations` is empty.
    `begins` is what the tool writes before the first statement of a migration, `marks` what it writes
    when the migration is done; `marks` fits whether or not `begins` was run. `marks_inside` tells whether the tool
    itself marks in the migration's transaction; to do so is always right, for the rows come out the same.

    `down` is what the project wrote to take a migration back, loaded as a migration of its own; None where the tool has
    no such thing, or there is no statement in it. `unmarks` is what the tool writes once that has run; it fits whether
    or not the migration was marked, and the newest migration comes first.

    `locks` are the keys, each as one bigint, of the advisory locks that the tool may hold while it migrates the
    database of that name; none where it takes none.
    """

    @property
    def name(self) -> str: ...
    @property
    def directory(self) -> Path: ...
    @property
    def options(self) -> Options: ...
    @property
    def default_table(self) -> str: ...
    @property
    def default_schema(self) -> str | None: ...
    @property
    def marks_inside(self) -> bool: ...

    def migrations(self) -> tuple[Migration, ...]: ...
    def load(self, migration: Migration) -> Migration: ...
    def is_bookkeeping(self, found: FoundTable) -> bool: ...
    def rows(self, place: Place) -> Query: ...
    def pending(self, migrations: Sequence[Migration], rows: Sequence[Row] | None) -> Pending: ...
    def applied(self, migrations: Sequence[Migration], rows: Sequence[Row]) -> Applied: ...
    def creates_bookkeeping(self, place: Place) -> tuple[Query, ...]: ...
    def begins(self, migration: Migration, place: Place) -> tuple[Query, ...]: ...
    def marks(self, migration: Migration, place: Place) -> tuple[Query, ...]: ...
    def down(self, migration: Migration) -> Migration | None: ...
    def unmarks(self, migration: Migration, place: Place) -> tuple[Query, ...]: ...
    def locks(self, database: str, place: Place) -> tuple[int, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool. `usual` are its usual places below a project's root, for messages.

    `recognises` says why a directory holds this tool's migrations, or None; `source` opens one that was recognised or
    told.
    """

    name: str
    usual: tuple[str, ...]
    recognises: Callable[[Path], str | None]
    source: Callable[[Path, Options], Source]


@dataclass(frozen=True)
class Candidate:
    """A directory that a tool recognises as its own, and why."""

    tool: Tool
    directory: Path
    why: str
