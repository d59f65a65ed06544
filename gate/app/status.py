"""`gate status`: what ran, what is unfinished, what is left. It only reads, and waits for nobody's lock."""

from __future__ import annotations

from collections.abc import Callable

from gate.app.journals import journal_with
from gate.app.opening import open_connection
from gate.app.request import Request
from gate.app.settings import load
from gate.db.rows import fetch
from gate.journal.leftovers import (
    asks,
    asks_for_rebuilds,
    dropped_by,
    forgotten,
    half_done,
    made_by,
    rebuilds,
    rebuilt_by,
    there,
)
from gate.model.errors import MissingPrivilege, UsageError
from gate.model.migration import Query
from gate.model.run import Backend, Leftover, Outcome
from gate.run.journalling import Journal, Standing, runner_lock_holder
from gate.run.stock import Holder, Stock
from gate.run.world import Row

Ask = Callable[[Query], tuple[Row, ...]]


def status(request: Request) -> Stock:
    """Raises MissingPrivilege where the journal may not be read, with the GRANT; UsageError where it is broken."""
    settings = load(request)
    with open_connection(request, settings, name="gate status") as connection:

        def ask(query: Query) -> tuple[Row, ...]:
            return tuple(fetch(connection, query))

        journal = journal_with(settings, ask)
        standing = journal.standing()
        if standing.unreadable:
            refused = MissingPrivilege if standing.is_forbidden else UsageError
            raise refused(standing.unreadable, remedy=standing.remedy)
        return Stock(
            database=connection.info.dbname,
            standing=standing,
            holder=_holder(ask, settings.journal_schema),
            leftovers=_leftovers(ask, standing),
            left=(*_left(ask, standing), *_forgotten(ask, journal)),
        )


def _holder(ask: Ask, schema: str) -> Holder | None:
    rows = ask(runner_lock_holder(schema))
    if not rows:
        return None
    row = rows[0]
    return Holder(backend=Backend(pid=row["pid"], started_at=row["started_at"] or ""), application=row["application"])


def _leftovers(ask: Ask, standing: Standing) -> tuple[Leftover, ...]:
    made, relations = made_by(standing.unfinished), rebuilt_by(standing.unfinished)
    return (
        *(half_done(made, ask(asks(made))) if made else ()),
        *(rebuilds(ask(asks_for_rebuilds(relations))) if relations else ()),
    )


def _forgotten(ask: Ask, journal: Journal) -> tuple[Leftover, ...]:
    made = made_by(journal.settled())
    return forgotten(made, ask(asks(made))) if made else ()


def _left(ask: Ask, standing: Standing) -> tuple[Leftover, ...]:
    """What the last run that ended has left to a person, unless the person has been there."""
    ended = next((run for run in standing.runs if run.outcome is not Outcome.RUNNING), None)
    found = ended.document.get("leftovers") or () if ended is not None else ()
    left = (
        Leftover(what=item["what"], sql=item["sql"] or "", needs_person=True) for item in found if item["needs_person"]
    )
    return tuple(leftover for leftover in left if _is_there(ask, leftover))


def _is_there(ask: Ask, leftover: Leftover) -> bool:
    """What cannot be looked up is taken to be there."""
    made = tuple(dropped_by(leftover.sql))
    return not made or bool(there(made, ask(asks(made))))
