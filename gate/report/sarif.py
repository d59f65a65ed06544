"""The findings as SARIF 2.1.0, for code scanning: each at its file and line, with the rule's harm and way out.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import quote

from gate.model.document import document
from gate.model.plan import Plan, Severity
from gate.model.rules import Rule, find_rule
from gate.report import Look
from gate.report.prose import said
from gate.report.prose.findings import way_out
from gate.report.prose.fingerprints import fingerprint
from gate.report.prose.said import Said

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.REFUSE: "error", Severity.WARN: "warning", Severity.NOTE: "note"}
_WIDTH = 120

Node = dict[str, Any]


def render(plan: Plan, look: Look) -> str:
    """One log with one run."""
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(plan, look)]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _run(plan: Plan, look: Look) -> Node:
    items = said.everything(plan)
    # Code scanning takes a file with a result that stands nowhere for broken: what is about the state is shown at the
    # first file that is pending, and where none is it is a notification.
    anchor = next((migration.path for migration in plan.migrations if migration.path), None)
    placed = [item for item in items if item.path or anchor]
    names = list(dict.fromkeys(item.finding.rule for item in items))
    seen: Counter[str] = Counter()
    return {
        "tool": {"driver": {"name": "gate", "version": plan.gate, "rules": [_rule(name) for name in names]}},
        # Plans of several databases stand beside each other and do not close each other's results.
        "automationDetails": {"id": f"gate/{plan.database}/"},
        "invocations": [
            {"executionSuccessful": True, "toolExecutionNotifications": _notifications(plan, items, placed)}
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, item.path or anchor or "", names, seen, look) for item in placed],
        "properties": _properties(plan),
    }


def _known(name: str) -> Rule | None:
    """The families are asked only for what is not a plain refusal."""
    plain = find_rule(name)
    if plain is not None:
        return plain
    from gate.plan.known import all_rules

    return find_rule(name, all_rules())


def _rule(name: str) -> Node:
    rule = _known(name)
    if rule is None:
        return {"id": name}
    first = rule.harm.partition(". ")[0].rstrip(".") + "."
    return {
        "id": name,
        "shortDescription": {"text": first},
        "fullDescription": {"text": rule.harm},
        "help": {
            "text": f"{rule.harm}\n\nWay out: {rule.way_out}",
            "markdown": f"{rule.harm}\n\n**Way out.** {rule.way_out}",
        },
        "properties": {"tags": ["database", "migration", rule.about]},
    }


def _result(item: Said, path: str, names: list[str], seen: Counter[str], look: Look) -> Node:
    finding = item.finding
    result: Node = {
        "ruleId": finding.rule,
        "ruleIndex": names.index(finding.rule),
        "level": _level(item),
        "message": {"text": _message(item, look)},
        "locations": [_location(item, path)],
        "partialFingerprints": {"gate/v1": fingerprint(item, seen)},
    }
    if finding.allowed_by is not None:
        suppression = {"kind": "inSource", "status": "accepted", "justification": finding.allowed_by}
        result["suppressions"] = [suppression]
    return result


def _message(item: Said, look: Look) -> str:
    finding = item.finding
    parts = [finding.problem]
    if finding.examples and look.shows_rows:
        parts.append(f"for example: {', '.join(finding.examples)}")
    remedy = way_out(item)
    if remedy and finding.allowed_by is None:
        parts.append(f"way out: {remedy}")
    if item.is_split and item.statement is not None:
        from gate.report.prose.pasting import script

        parts += ["", *script(item.statement.steps, _WIDTH)]
    return "\n".join(parts)


def _level(item: Said) -> str:
    return "warning" if item.word == said.SPLIT else _LEVELS[item.finding.severity]


def _location(item: Said, path: str) -> Node:
    """The file and the lines, and the relation."""
    physical: Node = {"artifactLocation": {"uri": quote(path, safe="/"), "uriBaseId": "%SRCROOT%"}}
    if item.statement is not None:
        line = item.statement.line
        physical["region"] = {"startLine": line, "endLine": line + item.statement.sql.count("\n")}
    location: Node = {"physicalLocation": physical}
    if item.finding.relation is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": item.finding.relation, "kind": "resource"}]
    return location


def _notifications(plan: Plan, items: list[Said], placed: list[Said]) -> list[Node]:
    """What stands at no file, what could not be read, and what should be known."""
    left = [item for item in items if item not in placed]
    found = [
        {"level": _level(item), "descriptor": {"id": item.finding.rule}, **_text(item.finding.problem)} for item in left
    ]
    unread = [{"level": "warning", **_text(f"could not be read: {item.what}: {item.why}")} for item in plan.unknown]
    return [*found, *unread, *({"level": "note", **_text(note)} for note in plan.notes)]


def _text(text: str) -> Node:
    return {"message": {"text": text}}


_KEPT = ("mode", "verdict", "database", "server", "source", "taken_at", "fingerprint", "timings", "coverage")


def _properties(plan: Plan) -> Node:
    """What the plan's own document says of the whole; the coverage stands last."""
    whole = document(plan)
    return {key: whole[key] for key in _KEPT}
