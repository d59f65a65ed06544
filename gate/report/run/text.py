"""A run for a person, at a terminal or in a release log: what happened, whom it hurt, the way out, then the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.run import HookRun, Outcome, Run, State, UnitRun
from gate.model.units import lasting, plural
from gate.report import Look
from gate.report import render as render_plan
from gate.report.prose.words import clean, led, one_line, painted, shortened, wrapped
from gate.report.run.prose import done, others
from gate.report.run.prose.ending import BEFORE_IT_BEGAN, colour, failure, felt, headline, judged, place, where, word

_WIDEST, _NARROWEST = 120, 60
_MOST_ACTS = 10
_MOST_OUTPUT_LINES = 5
_LEAD = "  way out: "
_HANGING = " " * len(_LEAD)
_HIDDEN = "it names a row, which is shown at a terminal, or with --show-rows"


def render(run: Run, look: Look) -> str:
    """The whole report; a plan that is refused is told as `gate plan` tells it."""
    look = replace(look, width=max(_NARROWEST, min(look.width, _WIDEST)))
    blocks = ["\n".join(block) for block in _blocks(run, look) if block]
    return "\n\n".join(blocks) + "\n"


def _blocks(run: Run, look: Look) -> Iterator[list[str]]:
    plan = judged(run)
    if plan is not None:
        yield render_plan("text", plan, look).splitlines()
    yield [*_head(run, look), *_failure(run, look), *_way_out(run, look)]
    yield others.block("In the way", run.in_the_way, look)
    yield _retry(run, look)
    yield _leftovers(run, look)
    if run.outcome not in BEFORE_IT_BEGAN or run.migrations:
        yield done.left(run, look, _LEFT.get(run.outcome, "Not done"))
    yield _undone(run, look)
    yield done.done(run, look)
    yield from _rest(run, look)
    is_quiet = plan is not None or run.outcome is Outcome.NOTHING_PENDING
    yield [*_notes(run, look), *([] if is_quiet else _foot(run, look))]


def _rest(run: Run, look: Look) -> Iterator[list[str]]:
    yield others.block(_STILL, run.still_waiting, look, are_victims=True)
    yield _acts(run, look)
    yield _hooks(run, look)


_LEFT = {
    Outcome.STOPPED: "Left, and taken up by the next gate release by itself",
    Outcome.ABANDONED: "Left, and taken up by the next gate release by itself",
    Outcome.LOCK_NOT_ACQUIRED: "Left, and taken up by the next gate release by itself",
    Outcome.FAILED: "Not done",
}
_STILL = "Waited behind gate, and has not got on since it is gone"


# --- what happened, and the way out -----------------------------------------------------------------------------------


def _head(run: Run, look: Look) -> list[str]:
    lines = led((word(run), colour(run)), headline(run), look)
    if run.took_up:
        lines += wrapped(f"took up run {run.took_up}, which had not finished", look.width, "  ")
    return lines


def _failure(run: Run, look: Look) -> Iterator[str]:
    """The statement, and all that the server said of it."""
    unit = failure(run)
    if unit is None:
        return
    if unit.sql:
        yield "  " + painted(shortened(unit.sql, look.width - 2), "dim", look.is_coloured)
    if run.outcome is not Outcome.FAILED and unit.error:
        yield from wrapped(f"{place(run, unit)}: {one_line(unit.error)}", look.width, "  ", "    ")
    # The run's problem is mostly the server's own words, which the first line has told, and the SQLSTATE.
    if run.outcome is Outcome.FAILED and unit.error and not run.problem.startswith(unit.error):
        yield from wrapped(one_line(run.problem), look.width, "  ", "    ")
    detail = unit.detail if look.shows_rows or not unit.detail_names_rows else _HIDDEN
    sqlstate = unit.sqlstate if unit.sqlstate not in unit.error else ""
    for lead, text in (("detail: ", unit.detail and detail), ("hint: ", unit.hint), ("SQLSTATE ", sqlstate)):
        if text:
            yield from wrapped(f"{lead}{one_line(text)}", look.width, "  ", "    ")


def _way_out(run: Run, look: Look) -> Iterator[str]:
    lead = _LEAD
    for line in run.remedy.splitlines():
        yield from wrapped(line, look.width, lead, _HANGING)
        lead = _HANGING


def _retry(run: Run, look: Look) -> list[str]:
    """What somebody who is woken at night has to know first: whether to do anything at all."""
    if run.outcome is Outcome.LOCK_NOT_ACQUIRED:
        tried = next((unit for unit in run.units if unit.state is not State.DONE and unit.attempts), None)
        return wrapped(f"{_tried(tried)}A retry makes sense: gate release goes on where this run ended.", look.width)
    if run.outcome is Outcome.UNREACHABLE:
        return wrapped("A retry makes sense.", look.width)
    return []


def _tried(unit: UnitRun | None) -> str:
    if unit is None:
        return ""
    harm = ""
    if unit.blocked_s is not None:
        harm = f", and others waited {lasting(unit.blocked_s)} at most"
    return f"It was tried {plural(unit.attempts, 'time')} in {lasting(unit.waited_s)}{harm}. "


# --- what stays -------------------------------------------------------------------------------------------------------


def _leftovers(run: Run, look: Look) -> list[str]:
    """What a person has to do first, then what the next run does."""
    lines: list[str] = []
    for needs_person, heading in ((True, "Needs a person"), (False, "Stays in the database until the next run")):
        items = [item for item in run.leftovers if item.needs_person is needs_person]
        if items:
            lines.append(painted(heading, "bold", look.is_coloured))
        for item in items:
            lines += wrapped(one_line(item.what), look.width, "  ", "    ")
            if item.sql:
                lines += _code(
                    item.sql, look.width, "to take it away: " if needs_person else "to take it away instead: "
                )
    return lines


def _code(sql: str, width: int, lead: str) -> list[str]:
    """One line where it fits, else as it is laid out."""
    if len(sql) + len(lead) + 4 <= width and "\n" not in sql:
        return [f"    {lead}{clean(sql)}"]
    from gate.report.prose.pasting import listing

    return [f"    {lead.rstrip()}", *(f"      {line}" for line in listing(sql, width - 6))]


def _undone(run: Run, look: Look) -> list[str]:
    taken_back = [unit for unit in run.units if unit.state is State.UNDONE]
    if not taken_back:
        return []
    lines = [painted("Taken back", "bold", look.is_coloured)]
    for unit in taken_back:
        lines += wrapped(f"{place(run, unit)}: {done.purpose(unit)}", look.width, "  ", "    ")
    return lines


# --- what was done to others, and by hooks ----------------------------------------------------------------------------


def _acts(run: Run, look: Look) -> list[str]:
    """Every session of somebody else's; of gate's own only how many, and why."""
    foreign = [act for act in run.acts if not act.is_own]
    own = [act for act in run.acts if act.is_own]
    lines: list[str] = []
    if foreign:
        lines.append(painted("Ended by gate, as the policy has it", "bold", look.is_coloured))
    for act in foreign[:_MOST_ACTS]:
        lines += wrapped(done.acted(act), look.width, "  ", "    ")
    if len(foreign) > _MOST_ACTS:
        lines.append(f"  and {len(foreign) - _MOST_ACTS:,} more: see --format json")
    for how, why, works in dict.fromkeys((act.how, act.why, act.has_worked) for act in own):
        number = sum((act.how, act.why, act.has_worked) == (how, why, works) for act in own)
        times = "" if number == 1 else f" {number:,} times"
        failed = "" if works else "; it did not obey"
        lines += wrapped(
            f"gate {done.PAST[how]} its own backend{times}: {one_line(why)}{failed}", look.width, hanging="  "
        )
    return lines


def _hooks(run: Run, look: Look) -> list[str]:
    """Those that failed with what they wrote, those that say what they did in a sentence, the others in a line."""
    lines: list[str] = []
    for hook in run.hooks:
        if _is_told(hook):
            lines += wrapped(
                f"hook {hook.event} {one_line(hook.name)}: {one_line(hook.output)}", look.width, hanging="  "
            )
        if hook.problem:
            lines += wrapped(
                f"hook {hook.event} {one_line(hook.name)}: {one_line(hook.problem)}", look.width, hanging="  "
            )
            written = [line for line in hook.output.splitlines() if line.strip()]
            lines += ["    " + shortened(line, look.width - 4) for line in written[-_MOST_OUTPUT_LINES:]]
    quiet = [hook for hook in run.hooks if not hook.problem and not _is_told(hook)]
    called = [f"{hook.event} {one_line(hook.name)} ({lasting(hook.seconds)})" for hook in quiet]
    if called:
        lines += wrapped(f"hooks: {', '.join(called)}", look.width, hanging="  ")
    return lines


def _is_told(hook: HookRun) -> bool:
    return not hook.problem and bool(hook.output.strip()) and "\n" not in hook.output.strip()


def _notes(run: Run, look: Look) -> list[str]:
    return [line for note in run.notes for line in wrapped(f"note: {note}", look.width, hanging="      ")]


def _foot(run: Run, look: Look) -> list[str]:
    told = ", ".join(part for part in (f"run {run.id}", where(run), f"began {run.started_at}") if part)
    took = f"took {lasting(run.seconds)}"
    if run.budget_s is not None:
        took += f" of a budget of {lasting(run.budget_s)}"
    if phases := ", ".join(f"{phase} {lasting(took_s)}" for phase, took_s in _phases(run)):
        took += f" ({phases})"
    harm = f", {felt(run)}" if run.outcome is not Outcome.DONE and run.longest_blocked_s is not None else ""
    return wrapped(f"{told}, {took}{harm}; exit code {int(run.exit)}", look.width, hanging="  ")


def _phases(run: Run) -> Iterator[tuple[str, float]]:
    """What the time went by with: looking, the steps, hooks; the rest is connecting and the journal."""
    yield from run.plan.timings if run.plan is not None else ()
    steps_s = sum(unit.seconds or 0.0 for unit in run.units)
    hooks_s = sum(hook.seconds for hook in run.hooks)
    yield from ((phase, took_s) for phase, took_s in (("steps", steps_s), ("hooks", hooks_s)) if took_s)
