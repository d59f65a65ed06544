"""How `gate wait` ended, for the log of an initContainer: one line where the schema is there, else why it is not."""

from __future__ import annotations

from dataclasses import replace

from gate.model.units import lasting
from gate.report import Look
from gate.report.prose.calls import hook_lines
from gate.report.prose.words import clean, led, one_line, wrapped
from gate.run.arriving import Arrival, Waited

_WIDEST, _NARROWEST = 120, 60
_LEAD = "  way out: "
_WORDS = {Arrival.TIMED_OUT: ("TIMED OUT", "red"), Arrival.JOB_FAILED: ("JOB FAILED", "red")}


def render(waited: Waited, look: Look) -> str:
    """The whole report."""
    look = replace(look, width=max(_NARROWEST, min(look.width, _WIDEST)))
    if waited.arrival is Arrival.ARRIVED:
        took = f", after {lasting(waited.seconds)}" if waited.seconds >= 1.0 else ""
        return "\n".join(led(("THERE", "green"), f"{_target(waited)} is applied{took}", look)) + "\n"
    lines = led(_WORDS[waited.arrival], one_line(waited.problem), look)
    lines += wrapped(clean(waited.remedy), look.width, _LEAD, " " * len(_LEAD))
    lines += hook_lines(waited.hooks, look)
    return "\n".join(lines) + "\n"


def _target(waited: Waited) -> str:
    what = "all of the directory" if waited.wanted == "latest" else one_line(waited.wanted)
    return f"{what} in {one_line(waited.database)}"
