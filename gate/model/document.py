"""The plan as the JSON document that `gate plan --format json` and `Plan.to_json` give.

The keys are a contract: they may be added, never renamed or removed; then `SCHEMA` counts up. What is unknown or does
not apply is null, never 0.
"""

from __future__ import annotations

from typing import Any

from gate.model.effects import Effect
from gate.model.moment import Blocker
from gate.model.plan import Finding, Hold, MigrationPlan, Plan, StatementPlan, TransactionPlan

SCHEMA = 1
_LONGEST_QUERY = 500

Document = dict[str, Any]


def document(plan: Plan) -> Document:
    """The whole plan."""
    understood = sum(statement.is_understood for statement in plan.statements)
    return {
        "schema": SCHEMA,
        "gate": plan.gate,
        "server": {"major": plan.server_major, "version": plan.server_version},
        "database": plan.database,
        "source": plan.source,
        "taken_at": plan.taken_at,
        "fingerprint": plan.fingerprint,
        "verdict": plan.verdict.value,
        "findings": [_finding(finding) for finding in plan.findings],
        "blockers": [_blocker(blocker) for blocker in plan.blockers],
        "unknown": [{"what": item.what, "why": item.why, "remedy": item.remedy} for item in plan.unknown],
        "notes": list(plan.notes),
        "migrations": [_migration(migration) for migration in plan.migrations],
        "coverage": {"statements": len(plan.statements), "understood": understood},
    }


def _migration(migration: MigrationPlan) -> Document:
    return {
        "id": migration.id,
        "path": migration.path,
        "transactional": migration.is_transactional,
        "verdict": migration.verdict.value,
        "findings": [_finding(finding) for finding in migration.findings],
        "statements": [_statement(statement) for statement in migration.statements],
        "transactions": [_transaction(transaction) for transaction in migration.transactions],
    }


def _statement(statement: StatementPlan) -> Document:
    return {
        "line": statement.line,
        "sql": statement.sql,
        "kind": statement.kind,
        "verdict": statement.verdict.value,
        "understood": statement.is_understood,
        "effects": [_effect(effect) for effect in statement.effects],
        "findings": [_finding(finding) for finding in statement.findings],
        "steps": [],
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
        "seconds": None,
        "scans_per_s": effect.scans_per_s,
        "writes_per_s": effect.writes_per_s,
    }


def _finding(finding: Finding) -> Document:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "problem": finding.problem,
        "remedy": finding.remedy,
        "allowed_by": finding.allowed_by,
    }


def _transaction(transaction: TransactionPlan) -> Document:
    return {"statements": list(transaction.statements), "holds": [_hold(hold) for hold in transaction.holds]}


def _hold(hold: Hold) -> Document:
    return {
        "relation": hold.relation,
        "lock": hold.lock.value,
        "from_line": hold.from_line,
        "shuts_out": list(hold.shuts_out),
        "seconds": None,
    }


def _blocker(blocker: Blocker) -> Document:
    session = blocker.session
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
        "query": None if session.query is None else session.query[:_LONGEST_QUERY],
        "transaction_age_s": session.transaction_age_s,
        "query_age_s": session.query_age_s,
        "state_age_s": session.state_age_s,
    }
