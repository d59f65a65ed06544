"""Flyway: `V1.2__name.sql` once and in order, `R__name.sql` again whenever it changes.

Statements are sent one by one, in a transaction unless the script's `.conf` says otherwise or none of them may run in
one. The bookkeeping is a history with a CRC-32 of each script, and Flyway validates it before it migrates. Source:
flyway-core (ChecksumCalculator, ResourceNameParser, MigrationInfoImpl, DbMigrate, ParserSqlScript) and
flyway-database-postgresql of flyway/flyway 10 to 12. Java migrations, callbacks and undo scripts are not read.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gate.model.errors import UsageError
from gate.model.migration import Migration, Query, ScriptStatement, Sending
from gate.sources.files import directory_names, file_names, shown, text_of
from gate.sources.flyway_history import abbreviated, applied, pending, version_key
from gate.sources.tool import (
    DEFAULTS,
    Applied,
    FoundTable,
    Options,
    Pending,
    Place,
    Row,
    Source,
    Tool,
    creates_schema,
    identifier,
)
from gate.sql.script import place as place_of
from gate.sql.script import split_script

_VERSIONED = re.compile(r"V([0-9]+(?:[._][0-9]+)*)(?:__(.*))?\.sql\Z", re.DOTALL)
_REPEATABLE = re.compile(r"R__(.*)\.sql\Z", re.DOTALL)
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# PostgreSQLParser.detectCanExecuteInTransaction, on the statement's beginning in capitals with single spaces.
_OUTSIDE_TRANSACTION = re.compile(
    r"(CREATE|DROP) (DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER SYSTEM\b|(CREATE|DROP)( UNIQUE)? INDEX CONCURRENTLY\b"
    r"|REINDEX( VERBOSE)? (SCHEMA|DATABASE|SYSTEM)\b|VACUUM\b|DISCARD ALL\b"
)
_LONGEST_SCRIPT = 1000
_LOCK = int.from_bytes(b"Flyway", "big")


@dataclass(frozen=True)
class Flyway:
    """A location of Flyway's, with all that lies below it."""

    directory: Path
    options: Options = DEFAULTS
    name: str = "flyway"
    default_table: str = "flyway_schema_history"
    default_schema: str | None = None
    marks_inside: bool = True

    def migrations(self) -> tuple[Migration, ...]:
        """Versioned ones by number, then repeatable ones by description; `id` is the version or the description."""
        versioned: dict[tuple[int, ...], Migration] = {}
        repeatable: dict[str, Migration] = {}
        for path in _scripts(self.directory):
            if match := _VERSIONED.match(path.name):
                version = match.group(1).replace("_", ".")
                _add(versioned, version_key(version), self._versioned(path, version, match.group(2) or ""))
            elif match := _REPEATABLE.match(path.name):
                description = match.group(1).replace("_", " ")
                _add(repeatable, description, self._repeatable(path, description))
        return (*(versioned[key] for key in sorted(versioned)), *(repeatable[key] for key in sorted(repeatable)))

    def _versioned(self, path: Path, version: str, description: str) -> Migration:
        return Migration(
            id=version, path=shown(path), text="", name=description.replace("_", " "), checksum=checksum(text_of(path))
        )

    def _repeatable(self, path: Path, description: str) -> Migration:
        """Its checksum is that of the text with the placeholders filled in; that of the bare text counts as well."""
        text = text_of(path)
        return Migration(
            id=description,
            path=shown(path),
            text="",
            name=description,
            checksum=checksum(self._filled(text, path)),
            equal_checksums=(checksum(text),),
            is_repeatable=True,
        )

    def load(self, migration: Migration) -> Migration:
        path = Path(migration.path or "")
        text = self._filled(text_of(path), path)
        statements = split_script(text, path=shown(path), copy_data=True)
        is_transactional = _runs_in_transaction(path, statements)
        return replace(
            migration,
            text=text,
            statements=statements,
            is_transactional=is_transactional,
            sending=Sending.IN_TRANSACTION if is_transactional else Sending.EACH,
        )

    def _filled(self, text: str, path: Path) -> str:
        """The text with its `${placeholders}` filled in, as Flyway does it: everywhere, in comments too."""
        if _script_options(path).get("placeholderreplacement") == "false":
            return text
        values = {name.lower(): value for name, value in self.options.placeholders}
        for match in _PLACEHOLDER.finditer(text):
            if match.group(1).lower() not in values:
                line, _, _ = place_of(text, match.start())
                raise UsageError(
                    f"{shown(path)}, line {line}: no value for the placeholder {match.group()}",
                    remedy="give it under [source.placeholders], or placeholderReplacement=false in the .conf",
                )
        return _PLACEHOLDER.sub(lambda match: values[match.group(1).lower()], text)

    def is_bookkeeping(self, found: FoundTable) -> bool:
        return found.has("installed_rank", "version", "description", "type", "script", "checksum", "success")

    def rows(self, place: Place) -> Query:
        return Query(
            "SELECT installed_rank, version, description, type, script, checksum, success "
            f"FROM {place.sql} ORDER BY installed_rank"
        )

    def pending(self, migrations: Sequence[Migration], rows: Sequence[Row] | None) -> Pending:
        return pending(migrations, rows or (), is_out_of_order_allowed=self.options.is_out_of_order_allowed)

    def applied(self, migrations: Sequence[Migration], rows: Sequence[Row]) -> Applied:
        return applied(migrations, rows)

    def creates_bookkeeping(self, place: Place) -> tuple[Query, ...]:
        made = (
            Query(
                f"""CREATE TABLE {place.sql} (
                    "installed_rank" INT NOT NULL,
                    "version" VARCHAR(50),
                    "description" VARCHAR(200) NOT NULL,
                    "type" VARCHAR(20) NOT NULL,
                    "script" VARCHAR(1000) NOT NULL,
                    "checksum" INTEGER,
                    "installed_by" VARCHAR(100) NOT NULL,
                    "installed_on" TIMESTAMP NOT NULL DEFAULT now(),
                    "execution_time" INTEGER NOT NULL,
                    "success" BOOLEAN NOT NULL
                )"""
            ),
            Query(
                f"ALTER TABLE {place.sql} "
                f'ADD CONSTRAINT {identifier(place.table + "_pk")} PRIMARY KEY ("installed_rank")'
            ),
            Query(f'CREATE INDEX {identifier(place.table + "_s_idx")} ON {place.sql} ("success")'),
        )
        return (creates_schema(place.schema), *made) if self.options.schema else made

    def begins(self, migration: Migration, place: Place) -> tuple[Query, ...]:  # noqa: ARG002 - Flyway writes at the end
        return ()

    def marks(self, migration: Migration, place: Place) -> tuple[Query, ...]:
        script = Path(migration.path or "").resolve().relative_to(self.directory.resolve()).as_posix()
        written = Query(
            f"INSERT INTO {place.sql} (installed_rank, version, description, type, script, checksum, installed_by, "
            "execution_time, success) "
            "SELECT coalesce(max(installed_rank), 0) + 1, %s, %s, 'SQL', %s, %s, current_user, 0, true "
            f"FROM {place.sql}",
            (
                None if migration.is_repeatable else migration.id,
                abbreviated(migration.name),
                script if len(script) <= _LONGEST_SCRIPT else f"...{script[3:_LONGEST_SCRIPT]}",
                migration.checksum,
            ),
        )
        return (written,)

    def down(self, migration: Migration) -> Migration | None:  # noqa: ARG002 - undo scripts are not read
        return None

    def unmarks(self, migration: Migration, place: Place) -> tuple[Query, ...]:  # noqa: ARG002 - nothing is undone
        return ()

    def locks(self, database: str, place: Place) -> tuple[int, ...]:  # noqa: ARG002 - it names the table only
        """The same for a session and for `transactional.lock`; PostgreSQLAdvisoryLockTemplate and SchemaObject."""
        table = ".".join('"' + name.replace('"', '""') + '"' for name in (place.schema, place.table))
        return (_LOCK + _java_hash(table),)


def checksum(text: str) -> int:
    """CRC-32 of the lines without their ends, as a signed 32-bit number."""
    return _signed(zlib.crc32(text.replace("\r", "").replace("\n", "").encode()))


def _java_hash(text: str) -> int:
    """`String.hashCode`: over the units of UTF-16."""
    units = text.encode("utf-16-be", errors="surrogatepass")
    value = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + 256 * high + low) % 2**32
    return _signed(value)


def _signed(value: int) -> int:
    """Of 32 bits."""
    return value - 2**32 if value >= 2**31 else value


def _add(found: dict[Any, Migration], key: object, migration: Migration) -> None:
    if other := found.get(key):
        raise UsageError(
            f"{other.path} and {migration.path} have the same version or description; Flyway refuses both",
            remedy="rename one of them",
        )
    found[key] = migration


def _scripts(directory: Path) -> Iterator[Path]:
    """Every script at or below the location."""
    yield from (directory / name for name in file_names(directory) if _is_script(name))
    for name in directory_names(directory):
        yield from _scripts(directory / name)


def _is_script(name: str) -> bool:
    return bool(_VERSIONED.match(name) or _REPEATABLE.match(name))


def _script_options(path: Path) -> dict[str, str]:
    """`V1__name.sql.conf` beside the script, keys in lower case; empty without one."""
    conf = path.with_name(f"{path.name}.conf")
    if not conf.is_file():
        return {}
    pairs = (
        line.split("=", 1) for line in text_of(conf).splitlines() if "=" in line and not line.lstrip().startswith("#")
    )
    options = {key.strip().lower(): value.strip() for key, value in pairs}
    if options.get("shouldexecute", "true").lower() != "true":
        raise UsageError(
            f"{shown(conf)}: whether {path.name} runs depends on shouldExecute, which gate does not evaluate",
            remedy="take shouldExecute out, or let Flyway run this one",
        )
    return {key: value.lower() for key, value in options.items()}


def _runs_in_transaction(path: Path, statements: Sequence[ScriptStatement]) -> bool:
    """What the .conf says, else whether the statements can; Flyway refuses a script that holds both kinds."""
    if told := _script_options(path).get("executeintransaction"):
        return told == "true"
    outside = [statement for statement in statements if _must_stand_alone(statement.sql)]
    if outside and len(outside) < len(statements):
        raise UsageError(
            f"{shown(path)}, line {outside[0].line}: this statement cannot run in a transaction and others can; "
            "Flyway refuses such a mix",
            remedy="move it into a migration of its own",
        )
    return not outside


def _must_stand_alone(sql: str) -> bool:
    return bool(_OUTSIDE_TRANSACTION.match(" ".join(_COMMENT.sub(" ", sql).upper().split())))


def _recognises(directory: Path) -> str | None:
    """Scripts in it; or, for a directory named like Flyway's own, somewhere below it."""
    names = [name for name in file_names(directory) if _is_script(name)]
    if not names and directory.name in ("migration", "migrations"):
        names = [path.name for path in _scripts(directory)]
    return f"{names[0]} is named like Flyway's" if names else None


def _source(directory: Path, options: Options) -> Source:
    return Flyway(directory, options)


TOOL = Tool(
    name="flyway",
    usual=("src/main/resources/db/migration", "db/migration", "sql"),
    recognises=_recognises,
    source=_source,
)
