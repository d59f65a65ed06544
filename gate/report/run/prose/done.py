"""What ran, what it took, what is left: migration by migration, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gate.model.run import Act, Run, State, UnitRun
from gate.model.units import lasting, plural
from gate.report import Look
from gate.report.prose.words import one_line, painted, wrapped
from gate.report.run.prose.ending import paths
from gate.report.run.prose.others import brief

_MOST_MIGRATIONS = 15
_MOST_STEPS = 12
_WORTH_TELLING_S = 0.0095
_WORTH_COMPARING_S = 1.0
_LONG_WAIT_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A migration with its units, in order."""

    id: str
    path: str | None
    units: tuple[UnitRun, ...]

    @property
    def name(self) -> str:
        """Its path, with its id where that does not stand in it."""
        if self.path is None:
            return one_line(self.id)
        return one_line(self.path if self.id in self.path else f"{self.path} ({self.id})")

    @property
    def seconds(self) -> float | None:
        """What its units took; None where none was run."""
        known = [unit.seconds for unit in self.units if unit.seconds is not None]
        return sum(known) if known else None


def ran(run: Run, names: Iterable[str]) -> list[Ran]:
    """The migrations of these names with their units; a plan knows the path of one that was not begun."""
    by_name: dict[str, list[UnitRun]] = {name: [] for name in names}
    for unit in run.units:
        if unit.migration in by_name:
            by_name[unit.migration].append(unit)
    known = paths(run)
    return [Ran(id=name, path=known.get(name), units=tuple(units)) for name, units in by_name.items()]


def done(run: Run, look: Look) -> list[str]:
    """What ran; of many migrations those that took the longest."""
    finished = ran(run, run.migrations)
    if not finished:
        return []
    longest = sorted(finished, key=lambda item: item.seconds or 0.0, reverse=True)[:_MOST_MIGRATIONS]
    shown = {item.id for item in longest}
    lines = [painted("Done", "bold", look.is_coloured)]
    for item in finished:
        if item.id in shown:
            lines += _migration(item, look)
    others = [item for item in finished if item.id not in shown]
    if others:
        took = sum(item.seconds or 0.0 for item in others)
        lines.append(f"  and {plural(len(others), 'more migration')}, {lasting(took)} together")
    return lines


def _migration(item: Ran, look: Look) -> Iterator[str]:
    took = f"  {lasting(item.seconds)}" if item.seconds is not None else ""
    yield from wrapped(f"{item.name}{took}", look.width, "  ", "    ")
    if len(item.units) == 1:
        for text in told(item.units[0]):
            yield from wrapped(text, look.width, "    ", "      ")
    else:
        yield from steps(item.units, look)


def steps(units: Sequence[UnitRun], look: Look) -> Iterator[str]:
    """A line for each, with its time, and what else there is to say of it."""
    times = [lasting(unit.seconds) if unit.seconds is not None else "" for unit in units]
    width = max(map(len, times[:_MOST_STEPS]), default=0)
    digits = len(str(len(units)))
    for unit, time in zip(units[:_MOST_STEPS], times, strict=False):
        lead = f"    {unit.ordinal:>{digits}}  {time:>{width}}  "
        yield from wrapped(
            lead.lstrip() + purpose(unit), look.width, " " * (len(lead) - len(lead.lstrip())), " " * len(lead)
        )
        for text in told(unit):
            yield from wrapped(text, look.width, " " * len(lead), " " * (len(lead) + 2))
    if len(units) > _MOST_STEPS:
        yield f"    and {plural(len(units) - _MOST_STEPS, 'more step')}: see --format json"


def purpose(unit: UnitRun) -> str:
    """What it is for, else its SQL."""
    return one_line(unit.why or unit.sql)


def told(unit: UnitRun) -> Iterator[str]:
    """How long others waited, what it waited for itself, and its note; only what is worth a line."""
    parts = []
    if unit.blocked_s is not None and unit.blocked_s >= _WORTH_TELLING_S:
        parts.append(f"others waited {lasting(unit.blocked_s)} at most")
    if unit.rows_done is not None:
        # Of batches many are tried again: that is how they give way.
        parts.append(plural(unit.rows_done, "row"))
    elif unit.waited_s >= _LONG_WAIT_S or unit.attempts > 1:
        parts.append(_waited(unit))
    if unit.planned is not None and (unit.seconds or 0.0) > max(unit.planned.high, _WORTH_COMPARING_S):
        parts.append(f"the plan expected {lasting(unit.planned.high)} at most")
    if parts:
        yield "; ".join(parts)
    if unit.note:
        yield one_line(unit.note)


def _waited(unit: UnitRun) -> str:
    tries = f"{plural(unit.attempts, 'try', 'tries')}"
    behind = f", for {brief(unit.in_the_way[0])}" if unit.in_the_way else ""
    if unit.waited_s < _WORTH_TELLING_S:
        return tries
    return f"waited {lasting(unit.waited_s)} for its locks ({tries}){behind}"


def left(run: Run, look: Look, heading: str) -> list[str]:
    """What is not done, and where the next run goes on."""
    items = ran(run, run.left)
    if not items:
        return []
    lines = [painted(line, "bold", look.is_coloured) for line in wrapped(heading, look.width)]
    for item in items[:_MOST_MIGRATIONS]:
        lines += wrapped(f"{item.name}: {standing(item)}", look.width, "  ", "    ")
    if len(items) > _MOST_MIGRATIONS:
        lines.append(f"  and {plural(len(items) - _MOST_MIGRATIONS, 'more migration')}")
    return lines


def standing(item: Ran) -> str:
    """`not begun`, or with what the next run goes on."""
    states = {unit.state for unit in item.units}
    if State.FAILED in states:
        failed = next(unit for unit in item.units if unit.state is State.FAILED)
        taken_back = ", what was done before is taken back" if State.UNDONE in states else ""
        return f"failed at step {failed.ordinal}{taken_back}"
    if State.UNDONE in states:
        return "what was done of it is taken back"
    following = next((unit for unit in item.units if unit.state is not State.DONE), None)
    if following is None:
        return f"goes on after step {item.units[-1].ordinal}" if item.units else "not begun"
    rows = f", {plural(following.rows_done, 'row')} done" if following.rows_done else ""
    if states == {State.WAITING} and following.ordinal == 1 and not rows:
        return "not begun"
    return f"goes on with step {following.ordinal}: {purpose(following)}{rows}"


PAST = {"cancel": "cancelled", "terminate": "terminated"}


def acted(act: Act) -> str:
    """`03:05:09 terminated pid 4711 (...): why`."""
    who = f" ({one_line(act.who)})" if act.who else ""
    failed = "" if act.has_worked else "; it did not obey"
    return f"{act.at[11:19]} {PAST[act.how]} pid {act.backend.pid}{who}: {one_line(act.why)}{failed}"
