"""Touches to effects: one per relation, under the name it had before, with the strongest lock and all work."""

from __future__ import annotations

from collections.abc import Iterable

from gate.model.catalog import Relation
from gate.model.effects import Effect, Touch
from gate.model.snapshot import Snapshot
from gate.model.work import Work, combined

_REPORTED = frozenset("rpfmvS")


def effects(touches: Iterable[Touch], before: Snapshot) -> tuple[Effect, ...]:
    """What the statement does to each relation that existed before it; indexes, temporary and system ones left out."""
    merged: dict[int, Touch] = {}
    for touch in touches:
        known = merged.get(touch.relation)
        merged[touch.relation] = touch if known is None else _both(known, touch)
    found = ((before.relations.get(oid), touch) for oid, touch in merged.items())
    made = [_effect(relation, touch) for relation, touch in found if relation is not None and _is_reported(relation)]
    return tuple(sorted(made, key=lambda item: (-item.lock.strength, item.relation)))


def _both(one: Touch, other: Touch) -> Touch:
    return Touch(
        one.relation,
        max(one.lock, other.lock),
        one.work | other.work,
        tuple(dict.fromkeys((*one.loses, *other.loses))),
        one.shuts_out_readers or other.shuts_out_readers,
    )


def _is_reported(relation: Relation) -> bool:
    return relation.kind in _REPORTED and not relation.is_temporary and not relation.is_system


def _effect(relation: Relation, touch: Touch) -> Effect:
    work = touch.work if relation.kind in "rmf" else frozenset[Work]()
    shuts_out = touch.lock.shuts_out
    if touch.shuts_out_readers and "reads" not in shuts_out:
        shuts_out = ("reads", *shuts_out)
    traffic = relation.traffic
    return Effect(
        oid=relation.oid,
        schema=relation.schema,
        name=relation.name,
        kind=relation.kind,
        lock=touch.lock,
        work=combined(work),
        shuts_out=shuts_out,
        loses_statistics=touch.loses,
        rows=relation.rows,
        size_bytes=relation.total_bytes,
        is_new=relation.oid < 0,
        is_known_empty=relation.is_known_empty,
        scans_per_s=traffic.scans_per_s if traffic else None,
        writes_per_s=traffic.writes_per_s if traffic else None,
        index_builds=len(relation.indexes),
    )
