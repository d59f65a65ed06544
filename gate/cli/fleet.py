"""`gate plan --fleet` and `gate release --fleet`: what is printed, and the exit code."""

from __future__ import annotations

from collections.abc import Sequence

from gate.app.fleet_members import check_options
from gate.app.request import Request
from gate.cli.last_words import failed
from gate.cli.output import look, write, write_what_was_done
from gate.cli.printing import Printing
from gate.cli.progress import Progress
from gate.cli.stderr import tell, warn
from gate.model.errors import Exit, UsageError
from gate.report.fleet import planned, released


def plan_fleet(request: Request, printings: Sequence[Printing]) -> Exit:
    """Plans all of them, prints, and says with which code to exit."""
    check_options(request)
    for each in printings:
        _check_format(each, planned.formats())
    from gate.app.fleet import plan_fleet as plan

    with Progress() as progress:
        answer = plan(request.heard_by(progress, warn))
    for each in printings:
        write(planned.render(each.format_name, answer, look(each.output, format_name=each.format_name)), each.output)
    if answer.exit is not Exit.DONE:
        from gate.report.fleet.words import headline

        failed(answer.exit, headline(answer))
    return answer.exit


def release_fleet(request: Request, printing: Printing) -> Exit:
    """Releases canary and waves, prints, and says with which code to exit."""
    check_options(request)
    _check_format(printing, released.formats())
    from gate.app.fleet_release import release_fleet as release

    done = release(request.heard_by(lambda text: tell(f"gate: {text}"), warn), tell)
    text = released.render(printing.format_name, done, look(printing.output, format_name=printing.format_name))
    write_what_was_done(text, printing.output)
    if done.exit is not Exit.DONE:
        from gate.report.fleet.released.text import headline

        failed(done.exit, headline(done), done.again)
    return done.exit


def _check_format(printing: Printing, known: Sequence[str]) -> None:
    if printing.format_name not in known:
        raise UsageError(
            f"a fleet has no format {printing.format_name}", remedy=f"--format takes one of: {', '.join(known)}"
        )
