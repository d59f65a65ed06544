"""goose: `00001_name.sql` with a `-- +goose Up` and a `-- +goose Down` part.

Each statement is sent by itself, in one transaction unless the file says `-- +goose NO TRANSACTION`. The bookkeeping
holds a row for each version and one for 0. Source: internal/sqlparser, migrate.go, up.go and internal/dialects of
pressly/goose v3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gate.model.errors import UsageError
from gate.model.migration import Migration, Query, ScriptStatement, Sending
from gate.sources.files import file_names, samples, shown, text_of
from gate.sources.state import database_ahead, file_missing, out_of_order
from gate.sources.tool import DEFAULTS, Applied, FoundTable, Options, Pending, Place, Row, Source, Tool, creates_schema
from gate.sql.script import split_script

_SQL_FILE = re.compile(r"([0-9]+)_.*\.sql\Z", re.DOTALL)
_GO_FILE = re.compile(r"([0-9]+)_.*(?<!_test)\.go\Z", re.DOTALL)
_ANNOTATION = re.compile(r"^--\s*\+goose\s+(.*?)\s*$", re.MULTILINE | re.ASCII)
_KNOWN = frozenset({"up", "down", "statementbegin", "statementend", "no transaction", "envsub on", "envsub off"})

_LOCK = 4097083626
"""`DefaultLockID` of lock/session_locker_options.go."""


@dataclass(frozen=True)
class Goose:
    """A directory of goose's."""

    directory: Path
    options: Options = DEFAULTS
    name: str = "goose"
    default_table: str = "goose_db_version"
    default_schema: str | None = None
    marks_inside: bool = True

    def migrations(self) -> tuple[Migration, ...]:
        """By number. A migration written in Go is listed, and refused when it turns out to be pending."""
        found: dict[int, Migration] = {}
        for name in file_names(self.directory):
            if (version := self._version_of(name)) is None:
                continue
            if version in found:
                raise UsageError(
                    f"{found[version].name} and {name} have the same version in {shown(self.directory)}; goose panics",
                    remedy="renumber one of them",
                )
            found[version] = Migration(id=str(version), path=shown(self.directory / name), text="", name=name)
        return tuple(found[version] for version in sorted(found))

    def _version_of(self, name: str) -> int | None:
        match = _SQL_FILE.match(name) or _GO_FILE.match(name)
        if match and int(match.group(1)) > 0:
            return int(match.group(1))
        if name.endswith(".sql"):
            raise UsageError(
                f"{shown(self.directory / name)} has no version: goose refuses the whole directory",
                remedy="name it like 00001_name.sql, from 1 on, or move it elsewhere",
            )
        return None

    def load(self, migration: Migration) -> Migration:
        path = migration.path or ""
        if path.endswith(".go"):
            raise UsageError(
                f"{path} is a migration written in Go, which only a program can run",
                remedy="run it with goose first, or write it as SQL",
            )
        text = text_of(Path(path))
        start, end, is_transactional = _up_part(text, path)
        return _loaded(migration, text, split_script(text, path=path, start=start, end=end), is_transactional)

    def is_bookkeeping(self, found: FoundTable) -> bool:
        return found.has("id", "version_id", "is_applied")

    def rows(self, place: Place) -> Query:
        return Query(f"SELECT version_id, is_applied FROM {place.sql} ORDER BY id")

    def pending(self, migrations: Sequence[Migration], rows: Sequence[Row] | None) -> Pending:
        """Whatever has no row; one that is older than the newest row is refused unless `-allow-missing`."""
        if not rows:
            return Pending(migrations=tuple(migrations))
        applied = {int(row["version_id"]) for row in rows}
        files = {int(migration.id or 0): migration for migration in migrations}
        waiting = [version for version in files if version not in applied]
        newest_file, newest_row = max(files, default=0), max(applied)
        older = [str(version) for version in waiting if version < newest_row]
        extra = sorted(applied - set(files) - {0})
        ahead = tuple(str(version) for version in extra if version > newest_file)
        gone = [str(version) for version in extra if version < newest_file]
        is_allowed = self.options.is_out_of_order_allowed
        return Pending(
            migrations=tuple(files[version] for version in waiting),
            ahead=ahead,
            findings=(
                *database_ahead(ahead, tool=self.name, behaviour="ignores such rows"),
                *file_missing(gone, tool=self.name, behaviour="ignores such rows", severity="note"),
                *out_of_order(
                    older,
                    str(newest_row),
                    behaviour="goose applies it first, as told" if is_allowed else "goose refuses to go on",
                    severity="note" if is_allowed else "refuse",
                    remedy="renumber the file, or allow it: out_of_order = true (goose -allow-missing)",
                ),
            ),
        )

    def applied(self, migrations: Sequence[Migration], rows: Sequence[Row]) -> Applied:  # noqa: ARG002 - a row each
        """Of several rows of a version the last one counts: older goose wrote one more when it took it back."""
        last = {str(row["version_id"]): bool(row["is_applied"]) for row in rows}
        return Applied(ids=frozenset(version for version, is_applied in last.items() if is_applied and version != "0"))

    def creates_bookkeeping(self, place: Place) -> tuple[Query, ...]:
        table = Query(
            f"""CREATE TABLE {place.sql} (
                id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
                version_id bigint NOT NULL,
                is_applied boolean NOT NULL,
                tstamp timestamp NOT NULL DEFAULT now()
            )"""
        )
        made = (table, self._row(place, 0))
        return (creates_schema(place.schema), *made) if self.options.schema else made

    def begins(self, migration: Migration, place: Place) -> tuple[Query, ...]:  # noqa: ARG002 - goose leaves no trace
        return ()

    def marks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        return (self._row(place, int(migration.id or 0)),)

    def down(self, migration: Migration) -> Migration | None:
        """All that follows `-- +goose Down`; what is written in Go has none that gate could run."""
        path = migration.path or ""
        if path.endswith(".go"):
            return None
        text = text_of(Path(path))
        _, start, is_transactional = _up_part(text, path)
        statements = split_script(text, path=path, start=start)
        return _loaded(migration, text, statements, is_transactional) if statements else None

    def unmarks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        return (Query(f"DELETE FROM {place.sql} WHERE version_id = %s", (int(migration.id or 0),)),)

    def locks(self, database: str, place: Place) -> tuple[int, ...]:  # noqa: ARG002 - one number for all
        """Of a program that uses goose's session locker; goose's own command takes none."""
        return (_LOCK,)

    def _row(self, place: Place, version: int) -> Query:
        return Query(f"INSERT INTO {place.sql} (version_id, is_applied) VALUES (%s, %s)", (version, True))


def _loaded(
    migration: Migration,
    text: str,
    statements: tuple[ScriptStatement, ...],
    is_transactional: bool,  # noqa: FBT001 - as it was read
) -> Migration:
    return replace(
        migration,
        text=text,
        statements=statements,
        is_transactional=is_transactional,
        sending=Sending.IN_TRANSACTION if is_transactional else Sending.EACH,
    )


def _up_part(text: str, path: str) -> tuple[int, int, bool]:
    """Where the part begins and ends, and whether it runs in a transaction."""
    annotations = [(match, " ".join(match.group(1).lower().split())) for match in _ANNOTATION.finditer(text)]
    for match, word in annotations:
        _check(text, match.start(), match.group(1), word, path)
    ups = [match for match, word in annotations if word == "up"]
    if len(ups) != 1:
        raise UsageError(
            f"{path} has {'no' if not ups else 'more than one'} `-- +goose Up`",
            remedy="begin the part to apply with it, once",
        )
    downs = [match.start() for match, word in annotations if word == "down" and match.start() > ups[0].end()]
    is_transactional = all(word != "no transaction" for _, word in annotations)
    return ups[0].end(), min(downs, default=len(text)), is_transactional


def _check(text: str, offset: int, written: str, word: str, path: str) -> None:
    line = text.count("\n", 0, offset) + 1
    if word not in _KNOWN:
        raise UsageError(
            f"{path}, line {line}: goose does not know the annotation {written}",
            remedy="Up, Down, StatementBegin, StatementEnd, NO TRANSACTION are known",
        )
    if word == "envsub on":
        raise UsageError(
            f"{path}, line {line}: with ENVSUB the environment decides what runs, so it cannot be judged",
            remedy="write the values into the file",
        )


def _recognises(directory: Path) -> str | None:
    names = tuple(name for name in file_names(directory) if _SQL_FILE.match(name))
    marked = names and any(match.group(1).lower() == "up" for match in _ANNOTATION.finditer(samples(directory, names)))
    return f"{names[0]} has `-- +goose Up`" if marked else None


def _source(directory: Path, options: Options) -> Source:
    return Goose(directory, options)


TOOL = Tool(name="goose", usual=("migrations", "db/migrations"), recognises=_recognises, source=_source)
