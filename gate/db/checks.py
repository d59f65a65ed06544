"""Data checks against the live rows: each in a short READ ONLY transaction of its own, bounded, without users' code.

Under row security a check is not run: what is hidden from us would count as absent. Whatever a check names is looked up
first (`sql/check_names.sql`): a function, an operator, a type or a cast that is not the server's own makes it unknown.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import errors, sql

from gate.db.asking import Ask, Asking, Row
from gate.db.check_sql import LiveColumn, LiveTable, Rendered, rendered
from gate.db.errors import scrubbed, translated
from gate.model.checks import Answer, Check, DuplicatesOf, FailingCasts, NullsIn, Term, Unasked, ViolatorsOf
from gate.model.names import Name, quoted
from gate.sql.rewriting.printing import printed

EXAMPLES = 3
_BEGIN, _END = b"BEGIN READ ONLY", b"ROLLBACK"
_STEPS = (100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What the checks may cost: seconds each and all together, the planner's units, and rows that are counted."""

    each_s: float = 2.0
    total_s: float = 20.0
    max_cost: float = 2_000_000.0
    max_count: int = 1_000_000
    lock_timeout_ms: int = 100


_YOURSELF = "run the query yourself, with a role that may do no harm"


class _Unknown(Exception):
    """The check cannot be answered; the answer says why."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


def answers(
    connection: psycopg.Connection, checks: Iterable[Check], *, bounds: Bounds | None = None
) -> dict[Check, Answer]:
    """What the rows say to each check. A check that cannot be answered says so, and leaves the others alone.

    Raises:
        Unreachable: the server went away.
    """
    limits = bounds or Bounds()
    ends_at = time.monotonic() + limits.total_s
    found: dict[Check, Answer] = {}
    for check in checks:
        if check not in found:
            left_s = ends_at - time.monotonic()
            found[check] = _answer(connection, check, replace(limits, each_s=min(limits.each_s, left_s)), limits)
    return found


def _answer(connection: psycopg.Connection, check: Check, limits: Bounds, stated: Bounds) -> Answer:
    if isinstance(check, Unasked):
        return Answer(count=None, why=check.why, remedy=check.remedy)
    if limits.each_s < 0.01:
        why = f"the {_seconds(stated.total_s)} for all data checks were used up"
        return Answer(count=None, why=why, remedy="give the data checks more time")
    run = _Run(Asking(connection), connection, check, limits, ends_at=time.monotonic() + limits.each_s)
    try:
        return run.answer()
    except _Unknown as unknown:
        return Answer(count=None, why=unknown.why, remedy=unknown.remedy, query=run.query)
    except psycopg.Error as error:
        if connection.closed:
            raise translated(error) from error
        return run.told_by(error)
    finally:
        _end(connection)


def _end(connection: psycopg.Connection) -> None:
    try:
        Asking(connection).end()
    except psycopg.Error as error:
        raise translated(error) from error


@dataclass
class _Run:
    """One check in its transaction; `count` and `examples` grow while rows are found."""

    asking: Asking
    connection: psycopg.Connection
    check: Check
    limits: Bounds
    ends_at: float
    count: int = 0
    examples: tuple[str, ...] = ()
    query: str = ""
    is_told_by_error: bool = False
    tables: str = ""
    reader: str = ""

    def answer(self) -> Answer:
        form = self._looked_up()
        self.is_told_by_error = form.is_told_by_error
        self._require_cheap(form)
        self.connection.execute(sql.SQL("DECLARE gate_check NO SCROLL CURSOR FOR {}").format(form.text), prepare=False)
        is_complete = self._counted(form.labels)
        return self._found(is_at_least=not is_complete)

    def told_by(self, error: psycopg.Error) -> Answer:
        """An error in the middle: what was found till then stands, or the error is the answer, or it is unknown."""
        message = scrubbed(error.diag.message_primary or str(error))
        if self.count:
            return self._found(is_at_least=True)
        if isinstance(error, (psycopg.DataError, errors.CheckViolation)) and self._evaluates:
            self.count, self.examples = 1, (message,)
            return replace(self._found(is_at_least=True), is_error=True)
        why, remedy = self._reason(error, message)
        return Answer(count=None, why=why, remedy=remedy, query=self.query)

    @property
    def _evaluates(self) -> bool:
        return self.is_told_by_error or isinstance(self.check, (ViolatorsOf, FailingCasts, DuplicatesOf))

    def _found(self, *, is_at_least: bool) -> Answer:
        return Answer(count=self.count, is_at_least=is_at_least, examples=self.examples, query=self.query)

    # --- before it ---

    def _looked_up(self) -> Rendered:
        """The check as a query of the relations as they are now, once nothing in it may run a user's code."""
        limits = {
            "lock_timeout": f"{self.limits.lock_timeout_ms}ms",
            "statement_timeout": f"{max(1, round(self.limits.each_s * 1000))}ms",
        }
        asks: list[Ask] = [
            ("check_begin", limits),
            ("check_columns", {"relations": list(self.check.relations)}),
            ("check_names", _names(self.check)),
        ]
        (begun,), rows, refused = self.asking.all(asks, before=(_BEGIN,))
        self.reader = quoted(begun["reader"])
        tables = _tables(rows)
        self.tables = ", ".join(str(Name(table.name, table.schema)) for table in tables.values())
        if any(oid not in tables for oid in self.check.relations):
            raise _Unknown("a table of it is gone since the catalog was read", "plan again")
        form = rendered(self.check, tables, self.asking.major)
        self.query = printed(form.shown.as_string(self.connection)) if form.shown else ""
        _require_visible(rows, self.reader)
        if refused:
            raise _Unknown(*_refusal(refused[0]))
        _require_same_types(self.check, tables)
        return form

    def _require_cheap(self, form: Rendered) -> None:
        explained = self.connection.execute(sql.SQL("EXPLAIN (FORMAT JSON) {}").format(form.text), prepare=False)
        (row,) = explained.fetchall()
        cost = max(_costs(row[0][0]["Plan"]))
        if cost > self.limits.max_cost:
            raise _Unknown(
                f"the planner puts it at {cost:,.0f}, above the {self.limits.max_cost:,.0f} that a check may cost",
                "run the query yourself at a quiet hour, or let checks cost more",
            )

    # --- the rows ---

    def _counted(self, labels: tuple[str, ...]) -> bool:
        """Counts the rows of the cursor, the first few one by one; whether it came to their end."""
        while self.count < EXAMPLES:
            result = self._stepped(b"FETCH 1 FROM gate_check").pgresult
            if result is None or not result.ntuples:
                return True
            self.count += 1
            if labels:
                values = [_text(result.get_value(0, place), self.connection) for place in range(len(labels))]
                example = ", ".join(f"{label} {value}" for label, value in zip(labels, values, strict=True))
                self.examples += (example,)
        for step in _STEPS:
            asked = min(step, self.limits.max_count - self.count)
            if asked <= 0:
                return False
            moved = self._stepped(f"MOVE FORWARD {asked} IN gate_check".encode()).rowcount
            self.count += moved
            if moved < asked:
                return True
        return False

    def _stepped(self, command: bytes) -> psycopg.Cursor[Any]:
        """One step of the cursor, in what is left of the check's time."""
        left_ms = round((self.ends_at - time.monotonic()) * 1000)
        limit = sql.SQL("SET LOCAL statement_timeout = {}").format(max(1, left_ms))
        self.connection.execute(limit, prepare=False)
        return self.connection.execute(command, prepare=False)

    def _reason(self, error: psycopg.Error, message: str) -> tuple[str, str]:
        match error:
            case errors.QueryCanceled():
                return (
                    f"it was stopped after {_seconds(self.limits.each_s)}",
                    "run the query yourself at a quiet hour, or give data checks more time",
                )
            case errors.LockNotAvailable():
                return "another session holds a lock in its way", "plan again when that session is done"
            case errors.InsufficientPrivilege():
                return message, f"GRANT SELECT ON {self.tables} TO {self.reader}"
            case _:
                return f"the server does not take it: {message}", "run a query of your own"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s".replace(".0 s", " s")


def _text(value: bytes | None, connection: psycopg.Connection) -> str:
    """A value that may be printed anywhere: what is no printable character becomes a point."""
    text = (value or b"").decode(connection.info.encoding, errors="replace")
    return "".join(char if char.isprintable() else "." for char in text)


def _costs(plan: dict[str, Any]) -> Iterator[float]:
    yield float(plan["Total Cost"])
    for below in plan.get("Plans", ()):
        yield from _costs(below)


# --- what it may touch ------------------------------------------------------------------------------------------------


def _terms(check: Check) -> Iterator[Term]:
    yield from (fill.value for fill in check.fills)
    match check:
        case ViolatorsOf():
            yield check.condition
        case DuplicatesOf():
            yield from (key.term for key in check.keys if key.term is not None)
            if check.where is not None:
                yield check.where
        case FailingCasts() if check.using is not None:
            yield check.using
        case _:
            return


def _names(check: Check) -> Row:
    """What `check_names` is asked; IS NULL runs no operator of any type."""
    terms = list(_terms(check))
    calls = [call for term in terms for call in term.calls]
    keys = getattr(check, "keys", ()) if hasattr(check, "referenced") else ()
    types = [
        *(field.type for field in (*check.fields, *keys) if not isinstance(check, NullsIn)),
        *(fill.oid for fill in check.fills),
        *(oid for term in terms for oid in term.casts),
    ]
    return {
        "types": list(dict.fromkeys(oid for oid in types if oid > 0)),
        "functions": [call.name.name for call in calls],
        "arguments": [call.arguments for call in calls],
        "operators": list(dict.fromkeys(name for term in terms for name in term.operators)),
        "path": list(dict.fromkeys(schema for term in terms for schema in term.path)),
    }


_REFUSALS = {
    "type": "the operators of type {} are not the server's own",
    "function": "{}() is no immutable or stable function of pg_catalog",
    "rival function": "a function {}() of yours may be meant",
    "rival operator": "an operator {} of yours may be meant",
    "cast": "a function of yours casts {}",
}


def _refusal(row: Row) -> tuple[str, str]:
    return (
        _REFUSALS[row["kind"]].format(row["name"]) + ", and gate runs no code of users",
        _YOURSELF,
    )


def _tables(rows: Iterable[Row]) -> dict[int, LiveTable]:
    found: dict[int, LiveTable] = {}
    for row in rows:
        column = LiveColumn(
            **{name: row[name] for name in ("number", "name", "type", "collation", "is_key", "is_plain")}
        )
        known = found.get(row["oid"]) or LiveTable(schema=row["schema"], name=row["table"], columns=())
        found[row["oid"]] = replace(known, columns=(*known.columns, column))
    return found


def _require_visible(rows: Iterable[Row], role: str) -> None:
    for row in rows:
        name = Name(row["table"], row["schema"])
        if row["kind"] not in "rpm":
            raise _Unknown(f"{name} is no table of this server's own", _YOURSELF)
        if row["hides_rows"]:
            raise _Unknown(
                f"row security applies to {role} on {name}: rows that it may not see would count as absent",
                f"plan as the owner of {name}, or as a role with BYPASSRLS",
            )
        if row["has_odd_key"]:
            raise _Unknown(f"{name} is partitioned by an operator class of a user", _YOURSELF)
        if row["has_foreign"]:
            raise _Unknown(f"a partition of {name} is a foreign table", _YOURSELF)


def _require_same_types(check: Check, tables: dict[int, LiveTable]) -> None:
    table = tables[check.relations[0]]
    for field in check.fields:
        live = table.column(field.number)
        if live is None:
            raise _Unknown(f"column {quoted(field.name)} is gone since the catalog was read", "plan again")
        if live.type != field.type and not isinstance(check, NullsIn):
            raise _Unknown(f"the type of {quoted(field.name)} changes earlier in this release", _YOURSELF)
