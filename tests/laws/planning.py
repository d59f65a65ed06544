"""The steps that gate makes of a migration on a database."""

from __future__ import annotations

from gate.app.looking import look
from gate.db.connect import connect
from gate.model.migration import Migration
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, Step
from gate.plan.reading import read
from gate.plan.splitting import alone, steps_of, works_under_lock
from gate.rules import apply, derive
from gate.rules.merging import effects
from gate.sql.parse import Parsed, parse_statement
from gate.sql.script import split_script
from tests.servers import Database


def world_of(database: Database, sql: str) -> Snapshot:
    """The catalog as gate reads it for these statements."""
    migration = Migration(id=None, path=None, text=sql, statements=split_script(sql))
    with connect(database.conninfo, application_name="gate plan") as connection:
        return look(connection, read([migration]))


def steps_on(database: Database, sql: str) -> tuple[Step, ...]:
    """Those of each statement, in order. Raises CannotSplit where one must be split and cannot be."""
    world = world_of(database, sql)
    found: list[Step] = []
    for item in split_script(sql):
        parsed = parse_statement(item.sql)
        assert parsed is not None
        found += _steps(item.sql, parsed, world)
        world = apply(parsed.statement.action, world)
    return tuple(found)


def _steps(sql: str, parsed: Parsed, world: Snapshot) -> tuple[Step, ...]:
    """A statement that works under no blocking lock is split where it can be, as one that locks for long may be."""
    found = effects(derive(parsed.statement.action, world), world)
    try:
        return steps_of(sql, parsed.statement, world)
    except CannotSplit:
        if works_under_lock(found):
            raise
        return alone(sql, parsed.statement, found, world)
