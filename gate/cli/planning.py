"""What `gate plan` does once its arguments are read, by whichever reader."""

from __future__ import annotations

from gate.app.plan import plan
from gate.app.request import Request
from gate.cli.output import look, write
from gate.cli.progress import Progress
from gate.cli.stderr import warn
from gate.model.errors import Exit, UsageError
from gate.model.plan import Verdict
from gate.report import formats, render


def run(request: Request, *, format_name: str, output: str | None) -> Exit:
    """Plans, prints, and says with which code to exit."""
    if format_name not in formats():
        raise UsageError(f"no format is called {format_name}", remedy=f"--format takes one of: {', '.join(formats())}")
    with Progress() as progress:
        answer = plan(request.heard_by(progress, warn))
    write(render(format_name, answer, look(output, format_name=format_name)), output)
    return Exit.REFUSED if answer.verdict is Verdict.REFUSE else Exit.DONE
