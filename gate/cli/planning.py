"""What `gate plan` does once its arguments are read, by whichever reader."""

from __future__ import annotations

from collections.abc import Sequence

from gate.app.databases import names, plan_each
from gate.app.mode import is_off, who_says
from gate.app.plan import plan
from gate.app.request import Request
from gate.app.settings import load
from gate.cli.also import printings
from gate.cli.last_words import planned
from gate.cli.output import look, write
from gate.cli.printing import Printing
from gate.cli.progress import Progress
from gate.cli.stderr import tell, warn
from gate.model.errors import Exit, GateError
from gate.model.plan import Mode, Plan, Verdict
from gate.model.version import VERSION
from gate.report import Look, render


def run(request: Request, printing: Printing) -> Exit:
    """Plans, prints, and says with which code to exit."""
    wanted_formats = printings(printing)
    settings = None if is_off() else load(request)
    if settings is None or settings.policy.mode is Mode.OFF:
        return max(map(_say_off, wanted_formats))
    if request.is_about_a_fleet:
        from gate.cli.fleet import plan_fleet

        return plan_fleet(request, wanted_formats)
    wanted = names(request, settings)
    if wanted:
        return _run_several(request, wanted_formats, wanted)
    with Progress() as progress:
        answer = plan(request.heard_by(progress, warn))
    for each in wanted_formats:
        write(render(each.format_name, answer, _look(each)), each.output)
    code = _exit((answer,))
    planned(answer, code)
    return code


def _run_several(request: Request, wanted_formats: Sequence[Printing], wanted: Sequence[str]) -> Exit:
    """In order; the first that fails is the last."""
    from gate.cli.several import rendered

    done: list[tuple[str, Plan]] = []
    failed: GateError | None = None
    with Progress() as progress:
        try:
            for name, answer in plan_each(request.heard_by(progress, warn), tuple(wanted)):
                done.append((name, answer))
                if _is_refused(answer):
                    break
        except GateError as error:
            failed = error
    left = wanted[len(done) :]
    for each in wanted_formats if done else ():
        write(rendered(each.format_name, done, left, _look(each), has_failed=failed is not None), each.output)
    if failed is not None:
        tell(f"gate: database {left[0]}:")
        raise failed
    return _exit(tuple(answer for _, answer in done))


def _look(printing: Printing) -> Look:
    return look(printing.output, format_name=printing.format_name, shows_rows=printing.shows_rows)


def _is_refused(answer: Plan) -> bool:
    return answer.verdict is Verdict.REFUSE and answer.mode is Mode.ENFORCE


def _exit(answers: Sequence[Plan]) -> Exit:
    if any(map(_is_refused, answers)):
        return Exit.REFUSED
    if any(answer.verdict is Verdict.REFUSE for answer in answers):
        tell(f"gate: OBSERVE: would be refused, and is let pass ({who_says()})")
    return Exit.DONE


def _say_off(printing: Printing) -> Exit:
    """Nothing was looked at: neither a verdict nor an empty document may pretend otherwise."""
    said = f"gate is off ({who_says()}): nothing was judged"
    if printing.format_name == "json":
        write(f'{{"schema": 1, "gate": "{VERSION}", "mode": "off"}}\n', printing.output)
    if printing.format_name in ("text", "markdown"):
        write(f"{said}\n", printing.output)
    else:
        tell(said)
    return Exit.DONE
