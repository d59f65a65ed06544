"""The release of a fleet for a job's summary."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.errors import Exit
from gate.model.fleet import FleetRun
from gate.report import Look
from gate.report.fleet import listed
from gate.report.fleet.released.text import headline, reasons, word
from gate.report.markdown import fenced, prose

_MOST_FAILED = 20
_MOST_REASONS = 3


def render(fleet: FleetRun, look: Look) -> str:  # noqa: ARG001 - as every format
    """The whole report; blocks are parted by empty lines."""
    return "\n\n".join(block for block in _blocks(fleet) if block) + "\n"


def _blocks(fleet: FleetRun) -> Iterator[str]:
    yield f"## {word(fleet)}: {prose(headline(fleet))}"
    for one in fleet.failed[:_MOST_FAILED]:
        why = "; ".join(prose(reason) for reason in reasons(one)[:_MOST_REASONS])
        yield f"- **{prose(one.name)}**: {one.outcome}, exit code {int(one.exit)}: {why}"
    more = [one.name for one in fleet.failed[_MOST_FAILED:]]
    if more:
        yield f"- and {prose(listed(more))}"
    if fleet.not_begun:
        yield f"**Not begun** ({prose(fleet.stopped)}): {prose(listed(fleet.not_begun))}"
    if fleet.exit is not Exit.DONE or fleet.not_begun:
        yield fenced(fleet.again, "sh")
