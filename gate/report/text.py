"""The plan for a person, at a terminal or in a release log: the verdict, the harm, the way out, then the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.plan import Plan, Verdict
from gate.model.units import lasting, size
from gate.report import Look
from gate.report.prose import said, times
from gate.report.prose.words import led, painted, wrapped

_COLOURS = {Verdict.PASS: "green", Verdict.SPLIT: "yellow", Verdict.REFUSE: "red"}
_WIDEST, _NARROWEST = 120, 60


def render(plan: Plan, look: Look) -> str:
    """The whole report."""
    look = replace(look, width=max(_NARROWEST, min(look.width, _WIDEST)))
    blocks = [block for block in _blocks(plan, look) if block]
    gap = "\n\n" if len(blocks) > 2 or plan.migrations else "\n"
    return gap.join("\n".join(block) for block in blocks) + "\n"


def _blocks(plan: Plan, look: Look) -> Iterator[list[str]]:
    yield _head(plan, look)
    if plan.migrations or plan.findings:
        yield from _judgement(plan, look)
    yield _unknown(plan, look)
    yield _notes(plan, look)
    yield _foot(plan, look)


def _judgement(plan: Plan, look: Look) -> Iterator[list[str]]:
    # Imported here: where nothing is pending there is nothing to tell.
    from gate.report.prose import blockers, findings, migrations, steps

    yield from findings.blocks(said.harms(plan), look)
    yield blockers.block(plan.blockers, look)
    yield from steps.blocks(plan, look)
    yield from findings.blocks(said.remarks(plan), look)
    yield from migrations.blocks(plan.migrations, look)
    yield _disk(plan, look)


def _head(plan: Plan, look: Look) -> list[str]:
    word, text = said.headline(plan)
    return led((word, _COLOURS[plan.verdict]), text, look)


def _disk(plan: Plan, look: Look) -> list[str]:
    """What is left on the disk, where something is pending that needs much of it."""
    if not any(times.needs(statement.effects) for statement in plan.statements):
        return []
    if plan.free_disk_bytes is None:
        return wrapped("how much disk the server has left is not known from here", look.width)
    return wrapped(f"the server's disk has {size(plan.free_disk_bytes)} left", look.width)


def _unknown(plan: Plan, look: Look) -> list[str]:
    lines = [painted("Could not be read", "bold", look.is_coloured)] if plan.unknown else []
    for item in plan.unknown:
        lines += wrapped(f"{item.what}: {item.why}", look.width, "  ")
        if item.remedy:
            lines += wrapped(item.remedy, look.width, "    ")
    return lines


def _notes(plan: Plan, look: Look) -> list[str]:
    return [line for note in plan.notes for line in wrapped(f"note: {note}", look.width, hanging="      ")]


def _foot(plan: Plan, look: Look) -> list[str]:
    """Where and when, how long each phase took, and how much of it all was understood."""
    if not plan.migrations:
        return [said.coverage(plan)]
    lines = wrapped(f"{said.where(plan)}, read at {plan.taken_at}", look.width, hanging="  ")
    if plan.timings:
        phases = ", ".join(f"{phase} {lasting(took_s)}" for phase, took_s in plan.timings)
        took = f"took {lasting(sum(took_s for _, took_s in plan.timings))}: {phases}"
        lines += [painted(line, "dim", look.is_coloured) for line in wrapped(took, look.width, hanging="  ")]
    return [*lines, said.coverage(plan)]
