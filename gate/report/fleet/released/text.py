"""The release of a fleet for a person: what happened, who failed and why, who was not begun, how to go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gate.model.errors import Exit
from gate.model.fleet import FleetRun, Released
from gate.model.units import lasting
from gate.report import Look
from gate.report.fleet import listed
from gate.report.fleet.words import databases
from gate.report.prose.words import led, one_line, painted, wrapped

_WIDEST, _NARROWEST = 120, 60
_MOST_FAILED = 20
_MOST_REASONS = 3
_RETRY = (Exit.LOCK_NOT_ACQUIRED, Exit.ANOTHER_GATE, Exit.STOPPED_RESUMABLE, Exit.UNREACHABLE)


def render(fleet: FleetRun, look: Look) -> str:
    """The whole report."""
    look = replace(look, width=max(_NARROWEST, min(look.width, _WIDEST)))
    blocks = [block for block in _blocks(fleet, look) if block]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def word(fleet: FleetRun) -> str:
    """`DONE`, `STOPPED`, `FAILED`, `NOT ALL DONE`."""
    if fleet.exit is Exit.DONE:
        return "DONE"
    if fleet.is_stopped_by_signal:
        return "STOPPED"
    return "NOT ALL DONE" if fleet.exit in _RETRY else "FAILED"


def headline(fleet: FleetRun) -> str:
    """`12 databases: 9 done, 1 with nothing pending, 2 did not end well, 3 not begun`."""
    quiet = sum(one.is_nothing for one in fleet.released)
    done = len(fleet.released) - len(fleet.failed) - quiet
    counted = (
        (done, "done"),
        (quiet, "with nothing pending"),
        (len(fleet.failed), "not ended well"),
        (len(fleet.not_begun), "not begun"),
    )
    told = ", ".join(f"{number:,} {what}" for number, what in counted if number)
    share = f" (shard {fleet.shard.index} of {fleet.shard.of})" if fleet.shard is not None else ""
    return f"{databases(len(fleet.released) + len(fleet.not_begun))}{share}" + (f": {told}" if told else "")


def reasons(one: Released) -> tuple[str, ...]:
    """Why, in the words of its own run: of a plan that is refused its findings."""
    found = tuple(_refusals(one.document or {}))
    return found or (one_line(one.problem or one.outcome),)


def _refusals(document: Mapping[str, Any]) -> Iterator[str]:
    if document.get("exit_code") != Exit.REFUSED:
        return
    plan = document.get("plan") or {}
    about: list[tuple[str, Mapping[str, Any]]] = [("", finding) for finding in plan.get("findings") or ()]
    for migration in plan.get("migrations") or ():
        path = migration.get("path") or migration.get("id") or ""
        about += [(path, finding) for finding in migration["findings"]]
        for statement in migration["statements"]:
            about += [(f"{path}:{statement['line']}", finding) for finding in statement["findings"]]
    for place, finding in about:
        if finding["severity"] == "refuse" and finding["allowed_by"] is None:
            yield one_line(": ".join(part for part in (place, finding["rule"], finding["problem"]) if part))


def _blocks(fleet: FleetRun, look: Look) -> Iterator[list[str]]:
    yield led((word(fleet), "green" if fleet.exit is Exit.DONE else "red"), headline(fleet), look)
    yield _failed(fleet, look)
    yield _not_begun(fleet, look)
    yield _done(fleet, look)
    took = f"began {fleet.began_at}, took {lasting(fleet.seconds)}, from {one_line(fleet.fleet)}"
    yield wrapped(f"{took}; exit code {int(fleet.exit)}", look.width, hanging="  ")


def _failed(fleet: FleetRun, look: Look) -> list[str]:
    lines: list[str] = []
    for one in fleet.failed[:_MOST_FAILED]:
        canary = ", the canary" if fleet.has_canary and one.wave == 0 else ""
        head = f"{one.name}{canary}: {one.outcome}, exit code {int(one.exit)}, after {lasting(one.seconds)}"
        lines.append(painted(head, "bold", look.is_coloured))
        why = reasons(one)
        for reason in why[:_MOST_REASONS]:
            lines += wrapped(reason, look.width, "  ", "    ")
        if len(why) > _MOST_REASONS:
            lines.append(f"  and {len(why) - _MOST_REASONS:,} more")
        if one.remedy:
            lines += wrapped(f"way out: {one_line(one.remedy)}", look.width, "  ", "           ")
    more = [one.name for one in fleet.failed[_MOST_FAILED:]]
    return lines + (wrapped(f"and {listed(more)}", look.width) if more else [])


def _not_begun(fleet: FleetRun, look: Look) -> list[str]:
    lines: list[str] = []
    if fleet.not_begun:
        lines.append(painted(f"Not begun: {fleet.stopped}", "bold", look.is_coloured))
        lines += wrapped(listed(fleet.not_begun), look.width, "  ")
    if fleet.exit is not Exit.DONE or fleet.not_begun:
        lines += wrapped("to go on (what is done has nothing pending, what was begun is taken up):", look.width, "  ")
        lines.append(f"    {fleet.again}")
    return lines


def _done(fleet: FleetRun, look: Look) -> list[str]:
    well = [one for one in fleet.released if one.exit is Exit.DONE]
    told = Counter(one.outcome for one in well)
    return [
        line
        for outcome in told
        for line in wrapped(
            f"{outcome}: {listed([one.name for one in well if one.outcome == outcome])}", look.width, hanging="  "
        )
    ]
