"""The findings for GitLab's Code Quality report, which a merge request shows; GitLab reads no SARIF.

Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format. An entry without a file is not
taken: what is about the state stands at the first file that is pending, and where none is it is left out.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from gate.model.plan import Plan
from gate.report import Look
from gate.report.prose import said
from gate.report.prose.findings import way_out
from gate.report.prose.fingerprints import fingerprint
from gate.report.prose.said import Said

_SEVERITIES = {
    said.REFUSE: "blocker",
    said.SPLIT: "minor",
    said.WARN: "major",
    said.NOTE: "info",
    said.ALLOWED: "info",
}


def render(plan: Plan, look: Look) -> str:
    """One list; empty where nothing was found."""
    anchor = next((migration.path for migration in plan.migrations if migration.path), None)
    seen: Counter[str] = Counter()
    items = [item for item in said.everything(plan) if item.path or anchor]
    entries = [_entry(item, item.path or anchor or "", seen, look) for item in items]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _entry(item: Said, path: str, seen: Counter[str], look: Look) -> dict[str, Any]:
    return {
        "description": _description(item, look),
        "check_name": item.finding.rule,
        "fingerprint": fingerprint(item, seen),
        "severity": _SEVERITIES[item.word],
        "location": {"path": path, "lines": {"begin": item.statement.line if item.statement is not None else 1}},
    }


def _description(item: Said, look: Look) -> str:
    """On one line, as GitLab shows it."""
    finding = item.finding
    parts = [finding.problem]
    if finding.examples and look.shows_rows:
        parts.append(f"for example: {', '.join(finding.examples)}")
    remedy = way_out(item)
    if finding.allowed_by is not None:
        parts.append(f"allowed: {finding.allowed_by}")
    elif remedy:
        parts.append(f"way out: {remedy}")
    return " ".join("; ".join(parts).split())
