"""Diesel: `2026-01-01-000000_name/up.sql`.

The whole file is sent as one message, in a transaction unless `metadata.toml` beside it says otherwise. The bookkeeping
holds versions only. Source: diesel_migrations and diesel/src/migration of diesel-rs/diesel 2.x.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gate.model.errors import UsageError
from gate.model.migration import Migration, Query, Sending
from gate.sources.files import directory_names, names_in, shown, text_of
from gate.sources.state import pending_by_version
from gate.sources.tool import DEFAULTS, Applied, FoundTable, Options, Pending, Place, Row, Source, Tool, creates_schema
from gate.sql.script import split_script


@dataclass(frozen=True)
class Diesel:
    """A directory of Diesel's."""

    directory: Path
    options: Options = DEFAULTS
    name: str = "diesel"
    default_table: str = "__diesel_schema_migrations"
    default_schema: str | None = None
    marks_inside: bool = True

    def migrations(self) -> tuple[Migration, ...]:
        """By version: the directory's name up to its first underscore, dashes taken out."""
        found: dict[str, Migration] = {}
        for name in _directories(self.directory):
            up = self.directory / name / "up.sql"
            if not up.is_file():
                raise UsageError(
                    f"{shown(self.directory / name)} has no up.sql; Diesel refuses the whole directory",
                    remedy="add up.sql, or move it elsewhere",
                )
            version = name.split("_", 1)[0].replace("-", "")
            if version in found:
                raise UsageError(
                    f"{found[version].name} and {name} have the same version; Diesel would run only one of them",
                    remedy="rename one of them",
                )
            found[version] = Migration(id=version, path=shown(up), text="", name=name)
        return tuple(found[version] for version in sorted(found))

    def load(self, migration: Migration) -> Migration:
        path = Path(migration.path or "")
        text = text_of(path)
        if not text:
            raise UsageError(f"{shown(path)} is empty; Diesel refuses it", remedy="write the migration, or a comment")
        return self._loaded(migration, path, text)

    def _loaded(self, migration: Migration, path: Path, text: str) -> Migration:
        is_transactional = _runs_in_transaction(path.parent / "metadata.toml")
        return replace(
            migration,
            path=shown(path),
            text=text,
            statements=split_script(text, path=shown(path)),
            is_transactional=is_transactional,
            sending=Sending.IN_TRANSACTION if is_transactional else Sending.ONE_MESSAGE,
        )

    def is_bookkeeping(self, found: FoundTable) -> bool:
        return found.has("version", "run_on")

    def rows(self, place: Place) -> Query:
        return Query(f"SELECT version FROM {place.sql} ORDER BY version")

    def pending(self, migrations: Sequence[Migration], rows: Sequence[Row] | None) -> Pending:
        """Whatever has no row, by version; older ones too."""
        return pending_by_version("Diesel", migrations, rows, late="Diesel applies it all the same")

    def applied(self, migrations: Sequence[Migration], rows: Sequence[Row]) -> Applied:  # noqa: ARG002 - a row each
        return Applied(ids=frozenset(str(row["version"]) for row in rows))

    def creates_bookkeeping(self, place: Place) -> tuple[Query, ...]:
        table = Query(
            f"""CREATE TABLE IF NOT EXISTS {place.sql} (
                version VARCHAR(50) PRIMARY KEY NOT NULL,
                run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
            )"""
        )
        return (creates_schema(place.schema), table) if self.options.schema else (table,)

    def begins(self, migration: Migration, place: Place) -> tuple[Query, ...]:  # noqa: ARG002 - Diesel leaves no trace
        return ()

    def marks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        return (Query(f"INSERT INTO {place.sql} (version) VALUES (%s)", (migration.id,)),)

    def down(self, migration: Migration) -> Migration | None:
        """`down.sql` beside `up.sql`, under the same `metadata.toml`."""
        path = Path(migration.path or "").with_name("down.sql")
        found = self._loaded(migration, path, text_of(path)) if path.is_file() else None
        return found if found and found.statements else None

    def unmarks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        return (Query(f"DELETE FROM {place.sql} WHERE version = %s", (migration.id,)),)

    def locks(self, database: str, place: Place) -> tuple[int, ...]:  # noqa: ARG002 - Diesel takes none
        return ()


def _directories(directory: Path) -> tuple[str, ...]:
    """As Diesel lists them: no files, nothing hidden, nothing empty."""
    return tuple(name for name in directory_names(directory) if names_in(directory / name))


def _runs_in_transaction(metadata: Path) -> bool:
    """True without metadata or with one that cannot be read; a file without the key means false to Diesel."""
    if not metadata.is_file():
        return True
    try:
        return tomllib.loads(text_of(metadata)).get("run_in_transaction", False) is True
    except tomllib.TOMLDecodeError:
        return True


def _recognises(directory: Path) -> str | None:
    names = [
        name for name in directory_names(directory) if name[:1].isdigit() and (directory / name / "up.sql").is_file()
    ]
    return f"{names[0]} holds up.sql" if names else None


def _source(directory: Path, options: Options) -> Source:
    return Diesel(directory, options)


TOOL = Tool(name="diesel", usual=("migrations",), recognises=_recognises, source=_source)
