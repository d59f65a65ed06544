"""The plans of several databases in one answer, in the format that was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gate.model.plan import Plan, worst
from gate.model.version import VERSION
from gate.report import Look, render

Planned = Sequence[tuple[str, Plan]]


def rendered(
    format_name: str, planned: Planned, not_planned: Sequence[str], look: Look, *, has_failed: bool = False
) -> str:
    """One after the other with a heading; one document where a document was asked for.

    `has_failed`: the first of `not_planned` ended with an error, and nobody knows what its verdict would be.
    """
    if format_name == "json":
        return json.dumps(_document(planned, not_planned, look, has_failed), indent=2, ensure_ascii=False) + "\n"
    reports = [(name, render(format_name, plan, look)) for name, plan in planned]
    if format_name == "sarif":
        return _sarif(reports)
    if format_name == "gitlab":
        return _gitlab(reports)
    lead = {"text": "== {name} ==\n\n", "markdown": "# {name}\n\n"}.get(format_name, "")
    gap = "\n" if lead else ""
    return gap.join([lead.format(name=name) + text for name, text in reports] + _left(format_name, not_planned))


def _left(format_name: str, not_planned: Sequence[str]) -> list[str]:
    if not not_planned or format_name not in ("text", "markdown"):
        return []
    return [f"not looked at, for the one before failed: {', '.join(not_planned)}\n"]


def _document(planned: Planned, not_planned: Sequence[str], look: Look, has_failed: bool) -> dict[str, Any]:  # noqa: FBT001
    return {
        "schema": 1,
        "gate": VERSION,
        "verdict": None if has_failed else worst([plan.verdict for _, plan in planned]).value,
        "databases": [{"name": name, **json.loads(plan.to_json(shows_rows=look.shows_rows))} for name, plan in planned],
        "not_planned": list(not_planned),
    }


def _sarif(reports: Sequence[tuple[str, str]]) -> str:
    """One log with a run for each, under its own name: code scanning takes no two runs of one category."""
    logs = [(name, json.loads(text)) for name, text in reports]
    runs = [{**run, "automationDetails": {"id": f"gate/{name}/"}} for name, log in logs for run in log["runs"]]
    return json.dumps({**logs[0][1], "runs": runs}, indent=2, ensure_ascii=False) + "\n"


def _gitlab(reports: Sequence[tuple[str, str]]) -> str:
    """One list, in which the same finding on two databases is two."""
    entries = [
        {**each, "fingerprint": f"{name}:{each['fingerprint']}"} for name, text in reports for each in json.loads(text)
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
