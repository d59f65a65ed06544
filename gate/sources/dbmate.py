"""dbmate: `20260101000000_name.sql` with a `-- migrate:up` and a `-- migrate:down` part.

The whole "up" part is sent as one message, in a transaction unless `transaction:false` stands beside `migrate:up`. The
bookkeeping holds versions only. Source: pkg/dbmate/{db,migration}.go and pkg/driver/postgres of amacneil/dbmate 2.3x.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gate.model.errors import UsageError
from gate.model.migration import Migration, Query, Sending
from gate.sources.files import file_names, samples, shown, text_of
from gate.sources.state import RAILS_TABLE, pending_by_version
from gate.sources.tool import DEFAULTS, Applied, FoundTable, Options, Pending, Place, Row, Source, Tool, creates_schema
from gate.sql.script import split_script

_FILE = re.compile(r"([0-9]+).*\.sql\Z", re.DOTALL)
_UP = re.compile(r"^--\s*migrate:up(\s*$|\s+\S+)", re.MULTILINE | re.ASCII)
_DOWN = re.compile(r"^--\s*migrate:down(\s*$|\s+\S+)", re.MULTILINE | re.ASCII)
_DIRECTIVE = re.compile(r"--\s*migrate:(?:up|down)", re.ASCII)


@dataclass(frozen=True)
class Dbmate:
    """A directory of dbmate's."""

    directory: Path
    options: Options = DEFAULTS
    name: str = "dbmate"
    default_table: str = "schema_migrations"
    default_schema: str | None = None
    marks_inside: bool = True

    def migrations(self) -> tuple[Migration, ...]:
        """By file name, as dbmate sorts; the version is the leading digits, and what dbmate writes down."""
        return tuple(
            Migration(id=match.group(1), path=shown(self.directory / name), text="", name=name)
            for name in file_names(self.directory)
            if (match := _FILE.match(name))
        )

    def load(self, migration: Migration) -> Migration:
        path = migration.path or ""
        text = text_of(Path(path))
        start, end = _up_part(text, path)
        is_transactional = _options_of(text[start:end]).get("transaction") != "false"
        return replace(
            migration,
            text=text,
            statements=split_script(text, path=path, start=start, end=end),
            is_transactional=is_transactional,
            sending=Sending.IN_TRANSACTION if is_transactional else Sending.ONE_MESSAGE,
        )

    def is_bookkeeping(self, found: FoundTable) -> bool:
        """Rails has the same table, and another one beside it; golang-migrate's has a number for a version."""
        is_text = found.type_of("version") in ("character varying", "text")
        return is_text and not found.has("dirty") and RAILS_TABLE not in found.beside

    def rows(self, place: Place) -> Query:
        return Query(f"SELECT version FROM {place.sql} ORDER BY version")

    def pending(self, migrations: Sequence[Migration], rows: Sequence[Row] | None) -> Pending:
        """Whatever has no row, in the order of the names; strict mode wants it to be newer than all rows."""
        is_strict = self.options.is_strict
        return pending_by_version(
            self.name,
            migrations,
            rows,
            late="dbmate --strict refuses it" if is_strict else "dbmate applies it all the same",
            late_severity="refuse" if is_strict else "note",
        )

    def applied(self, migrations: Sequence[Migration], rows: Sequence[Row]) -> Applied:  # noqa: ARG002 - a row each
        return Applied(ids=frozenset(str(row["version"]) for row in rows))

    def creates_bookkeeping(self, place: Place) -> tuple[Query, ...]:
        table = Query(f"create table if not exists {place.sql} (version varchar primary key)")
        return (creates_schema(place.schema), table) if self.options.schema else (table,)

    def begins(self, migration: Migration, place: Place) -> tuple[Query, ...]:  # noqa: ARG002 - dbmate leaves no trace
        return ()

    def marks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        return (Query(f"insert into {place.sql} (version) values (%s)", (migration.id,)),)

    def down(self, migration: Migration) -> Migration | None:
        """The part below `-- migrate:down`, whose line has options of its own."""
        path = migration.path or ""
        text = text_of(Path(path))
        _, start = _up_part(text, path)
        statements = split_script(text, path=path, start=start)
        if not statements:
            return None
        is_transactional = _options_of(text[start:]).get("transaction") != "false"
        return replace(
            migration,
            text=text,
            statements=statements,
            is_transactional=is_transactional,
            sending=Sending.IN_TRANSACTION if is_transactional else Sending.ONE_MESSAGE,
        )

    def unmarks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        return (Query(f"delete from {place.sql} where version = %s", (migration.id,)),)

    def locks(self, database: str, place: Place) -> tuple[int, ...]:  # noqa: ARG002 - dbmate takes none
        return ()


def _up_part(text: str, path: str) -> tuple[int, int]:
    """Where the part begins and ends; the same refusals as dbmate's own."""
    up, down = _UP.search(text), _DOWN.search(text)
    if up is None:
        raise UsageError(f"{path} has no `-- migrate:up`", remedy="begin the part to apply with `-- migrate:up`")
    if any(line.strip() and not line.lstrip().startswith("--") for line in text[: up.start()].split("\n")):
        raise UsageError(f"{path}: statements stand before `-- migrate:up`", remedy="move them below it")
    if down is not None and down.start() < up.start():
        raise UsageError(f"{path}: `-- migrate:down` stands before `-- migrate:up`", remedy="put it below")
    if _UP.search(text, up.end()):
        raise UsageError(
            f"{path} has more than one `-- migrate:up`: dbmate would write its version twice",
            remedy="make two files of it",
        )
    # Newer ones of dbmate insist on a "down" part, older ones do not.
    return up.start(), down.start() if down else len(text)


def _options_of(part: str) -> dict[str, str]:
    """`transaction:false` and the like, on the directive's own line."""
    words = _DIRECTIVE.sub("", part.split("\n", 1)[0]).split()
    pairs = [word.split(":") for word in words]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _recognises(directory: Path) -> str | None:
    names = tuple(name for name in file_names(directory) if _FILE.match(name))
    return f"{names[0]} has `-- migrate:up`" if names and _UP.search(samples(directory, names)) else None


def _source(directory: Path, options: Options) -> Source:
    return Dbmate(directory, options)


TOOL = Tool(name="dbmate", usual=("db/migrations",), recognises=_recognises, source=_source)
