"""The plan for a person, at a terminal or in a release log: the verdict, the harm, the way out, then the tables."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.plan import Plan, Verdict
from gate.model.units import plural
from gate.report import Look
from gate.report.prose import blockers, findings, migrations
from gate.report.prose.words import led, painted, wrapped

_WORDS = {Verdict.PASS: ("PASS", "green"), Verdict.SPLIT: ("SPLIT", "yellow"), Verdict.REFUSE: ("REFUSED", "red")}
_TALLIED = {Verdict.REFUSE: "refused", Verdict.SPLIT: "to be split"}
_WIDEST, _NARROWEST = 120, 60


def render(plan: Plan, look: Look) -> str:
    """The whole report."""
    look = Look(width=max(_NARROWEST, min(look.width, _WIDEST)), is_coloured=look.is_coloured)
    blocks = [block for block in _blocks(plan, look) if block]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _blocks(plan: Plan, look: Look) -> Iterator[list[str]]:
    yield _head(plan, look)
    yield from findings.blocks(plan, look)
    yield blockers.block(plan.blockers, look)
    for migration in plan.migrations:
        yield migrations.block(migration, look)
    yield _unknown(plan, look)
    yield _notes(plan, look)
    if plan.migrations:
        yield [_coverage(plan)]


def _head(plan: Plan, look: Look) -> list[str]:
    verdict = _WORDS[plan.verdict]
    if not plan.migrations and plan.verdict is Verdict.PASS:
        return led(verdict, f"nothing is pending ({_where(plan)})", look)
    return [*led(verdict, _tally(plan), look), *wrapped(f"{_where(plan)}, {plan.taken_at}", look.width)]


def _where(plan: Plan) -> str:
    return f"database {plan.database}, PostgreSQL {plan.server_version}, {plan.source}"


def _tally(plan: Plan) -> str:
    if not plan.migrations:
        return "the state of the database or of its bookkeeping forbids to go on"
    pending = plural(len(plan.migrations), "pending migration")
    total = plural(len(plan.statements), "statement")
    counted = ((verdict, sum(statement.verdict is verdict for statement in plan.statements)) for verdict in _TALLIED)
    named = ", ".join(f"{number:,} {word}" for verdict, number in counted if number for word in [_TALLIED[verdict]])
    return f"{pending}, {total}" + (f": {named}" if named else "")


def _unknown(plan: Plan, look: Look) -> list[str]:
    lines = [painted("Could not be read", "bold", look.is_coloured)] if plan.unknown else []
    for item in plan.unknown:
        lines += wrapped(f"{item.what}: {item.why}", look.width, "  ")
        if item.remedy:
            lines += wrapped(item.remedy, look.width, "    ")
    return lines


def _notes(plan: Plan, look: Look) -> list[str]:
    return [line for note in plan.notes for line in wrapped(f"note: {note}", look.width, hanging="      ")]


def _coverage(plan: Plan) -> str:
    total, understood = len(plan.statements), sum(statement.is_understood for statement in plan.statements)
    if total == understood:
        return f"coverage: {plural(total, 'statement')}, all understood"
    return f"coverage: {understood:,} of {plural(total, 'statement')} understood"
