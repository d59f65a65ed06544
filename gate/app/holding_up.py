"""Who is at work on a database's schema, and how far: for whoever waits for it. Only reads, and never waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from gate.app import pending
from gate.app.journals import journal_with
from gate.app.settings import Settings
from gate.app.tool_lock import ToolLock
from gate.db.rows import fetch
from gate.model.errors import GateError
from gate.model.migration import Query
from gate.model.run import Outcome, State
from gate.run.journalling import Kept, Standing, runner_lock_holder
from gate.sources.tool import Source


def at_work(connection: psycopg.Connection, settings: Settings, source: Source) -> tuple[str, ...]:
    """Sentences: the gate release that runs, or how the last one ended; the migration tool itself. What cannot be read
    is left out: it would not bring the schema sooner.
    """

    def ask(query: Query) -> tuple[dict[str, Any], ...]:
        return tuple(fetch(connection, query))

    try:
        holder = next(iter(ask(runner_lock_holder(settings.journal_schema))), None)
        standing = journal_with(settings, ask).standing()
        place, new = pending.where(connection, source)
        tool = ToolLock(tool=source.name, keys=source.locks(connection.info.dbname, place or new), ask=ask).holder()
    except GateError:
        return ()
    return (
        *([_running(holder, standing)] if holder is not None else _ended(standing)),
        *([f"{source.name} itself is at work (pid {tool['pid']})"] if tool is not None else []),
    )


def _running(holder: dict[str, Any], standing: Standing) -> str:
    last = next(iter(standing.runs), None)
    if last is None or last.outcome is not Outcome.RUNNING:
        return f"a gate release is at work (pid {holder['pid']})"
    ours = [kept for kept in standing.unfinished if kept.run == last.id]
    return f"gate release is at work (run {last.id}, pid {holder['pid']}){_how_far(ours)}"


def _how_far(kept: Sequence[Kept]) -> str:
    if not kept or kept[0].program is None:
        return ""
    units, following = kept[0].program.units, kept[0].next_unit
    done = sum(kept[0].mark_of(unit.ordinal).state is State.DONE for unit in units)
    purpose = f", now {following.why}" if following is not None and following.why else ""
    return f": {kept[0].migration}, {done} of {len(units)} steps done{purpose}"


def _ended(standing: Standing) -> list[str]:
    last = next(iter(standing.runs), None)
    if last is None or last.outcome in (Outcome.DONE, Outcome.NOTHING_PENDING, None):
        return []
    if last.outcome is Outcome.RUNNING:
        return [f"run {last.id} of gate release is dead: it never said how it ended"]
    why = last.document.get("problem")
    said = f"the last gate release (run {last.id}) ended: {last.outcome.value}"
    return [said + (f": {why}" if why else "")]
