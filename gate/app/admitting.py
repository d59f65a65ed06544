"""What of a plan may be run: held against its review, the verdict, the journal and the time, before anything is."""

from __future__ import annotations

from collections.abc import Sequence

from gate.app.expecting import differences, reviewed
from gate.app.judging import Judged
from gate.app.release import Releasing
from gate.app.weighing import rates_of
from gate.model.plan import Mode, Plan, Verdict
from gate.model.program import Program
from gate.model.rates import PastRun
from gate.model.run import Outcome
from gate.run.deadlines import does_not_fit, unknown_times
from gate.run.halting import Halt
from gate.run.journalling import Journal
from gate.run.programming import ToRun, programs
from gate.run.telling import Judged as JudgedEvent


def admitted(
    releasing: Releasing,
    judged: Judged,
    journal: Journal,
    *,
    now_s: float,
    settled: Sequence[str],
    history: tuple[PastRun, ...],
) -> tuple[Program, ...]:
    """The programs to run; `settled` are ids that no review has to name any more. Raises Halt for what must not be."""
    releasing.tell(JudgedEvent(plan=judged.plan, budget_s=releasing.deadlines.left_s(now_s)))
    _hold_against_review(releasing, judged.plan, settled)
    if judged.plan.verdict is Verdict.REFUSE and releasing.mode is Mode.ENFORCE:
        raise Halt(Outcome.REFUSED, "the plan is refused", remedy="each finding names its way out")
    pairs = zip(judged.plan.migrations, judged.migrations, strict=True)
    to_run = [ToRun(plan=plan, read=read) for plan, read in pairs]
    policy = releasing.settings.policy
    learned = rates_of(policy, history).learned
    made = programs(to_run, source=releasing.source.name, stall_s=policy.release.stall_s, learned=learned)
    _check_journal(journal, made)
    check_time(releasing, made, now_s)
    return made


def check_time(releasing: Releasing, made: Sequence[Program], now_s: float) -> None:
    """What by its high estimate does not fit what is left is not begun; what nobody can tell is noted."""
    left_s = releasing.deadlines.left_s(now_s)
    too_long = does_not_fit(made, left_s, releasing.platform.detached)
    if too_long is not None:
        raise Halt(Outcome.REFUSED, too_long, remedy="or give it more time here: --budget")
    unknown = unknown_times(made, left_s)
    releasing.notes += [unknown] if unknown is not None else []


def _hold_against_review(releasing: Releasing, plan: Plan, settled: Sequence[str]) -> None:
    name = releasing.request.expect
    if name is None:
        return
    found = differences(reviewed(name, releasing.settings.database), plan, settled=settled)
    if found:
        raise Halt(
            Outcome.REFUSED,
            f"this is not the plan that was reviewed in {name}: " + "; ".join(found[:10]),
            remedy=f"review the new plan: gate plan --format json -o {name}",
        )


def _check_journal(journal: Journal, made: Sequence[Program]) -> None:
    apart = [program.migration for program in made if not program.is_whole]
    if apart and not journal.keeps_programs:
        raise Halt(
            Outcome.REFUSED,
            f"{', '.join(apart)} is run step by step, and a journal in a file cannot say after a crash which of "
            "the steps are done",
            remedy="let the journal be in the database: leave out --journal",
        )
