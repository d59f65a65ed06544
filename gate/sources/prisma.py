"""Prisma: `20260101000000_name/migration.sql` beside `migration_lock.toml`.

The whole file is sent as one message, which the server runs as one transaction when it holds several statements. The
bookkeeping holds a row for each attempt, with the SHA-256 of the file; a row that neither finished nor was rolled back
is a failure. Source: schema-engine of prisma/prisma-engines (apply_migrations.rs, sql_migration_persistence.rs,
checksum.rs), and the table as the engine's WebAssembly build carries it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gate.model.errors import UsageError
from gate.model.migration import Migration, Query, Sending, StateFinding
from gate.sources.files import bytes_of, directory_names, shown, text_of
from gate.sources.state import database_ahead, edited_after_applied, file_missing, out_of_order, tool_dirty
from gate.sources.tool import DEFAULTS, Applied, FoundTable, Options, Pending, Place, Row, Source, Tool, creates_schema
from gate.sql.script import split_script

_LOCK = 72707369
"""`acquire_lock` of the schema engine's PostgreSQL connector; it waits 10 s for it."""


@dataclass(frozen=True)
class Prisma:
    """A directory of Prisma's."""

    directory: Path
    options: Options = DEFAULTS
    name: str = "prisma"
    default_table: str = "_prisma_migrations"
    default_schema: str | None = None
    marks_inside: bool = False

    def migrations(self) -> tuple[Migration, ...]:
        """By directory name, which is also what Prisma writes down."""
        names = directory_names(self.directory)
        return tuple(self._migration(name, self.directory / name / "migration.sql") for name in names)

    def _migration(self, name: str, script: Path) -> Migration:
        if not script.is_file():
            raise UsageError(
                f"{shown(script.parent)} has no migration.sql; Prisma refuses the whole directory",
                remedy="restore the file, or remove the directory",
            )
        equal = _equal_checksums(bytes_of(script))
        return Migration(id=name, path=shown(script), text="", name=name, checksum=equal[0], equal_checksums=equal)

    def load(self, migration: Migration) -> Migration:
        text = text_of(Path(migration.path or ""))
        statements = split_script(text, path=migration.path or "")
        return replace(
            migration,
            text=text,
            statements=statements,
            is_transactional=len(statements) > 1,
            sending=Sending.ONE_MESSAGE,
        )

    def is_bookkeeping(self, found: FoundTable) -> bool:
        return found.has("migration_name", "checksum", "finished_at", "rolled_back_at")

    def rows(self, place: Place) -> Query:
        return Query(
            f"SELECT migration_name, checksum, finished_at, rolled_back_at, started_at, logs "
            f"FROM {place.sql} ORDER BY started_at"
        )

    def pending(self, migrations: Sequence[Migration], rows: Sequence[Row] | None) -> Pending:
        """Whatever has no row but rolled back ones, in the order of the names; older ones too."""
        standing = [row for row in rows or () if row["rolled_back_at"] is None]
        failed = [row for row in standing if row["finished_at"] is None]
        if failed:
            return Pending(findings=tuple(_failed(row) for row in failed))
        applied = {row["migration_name"]: row["checksum"] for row in standing}
        files = {migration.id or "": migration for migration in migrations}
        extra = sorted(set(applied) - set(files))
        newest = max((name for name in applied if name in files), default="")
        ahead = tuple(name for name in extra if name > max(files, default=""))
        gone = [name for name in extra if name not in ahead]
        edited = [name for name, file in files.items() if name in applied and applied[name] not in file.equal_checksums]
        return Pending(
            migrations=tuple(file for name, file in files.items() if name not in applied),
            ahead=ahead,
            findings=(
                *database_ahead(ahead, tool="Prisma", behaviour="deploys all the same"),
                *file_missing(gone, tool="Prisma", behaviour="deploys all the same", severity="warn"),
                *edited_after_applied(
                    edited,
                    behaviour="Prisma warns, and deploys all the same",
                    severity="warn",
                    remedy="restore the file from version control, and write the change as a new migration",
                ),
                *out_of_order(
                    [name for name in files if name not in applied and name < newest],
                    newest,
                    behaviour="Prisma applies it all the same",
                    severity="note",
                    remedy="give the directory a name newer than all that are applied",
                ),
            ),
        )

    def applied(self, migrations: Sequence[Migration], rows: Sequence[Row]) -> Applied:  # noqa: ARG002 - a row each
        standing = [row for row in rows if row["rolled_back_at"] is None]
        failed = [row for row in standing if row["finished_at"] is None]
        return Applied(
            ids=frozenset(row["migration_name"] for row in standing if row not in failed),
            failed=tuple(_failed(row).problem for row in failed),
        )

    def creates_bookkeeping(self, place: Place) -> tuple[Query, ...]:
        table = Query(
            f"""CREATE TABLE {place.sql} (
                id                      VARCHAR(36) PRIMARY KEY NOT NULL,
                checksum                VARCHAR(64) NOT NULL,
                finished_at             TIMESTAMPTZ,
                migration_name          VARCHAR(255) NOT NULL,
                logs                    TEXT,
                rolled_back_at          TIMESTAMPTZ,
                started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
                applied_steps_count     INTEGER NOT NULL DEFAULT 0
            )"""
        )
        return (creates_schema(place.schema), table) if self.options.schema else (table,)

    def begins(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        return (
            Query(
                f"INSERT INTO {place.sql} (id, checksum, started_at, migration_name) "
                "VALUES (pg_catalog.gen_random_uuid()::text, %s, pg_catalog.clock_timestamp(), %s)",
                (migration.checksum, migration.id),
            ),
        )

    def marks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        """Finishes the row that `begins` wrote; without one it writes what `prisma migrate resolve --applied` does."""
        finishes = Query(
            f"UPDATE {place.sql} SET applied_steps_count = applied_steps_count + 1, "
            "finished_at = pg_catalog.clock_timestamp() "
            "WHERE migration_name = %s AND finished_at IS NULL AND rolled_back_at IS NULL",
            (migration.id,),
        )
        writes = Query(
            f"INSERT INTO {place.sql} (id, checksum, logs, started_at, finished_at, migration_name) "
            "SELECT pg_catalog.gen_random_uuid()::text, %s, '', pg_catalog.clock_timestamp(), "
            "pg_catalog.clock_timestamp(), %s "
            f"WHERE NOT EXISTS (SELECT FROM {place.sql} WHERE migration_name = %s AND rolled_back_at IS NULL)",
            (migration.checksum, migration.id, migration.id),
        )
        return (finishes, writes)

    def down(self, migration: Migration) -> Migration | None:  # noqa: ARG002 - Prisma keeps none beside a migration
        return None

    def unmarks(self, migration: Migration, place: Place) -> tuple[Query, ...]:  # noqa: ARG002 - nothing is undone
        return ()

    def locks(self, database: str, place: Place) -> tuple[int, ...]:  # noqa: ARG002 - one number for all
        return (_LOCK,)


def _equal_checksums(raw: bytes) -> tuple[str, ...]:
    """Line endings do not count, as Prisma has it; nor do zeros that an old release left out of the digits."""
    variants = (raw, raw.replace(b"\r\n", b"\n"), raw.replace(b"\n", b"\r\n"))
    digests = [hashlib.sha256(variant).digest() for variant in variants]
    return tuple(form for digest in digests for form in (digest.hex(), "".join(f"{byte:x}" for byte in digest)))


def _failed(row: Row) -> StateFinding:
    name = row["migration_name"]
    logs = f": {str(row['logs']).strip()}" if row.get("logs") else ""
    return tool_dirty(
        [name],
        problem=f"Prisma recorded {name} as failed{logs}",
        remedy=(
            f"repair by hand, then `prisma migrate resolve --applied {name}`, "
            f"or `--rolled-back {name}` if nothing of it is left"
        ),
    )


def _recognises(directory: Path) -> str | None:
    if (directory / "migration_lock.toml").is_file():
        return "migration_lock.toml"
    held = [
        name
        for name in directory_names(directory)
        if name[:1].isdigit() and (directory / name / "migration.sql").is_file()
    ]
    return f"{held[0]} holds migration.sql" if held else None


def _source(directory: Path, options: Options) -> Source:
    return Prisma(directory, options)


TOOL = Tool(name="prisma", usual=("prisma/migrations",), recognises=_recognises, source=_source)
