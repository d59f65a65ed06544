"""Migrations' texts to parsed statements, and what a snapshot has to look up for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from gate.model.actions import Statement
from gate.model.errors import InvalidSql
from gate.model.migration import Migration, ScriptStatement
from gate.model.wants import Wants
from gate.sql.masking import hushed
from gate.sql.parse import parse_statement
from gate.sql.script import place
from gate.sql.tree import DoesNotParse


@dataclass(frozen=True)
class ReadStatement:
    """A statement of a script; `statement` is None where this grammar rejects it, and `error` tells why and where."""

    script: ScriptStatement
    statement: Statement | None
    wants: Wants
    error: DoesNotParse | None = None


@dataclass(frozen=True)
class ReadMigration:
    """A migration with its statements, parsed one by one."""

    migration: Migration
    statements: tuple[ReadStatement, ...]

    @property
    def wants(self) -> Wants:
        """Everything that its statements name."""
        return reduce(or_, (item.wants for item in self.statements), Wants())


def read(migrations: Iterable[Migration]) -> tuple[ReadMigration, ...]:
    """Every statement parsed by itself; what does not parse is kept with its error."""
    return tuple(ReadMigration(item, tuple(_read(script) for script in item.statements)) for item in migrations)


def _read(script: ScriptStatement) -> ReadStatement:
    try:
        parsed = parse_statement(script.sql)
    except DoesNotParse as error:
        said = DoesNotParse(hushed(error.problem, script.sql), error.offset)
        return ReadStatement(script, None, Wants(), said)
    if parsed is None:
        return ReadStatement(script, None, Wants(), DoesNotParse("no statement", 0))
    return ReadStatement(script, parsed.statement, parsed.wants)


def invalid(item: ReadStatement, migration: Migration) -> InvalidSql:
    """The error of a statement that no grammar takes, with its place in the file."""
    assert item.error is not None
    line, column, text = place(migration.text, item.script.offset + item.error.offset)
    return InvalidSql(
        item.error.problem,
        line=line,
        column=column,
        text=text,
        path=migration.path or "",
        remedy="correct the statement; PostgreSQL rejects it too",
    )
