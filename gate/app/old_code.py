"""Before a change that older code does not survive: whether such code is still running, as the platform tells.

The plan knows that a column goes, and somebody has allowed it because no code uses it any more. That holds for the
release that is current. It does not hold for a process of the one before, which a slow deploy has left running.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec

from gate.model.errors import GateError
from gate.model.evidence import OldCode
from gate.model.plan import Plan, Severity
from gate.model.run import Outcome
from gate.plan.known import all_rules
from gate.platforms.making import Around
from gate.platforms.preset import Platform
from gate.rules.in_use import is_about_old_code
from gate.run.halting import Halt
from gate.run.hooking import Left

_NAMED = 5
Ask = Callable[[Around, Left], OldCode | None]
"""What a platform's module has as `old_code`; None where it was told of no app, and cannot be asked."""


def is_asked_for(plan: Plan) -> bool:
    """Whether something of it harms older code, and goes ahead all the same."""
    known = {rule.name for rule in all_rules() if is_about_old_code(rule)}
    findings = (finding for statement in plan.statements for finding in statement.findings)
    return any(
        finding.rule in known and (finding.severity is not Severity.NOTE or finding.allowed_by) for finding in findings
    )


def evidence(platform: Platform, around: Around, left_s: Left) -> OldCode | None:
    """What the platform says; None where it is none that can be asked."""
    module = f"gate.platforms.{platform.key}"
    if not platform.key or find_spec(module) is None:
        return None
    ask: Ask | None = getattr(import_module(module), "old_code", None)
    if ask is None:
        return None
    try:
        return ask(around, left_s)
    except GateError as error:
        return OldCode(is_running=None, current="", unknown=(str(error),))


def notes(found: OldCode | None) -> Iterable[str]:
    """What the report says of it, where it keeps nothing from being done."""
    if found is None:
        yield "whether older code is still running was not asked: gate was told of no platform that knows"
    elif found.is_running is None:
        why = "; ".join(found.unknown) or "the platform did not say"
        yield f"whether older code is still running is not known: {why}"
    else:
        yield f"no older code is running: the current release is {found.current}"


def check(found: OldCode | None) -> None:
    """Raises Halt where older code is running: what is about to be done would break it."""
    if found is None or not found.is_running:
        return
    named = "; ".join(found.who[:_NAMED]) + (f"; and {len(found.who) - _NAMED} more" if len(found.who) > _NAMED else "")
    raise Halt(
        Outcome.REFUSED,
        f"older code is still running, and this release takes away what it may use: {named}",
        remedy=f"the current release is {found.current}: wait until nothing older runs, then release again",
    )
