"""A run for a job's summary: what happened, whom it hurt, the way out; short.

Names and texts come from files and databases: none of them may become markup, a link or a mention.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gate.model.run import InTheWay, Leftover, Outcome, Run
from gate.model.units import lasting, plural
from gate.report import Look
from gate.report import render as render_plan
from gate.report.markdown import code, fenced, prose
from gate.report.run.prose import done
from gate.report.run.prose.ending import BEFORE_IT_BEGAN, failure, felt, headline, judged, where, word
from gate.report.run.prose.others import behind, claim, doing, way_out

_MOST_MIGRATIONS = 15
_MOST_OTHERS = 5


def render(run: Run, look: Look) -> str:
    """The whole report; blocks are parted by empty lines."""
    return "\n\n".join(block for block in _blocks(run, look) if block) + "\n"


def _blocks(run: Run, look: Look) -> Iterator[str]:
    plan = judged(run)
    if plan is not None:
        yield render_plan("markdown", plan, look).rstrip("\n")
    yield f"## {word(run)}: {prose(headline(run))}"
    if run.took_up:
        yield prose(f"took up run {run.took_up}, which had not finished")
    yield from _failure(run, look)
    if run.remedy:
        yield f"**Way out:** {prose(run.remedy)}"
    yield _others("In the way", run.in_the_way, are_victims=False)
    yield from _leftovers(run)
    yield _migrations(run)
    yield _others("Waited behind gate, and has not got on since it is gone", run.still_waiting, are_victims=True)
    yield _remarks(run)
    if plan is None and run.outcome is not Outcome.NOTHING_PENDING:
        yield _foot(run)


def _failure(run: Run, look: Look) -> Iterator[str]:
    unit = failure(run)
    if unit is None:
        return
    if unit.sql:
        yield fenced(unit.sql, "sql")
    if unit.error and run.outcome is not Outcome.FAILED:
        yield prose(unit.error)
    if unit.detail and (look.shows_rows or not unit.detail_names_rows):
        yield f"Detail: {prose(unit.detail)}"
    if unit.hint:
        yield f"Hint: {prose(unit.hint)}"
    if unit.sqlstate:
        yield f"SQLSTATE {code(unit.sqlstate)}"


def _others(heading: str, others: Sequence[InTheWay], *, are_victims: bool) -> str:
    if not others:
        return ""
    lines = [f"**{heading}**", ""]
    for other in others[:_MOST_OTHERS]:
        words, sql = behind(other) if are_victims else way_out(other)
        known = [claim(other, "wants" if are_victims else "holds"), doing(other)]
        text = f"- {prose(', '.join(part for part in known if part))}"
        query = f": {code(other.query)}" if other.query else ""
        ends = f"; {prose(words)}" + (f": {code(sql)}" if sql else "") if words else ""
        lines.append(f"{text}{query}{ends}")
    if len(others) > _MOST_OTHERS:
        lines.append(f"- and {len(others) - _MOST_OTHERS:,} more")
    return "\n".join(lines)


def _leftovers(run: Run) -> Iterator[str]:
    for needs_person, heading in ((True, "Needs a person"), (False, "Stays until the next run")):
        items = [item for item in run.leftovers if item.needs_person is needs_person]
        if items:
            yield "\n".join([f"**{heading}**", "", *map(_leftover, items)])


def _leftover(item: Leftover) -> str:
    instead = "" if item.needs_person else " instead"
    return f"- {prose(item.what)}" + (f"; to take it away{instead}: {code(item.sql)}" if item.sql else "")


def _migrations(run: Run) -> str:
    """A row each; what is left comes first, for it is what has to be looked at."""
    left = done.ran(run, () if run.outcome in BEFORE_IT_BEGAN and not run.migrations else run.left)
    finished = done.ran(run, run.migrations)
    rows = [(item.name, done.standing(item), "") for item in left]
    rows += [(item.name, "done", lasting(item.seconds) if item.seconds is not None else "") for item in finished]
    if not rows:
        return ""
    lines = ["| migration | | took |", "|---|---|---:|"]
    lines += [
        f"| {code(name, in_table=True)} | {prose(state)} | {took} |" for name, state, took in rows[:_MOST_MIGRATIONS]
    ]
    more = len(rows) - _MOST_MIGRATIONS
    return "\n".join(lines) + (f"\n\nand {plural(more, 'more migration')}" if more > 0 else "")


def _remarks(run: Run) -> str:
    lines = [f"- {prose(done.acted(act))}" for act in run.acts if not act.is_own]
    told = ((hook, hook.problem or _sentence(hook.output)) for hook in run.hooks)
    lines += [f"- hook {hook.event} {code(hook.name)}: {prose(text)}" for hook, text in told if text]
    return "\n".join([*lines, *(f"- {prose(note)}" for note in run.notes)])


def _foot(run: Run) -> str:
    harm = f", {felt(run)}" if run.outcome is not Outcome.DONE and run.longest_blocked_s is not None else ""
    told = ", ".join(part for part in (f"run {run.id}", where(run), f"began {run.started_at}") if part)
    return prose(f"{told}, took {lasting(run.seconds)}{harm}; exit code {int(run.exit)}")


def _sentence(output: str) -> str:
    """What a hook says that it did; what it has printed at length is for the log."""
    return "" if "\n" in output.strip() else output.strip()
