"""What `gate wait` does once its arguments are read, by whichever reader."""

from __future__ import annotations

from gate.app.request import Request, silent
from gate.cli import last_words
from gate.cli.output import look, write_what_was_done
from gate.cli.printing import Printing
from gate.cli.stderr import tell, warn
from gate.model.errors import Exit, UsageError


def run(request: Request, printing: Printing) -> Exit:
    """Waits, prints, and says with which code to exit."""
    from gate.app.wait import wait
    from gate.report.wait import formats, render
    from gate.run.arriving import Arrival

    if printing.format_name not in formats():
        raise UsageError(
            f"gate wait has no format {printing.format_name}",
            remedy=f"--format takes one of: {', '.join(formats())}",
        )
    if request.schema_at_least is None:
        raise UsageError(
            "what to wait for is not told",
            remedy="gate wait --schema-at-least ID, as the tool writes it down, or latest for all of a directory",
        )
    done = wait(request.heard_by(silent, warn), silent if printing.is_quiet else _say)
    if done.arrival is not Arrival.ARRIVED:
        last_words.failed(done.arrival.exit, done.problem, done.remedy)
    elif printing.is_quiet and printing.format_name == "text":
        return done.arrival.exit
    shown = look(printing.output, format_name=printing.format_name)
    write_what_was_done(render(printing.format_name, done, shown), printing.output)
    return done.arrival.exit


def _say(line: str) -> None:
    tell(f"gate: {' '.join(line.split())}")
