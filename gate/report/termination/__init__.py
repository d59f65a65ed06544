"""How a command ended, in less than the 4096 bytes that Kubernetes keeps of it: JSON, the most important first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gate.model.plan import Finding, Plan, Verdict
from gate.model.run import InTheWay, Outcome, Run, State
from gate.model.version import VERSION

LONGEST_BYTES = 4000
"""Masking may make it a little longer afterwards."""
_TEXT_BYTES = (1200, 300, 80)
_LIST = (5, 3, 1)


def of_run(run: Run) -> dict[str, Any]:
    """What is said of a release."""
    verdict = run.plan.verdict.value if run.plan is not None else None
    return {
        "outcome": run.outcome.value,
        "exit_code": int(run.exit),
        "verdict": verdict,
        "problem": _with_reason(run),
        "remedy": run.remedy,
        "step": _step(run),
        "blockers": [_blocker(other) for other in run.in_the_way],
        "done": list(run.migrations),
        "left": list(run.left),
        "database": run.database,
        "run": run.id,
        "seconds": round(run.seconds, 1),
    }


def of_plan(plan: Plan, exit_code: int) -> dict[str, Any]:
    """What is said of a plan."""
    worst = _worst(plan)
    return {
        "exit_code": exit_code,
        "verdict": plan.verdict.value,
        "problem": worst.problem if worst is not None else "",
        "remedy": worst.remedy if worst is not None else "",
        "pending": [item.id for item in plan.migrations],
        "database": plan.database,
    }


def message(said: Mapping[str, Any]) -> str:
    """JSON of at most `LONGEST_BYTES` bytes: long texts and lists are cut, as far as it takes."""
    told = {"gate": VERSION, **{key: value for key, value in said.items() if value not in ("", None, [])}}
    for text_bytes, longest in zip(_TEXT_BYTES, _LIST, strict=True):
        written = json.dumps(_cut(told, text_bytes, longest), ensure_ascii=False, separators=(",", ":"))
        if len(written.encode("utf-8", "replace")) <= LONGEST_BYTES:
            break
    return written


def _with_reason(run: Run) -> str:
    """Of a refusal the finding too: whoever reads this has no report."""
    worst = _worst(run.plan) if run.plan is not None and run.outcome is Outcome.REFUSED else None
    return f"{run.problem}: {worst.problem}" if worst is not None else run.problem


def _worst(plan: Plan) -> Finding | None:
    return next(iter(_findings(plan)), None) if plan.verdict is Verdict.REFUSE else None


def _findings(plan: Plan) -> list[Finding]:
    statements = (statement for migration in plan.migrations for statement in migration.statements)
    found = [*plan.findings, *(finding for statement in statements for finding in statement.findings)]
    return [finding for finding in found if finding.severity.value == "refuse" and not finding.allowed_by]


def _step(run: Run) -> dict[str, Any] | None:
    """The one that failed or was begun last."""
    reached = [unit for unit in run.units if unit.state is not State.WAITING]
    found = next((unit for unit in reached if unit.state is State.FAILED), reached[-1] if reached else None)
    if found is None:
        return None
    return {"migration": found.migration, "line": found.line, "sql": found.sql, "state": found.state.value}


def _blocker(other: InTheWay) -> dict[str, Any]:
    return {"pid": other.pid, "application": other.application, "user": other.user, "relation": other.relation}


def _cut(value: Any, text_bytes: int, longest: int) -> Any:
    match value:
        case str():
            return _shortened(value, text_bytes)
        case Mapping():
            return {key: _cut(item, text_bytes, longest) for key, item in value.items()}
        case list():
            return _some(value, text_bytes, longest)
        case _:
            return value


def _some(items: Sequence[Any], text_bytes: int, longest: int) -> list[Any]:
    shown = [_cut(item, text_bytes, longest) for item in items[:longest]]
    return [*shown, f"and {len(items) - longest} more"] if len(items) > longest else shown


def _shortened(text: str, most_bytes: int) -> str:
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= most_bytes else encoded[:most_bytes].decode("utf-8", "ignore") + "..."
