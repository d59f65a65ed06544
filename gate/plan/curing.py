"""The findings that a split takes away, and its steps; or why there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from textwrap import indent

from gate.model.actions import Statement
from gate.model.effects import Effect
from gate.model.plan import Finding, Severity, Verdict
from gate.model.steps import CannotSplit, Gather, Step
from gate.plan.folding import FoldedStatement
from gate.plan.splitting import Prices, alone, steps_of, works_under_lock
from gate.policy.policy import Policy, Splits

_AS_STEPS = "run it as the steps below: each commits before the next begins"
# To these it is enough that the statement has a transaction of its own.
_OF_ANOTHER_LOCK = frozenset({"lock-held-through-work", "waits-while-holding"})
# What the steps of a change of type see to by themselves.
_MADE_GOOD = {
    "statistics-lost": "nothing to do: the steps gather them before the new column takes the old one's place",
    "sequence-stays-integer": "nothing to do: the steps widen the sequence with its column",
}


def cured(
    item: FoldedStatement,
    effects: tuple[Effect, ...],
    findings: tuple[Finding, ...],
    together: Callable[[], str | None],
    policy: Policy,
    prices: Prices,
) -> tuple[tuple[Step, ...], tuple[Finding, ...]]:
    """The steps where a finding asks for them, and the findings with the way out that there is.

    `together` tells why the migration must not be taken apart, None if it may. What is refused for another reason is
    not run in steps either: then the findings say what would be done.
    """
    asking = [finding for finding in findings if finding.is_cured_by_split and finding.allowed_by is None]
    if not asking or item.statement is None:
        return (), findings
    if whole := together():
        reason = CannotSplit(whole)
        return (), tuple(_unsplit(finding, reason) if finding in asking else finding for finding in findings)
    try:
        steps = _steps(item, effects, asking, prices)
    except CannotSplit as reason:
        steps, findings, asking = _without_a_recipe(item, item.statement, effects, findings, asking, reason)
        if not steps:
            return (), findings
    is_run = policy.splits is Splits.AUTO and verdict(steps, findings) is Verdict.SPLIT
    way_out = _AS_STEPS if is_run else _by_hand(steps, policy)
    told = tuple(replace(finding, remedy=way_out) if finding in asking else finding for finding in findings)
    if is_run and any(isinstance(step, Gather) for step in steps):
        told = tuple(
            replace(finding, remedy=_MADE_GOOD[finding.rule]) if finding.rule in _MADE_GOOD else finding
            for finding in told
        )
    return (steps if is_run else ()), told


def _without_a_recipe(
    item: FoldedStatement,
    statement: Statement,
    effects: tuple[Effect, ...],
    findings: tuple[Finding, ...],
    asking: list[Finding],
    reason: CannotSplit,
) -> tuple[tuple[Step, ...], tuple[Finding, ...], list[Finding]]:
    """What cannot be split itself may still be better off by itself, where the harm is done to an earlier lock."""
    of_another = [finding for finding in asking if finding.rule in _OF_ANOTHER_LOCK]
    own = [finding for finding in asking if finding not in of_another]
    blamed = own or asking
    told = tuple(_unsplit(finding, reason) if finding in blamed else finding for finding in findings)
    weighty = any(finding.severity is not Severity.NOTE for finding in of_another)
    is_enough = all(finding.severity is not Severity.REFUSE for finding in own)
    if own and weighty and is_enough:
        return alone(item.sql, statement, effects, item.before), told, of_another
    return (), told, []


def verdict(steps: tuple[Step, ...], findings: tuple[Finding, ...]) -> Verdict:
    """Refused as soon as one finding refuses that no step takes away."""
    refused = [finding for finding in findings if finding.severity is Severity.REFUSE and finding.allowed_by is None]
    if any(not (steps and finding.is_cured_by_split) for finding in refused):
        return Verdict.REFUSE
    return Verdict.SPLIT if steps else Verdict.PASS


def _steps(
    item: FoldedStatement,
    effects: tuple[Effect, ...],
    asking: list[Finding],
    prices: Prices,
) -> tuple[Step, ...]:
    assert item.statement is not None
    is_of_another_lock = all(finding.rule in _OF_ANOTHER_LOCK for finding in asking)
    works_under_another = all(finding.rule in (*_OF_ANOTHER_LOCK, "works-under-blocking-lock") for finding in asking)
    if is_of_another_lock or (works_under_another and not works_under_lock(effects)):
        return alone(item.sql, item.statement, effects, item.before)
    return steps_of(item.sql, item.statement, item.before, prices)


def _by_hand(steps: tuple[Step, ...], policy: Policy) -> str:
    """The steps in words: where the policy wants them written by people, or something else is to be settled first."""
    lines = "\n".join(indent(f"{step.sql};", "  ") for step in steps)
    if policy.splits is Splits.REFUSE:
        return f"splits are turned off here, so write it as steps, each a migration of its own:\n{lines}"
    return f"once the rest is settled it can be run in steps:\n{lines}"


def _unsplit(finding: Finding, reason: CannotSplit) -> Finding:
    if finding.severity is Severity.NOTE:
        return finding
    return replace(
        finding,
        problem=f"{finding.problem}; it cannot be split: {reason.problem}",
        remedy=reason.remedy or finding.remedy,
    )
