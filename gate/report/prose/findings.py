"""What the rules say, the worst first: where, the harm, the way out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import dedent

from gate.model.steps import Backfill
from gate.model.units import plural
from gate.report import Look
from gate.report.prose import said
from gate.report.prose.said import Said
from gate.report.prose.words import led, painted, shortened, wrapped

# `do it in phases: 1. ...; 2. ...`
_NUMBERED = re.compile(r"; (?=[2-9]\. )|(?<=:) (?=1\. .*; 2\. )", re.DOTALL)
_COLOURS = {said.REFUSE: "red", said.SPLIT: "yellow", said.WARN: "yellow", said.NOTE: "dim", said.ALLOWED: "dim"}
# How many of one rule are told in full.
_MOST = {said.REFUSE: 5, said.SPLIT: 5, said.WARN: 5, said.NOTE: 2, said.ALLOWED: 5}
_MOST_PLACES = 40
_HANGING = " " * len("  way out: ")
_LONGEST_KEY = 60


def blocks(items: Iterable[Said], look: Look) -> Iterator[list[str]]:
    """One block for each finding; of one rule only the first few in full, the others by their places."""
    shown: Counter[tuple[str, str]] = Counter()
    left: dict[tuple[str, str], list[Said]] = {}
    before: Said | None = None
    for item in items:
        key = item.word, item.finding.rule
        shown[key] += 1
        if shown[key] > _MOST[item.word]:
            left.setdefault(key, []).append(item)
            continue
        yield _block(item, before, look)
        before = item
    for (_, rule), more in left.items():
        yield wrapped(f"{len(more):,} more of {rule}: {places(more)}", look.width, hanging="  ")


def places(items: list[Said]) -> str:
    """Where they are, as far as that can be read."""
    listed = list(dict.fromkeys(item.place or item.finding.relation or "the state" for item in items))
    more = len(listed) - _MOST_PLACES
    return ", ".join(listed[:_MOST_PLACES]) + (f" and {more:,} more places" if more > 0 else "")


def _block(item: Said, before: Said | None, look: Look) -> list[str]:
    """The statement, and the way out, are told once where they follow each other."""
    finding = item.finding
    head = "  ".join(part for part in (item.place, finding.rule) if part)
    lines = led((item.word, _COLOURS[item.word]), head, look)
    if item.statement is not None and (before is None or before.statement is not item.statement):
        lines.append("  " + painted(shortened(item.statement.sql, look.width - 2), "dim", look.is_coloured))
    lines += wrapped(finding.problem, look.width, "  ")
    if finding.examples and look.shows_rows:
        keys = ", ".join(shortened(example, _LONGEST_KEY) for example in finding.examples)
        lines += wrapped(f"for example: {keys}", look.width, "  ", "    ")
    if finding.allowed_by is not None:
        return [*lines, *wrapped(f"allowed: {finding.allowed_by}", look.width, "  ", "           ")]
    remedy = way_out(item)
    if before is not None and finding.rule == before.finding.rule and remedy == way_out(before):
        return lines
    return [*lines, *_told(remedy, look.width)]


def _told(remedy: str, width: int) -> Iterator[str]:
    """Sentences are wrapped; what is indented is SQL, and keeps its meaning when it is pasted."""
    lead = "  way out: "
    for is_code, run in groupby(remedy.splitlines(), key=lambda line: line.startswith("  ")):
        text = dedent("\n".join(run))
        if is_code:
            from gate.report.prose.pasting import listing

            yield from (f"{_HANGING}  {line}" for line in listing(text, width - len(_HANGING) - 2))
        else:
            yield from wrapped(text, width, lead, _HANGING)
        lead = _HANGING


def way_out(item: Said) -> str:
    """The steps where there are some, else what the rule says; phases that are numbered stand on lines of their own."""
    if not item.is_split or item.statement is None:
        return _NUMBERED.sub("\n", item.finding.remedy)
    steps = item.statement.steps
    if len(steps) == 1 and steps[0].sql == item.statement.sql:
        return "in a transaction of its own, as below"
    if len(steps) == 1 and isinstance(steps[0], Backfill):
        return "in batches, as below: each commits by itself"
    if len(steps) == 1:
        return "run what stands below instead: it does no work under such a lock"
    return f"the {plural(len(steps), 'step')} below, which do no work under such a lock"
