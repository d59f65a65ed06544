"""The plan of a fleet for a pull request: a table of the groups, then what each finding says, once."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.fleet import FleetPlan, Group
from gate.report import Look
from gate.report.fleet import listed
from gate.report.fleet.words import headline, numbers, word, word_of
from gate.report.markdown import code, prose
from gate.report.prose import said
from gate.report.prose.findings import way_out

_MOST_FINDINGS = 10
_MOST_TOUCHED = 8
_MOST_CAUSES = 20


def render(fleet: FleetPlan, look: Look) -> str:  # noqa: ARG001 - as every format
    """The whole report; blocks are parted by empty lines."""
    return "\n\n".join(block for block in _blocks(fleet) if block) + "\n"


def _blocks(fleet: FleetPlan) -> Iterator[str]:
    yield f"## {word(fleet)}: {prose(headline(fleet))}"
    rows = [
        f"| {word_of(group)} | {len(group.names):,} | {_what(group)} | {prose(listed(group.names))} |"
        for group in fleet.groups
    ]
    if rows:
        yield "\n".join(["| verdict | databases | pending | names |", "|---|---|---|---|", *rows])
    for one, names in fleet.causes[:_MOST_CAUSES]:
        yield f"- **{prose(listed(names))}** not looked at: {prose(one.problem)}"
    for group in fleet.groups:
        yield from _group(group)


def _what(group: Group) -> str:
    return str(len(group.example.migrations)) if group.example.migrations else "nothing"


def _group(group: Group) -> Iterator[str]:
    harms = said.harms(group.example)
    worth = [item for item in group.touched if item.size_bytes.most or item.seconds.most]
    if not harms and not worth:
        return
    yield f"### {word_of(group)}: {prose(listed(group.names))}"
    worth.sort(key=lambda item: (-(item.seconds.most or 0), -(item.size_bytes.most or 0)))
    touched = [f"- {code(f'{item.path}:{item.line}')} {code(item.relation)}: {prose(numbers(item))}" for item in worth]
    yield "\n".join(touched[:_MOST_TOUCHED])
    for item in harms[:_MOST_FINDINGS]:
        place = f"{code(item.place)} " if item.place else ""
        yield f"**{item.word}** {place}{code(item.finding.rule)}: {prose(item.finding.problem)}"
        yield f"Way out: {prose(way_out(item))}"
    if len(harms) > _MOST_FINDINGS:
        yield f"{len(harms) - _MOST_FINDINGS:,} more findings: see `--format json`."
