"""What the rules say, the worst first: where, the harm, the way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gate.model.plan import Plan, StatementPlan
from gate.model.units import plural
from gate.report import Look
from gate.report.prose import said
from gate.report.prose.said import Said
from gate.report.prose.words import clean, led, painted, shortened, wrapped

_COLOURS = {said.REFUSE: "red", said.SPLIT: "yellow", said.WARN: "yellow", said.NOTE: "dim", said.ALLOWED: "dim"}
_MOST_OF_ONE_RULE = 5
_MOST_PLACES = 40


def blocks(plan: Plan, look: Look) -> Iterator[list[str]]:
    """One block for each finding; of one rule only the first few in full, the others by their places."""
    shown: Counter[tuple[str, str]] = Counter()
    left: dict[tuple[str, str], list[Said]] = {}
    before: StatementPlan | None = None
    for item in said.everything(plan):
        key = item.word, item.finding.rule
        shown[key] += 1
        if shown[key] > _MOST_OF_ONE_RULE:
            left.setdefault(key, []).append(item)
            continue
        yield _block(item, look, is_same=item.statement is not None and item.statement is before)
        before = item.statement
    for (_, rule), items in left.items():
        yield wrapped(f"{len(items):,} more of {rule}: {places(items)}", look.width, hanging="  ")


def places(items: list[Said]) -> str:
    """Where they are, as far as that can be read."""
    listed = list(dict.fromkeys(item.place or item.finding.relation or "the state" for item in items))
    more = len(listed) - _MOST_PLACES
    return ", ".join(listed[:_MOST_PLACES]) + (f" and {more:,} more places" if more > 0 else "")


def _block(item: Said, look: Look, *, is_same: bool) -> list[str]:
    finding = item.finding
    head = "  ".join(part for part in (item.place, finding.rule) if part)
    lines = led((item.word, _COLOURS[item.word]), head, look)
    if item.statement is not None and not is_same:
        lines.append("  " + painted(shortened(item.statement.sql, look.width - 2), "dim", look.is_coloured))
    lines += wrapped(finding.problem, look.width, "  ")
    if finding.examples and look.shows_rows:
        lines += wrapped(f"for example: {', '.join(map(clean, finding.examples))}", look.width, "  ", "    ")
    if finding.allowed_by is not None:
        return [*lines, *wrapped(f"allowed: {finding.allowed_by}", look.width, "  ", "           ")]
    remedy = way_out(item)
    return lines + (wrapped(f"way out: {remedy}", look.width, "  ", "           ") if remedy else [])


def way_out(item: Said) -> str:
    """The steps where there are some, else what the rule says."""
    if not item.is_split or item.statement is None:
        return item.finding.remedy
    number = len(item.statement.steps)
    if number == 1:
        return "run it by itself, as below"
    return f"the {plural(number, 'step')} below, which do no work under such a lock"
