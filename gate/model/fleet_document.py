"""A fleet's plan and its release as JSON documents: contracts, as those of one plan and one run."""

from __future__ import annotations

from typing import Any

from gate.model.document import document as plan_document
from gate.model.fleet import FleetPlan, FleetRun, Group, Range, Released, Shard, Touched, Unplanned

SCHEMA = 1


def of_plan(fleet: FleetPlan, *, shows_rows: bool = False) -> dict[str, Any]:
    """Each group with the plan of one of its databases; every database is in one group, or could not be planned."""
    return {
        "schema": SCHEMA,
        "gate": fleet.gate,
        "command": "plan",
        "fleet": fleet.fleet,
        "shard": _shard(fleet.shard),
        "seconds": round(fleet.seconds, 3),
        "exit_code": int(fleet.exit),
        "verdict": fleet.verdict.value if fleet.verdict is not None else None,
        "databases": fleet.number,
        "groups": [_group(group, shows_rows) for group in fleet.groups],
        "not_planned": [_unplanned(one) for one in fleet.unplanned],
    }


def _group(group: Group, shows_rows: bool) -> dict[str, Any]:  # noqa: FBT001 - handed on as it came
    return {
        "verdict": group.verdict.value,
        "pending": len(group.example.migrations),
        "databases": list(group.names),
        "in_the_way": list(group.in_the_way),
        "ranges": [_touched(item) for item in group.touched],
        "example": group.example_name,
        "plan": plan_document(group.example, shows_rows=shows_rows),
    }


def _touched(item: Touched) -> dict[str, Any]:
    return {
        "migration": item.migration,
        "path": item.path,
        "line": item.line,
        "relation": item.relation,
        "lock": item.lock,
        "rows": _range(item.rows),
        "bytes": _range(item.size_bytes),
        "seconds": _range(item.seconds),
    }


def _range(item: Range) -> dict[str, Any]:
    return {"least": item.least, "most": item.most, "most_on": item.most_on, "unknown": item.unknown}


def _unplanned(one: Unplanned) -> dict[str, Any]:
    return {"name": one.name, "exit_code": int(one.exit), "problem": one.problem, "remedy": one.remedy or None}


def _shard(shard: Shard | None) -> dict[str, int] | None:
    return None if shard is None else {"index": shard.index, "of": shard.of}


def of_run(fleet: FleetRun) -> dict[str, Any]:
    """Every database that was begun, with the document of its own run, and those that were not."""
    return {
        "schema": SCHEMA,
        "gate": fleet.gate,
        "command": "release",
        "fleet": fleet.fleet,
        "shard": _shard(fleet.shard),
        "started_at": fleet.began_at,
        "seconds": round(fleet.seconds, 3),
        "exit_code": int(fleet.exit),
        "stopped": fleet.stopped or None,
        "again": fleet.again if fleet.exit or fleet.not_begun else None,
        "databases": [_released(one, has_canary=fleet.has_canary) for one in fleet.released],
        "not_begun": list(fleet.not_begun),
    }


def _released(one: Released, *, has_canary: bool) -> dict[str, Any]:
    return {
        "name": one.name,
        "wave": one.wave,
        "canary": has_canary and one.wave == 0,
        "exit_code": int(one.exit),
        "outcome": one.outcome,
        "seconds": round(one.seconds, 3),
        "problem": one.problem or None,
        "remedy": one.remedy or None,
        "run": one.document,
    }
