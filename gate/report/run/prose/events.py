"""What is said while a run lasts: each event as lines without a prefix, one thought a line, nothing that steers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.model.costs import Seconds
from gate.model.plan import Mode, Verdict
from gate.model.run import State
from gate.model.units import about, lasting, plural, rate
from gate.report.prose import said
from gate.report.prose.words import one_line, shortened
from gate.report.run.prose.done import PAST, purpose, told
from gate.report.run.prose.others import brief, claim, way_out
from gate.run.telling import (
    Acted,
    Event,
    Judged,
    MigrationEnded,
    Progressed,
    Said,
    TookUp,
    Undoing,
    UnitBegan,
    UnitEnded,
    Waiting,
)

_MOST_WARNINGS = 5
_LONGEST_SQL = 100
_LONGEST_PROBLEM = 160
_LONG_S = 1.0
_VERDICTS = {Verdict.PASS: "green", Verdict.SPLIT: "yellow", Verdict.REFUSE: "red"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line; `colour` is for a terminal, empty where it needs none."""

    text: str
    colour: str = ""


def lines(event: Event, before: Event | None = None) -> Iterator[Line]:
    """Nothing where the event `before` it has said it already."""
    match event:
        case Judged():
            yield from _judged(event)
        case TookUp():
            yield _line(
                f"{event.migration}: an earlier run ({event.run}) has not finished it; goes on with step {event.at} of "
                f"{event.of}"
            )
        case UnitBegan():
            yield _line(_began(event))
        case Waiting():
            yield _line(_waiting(event), "yellow")
        case Progressed():
            yield _line(_progress(event), "yellow" if event.paused_for else "")
        case UnitEnded():
            yield from _ended(event)
        case MigrationEnded() if not (isinstance(before, UnitEnded) and before.of == 1):
            yield _line(f"{event.migration}: done in {lasting(event.seconds)}, and written down", "green")
        case Acted():
            yield _acted(event)
        case Undoing():
            yield _line(f"{event.migration} {event.at}: takes back: {shortened(event.sql, _LONGEST_SQL)}", "yellow")
        case Said():
            yield _line(event.text)
        case MigrationEnded():
            return


def _line(text: str, colour: str = "") -> Line:
    return Line(text=one_line(text), colour=colour)


# --- what is about to be run ------------------------------------------------------------------------------------------


def _judged(event: Judged) -> Iterator[Line]:
    """The verdict; what should be known although it is no reason to refuse follows in a line each."""
    word, text = said.headline(event.plan)
    budget = f"; {lasting(event.budget_s)} for all of it" if event.budget_s is not None else ""
    yield _line(f"{word}: {text}{budget}", _VERDICTS[event.plan.verdict])
    if event.plan.verdict is Verdict.REFUSE and event.plan.mode is Mode.ENFORCE:
        # The whole plan is printed at the end.
        return
    warnings = [item for item in said.harms(event.plan) if item.word in (said.WARN, said.REFUSE)]
    for item in warnings[:_MOST_WARNINGS]:
        head = f"{item.word} {item.place} {item.finding.rule}" if item.place else f"{item.word} {item.finding.rule}"
        yield _line(f"{head}: {shortened(item.finding.problem, _LONGEST_PROBLEM)}", "yellow")
    if len(warnings) > _MOST_WARNINGS:
        yield _line(f"and {plural(len(warnings) - _MOST_WARNINGS, 'more warning')}: see gate plan")


def _began(event: UnitBegan) -> str:
    place = f" ({event.path}{f':{event.line}' if event.line else ''})" if event.path else ""
    sql = f": {shortened(event.sql, _LONGEST_SQL)}" if event.sql else ""
    return f"{_step(event.migration, event.at, event.of)}: {event.why or 'runs'}{place}{_expected(event.seconds)}{sql}"


def _step(migration: str, at: int, of: int) -> str:
    return f"{migration} {at}/{of}"


def _expected(seconds: Seconds | None) -> str:
    if seconds is None or seconds.high < _LONG_S:
        return ""
    return f", about {lasting(seconds.likely)}, {lasting(seconds.high)} at most"


# --- while it lasts ---------------------------------------------------------------------------------------------------


def _waiting(event: Waiting) -> str:
    """Whom it waits for, how to end that one, and how long it will still try."""
    times = [f"{lasting(event.waited_s)} so far"] if event.waited_s >= _LONG_S else []
    if event.left_s is not None:
        times.append(f"{lasting(event.left_s)} more at most")
    known = f" ({', '.join(times)})" if times else ""
    parts = [f"{event.migration} {event.at}: waiting{known}: {event.what}"]
    if event.in_the_way:
        first = event.in_the_way[0]
        words, sql = way_out(first)
        parts.append(claim(first, called=brief(first)))
        if len(event.in_the_way) > 1:
            parts.append(f"{len(event.in_the_way) - 1:,} more in the way")
        # Last, so that it can be copied from the end of the line.
        parts.append(f"{words}: {sql}" if sql else words)
    return "; ".join(part for part in parts if part)


def _progress(event: Progressed) -> str:
    known = figures(event)
    return f"{event.migration} {event.at}: {event.what}{f': {known}' if known else ''}"


def figures(event: Progressed) -> str:
    """`42%, 3 min left, 1.2M rows, 20k/s`, and why it rests; what is not known is left out."""
    parts = [f"rests, for {event.paused_for}"] if event.paused_for else []
    if event.done is not None:
        parts.append(f"{event.done:.0%}")
    if event.left_s is not None:
        parts.append(f"{lasting(event.left_s)} left")
    if event.rows is not None:
        parts.append(f"{about(event.rows)} rows")
    if event.rows_per_s is not None:
        parts.append(rate(event.rows_per_s))
    return one_line(", ".join(parts))


# --- what became of it ------------------------------------------------------------------------------------------------


def _ended(event: UnitEnded) -> Iterator[Line]:
    unit = event.unit
    lead = _step(unit.migration, unit.ordinal, event.of)
    if unit.state is State.DONE:
        took = f" in {lasting(unit.seconds)}" if unit.seconds is not None else ""
        yield _line("; ".join([f"{lead}: done{took}", *told(unit)]))
        return
    if unit.state is State.UNDONE:
        yield _line(f"{lead}: taken back: {purpose(unit)}", "yellow")
        return
    sqlstate = f" (SQLSTATE {unit.sqlstate})" if unit.sqlstate and unit.sqlstate not in unit.error else ""
    error = f": {unit.error}{sqlstate}" if unit.error else ""
    is_failed = unit.state is State.FAILED
    yield _line(f"{lead}: {'failed' if is_failed else 'not done'}{error}", "red" if is_failed else "yellow")


def _acted(event: Acted) -> Line:
    act = event.act
    failed = "" if act.has_worked else "; it did not obey"
    whose = f"gate's own pid {act.backend.pid}" if act.is_own else f"pid {act.backend.pid}"
    who = f" ({act.who})" if act.who and not act.is_own else ""
    return _line(f"{PAST[act.how]} {whose}{who}: {act.why}{failed}", "" if act.is_own else "yellow")
