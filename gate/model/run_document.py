"""A run as the JSON document that `gate release --format json` prints and that hooks get on standard input.

The keys are a contract: they may be added, never renamed or removed; then `SCHEMA` counts up. What is unknown or does
not apply is null, never 0.
"""

from __future__ import annotations

import json
import re

from gate.model.document import Document, range_of
from gate.model.document import document as plan_document
from gate.model.repeats import dedupe_key
from gate.model.run import Act, HookRun, InTheWay, Leftover, Run, UnitRun

SCHEMA = 1


def to_json(run: Run, *, shows_rows: bool = False) -> str:
    """The document as text, indented: it is read in release logs too."""
    return json.dumps(document(run, shows_rows=shows_rows), indent=2, ensure_ascii=False)


def document(run: Run, *, shows_rows: bool = False) -> Document:
    """The whole run, with the plan in it where there was one; `shows_rows` with values of rows, as that of a plan."""
    return {
        "schema": SCHEMA,
        "gate": run.gate,
        "run": run.id,
        "database": run.database or None,
        "server": _server(run.server_version),
        "source": run.source or None,
        "started_at": run.started_at,
        "seconds": _milliseconds(run.seconds),
        "outcome": run.outcome.value,
        "exit_code": int(run.exit),
        "problem": run.problem or None,
        "remedy": run.remedy or None,
        "dedupe": _dedupe(run),
        "took_up": run.took_up,
        "budget_s": run.budget_s,
        "longest_blocked_s": _milliseconds(run.longest_blocked_s),
        "migrations": list(run.migrations),
        "left": list(run.left),
        "units": [_unit(unit, shows_rows) for unit in run.units],
        "acts": [_act(act) for act in run.acts],
        "in_the_way": [_in_the_way(other) for other in run.in_the_way],
        "still_waiting": [_in_the_way(other) for other in run.still_waiting],
        "leftovers": [_leftover(leftover) for leftover in run.leftovers],
        "hooks": [hook_document(hook) for hook in run.hooks],
        "notes": list(run.notes),
        "plan": None if run.plan is None else plan_document(run.plan, shows_rows=shows_rows),
    }


def _dedupe(run: Run) -> str:
    return dedupe_key(
        database=run.database or None,
        fingerprint=run.plan.fingerprint if run.plan is not None else None,
        outcome=run.outcome.value,
        problem=run.problem or None,
    )


def _server(version: str) -> Document | None:
    """As the plan has it; null where no server was reached."""
    major = re.match(r"\d+", version)
    return {"major": int(major.group()), "version": version} if major else None


def _unit(unit: UnitRun, shows_rows: bool) -> Document:  # noqa: FBT001 - handed on as it came
    is_shown = bool(unit.detail) and (shows_rows or not unit.detail_names_rows)
    return {
        "migration": unit.migration,
        "path": unit.path,
        "line": unit.line,
        "ordinal": unit.ordinal,
        "kind": unit.kind,
        "why": unit.why or None,
        "sql": unit.sql or None,
        "state": unit.state.value,
        "attempts": unit.attempts,
        "began_at": unit.began_at,
        "seconds": _milliseconds(unit.seconds),
        "waited_s": _milliseconds(unit.waited_s),
        "blocked_s": _milliseconds(unit.blocked_s),
        "planned": range_of(unit.planned),
        "rows_done": unit.rows_done,
        "in_the_way": [_in_the_way(other) for other in unit.in_the_way],
        "note": unit.note or None,
        "error": unit.error or None,
        "detail": unit.detail if is_shown else None,
        "hint": unit.hint or None,
        "sqlstate": unit.sqlstate or None,
    }


def _in_the_way(other: InTheWay) -> Document:
    return {
        "relation": other.relation or None,
        "held": other.held or None,
        "what": other.what or None,
        "pid": other.pid or None,
        "started_at": other.backend.started_at or None if other.backend is not None else None,
        "kind": other.kind if other.backend is not None else None,
        "gid": other.gid or None,
        "user": other.user,
        "application": other.application,
        "state": other.state,
        "age_s": _milliseconds(other.age_s),
        "query": other.query,
        "waits_for": list(other.waits_for),
        "way_out": other.way_out or None,
    }


def _act(act: Act) -> Document:
    return {
        "at": act.at,
        "how": act.how,
        "pid": act.backend.pid,
        "started_at": act.backend.started_at or None,
        "who": act.who or None,
        "why": act.why or None,
        "own": act.is_own,
        "worked": act.has_worked,
    }


def _leftover(leftover: Leftover) -> Document:
    return {"what": leftover.what, "sql": leftover.sql or None, "needs_person": leftover.needs_person}


def hook_document(hook: HookRun) -> Document:
    """One hook that was called."""
    return {
        "event": hook.event,
        "name": hook.name,
        "seconds": _milliseconds(hook.seconds),
        "problem": hook.problem or None,
        "output": hook.output or None,
    }


def _milliseconds(seconds: float | None) -> float | None:
    """What was measured, to the millisecond."""
    return None if seconds is None else round(seconds, 3)
