"""Whether a migration's statements may run one by one at all: what only makes sense in one transaction stays in one."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.catalog import Relation
from gate.model.snapshot import Snapshot
from gate.plan.folding import FoldedMigration
from gate.splits.whole import forbids_splitting


def keeps_together(folded: FoldedMigration, *, spares_views: bool = False) -> str | None:
    """Why the migration must not be run in steps, in words that go on from `it cannot be split: `; None if it may.

    `spares_views`: those that it replaces go and come in one of the steps.
    """
    if not folded.statements:
        return None
    needs_whole = forbids_splitting(item.statement for item in folded.statements if item.statement is not None)
    if needs_whole is not None:
        return f"the migration uses {needs_whole}"
    if not folded.is_transactional:
        return None
    spared = ("v",) if spares_views else ()
    return next(_replaced(folded.statements[0].before, folded.after, spared), None)


def _replaced(before: Snapshot, after: Snapshot, spared: tuple[str, ...]) -> Iterator[str]:
    """What is there before and after, but is another object: between the steps it would be missing, or both.

    `spared` are the kinds of relation that are not looked at.
    """
    for (schema, name), oid in before.names.items():
        now = after.names.get((schema, name))
        if now is not None and now != oid and oid in before.relations and oid not in before.index_tables:
            if before.relations[oid].kind in spared:
                continue
            yield f"the migration replaces {schema}.{name}, which would be missing meanwhile"
    functions = {(item.schema, item.name, item.arguments): oid for oid, item in after.functions.items()}
    for oid, item in before.functions.items():
        if functions.get((item.schema, item.name, item.arguments), oid) != oid:
            yield f"the migration replaces the function {item.schema}.{item.name}, which would be missing meanwhile"
    for oid, relation in before.relations.items():
        later = after.relations.get(oid)
        if later is not None and later is not relation:
            yield from _parts_replaced(relation, later)


def _parts_replaced(before: Relation, after: Relation) -> Iterator[str]:
    parts = (
        ("the column", {item.name: item.number for item in before.columns}, after.columns, "number"),
        ("the trigger", {item.name: item.oid for item in before.triggers}, after.triggers, "oid"),
        ("the policy", {item.name: item.oid for item in before.policies}, after.policies, "oid"),
        ("the rule", {item.name: item.oid for item in before.rules}, after.rules, "oid"),
    )
    for what, known, now, key in parts:
        for item in now:
            if known.get(item.name, getattr(item, key)) != getattr(item, key):
                named = f"{what} {item.name} of {before.full_name}"
                yield f"the migration replaces {named}, which would be missing meanwhile"
