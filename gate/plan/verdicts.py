"""The verdict until there is a policy: long work under a blocking lock, a certain error, anything not understood."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gate.model.actions import Action
from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.plan import Finding, Severity
from gate.model.units import about, size
from gate.model.work import Work
from gate.plan.remedies import remedy

_COMMIT = "commit before this statement: put it in a migration of its own"
_LONG = frozenset({Work.VALIDATION_SCAN, Work.INDEX_BUILD, Work.REWRITE})
_WORDS = {Work.VALIDATION_SCAN: "reads every row of", Work.INDEX_BUILD: "builds an index on", Work.REWRITE: "rewrites"}


def works_under_lock(
    action: Action, effects: Iterable[Effect], held: Mapping[str, tuple[LockMode, int]]
) -> list[Finding]:
    """A finding for each old, not known empty relation that long work meets under SHARE or stronger.

    `held` are locks that earlier statements of the transaction took, with their lines.
    """
    found = []
    for effect in effects:
        long = [kind for kind in effect.work if kind in _LONG]
        if long and not effect.is_new and not effect.is_known_empty:
            finding = _finding(action, effect, long, held.get(effect.relation))
            if finding is not None:
                found.append(finding)
    return found


def _finding(action: Action, effect: Effect, long: list[Work], held: tuple[LockMode, int] | None) -> Finding | None:
    lock, since, way_out = effect.lock, "", remedy(action)
    if held is not None and held[0] > lock:
        lock, since, way_out = held[0], f", held since line {held[1]}", _COMMIT
    if not lock >= LockMode.SHARE:
        return None
    shut = tuple(dict.fromkeys((*lock.shuts_out, *effect.shuts_out)))
    work = " and ".join(_WORDS[kind] for kind in long)
    return Finding(
        rule="works-under-blocking-lock",
        severity=Severity.REFUSE,
        problem=f"{work} {effect.relation}{_size(effect)} under {lock.value}{since}, "
        f"which shuts out {' and '.join(shut)}",
        remedy=way_out,
        relation=effect.relation,
    )


def _size(effect: Effect) -> str:
    parts = []
    if effect.size_bytes is not None:
        parts.append(size(effect.size_bytes))
    if effect.rows is not None:
        parts.append(f"about {about(effect.rows)} rows")
    return f" ({', '.join(parts)})" if parts else ""


def rejected(problem: str, remedy: str) -> Finding:
    """The server would answer with an error."""
    return Finding(
        rule="server-would-reject",
        severity=Severity.REFUSE,
        problem=f"PostgreSQL would reject it: {problem}",
        remedy=remedy or "correct the statement; as it stands the release fails here",
    )


def not_understood(problem: str, remedy: str) -> Finding:
    """Gate cannot know."""
    return Finding(
        rule="not-understood",
        severity=Severity.REFUSE,
        problem=f"gate cannot tell what it does: {problem}",
        remedy=remedy or "run it by hand at a quiet time, or write it in statements that gate knows",
    )
