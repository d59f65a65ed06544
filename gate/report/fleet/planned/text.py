"""The plan of a fleet for a person: the verdict, then what is refused and why, once for all that it is the same for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.fleet import FleetPlan, Group, Touched
from gate.model.units import lasting, plural
from gate.report import Look
from gate.report.fleet import listed
from gate.report.fleet.words import databases, headline, numbers, word, word_of
from gate.report.prose import said
from gate.report.prose.words import led, one_line, painted, wrapped

_WIDEST, _NARROWEST = 120, 60
_COLOURS = {"PASS": "green", "SPLIT": "yellow", "OBSERVE": "yellow", "REFUSED": "red", "UNKNOWN": "red"}
_MOST_TOUCHED = 8
_MOST_CAUSES = 20


def render(fleet: FleetPlan, look: Look) -> str:
    """The whole report."""
    look = replace(look, width=max(_NARROWEST, min(look.width, _WIDEST)))
    blocks = [block for block in _blocks(fleet, look) if block]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _blocks(fleet: FleetPlan, look: Look) -> Iterator[list[str]]:
    yield led((word(fleet), _COLOURS[word(fleet)]), headline(fleet), look)
    yield _unplanned(fleet, look)
    told: set[tuple[str, ...]] = set()
    for group in fleet.groups:
        yield from _group(group, look, told)
    yield wrapped(f"planned in {lasting(fleet.seconds)}, from {one_line(fleet.fleet)}", look.width)


def _unplanned(fleet: FleetPlan, look: Look) -> list[str]:
    if not fleet.unplanned:
        return []
    lines = [painted("Not looked at, so nothing is known of them", "bold", look.is_coloured)]
    causes = fleet.causes
    for one, names in causes[:_MOST_CAUSES]:
        said_of = f"{listed(names)}: {one_line(one.problem)} (exit code {int(one.exit)})"
        lines += wrapped(said_of, look.width, "  ", "    ")
        if one.remedy:
            lines += wrapped(f"way out: {one_line(one.remedy)}", look.width, "    ")
    more = [name for _, names in causes[_MOST_CAUSES:] for name in names]
    return lines + (wrapped(f"and {listed(more)}", look.width, "  ") if more else [])


def _group(group: Group, look: Look, told: set[tuple[str, ...]]) -> Iterator[list[str]]:
    names = f"{databases(len(group.names))}: {listed(group.names)}"
    if group.is_quiet:
        yield led(("PASS", "green"), f"nothing is pending on {names}", look)
        return
    lines = led((word_of(group), _COLOURS[word_of(group)]), names, look)
    plan = group.example
    pending = f"{plural(len(plan.migrations), 'pending migration')}, {plural(len(plan.statements), 'statement')}"
    lines += wrapped(pending if plan.migrations else "nothing is pending", look.width, "  ")
    if group.in_the_way:
        lines += wrapped(f"somebody is in the way now on {listed(group.in_the_way)}", look.width, "  ", "    ")
    yield lines + _touched(group, look)
    yield from _findings(group, look, told)


def _touched(group: Group, look: Look) -> list[str]:
    """Of the relations those that take longest."""
    worth = [item for item in group.touched if item.size_bytes.most or item.seconds.most]
    worth.sort(key=lambda item: (-(item.seconds.most or 0), -(item.size_bytes.most or 0)))
    lines: list[str] = []
    for item in worth[:_MOST_TOUCHED]:
        lines += wrapped(f"{_place(item)}  {one_line(item.relation)}: {numbers(item)}", look.width, "  ", "    ")
    more = len(worth) - _MOST_TOUCHED
    return lines + ([f"  and {more:,} more: see --format json"] if more > 0 else [])


def _place(item: Touched) -> str:
    return f"{one_line(item.path or item.migration or '')}:{item.line}"


def _findings(group: Group, look: Look, told: set[tuple[str, ...]]) -> Iterator[list[str]]:
    """As the largest of them has them; steps that a group before has too are not told again."""
    from gate.report.prose import findings, steps

    harms = said.harms(group.example)
    inner = replace(look, width=look.width - 2)
    if harms and len(group.names) > 1:
        yield wrapped(f"the numbers of {group.example_name}, where it takes longest:", look.width, "  ")
    found = list(findings.blocks(harms, inner))
    sql = tuple(step.sql for statement in group.example.statements for step in statement.steps)
    if sql and sql in told:
        found.append(["the steps are those above"])
    elif sql:
        found += steps.blocks(group.example, inner)
        told.add(sql)
    for block in found:
        yield [f"  {line}" if line else "" for line in block]
    notes = len(said.remarks(group.example))
    if notes:
        yield wrapped(f"and {plural(notes, 'note')}: gate plan of {group.example_name} alone has all", look.width, "  ")
