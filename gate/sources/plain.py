"""Plain numbered files, `001_name.sql` or `20260101_name.sql`: no tool's, so the bookkeeping is gate's own.

Each file runs in one transaction. Of a pair `001_name.up.sql` and `001_name.down.sql` only the first is run.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gate.model.errors import UsageError
from gate.model.migration import Migration, Query, Sending
from gate.sources.files import bytes_of, file_names, shown, text_of
from gate.sources.state import database_ahead, edited_after_applied, file_missing, out_of_order
from gate.sources.tool import DEFAULTS, Applied, FoundTable, Options, Pending, Place, Row, Source, Tool, creates_schema
from gate.sql.script import split_script

_FILE = re.compile(r"([0-9]+)(?:[-_. ].*)?\.sql\Z", re.DOTALL)
_SUFFIX = re.compile(r"(?:\.up)?\.sql\Z")


@dataclass(frozen=True)
class Plain:
    """A directory of numbered files."""

    directory: Path
    options: Options = DEFAULTS
    name: str = "plain"
    default_table: str = "applied"
    default_schema: str | None = "gate"
    marks_inside: bool = True

    def migrations(self) -> tuple[Migration, ...]:
        """By number, then by name; the id is the name without its suffix."""
        numbered = [
            (int(match.group(1)), name)
            for name in file_names(self.directory)
            if (match := _FILE.match(name)) and not name.endswith(".down.sql")
        ]
        found = [self._migration(name) for _, name in sorted(numbered)]
        for one, other in itertools.pairwise(found):
            if one.id == other.id:
                raise UsageError(f"{one.name} and {other.name} have the same id, {one.id}", remedy="rename one of them")
        return tuple(found)

    def _migration(self, name: str) -> Migration:
        path = self.directory / name
        checksum = hashlib.sha256(bytes_of(path)).hexdigest()
        return Migration(id=_SUFFIX.sub("", name), path=shown(path), text="", name=name, checksum=checksum)

    def load(self, migration: Migration) -> Migration:
        text = text_of(Path(migration.path or ""))
        statements = split_script(text, path=migration.path or "", copy_data=True)
        return replace(
            migration, text=text, statements=statements, is_transactional=True, sending=Sending.IN_TRANSACTION
        )

    def is_bookkeeping(self, found: FoundTable) -> bool:
        return found.has("id", "sha256", "applied_at")

    def rows(self, place: Place) -> Query:
        return Query(f"SELECT id, sha256 FROM {place.sql} ORDER BY applied_at, id")

    def pending(self, migrations: Sequence[Migration], rows: Sequence[Row] | None) -> Pending:
        """Whatever has no row; older ones too, with a warning."""
        applied = {str(row["id"]): row["sha256"] for row in rows or ()}
        files = {migration.id or "": migration for migration in migrations}
        last = max((_order(name) for name in files), default=(-1, ""))
        extra = sorted(set(applied) - set(files), key=_order)
        newest = max((_order(name) for name in applied if name in files), default=(-1, ""))
        waiting = [name for name in files if name not in applied]
        edited = [name for name, file in files.items() if name in applied and applied[name] != file.checksum]
        ahead = tuple(name for name in extra if _order(name) > last)
        return Pending(
            migrations=tuple(files[name] for name in waiting),
            ahead=ahead,
            findings=(
                *database_ahead(ahead, tool="gate", behaviour="leaves it so"),
                *file_missing(
                    [name for name in extra if name not in ahead],
                    tool="gate",
                    behaviour="leaves it so",
                    severity="warn",
                ),
                *edited_after_applied(
                    edited,
                    behaviour="gate does not run it again",
                    severity="warn",
                    remedy="restore the file from version control, and write the change as a new file",
                ),
                *out_of_order(
                    [name for name in waiting if _order(name) < newest],
                    newest[1],
                    behaviour="gate applies it all the same",
                    severity="warn",
                    remedy="give the file a number newer than all that are applied",
                ),
            ),
        )

    def applied(self, migrations: Sequence[Migration], rows: Sequence[Row]) -> Applied:  # noqa: ARG002 - a row each
        return Applied(ids=frozenset(str(row["id"]) for row in rows))

    def creates_bookkeeping(self, place: Place) -> tuple[Query, ...]:
        table = Query(
            f"""CREATE TABLE IF NOT EXISTS {place.sql} (
                id text PRIMARY KEY,
                sha256 text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
            )"""
        )
        return (creates_schema(place.schema), table)

    def begins(self, migration: Migration, place: Place) -> tuple[Query, ...]:  # noqa: ARG002 - gate has its journal
        return ()

    def marks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        return (Query(f"INSERT INTO {place.sql} (id, sha256) VALUES (%s, %s)", (migration.id, migration.checksum)),)

    def down(self, migration: Migration) -> Migration | None:  # noqa: ARG002 - only the files that lead on are read
        return None

    def unmarks(self, migration: Migration, place: Place) -> tuple[Query, ...]:  # noqa: ARG002 - nothing is undone
        return ()

    def locks(self, database: str, place: Place) -> tuple[int, ...]:  # noqa: ARG002 - there is no tool
        return ()


def _order(name: str) -> tuple[int, str]:
    digits = re.match(r"[0-9]*", name)
    return (int(digits.group() or -1) if digits else -1, name)


def _recognises(directory: Path) -> str | None:
    names = [name for name in file_names(directory) if _FILE.match(name)]
    return f"{names[0]} is numbered" if names else None


def _source(directory: Path, options: Options) -> Source:
    return Plain(directory, options)


TOOL = Tool(name="plain", usual=("migrations", "db/migrations", "sql"), recognises=_recognises, source=_source)
