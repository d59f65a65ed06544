"""The steps of a split as a script for psql: whole, in order, each with what it is for and whom it makes wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.costs import total
from gate.model.effects import Effect
from gate.model.errors import InvalidSql
from gate.model.steps import Backfill, Gather, StatementStep, Step, StepKind, Wait
from gate.model.units import about
from gate.report.prose import times
from gate.report.prose.words import clean, columns, one_line, wrapped
from gate.sql.layout import laid_out
from gate.sql.script import split_script

_PATIENT = frozenset({StepKind.CONCURRENT, StepKind.BATCH})
_MOST_RELATIONS = 3
_KEPT = "\n\t"


def script(steps: Iterable[Step], width: int) -> list[str]:
    """Lines that psql takes as they are; comments say the rest. A lock is waited for two seconds at most.

    What works beside others (an index built CONCURRENTLY, batches) may wait for old transactions as long as it takes.
    """
    all_steps = tuple(steps)
    is_long = any(map(_takes_long, all_steps))
    lines = ["SET statement_timeout = 0;"] if is_long else []
    timeout = ""
    for number, step in enumerate(all_steps, start=1):
        wanted = _lock_timeout(step) or timeout
        if number > 1:
            lines.append("")
        place = f"{number} of {len(all_steps)}: " if len(all_steps) > 1 else ""
        lines += _comment(f"{place}{step.why}", width)
        lines += _comment(_meanwhile(step), width, " " * 3)
        if wanted != timeout:
            lines.append(f"SET lock_timeout = {wanted};")
            timeout = wanted
        lines += _sql(step, width)
        if step.undo:
            lines += _comment(f"to take it back: {one_line(step.undo)}", width)
    return [*lines, "", "RESET lock_timeout; RESET statement_timeout;" if is_long else "RESET lock_timeout;"]


def listing(text: str, width: int) -> list[str]:
    """SQL that stands in a sentence's way out, or a list, within the width."""
    try:
        statements = [item.sql for item in split_script(_printable(text))]
    except InvalidSql:
        return wrapped(text, width)
    ends = [";"] * (len(statements) - 1) + [";" if text.rstrip().endswith(";") else ""]
    laid = (laid_out(statement + end, width, columns) for statement, end in zip(statements, ends, strict=True))
    return [line for lines in laid for line in lines]


def _takes_long(step: Step) -> bool:
    """Whether a timeout that the role may have would end it."""
    return not isinstance(step, StatementStep) or step.kind is not StepKind.CATALOG


def _lock_timeout(step: Step) -> str:
    match step:
        case StatementStep(kind=kind):
            return "0" if kind in _PATIENT else "'2s'"
        case Backfill():
            return "0"
        case Gather():
            return "'2s'"
        case _:
            return ""


def _sql(step: Step, width: int) -> Iterator[str]:
    """The statement, or the statements of one transaction in a block."""
    text = _printable(step.sql).strip().rstrip(";")
    if text != step.sql.strip().rstrip(";"):
        yield "-- characters that a terminal would obey are shown as ?: take this one from --format json"
    statements = [item.sql for item in split_script(text)]
    is_block = len(statements) > 1 and isinstance(step, StatementStep) and step.is_transactional
    if is_block:
        yield "BEGIN;"
    for statement in statements:
        yield from laid_out(statement + ";", width, columns)
    if is_block:
        yield "COMMIT;"


def _printable(text: str) -> str:
    return "".join(char if char in _KEPT else clean(char) for char in text)


def _comment(text: str, width: int, indent: str = " ") -> list[str]:
    return [f"--{line}" for line in wrapped(text, width - 2, indent, " " * 3)]


def _meanwhile(step: Step) -> str:
    """How long it takes, and who waits meanwhile."""
    if isinstance(step, Wait):
        return "again and again, until it returns no row"
    parts = []
    if isinstance(step, Backfill) and step.rows is not None:
        parts.append(f"about {about(step.rows)} rows in batches")
    if times.works(step.effects):
        parts.append(f"takes {times.duration(total(effect.seconds for effect in step.effects))}")
    return "; ".join([*parts, *_locks(step.effects), *_needs(step.effects)])


def _needs(effects: Iterable[Effect]) -> list[str]:
    needed = times.needs(effects)
    return [f"needs {needed}"] if needed else []


def _locks(effects: tuple[Effect, ...]) -> Iterator[str]:
    """Who waits, lock by lock; for work that nobody waits for, that."""
    blocking: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for effect in effects:
        if effect.shuts_out and not effect.is_new:
            blocking.setdefault((effect.lock.value, effect.shuts_out), []).append(effect.relation)
    how_long = "" if times.works(effects) else " for a moment"
    for (lock, shuts_out), relations in blocking.items():
        yield f"{lock} on {_listed(relations)}: {times.waits(shuts_out)}{how_long}"
    if not blocking:
        yield "nobody waits"


def _listed(relations: list[str]) -> str:
    shown = ", ".join(relations[:_MOST_RELATIONS])
    more = len(relations) - _MOST_RELATIONS
    return f"{shown} and {more} more" if more > 0 else shown
