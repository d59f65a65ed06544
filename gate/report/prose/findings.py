"""What the rules say, the worst first: where, the harm, the way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from gate.model.plan import Finding, MigrationPlan, Plan, Severity, StatementPlan
from gate.report import Look
from gate.report.prose.words import clean, led, painted, shortened, wrapped

_WORDS = {Severity.REFUSE: ("REFUSE", "red"), Severity.WARN: ("warn", "yellow"), Severity.NOTE: ("note", "dim")}
_ORDER = (Severity.REFUSE, Severity.WARN, Severity.NOTE)
_MOST_OF_ONE_RULE = 5


@dataclass(frozen=True)
class Said:
    """A finding with the place it stands at; `weight` is the size of the largest relation of its statement."""

    finding: Finding
    place: str = ""
    sql: str = ""
    weight: int = 0


def blocks(plan: Plan, look: Look) -> Iterator[list[str]]:
    """One block for each finding; of one rule only the first few, then how many more there are."""
    shown: Counter[str] = Counter()
    for said in sorted(_all(plan), key=_worst_first):
        shown[said.finding.rule] += 1
        if shown[said.finding.rule] <= _MOST_OF_ONE_RULE:
            yield _block(said, look)
    for rule, number in shown.items():
        if number > _MOST_OF_ONE_RULE:
            yield [f"{number - _MOST_OF_ONE_RULE:,} more of {rule}: see the tables below, or --format json"]


def _worst_first(said: Said) -> tuple[int, int]:
    return _ORDER.index(said.finding.severity), -said.weight


def _all(plan: Plan) -> Iterator[Said]:
    for finding in plan.findings:
        yield Said(finding)
    for migration in plan.migrations:
        for finding in migration.findings:
            yield Said(finding, name(migration))
        for statement in migration.statements:
            for finding in statement.findings:
                yield Said(finding, _place(migration, statement.line), statement.sql, _weight(statement, finding))


def _weight(statement: StatementPlan, finding: Finding) -> int:
    return max(
        (effect.size_bytes or 0 for effect in statement.effects if finding.relation in (None, effect.relation)),
        default=0,
    )


def _block(said: Said, look: Look) -> list[str]:
    finding = said.finding
    lines = led(_WORDS[finding.severity], "  ".join(part for part in (said.place, finding.rule) if part), look)
    if said.sql:
        lines.append("  " + painted(shortened(said.sql, look.width - 2), "dim", look.is_coloured))
    lines += wrapped(finding.problem, look.width, "  ")
    if finding.remedy:
        lines += wrapped(f"way out: {finding.remedy}", look.width, "  ", "           ")
    if finding.allowed_by:
        lines += wrapped(f"allowed by {finding.allowed_by}", look.width, "  ")
    return lines


def name(migration: MigrationPlan) -> str:
    """Its path, else its id; nothing for text that came from no file."""
    return clean(migration.path or migration.id or "")


def _place(migration: MigrationPlan, line: int) -> str:
    return f"{name(migration)}:{line}" if name(migration) else f"line {line}"
