"""What `gate status` found as JSON; keys may be added, never renamed or removed: then `SCHEMA` counts up."""

from __future__ import annotations

import json
from typing import Any

from gate.model.changes import KeptChange
from gate.model.run import Leftover, State
from gate.model.version import VERSION
from gate.report import Look
from gate.run.journalling import Kept, KnownRun
from gate.run.stock import Holder, Stock

SCHEMA = 1

Document = dict[str, Any]


def render(stock: Stock, look: Look) -> str:  # noqa: ARG001 - a document has no width
    """The document, indented."""
    return json.dumps(document(stock), indent=2, ensure_ascii=False) + "\n"


def document(stock: Stock) -> Document:
    """The whole answer; what is unknown or does not apply is null."""
    standing = stock.standing
    return {
        "schema": SCHEMA,
        "gate": VERSION,
        "database": stock.database,
        "exit_code": int(stock.exit),
        "needs_person": stock.needs_person,
        "journal": {
            "place": standing.place,
            "version": standing.version,
            "made_by": standing.made_by or None,
            "newer": standing.is_newer,
        },
        "running": _holder(stock.holder),
        "unfinished": [_kept(kept) for kept in standing.unfinished],
        "changes": [_change(kept) for kept in stock.standing.changes],
        "leftovers": [_leftover(leftover) for leftover in (*stock.left, *stock.leftovers)],
        "runs": [_run(run, stock) for run in standing.runs],
    }


def _holder(holder: Holder | None) -> Document | None:
    if holder is None:
        return None
    backend = holder.backend
    return {"pid": backend.pid, "started_at": backend.started_at or None, "application": holder.application}


def _kept(kept: Kept) -> Document:
    units = kept.program.units if kept.program is not None else ()
    following = kept.next_unit
    mark = kept.mark_of(following.ordinal) if following is not None else None
    return {
        "migration": kept.migration,
        "path": kept.path,
        "source": kept.source,
        "run": kept.run,
        "since": kept.kept_at,
        "understood": kept.program is not None,
        "units": len(units) if kept.program is not None else None,
        "done": sum(mark.state is State.DONE for mark in kept.marks),
        "next": following.ordinal if following is not None else None,
        "line": following.line if following is not None else None,
        "why": following.why or None if following is not None else None,
        "state": mark.state.value if mark is not None else None,
        "rows_done": mark.rows_done if mark is not None else None,
        "error": mark.error or None if mark is not None else None,
        "sqlstate": mark.sqlstate or None if mark is not None else None,
    }


def _leftover(leftover: Leftover) -> Document:
    return {"what": leftover.what, "sql": leftover.sql or None, "needs_person": leftover.needs_person}


def _run(run: KnownRun, stock: Stock) -> Document:
    age_s = run.heartbeat_age_s
    return {
        "run": run.id,
        "gate": run.gate,
        "source": run.source,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "outcome": run.outcome.value if run.outcome is not None else None,
        "dead": run == stock.dead,
        "heartbeat_at": run.heartbeat_at,
        "heartbeat_age_s": None if age_s is None else round(age_s, 3),
        "took_up": run.took_up,
        "migrations": list(run.document.get("migrations") or ()),
        "seconds": run.document.get("seconds"),
        "problem": run.document.get("problem"),
        "remedy": run.document.get("remedy"),
    }


def _change(kept: KeptChange) -> dict[str, Any]:
    change = kept.change
    return {
        "run": kept.run,
        "made_at": kept.made_at,
        "hook": change.kind,
        "target": change.target,
        "what": change.what,
        "before": dict(change.before),
        "after": dict(change.after),
        "until": change.until.value,
    }
