"""What `gate release` does once its arguments are read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeAlias

from gate.app.databases import names
from gate.app.metrics import emit
from gate.app.mode import who_says
from gate.app.request import Request, silent
from gate.app.settings import load
from gate.cli.last_words import run_ended
from gate.cli.live import Telling, teller
from gate.cli.output import check, look, write_what_was_done
from gate.cli.printing import Printing
from gate.cli.stderr import tell, warn
from gate.model.errors import Exit, GateError, UsageError
from gate.model.fleet import PARENT
from gate.model.plan import Mode, Verdict
from gate.model.run import Run
from gate.model.run_document import document
from gate.model.version import VERSION
from gate.report import Look
from gate.report.run import formats, render
from gate.run.telling import Said, Tell

Releases: TypeAlias = Callable[[Request, Tell], Run]


def _release(request: Request, tell: Tell) -> Run:
    from gate.app.release import release

    return release(request, tell)


def run(request: Request, printing: Printing, releases: Releases = _release) -> Exit:
    """Releases, prints, and says with which code to exit."""
    if printing.format_name not in formats():
        raise UsageError(
            f"gate release has no format {printing.format_name}",
            remedy=f"--format takes one of: {', '.join(formats())}",
        )
    check(printing.output)
    if request.is_about_a_fleet:
        from gate.cli.fleet import release_fleet

        return release_fleet(request, printing)
    if os.environ.get(PARENT):
        from gate.cli.fleet_member import end_with_the_fleet

        end_with_the_fleet()
    settings = load(request)
    wanted = names(request, settings)
    if wanted:
        return _run_several(request, printing, wanted, releases)
    done = _heard(request, releases)
    write_what_was_done(render(printing.format_name, done, _look(printing)), printing.output)
    run_ended(done)
    emit(done, settings, warn)
    return _exit(done)


def _heard(request: Request, releases: Releases) -> Run:
    with Telling(teller()) as telling:
        return releases(request.heard_by(silent, lambda text: telling(Said(text=f"warning: {text}"))), telling)


def _run_several(request: Request, printing: Printing, wanted: Sequence[str], releases: Releases) -> Exit:
    """In order; the first that does not end well is the last."""
    done: list[tuple[str, Run]] = []
    try:
        for name in wanted:
            tell(f"gate: database {name}:")
            done.append((name, _heard(replace(request, database=name), releases)))
            if done[-1][1].exit is not Exit.DONE:
                break
    except GateError:
        _write_several(printing, done, wanted[len(done) :])
        raise
    _write_several(printing, done, wanted[len(done) :])
    for name, ended in done:
        emit(ended, load(replace(request, database=name)), warn)
    return _exit(done[-1][1])


def _write_several(printing: Printing, done: Sequence[tuple[str, Run]], left: Sequence[str]) -> None:
    """One after the other with a heading; one document where a document was asked for."""
    shown = _look(printing)
    if printing.format_name == "json":
        text = json.dumps(_document(done, left, shown), indent=2, ensure_ascii=False) + "\n"
        write_what_was_done(text, printing.output)
        return
    lead = {"text": "== {name} ==\n\n", "markdown": "# {name}\n\n"}[printing.format_name]
    parts = [lead.format(name=name) + render(printing.format_name, run, shown) for name, run in done]
    if left:
        parts.append(f"not released, for the one before did not end well: {', '.join(left)}\n")
    write_what_was_done("\n".join(parts), printing.output)


def _document(done: Sequence[tuple[str, Run]], left: Sequence[str], shown: Look) -> dict[str, Any]:
    return {
        "schema": 1,
        "gate": VERSION,
        "databases": [{"name": name, **document(run, shows_rows=shown.shows_rows)} for name, run in done],
        "not_released": list(left),
    }


def _look(printing: Printing) -> Look:
    return look(printing.output, format_name=printing.format_name, shows_rows=printing.shows_rows)


def _exit(done: Run) -> Exit:
    plan = done.plan
    if plan is not None and plan.mode is Mode.OBSERVE and plan.verdict is Verdict.REFUSE:
        with suppress(BrokenPipeError):
            tell(f"gate: OBSERVE: would be refused, and was let pass ({who_says()})")
    return done.exit
