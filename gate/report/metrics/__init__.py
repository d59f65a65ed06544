"""A run as metrics: gauges of the last release of each database, in Prometheus' text format.

A release is over before anybody asks: what is kept is how the last one went. Every family is there each time, so that
a push replaces all of the last one; only the last success stays until the next one. What was not measured is NaN.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gate.model.errors import Exit
from gate.model.program import UnitKind
from gate.model.run import Outcome, Run, State, UnitRun

LEAD = "# Written by gate release; what else is written here is lost.\n"
LAST_SUCCESS = "gate_release_last_success_timestamp_seconds"
_UNKNOWN = float("nan")
_OF_JOURNAL = (Outcome.RUNNING, Outcome.ABANDONED)
_SAMPLE = re.compile(r'(?P<name>[a-z_]+)\{database="(?P<database>(?:[^"\\]|\\.)*)"')

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Family:
    """A gauge: each sample is its labels, beside the database, and its value."""

    name: str
    about: str
    samples: tuple[tuple[Labels, float], ...]


def families(run: Run) -> tuple[Family, ...]:
    """All of them."""
    return tuple(
        Family(name=name, about=about, samples=tuple(samples)) for name, about, samples in (*_ends(run), *_work(run))
    )


def text(found: Sequence[Family], database: str, before: str = "") -> str:
    """The whole file; of `before` stays what it has of other databases, and the last success of this one."""
    kept = list(_kept(before, database, {family.name for family in found if family.samples}))
    lines: list[str] = []
    for family in found:
        own = [f"{family.name}{_labels(database, labels)} {_number(value)}" for labels, value in family.samples]
        others = [line for name, line in kept if name == family.name]
        if own or others:
            lines += [f"# HELP {family.name} {family.about}", f"# TYPE {family.name} gauge", *own, *others]
    return LEAD + "\n".join(lines) + "\n"


def is_ours(before: str) -> bool:
    """Whether the file may be written anew."""
    return not before.strip() or before.startswith(LEAD)


def _kept(before: str, database: str, replaced: set[str]) -> Iterator[tuple[str, str]]:
    own = _escaped(database)
    for line in before.splitlines():
        found = _SAMPLE.match(line)
        if found and (found["database"] != own or found["name"] == LAST_SUCCESS not in replaced):
            yield found["name"], line


# --- what is told -----------------------------------------------------------------------------------------------------

_Told = tuple[str, str, Iterable[tuple[Labels, float]]]


def _ends(run: Run) -> Iterator[_Told]:
    """How it ended, and when."""
    begun_s = _timestamp(run.started_at)
    ended_s = begun_s + run.seconds
    known: Labels = (("gate", run.gate), ("server", run.server_version), ("source", run.source))
    yield "gate_release_info", "What ran the last release, against what.", [(known, 1.0)]
    outcomes = [((("outcome", one.value),), float(one is run.outcome)) for one in Outcome if one not in _OF_JOURNAL]
    yield "gate_release_outcome", "How the last release ended: 1 for that outcome, 0 for all others.", outcomes
    yield "gate_release_exit_code", "The exit code of the last release.", [((), float(run.exit))]
    yield "gate_release_start_timestamp_seconds", "When the last release began.", [((), begun_s)]
    yield "gate_release_end_timestamp_seconds", "When the last release ended.", [((), ended_s)]
    yield (
        LAST_SUCCESS,
        "When a release ended well for the last time, with something to do or with nothing.",
        [((), ended_s)] if run.exit is Exit.DONE else [],
    )
    yield "gate_release_duration_seconds", "How long the last release took.", [((), run.seconds)]


def _work(run: Run) -> Iterator[_Told]:
    """What it did, and what others felt of it."""
    units = run.units
    migrations = [((("state", "done"),), float(len(run.migrations))), ((("state", "left"),), float(len(run.left)))]
    yield "gate_release_migrations", "Migrations of the last release, done and left.", migrations
    steps = [((("state", one.value),), float(sum(unit.state is one for unit in units))) for one in State]
    yield "gate_release_steps", "Steps that the last release came to, by what became of them.", steps
    longest_s = run.longest_blocked_s
    yield (
        "gate_release_longest_blocked_seconds",
        "How long anybody was kept waiting by one step of the last release, at most; NaN where nothing was measured.",
        [((), _UNKNOWN if longest_s is None else longest_s)],
    )
    waited_s = sum(unit.waited_s for unit in units)
    yield "gate_release_lock_wait_seconds", "How long the last release waited for locks.", [((), waited_s)]
    attempts = sum(unit.attempts for unit in units)
    yield "gate_release_attempts", "Tries of all steps of the last release.", [((), float(attempts))]
    rows = sum(unit.rows_done or 0 for unit in units if unit.kind == UnitKind.BACKFILL.value)
    yield "gate_release_backfilled_rows", "Rows that the last release filled in batches.", [((), float(rows))]
    yield "gate_release_step_seconds", "What the steps of the last release took, by their kind.", _took(units)
    yield (
        "gate_release_step_planned_seconds",
        "What the plan expected of those steps that it had an estimate for and that were done, by their kind.",
        _planned(units),
    )
    yield (
        "gate_release_step_actual_seconds",
        "What those same steps took: to be held against what was planned.",
        _took([unit for unit in units if _is_comparable(unit)]),
    )
    yield "gate_release_in_the_way", "Sessions that were in its way in the end.", [((), float(len(run.in_the_way)))]
    still = float(len(run.still_waiting))
    yield "gate_release_still_waiting", "Sessions that waited behind it, and had not got on in the end.", [((), still)]
    left = [(((name, value),), float(number)) for name, value, number in _leftovers(run)]
    yield "gate_release_leftovers", "What it left in the database, and whether that needs a person.", left
    failed = float(sum(bool(hook.problem) for hook in run.hooks))
    yield "gate_release_failed_hooks", "Hooks of the last release that did not work.", [((), failed)]


def _took(units: Sequence[UnitRun]) -> Iterator[tuple[Labels, float]]:
    for kind in UnitKind:
        yield (("kind", kind.value),), sum(unit.seconds or 0.0 for unit in units if unit.kind == kind.value)


def _planned(units: Sequence[UnitRun]) -> Iterator[tuple[Labels, float]]:
    for kind in UnitKind:
        planned = [unit.planned for unit in units if unit.kind == kind.value and _is_comparable(unit)]
        for bound in ("low", "likely", "high"):
            total_s = sum(getattr(seconds, bound) for seconds in planned)
            yield (("kind", kind.value), ("bound", bound)), total_s


def _is_comparable(unit: UnitRun) -> bool:
    return unit.planned is not None and unit.seconds is not None and unit.state is State.DONE


def _leftovers(run: Run) -> Iterator[tuple[str, str, int]]:
    for value in (True, False):
        number = sum(left.needs_person is value for left in run.leftovers)
        yield "needs_person", str(value).lower(), number


# --- the format -------------------------------------------------------------------------------------------------------


def _labels(database: str, more: Labels) -> str:
    told = (("database", database), *more)
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in told) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN, as the format writes it
        return "NaN"
    return str(int(value)) if float(value).is_integer() else repr(value)


def _timestamp(at: str) -> float:
    return datetime.fromisoformat(at).astimezone(UTC).timestamp()
