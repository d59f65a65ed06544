"""How `gate watch` ended, for the log of a deploy: what failed first, then what was done about it."""

from __future__ import annotations

from dataclasses import replace

from gate.model.run import Outcome
from gate.report import Look
from gate.report.prose.calls import hook_lines
from gate.report.prose.words import clean, led, one_line, wrapped
from gate.run.holding import Watched

_WIDEST, _NARROWEST = 120, 60
_LEAD = "  way out: "
_WORDS = {
    Outcome.DONE: ("HELD", "green"),
    Outcome.FAILED: ("FAILED", "red"),
    Outcome.NEEDS_PERSON: ("NEEDS A PERSON", "red"),
    Outcome.STOPPED: ("STOPPED", "yellow"),
    Outcome.UNREACHABLE: ("NOT KNOWN", "yellow"),
}


def render(watched: Watched, look: Look) -> str:
    """The whole report; one line where the release held."""
    look = replace(look, width=max(_NARROWEST, min(look.width, _WIDEST)))
    lines = led(_WORDS[watched.outcome], one_line(watched.problem), look)
    if watched.outcome is not Outcome.DONE:
        lines += [line for note in watched.notes for line in wrapped(clean(note), look.width, "  ", "    ")]
    lines += hook_lines(watched.hooks, look)
    if watched.remedy:
        lines += wrapped(clean(watched.remedy), look.width, _LEAD, " " * len(_LEAD))
    return "\n".join(lines) + "\n"
