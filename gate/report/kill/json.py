"""What `gate kill` saw and did, for a program. Queries are without literals; what is unknown is null."""

from __future__ import annotations

import json
from typing import Any

from gate.model.run import Act
from gate.model.run_document import hook_document
from gate.model.version import VERSION
from gate.report import Look
from gate.run.blocking_tree import Node
from gate.run.kill import Killed, StandingRun
from gate.run.sample import Other

SCHEMA = 1


def render(killed: Killed, look: Look) -> str:
    """The document, indented; it is the same wherever it is read."""
    del look
    return json.dumps(document(killed), indent=2, ensure_ascii=False) + "\n"


def document(killed: Killed) -> dict[str, Any]:
    """Trees are lists of nodes, each with those that wait for it in `waiters`."""
    return {
        "schema": SCHEMA,
        "gate": VERSION,
        "database": killed.database,
        "exit_code": int(killed.exit),
        "dry_run": killed.wish.is_dry_run,
        "tree": [_node(node) for node in killed.before.roots],
        "runs": [_run(run) for run in killed.runs],
        "acts": [_act(act) for act in killed.acts],
        "would_end": [{**_session(other), "why": why} for other, why in killed.would_end],
        "still_blocked": None if killed.after is None else [_node(node) for node in killed.after.roots],
        "still_there": [_session(other) for other in killed.alive],
        "let_be": list(killed.refused),
        "unseen": list(killed.unseen),
        "hooks": [hook_document(hook) for hook in killed.hooks],
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        **_session(node.other),
        "waits_for": list(node.other.waits_for),
        "wants": None if node.wants is None or node.wants.kind != "relation" else node.wants.mode.value,
        "relation": node.relation or None,
        "waited_s": None if node.wants is None else _rounded(node.wants.waited_s),
        "holds": None if node.holds is None else node.holds.value,
        "held_on": node.held_on or None,
        "also_blocks": list(node.also_blocks),
        "waiters": [_node(below) for below in node.below],
    }


def _session(other: Other) -> dict[str, Any]:
    is_prepared = not other.backend.pid
    return {
        "pid": other.backend.pid or None,
        "started_at": other.backend.started_at or None,
        "kind": other.kind,
        "gid": other.application if is_prepared else None,
        "user": other.user,
        "application": None if is_prepared else other.application,
        "state": other.state,
        "transaction_age_s": _rounded(other.transaction_age_s),
        "state_age_s": _rounded(other.state_age_s),
        "query": other.query,
    }


def _run(run: StandingRun) -> dict[str, Any]:
    return {
        "run": run.run or None,
        "alive": run.is_alive,
        "stuck": run.is_stuck,
        "silent_s": _rounded(run.silent_s),
        "left": [_session(other) for other in run.left],
        "others": [_session(other) for other in run.others],
    }


def _act(act: Act) -> dict[str, Any]:
    return {
        "at": act.at,
        "how": act.how,
        "pid": act.backend.pid,
        "started_at": act.backend.started_at or None,
        "who": act.who,
        "why": act.why,
        "own": act.is_own,
        "worked": act.has_worked,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
