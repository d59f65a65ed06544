"""golang-migrate: `0001_name.up.sql` beside `0001_name.down.sql`.

The whole file is sent as one message, which the server runs as one transaction when it holds several statements; with
`x-multi-statement` each statement is sent by itself. The bookkeeping is one row: the version, and whether it is
"dirty", begun and not finished. Source: migrate.go, source/parse.go and database/postgres of golang-migrate/migrate v4.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gate.model.errors import UsageError
from gate.model.migration import Migration, Query, Sending, StateFinding
from gate.sources.files import file_names, shown, text_of
from gate.sources.state import database_ahead, file_missing, tool_dirty
from gate.sources.tool import DEFAULTS, Applied, FoundTable, Options, Pending, Place, Row, Source, Tool, creates_schema
from gate.sql.script import split_script

_FILE = re.compile(r"([0-9]+)_(.*)\.(down|up)\.(.*)\Z", re.DOTALL)
_SALT = 1486364155
"""`advisoryLockIDSalt` of database/util.go."""


@dataclass(frozen=True)
class GolangMigrate:
    """A directory of golang-migrate's."""

    directory: Path
    options: Options = DEFAULTS
    name: str = "golang-migrate"
    default_table: str = "schema_migrations"
    default_schema: str | None = None
    marks_inside: bool = False

    def migrations(self) -> tuple[Migration, ...]:
        """By number; a version with only a "down" file counts too, and has nothing to run."""
        found: dict[int, dict[str, str]] = {}
        for name in file_names(self.directory):
            if match := _FILE.match(name):
                files = found.setdefault(int(match.group(1)), {})
                if other := files.get(match.group(3)):
                    raise UsageError(
                        f"{other} and {name} in {shown(self.directory)} have the same version; golang-migrate refuses",
                        remedy="renumber one of them",
                    )
                files[match.group(3)] = name
        return tuple(self._migration(version, found[version]) for version in sorted(found))

    def _migration(self, version: int, files: dict[str, str]) -> Migration:
        up = files.get("up")
        path = shown(self.directory / up) if up else None
        return Migration(id=str(version), path=path, text="", name=up or files["down"])

    def load(self, migration: Migration) -> Migration:
        return self._loaded(migration, migration.path)

    def _loaded(self, migration: Migration, path: str | None) -> Migration:
        text = text_of(Path(path)) if path else ""
        statements = split_script(text, path=path or "")
        is_split = self.options.is_split
        return replace(
            migration,
            path=path,
            text=text,
            statements=statements,
            is_transactional=len(statements) > 1 and not is_split,
            sending=Sending.EACH if is_split else Sending.ONE_MESSAGE,
        )

    def is_bookkeeping(self, found: FoundTable) -> bool:
        return found.type_of("version") == "bigint" and found.type_of("dirty") == "boolean"

    def rows(self, place: Place) -> Query:
        return Query(f"SELECT version, dirty FROM {place.sql}")

    def pending(self, migrations: Sequence[Migration], rows: Sequence[Row] | None) -> Pending:
        """Whatever is newer than the one version; older files are never looked at again."""
        if not rows or (rows[0]["version"] < 0 and not rows[0]["dirty"]):
            return Pending(migrations=tuple(migrations))
        version = int(rows[0]["version"])
        if rows[0]["dirty"]:
            return Pending(findings=(_dirty(version),))
        known = [int(migration.id or 0) for migration in migrations]
        newer = tuple(migration for migration in migrations if int(migration.id or 0) > version)
        if version in known:
            return Pending(migrations=newer)
        stops = "itself stops here: no migration found for that version"
        if newer:
            return Pending(findings=file_missing([str(version)], tool=self.name, behaviour=stops, severity="refuse"))
        return Pending(ahead=(str(version),), findings=database_ahead([str(version)], tool=self.name, behaviour=stops))

    def applied(self, migrations: Sequence[Migration], rows: Sequence[Row]) -> Applied:
        """The one version, and by the order of the files whatever is older."""
        if not rows or rows[0]["version"] < 0:
            return Applied()
        version, is_dirty = int(rows[0]["version"]), bool(rows[0]["dirty"])
        files = [int(one.id or 0) for one in migrations]
        is_placed = bool(files) and (version in files or version > files[-1])
        older = {str(one) for one in files if one < version} if is_placed else set()
        return Applied(
            ids=frozenset(older | (set() if is_dirty else {str(version)})),
            failed=(_dirty(version).problem,) if is_dirty else (),
            unknown="" if is_placed else _only_one(version),
        )

    def creates_bookkeeping(self, place: Place) -> tuple[Query, ...]:
        table = Query(
            f"CREATE TABLE IF NOT EXISTS {place.sql} (version bigint not null primary key, dirty boolean not null)"
        )
        return (creates_schema(place.schema), table) if self.options.schema else (table,)

    def begins(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        return self._sets(migration, place, is_dirty=True)

    def marks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        return self._sets(migration, place, is_dirty=False)

    def down(self, migration: Migration) -> Migration | None:
        """The file of that version whose direction is down."""
        version = int(migration.id or 0)
        for name in file_names(self.directory):
            match = _FILE.match(name)
            if match and int(match.group(1)) == version and match.group(3) == "down":
                found = self._loaded(migration, shown(self.directory / name))
                return found if found.statements else None
        return None

    def unmarks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        """The version of the file before it; before the first file there is no row."""
        versions = [int(one.id or 0) for one in self.migrations()]
        earlier = [version for version in versions if version < int(migration.id or 0)]
        emptied = Query(f"TRUNCATE {place.sql}")
        return (emptied, self._row(place, earlier[-1], is_dirty=False)) if earlier else (emptied,)

    def locks(self, database: str, place: Place) -> tuple[int, ...]:
        """`GenerateAdvisoryLockId`: opened by a URL the name of the database is that URL's path, with its slash."""
        return tuple(_lock(name, place) for name in (f"/{database}", database))

    def _sets(self, migration: Migration, place: Place, *, is_dirty: bool) -> tuple[Query, ...]:
        return (Query(f"TRUNCATE {place.sql}"), self._row(place, int(migration.id or 0), is_dirty=is_dirty))

    def _row(self, place: Place, version: int, *, is_dirty: bool) -> Query:
        return Query(f"INSERT INTO {place.sql} (version, dirty) VALUES (%s, %s)", (version, is_dirty))


def _lock(database: str, place: Place) -> int:
    return zlib.crc32(f"{place.schema}\0{place.table}\0{database}".encode()) * _SALT % 2**32


def _dirty(version: int) -> StateFinding:
    return tool_dirty(
        [str(version)],
        problem=f"golang-migrate left version {version} dirty: it was begun and did not finish",
        remedy=(
            f"see how far it came and repair by hand, then `migrate force {version}` if it is whole now, "
            "or force the version before it if it is undone"
        ),
    )


def _only_one(version: int) -> str:
    return (
        f"golang-migrate keeps one version, {version} now: what came before it only the order of the files tells; name "
        "the directory that has them"
    )


def _recognises(directory: Path) -> str | None:
    """Where one numbered script names no direction, golang-migrate would pass it over: then they are not its own."""
    scripts = [name for name in file_names(directory) if name.endswith(".sql") and name[:1].isdigit()]
    return f"{scripts[0]} names its direction" if scripts and all(_FILE.match(name) for name in scripts) else None


def _source(directory: Path, options: Options) -> Source:
    return GolangMigrate(directory, options)


TOOL = Tool(name="golang-migrate", usual=("db/migrations", "migrations"), recognises=_recognises, source=_source)
