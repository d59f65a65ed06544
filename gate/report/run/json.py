"""The run as JSON: the contract that other programs rely on, described by `gate schema run`."""

from __future__ import annotations

from gate.model.run import Run
from gate.model.run_document import to_json
from gate.report import Look


def render(run: Run, look: Look) -> str:
    """The document, indented: it is read in release logs too."""
    return to_json(run, shows_rows=look.shows_rows) + "\n"
