"""The plan as the JSON document that `gate plan --format json` and `Plan.to_json` give.

The keys are a contract: they may be added, never renamed or removed; then `SCHEMA` counts up. What is unknown or does
not apply is null, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gate.model.costs import Seconds, total
from gate.model.effects import Effect
from gate.model.moment import Blocker
from gate.model.plan import Finding, Hold, MigrationPlan, Plan, StatementPlan, TransactionPlan
from gate.model.steps import Backfill, Gather, StatementStep, Step, Wait

SCHEMA = 1
_LONGEST_QUERY = 500

Document = dict[str, Any]


def document(plan: Plan, *, shows_rows: bool = False) -> Document:
    """The whole plan; `shows_rows` with keys of violating rows, and with other sessions' queries as they are."""
    understood = sum(statement.is_understood for statement in plan.statements)
    return {
        "schema": SCHEMA,
        "gate": plan.gate,
        "server": {"major": plan.server_major, "version": plan.server_version},
        "database": plan.database,
        "source": plan.source,
        "taken_at": plan.taken_at,
        "fingerprint": plan.fingerprint,
        "mode": plan.mode.value,
        "verdict": plan.verdict.value,
        "findings": _findings(plan.findings, shows_rows),
        "blockers": [_blocker(blocker, shows_rows) for blocker in plan.blockers],
        "unknown": [{"what": item.what, "why": item.why, "remedy": item.remedy} for item in plan.unknown],
        "notes": list(plan.notes),
        "migrations": [_migration(migration, shows_rows) for migration in plan.migrations],
        "free_disk_bytes": plan.free_disk_bytes,
        "timings": [{"phase": phase, "seconds": _figures(took_s)} for phase, took_s in plan.timings],
        "coverage": {"statements": len(plan.statements), "understood": understood},
    }


def _migration(migration: MigrationPlan, shows_rows: bool) -> Document:  # noqa: FBT001 - handed on as it came
    return {
        "id": migration.id,
        "path": migration.path,
        "transactional": migration.is_transactional,
        "verdict": migration.verdict.value,
        "findings": _findings(migration.findings, shows_rows),
        "statements": [_statement(statement, shows_rows) for statement in migration.statements],
        "transactions": [_transaction(transaction) for transaction in migration.transactions],
    }


def _statement(statement: StatementPlan, shows_rows: bool) -> Document:  # noqa: FBT001
    return {
        "line": statement.line,
        "sql": statement.sql,
        "kind": statement.kind,
        "verdict": statement.verdict.value,
        "understood": statement.is_understood,
        "effects": [_effect(effect) for effect in statement.effects],
        "seconds": range_of(statement.seconds if statement.is_understood else None),
        "findings": _findings(statement.findings, shows_rows),
        "steps": [_step(step) for step in statement.steps],
    }


def _effect(effect: Effect) -> Document:
    return {
        "relation": effect.relation,
        "schema": effect.schema,
        "name": effect.name,
        "lock": effect.lock.value,
        "shuts_out": list(effect.shuts_out),
        "work": [kind.value for kind in effect.work],
        "loses_statistics": list(effect.loses_statistics),
        "rows": None if effect.rows is None else round(effect.rows),
        "bytes": effect.size_bytes,
        "seconds": range_of(effect.seconds),
        "disk_bytes": effect.disk_bytes,
        "wal_bytes": effect.wal_bytes,
        "scans_per_s": effect.scans_per_s,
        "writes_per_s": effect.writes_per_s,
    }


def _step(step: Step) -> Document:
    common = {
        "kind": "statement",
        "sql": step.sql,
        "transactional": True,
        "why": step.why,
        "undo": step.undo or None,
        "final": step.is_final,
        "seconds": range_of(total(effect.seconds for effect in step.effects)) if step.effects else None,
        "effects": [_effect(effect) for effect in step.effects],
    }
    match step:
        case StatementStep():
            return {**common, "transactional": step.is_transactional, "limits": step.kind.value}
        case Backfill():
            # Every batch commits by itself, so that no block can be around them.
            rows = None if step.rows is None else round(step.rows)
            own = {"relation": step.relation, "keys": list(step.keys), "batch": step.batch, "rows": rows}
            return {**common, "kind": "backfill", "transactional": False, **own}
        case Gather():
            return {**common, "kind": "gather", "relation": step.relation, "columns": list(step.columns)}
        case Wait():
            return {**common, "kind": "wait"}
        case _:
            return common


def _findings(findings: Iterable[Finding], shows_rows: bool) -> list[Document]:  # noqa: FBT001
    return [
        {
            "rule": finding.rule,
            "severity": finding.severity.value,
            "problem": finding.problem,
            "remedy": finding.remedy,
            "allowed_by": finding.allowed_by,
            "relation": finding.relation,
            **({"examples": list(finding.examples)} if shows_rows else {}),
        }
        for finding in findings
    ]


def _transaction(transaction: TransactionPlan) -> Document:
    return {"statements": list(transaction.statements), "holds": [_hold(hold) for hold in transaction.holds]}


def _hold(hold: Hold) -> Document:
    return {
        "relation": hold.relation,
        "lock": hold.lock.value,
        "from_line": hold.from_line,
        "to_line": hold.to_line or None,
        "shuts_out": list(hold.shuts_out),
        "seconds": range_of(hold.seconds),
        "queued": None if hold.queued is None else _figures(hold.queued),
    }


def _blocker(blocker: Blocker, shows_rows: bool) -> Document:  # noqa: FBT001
    session = blocker.session
    query = session.query if shows_rows else blocker.normalised
    return {
        "relation": blocker.relation,
        "held": blocker.held.value,
        "wanted": blocker.wanted.value,
        "what": blocker.what,
        "pid": session.pid or None,
        "user": session.user,
        "application": session.application,
        "backend": session.backend,
        "state": session.state,
        "query": None if query is None else query[:_LONGEST_QUERY],
        "transaction_age_s": session.transaction_age_s,
        "query_age_s": session.query_age_s,
        "state_age_s": session.state_age_s,
    }


def range_of(seconds: Seconds | None) -> Document | None:
    """An estimate, null where it is unknown."""
    if seconds is None:
        return None
    return {"low": _figures(seconds.low), "likely": _figures(seconds.likely), "high": _figures(seconds.high)}


def _figures(number: float) -> float:
    """Three figures: an estimate has no more."""
    return float(f"{number:.3g}")
