"""Views that a migration drops before it changes a column's type and makes again afterwards.

Run one by one they would be missing for as long as the rows are filled. So the steps that prepare the change come
first, beside the views as they are; the views go and come in the transaction of the exchange, which is short.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.model.actions import AlterTable, CreateView, Drop, Grant, OnObject, SetType, TransactionControl
from gate.model.effects import Effect
from gate.model.plan import Finding, Severity, StatementPlan, Verdict
from gate.model.steps import Gather, StatementStep, Step
from gate.plan.folding import FoldedMigration, FoldedStatement


@dataclass(frozen=True, kw_only=True)
class Around:
    """Places in the migration: the change of a type, and what is done in the transaction of its exchange."""

    change: int
    before: tuple[int, ...]
    after: tuple[int, ...]


def around_a_type(folded: FoldedMigration) -> Around | None:
    """What the whole migration consists of, where it is no more than that."""
    actions = [(place, item) for place, item in enumerate(folded.statements) if not _is_control(item)]
    changes = [place for place, item in actions if _changes_type(item)]
    if len(changes) != 1:
        return None
    change = changes[0]
    earlier = [(place, item) for place, item in actions if place < change]
    later = [(place, item) for place, item in actions if place > change]
    if not earlier or not all(_drops_views(item) for _, item in earlier) or not all(_makes(item) for _, item in later):
        return None
    return Around(change=change, before=tuple(place for place, _ in earlier), after=tuple(place for place, _ in later))


def with_views(folded: FoldedMigration, found: Around, statements: list[StatementPlan]) -> list[StatementPlan] | None:
    """The plans with the views in the exchange; None where the type is not changed in steps."""
    planned = statements[found.change]
    if not _is_exchanged(planned):
        return None
    shown, run = [item.sql for item in statements], [item.sql for item in folded.statements]
    changed = list(statements)
    changed[found.change] = replace(
        planned,
        steps=_joined(planned.steps, found, shown, statements),
        to_run=_joined(planned.to_run, found, run, statements),
    )
    for place in (*found.before, *found.after):
        changed[place] = _with_another(statements[place], planned.line)
    return changed


def _joined(steps: tuple[Step, ...], found: Around, texts: list[str], plans: list[StatementPlan]) -> tuple[Step, ...]:
    *first, last = steps
    whole = (*(texts[place] for place in found.before), last.sql, *(texts[place] for place in found.after))
    effects = _merged(*(plans[place].effects for place in found.before), last.effects)
    why = f"{last.why}; the views that use it go and come again in the same transaction"
    return (*first, replace(last, sql="; ".join(whole), why=why, effects=effects))


def _merged(*groups: tuple[Effect, ...]) -> tuple[Effect, ...]:
    found: dict[str, Effect] = {}
    for effect in (effect for group in groups for effect in group):
        known = found.get(effect.relation)
        if known is None or effect.lock > known.lock:
            found[effect.relation] = effect
    return tuple(sorted(found.values(), key=lambda effect: (-effect.lock.strength, effect.relation)))


def _with_another(planned: StatementPlan, line: int) -> StatementPlan:
    finding = Finding(
        rule="done-with-another",
        severity=Severity.NOTE,
        problem=f"it is run in the last step of line {line}: between them the view would be missing",
        remedy="nothing to do",
    )
    return replace(planned, verdict=Verdict.SPLIT, steps=(), to_run=(), findings=(*planned.findings, finding))


def _is_exchanged(planned: StatementPlan) -> bool:
    last = planned.to_run[-1] if planned.to_run else None
    return (
        isinstance(last, StatementStep) and last.is_final and any(isinstance(item, Gather) for item in planned.to_run)
    )


def _is_control(item: FoldedStatement) -> bool:
    return item.statement is not None and isinstance(item.statement.action, TransactionControl)


def _changes_type(item: FoldedStatement) -> bool:
    action = item.statement.action if item.statement is not None else None
    return isinstance(action, AlterTable) and len(action.parts) == 1 and isinstance(action.parts[0], SetType)


def _drops_views(item: FoldedStatement) -> bool:
    action = item.statement.action if item.statement is not None else None
    return isinstance(action, Drop) and action.object == "view" and not action.cascade


def _makes(item: FoldedStatement) -> bool:
    match item.statement.action if item.statement is not None else None:
        case CreateView(persistence="p") | Grant(object="table"):
            return True
        case OnObject(what="comment" | "owner", object="view" | "column"):
            return True
        case _:
            return False
