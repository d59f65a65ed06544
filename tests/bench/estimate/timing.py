"""One statement: what gate says before, what the clock says after."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg

from gate.app.looking import look
from gate.model.costs import Seconds, total
from gate.model.migration import Migration, ScriptStatement
from gate.model.rates import Rates
from gate.plan.costing import costed
from gate.plan.reading import read
from gate.rules import derive
from gate.rules.merging import effects
from tests.bench.estimate.shapes import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """`estimate` is None where gate does not know."""

    what: str
    estimate: Seconds | None
    took_s: float

    def is_within(self, factor: float) -> bool:
        """Whether the likely time is off by no more."""
        return self.estimate is not None and 1 / factor <= self.estimate.likely / self.took_s <= factor

    def line(self) -> str:
        """A line of the table; what lies outside of a factor of two is marked."""
        if self.estimate is None:
            return f"  {self.what:<40} {'unknown':>26} {self.took_s:8.2f}"
        ratio = self.estimate.likely / self.took_s
        numbers = f"{self.estimate.low:8.2f} {self.estimate.likely:8.2f} {self.estimate.high:8.2f} {self.took_s:8.2f}"
        return f"  {self.what:<40} {numbers} {ratio:7.2f}{'' if self.is_within(2.0) else '  <'}"


def timed(connection: psycopg.Connection, operation: Operation, rates: Rates) -> Timed:
    """The tables are read once before, so that the system's cache holds them."""
    if operation.setup:
        connection.execute(operation.setup.encode())
    estimate = estimated(connection, operation.sql, rates)
    connection.execute("CHECKPOINT")
    connection.execute("SELECT count(*) FROM t")
    if not operation.is_alone:
        connection.execute("BEGIN")
    begun = time.perf_counter()
    connection.execute(operation.sql.encode())
    took_s = time.perf_counter() - begun
    if not operation.is_alone:
        connection.execute("ROLLBACK")
    if operation.undo:
        connection.execute(operation.undo.encode())
    return Timed(what=operation.what, estimate=estimate, took_s=took_s)


def estimated(connection: psycopg.Connection, text: str, rates: Rates) -> Seconds | None:
    """Of all that the statement does, as a plan gives it."""
    script = ScriptStatement(sql=text, line=1)
    migrations = read([Migration(id=None, path=None, text=text, statements=(script,))])
    snapshot = look(connection, migrations)
    statement = migrations[0].statements[0].statement
    assert statement is not None
    touched = effects(derive(statement.action, snapshot), snapshot)
    return total(effect.seconds for effect in costed(statement.action, touched, snapshot, rates))
