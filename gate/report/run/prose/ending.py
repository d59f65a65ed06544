"""How a run ended, in a word and a line: what every format for people begins with."""

from __future__ import annotations

from gate.model.plan import Plan, Verdict
from gate.model.run import Outcome, Run, State, UnitRun
from gate.model.units import lasting, plural
from gate.report.prose.words import one_line

_NOT_A_MOMENT_S = 0.0005

_WORDS = {
    Outcome.NOTHING_PENDING: "DONE",
    Outcome.DONE: "DONE",
    Outcome.REFUSED: "REFUSED",
    Outcome.LOCK_NOT_ACQUIRED: "LOCK NOT ACQUIRED",
    Outcome.ANOTHER_GATE: "ANOTHER GATE",
    Outcome.STOPPED: "STOPPED",
    Outcome.NEEDS_PERSON: "NEEDS A PERSON",
    Outcome.FAILED: "FAILED",
    Outcome.UNREACHABLE: "UNREACHABLE",
    Outcome.RUNNING: "RUNNING",
    Outcome.ABANDONED: "ABANDONED",
}
_GOOD = (Outcome.NOTHING_PENDING, Outcome.DONE)
# What a later run mends by itself.
_MENDED = (Outcome.LOCK_NOT_ACQUIRED, Outcome.ANOTHER_GATE, Outcome.STOPPED, Outcome.RUNNING, Outcome.ABANDONED)

BEFORE_IT_BEGAN = (Outcome.NOTHING_PENDING, Outcome.REFUSED, Outcome.ANOTHER_GATE, Outcome.UNREACHABLE)
"""Nothing was run, unless an earlier run's work was taken up first."""


def word(run: Run) -> str:
    """`DONE`, `STOPPED`, ..."""
    return _WORDS[run.outcome]


def colour(run: Run) -> str:
    """Green, yellow where a later run mends it, else red."""
    if run.outcome in _GOOD:
        return "green"
    return "yellow" if run.outcome in _MENDED else "red"


def headline(run: Run) -> str:
    """What happened, in a line."""
    if run.outcome is Outcome.NOTHING_PENDING:
        return f"nothing is pending ({where(run)})"
    if run.outcome is Outcome.DONE:
        number = plural(len(run.migrations), "migration")
        return f"{number} for {one_line(run.database)} in {lasting(run.seconds)}; {felt(run)}"
    failed = failure(run) if run.outcome is Outcome.FAILED else None
    what = f"{place(run, failed)}: {one_line(failed.error)}" if failed is not None and failed.error else _problem(run)
    return f"{what}; {achieved(run)}"


def _problem(run: Run) -> str:
    if run.problem:
        problem = one_line(run.problem).rstrip(".;")
        # The word before it says that already.
        return problem.removeprefix("stopped: ").removeprefix("stopped ")
    return "its plan is refused" if run.outcome is Outcome.REFUSED else run.outcome.value


def judged(run: Run) -> Plan | None:
    """The plan that refused it, which is told as a plan is."""
    is_refused = run.outcome is Outcome.REFUSED and run.plan is not None and run.plan.verdict is Verdict.REFUSE
    return run.plan if is_refused else None


def failure(run: Run) -> UnitRun | None:
    """The unit that failed, the last where there are several."""
    return next((unit for unit in reversed(run.units) if unit.state is State.FAILED), None)


def felt(run: Run) -> str:
    """What others felt of it, at most."""
    longest_s = run.longest_blocked_s
    if longest_s is None:
        return "how long others waited was not measured"
    return f"others waited {lasting(longest_s)} at most" if longest_s >= _NOT_A_MOMENT_S else "nobody was seen waiting"


def achieved(run: Run) -> str:
    """`1 of 3 migrations done, 1 begun`; `nothing was changed` only where that is certain."""
    done, begun = len(run.migrations), _begun(run)
    if done or begun:
        counted = f"{done:,} of {plural(done + len(run.left), 'migration')} done"
        return f"{counted}, {begun:,} begun" if begun else counted
    if any(unit.state is State.UNDONE for unit in run.units):
        return "what was done is taken back"
    return "nothing was changed"


def _begun(run: Run) -> int:
    return len({unit.migration for unit in run.units if _has_changed(unit)} - set(run.migrations))


def _has_changed(unit: UnitRun) -> bool:
    """Whether something of it may be in the database: only a transaction that failed has left nothing for certain."""
    is_begun = unit.state in (State.DONE, State.BEGUN) or (unit.state is State.FAILED and unit.kind != "transaction")
    return is_begun or bool(unit.rows_done and unit.state is not State.UNDONE)


def where(run: Run) -> str:
    """`database shop, PostgreSQL 15.18, dbmate`: what is known of it."""
    parts = (
        f"database {one_line(run.database)}" if run.database else "",
        f"PostgreSQL {one_line(run.server_version)}" if run.server_version else "",
        one_line(run.source),
    )
    return ", ".join(part for part in parts if part)


def place(run: Run, unit: UnitRun) -> str:
    """`file:line`, as far as that is known."""
    name = one_line(paths(run).get(unit.migration) or unit.migration)
    return f"{name}:{unit.line}" if unit.line else name


def paths(run: Run) -> dict[str, str]:
    """The files of the migrations by their ids, from the plan, else from what was run."""
    planned = run.plan.migrations if run.plan is not None else ()
    known = [*((unit.migration, unit.path) for unit in run.units), *((item.id, item.path) for item in planned)]
    return {name: path for name, path in known if name is not None and path is not None}
