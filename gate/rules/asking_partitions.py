"""What a new partition asks of the rows: its own fit its bound, none of the default partition's belongs to it.

Source: PostgreSQL 18 `tablecmds.c` (ATExecAttachPartition, QueuePartitionConstraintValidation), `partbounds.c`
(check_default_partition_contents).
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import AttachPartition, Bound
from gate.model.catalog import Relation
from gate.model.checks import Check, Limit, OutsidePartition, Slice
from gate.model.snapshot import Snapshot
from gate.rules.bounds import implied
from gate.rules.doomed import default_partition
from gate.rules.fit_for_partition import key_names
from gate.rules.lookup import direct_children
from gate.rules.rows_of import has_rows, unasked
from gate.rules.terms_of import fields_of
from gate.sql.bounds import StoredBound, stored_bound

_INFINITE = {"minvalue": -1, "maxvalue": 1}


def attached(part: AttachPartition, parent: Relation, child: Relation, world: Snapshot) -> Iterator[Check]:
    """ATTACH PARTITION: the rows of the new one, and those of the default partition."""
    bound = part.bound or Bound(is_default=True)
    if has_rows(child) and not implied(bound, child, key_names(parent)):
        yield from _misfits(child, bound, parent, world)
    yield from beside_default(parent, bound, child.full_name, world)


def beside_default(parent: Relation, bound: Bound, partition: str, world: Snapshot) -> Iterator[Check]:
    """Rows of the default partition that a new one would have to take."""
    if bound.is_default:
        return
    for default in default_partition(world, parent.oid):
        taken = _slice(bound, parent)
        keys = key_names(parent)
        if not has_rows(default):
            continue
        if taken is None or not all(keys):
            yield unasked(default, f"rows that belong to {partition}", _NOT_PLAIN)
            continue
        yield OutsidePartition(
            relations=(default.oid, parent.oid),
            table=default.full_name,
            fields=fields_of(default, keys),
            keys=keys,
            parent=parent.oid,
            partition=partition,
            others=(taken,),
        )


_NOT_PLAIN = "the partition key is an expression, or a bound is no plain literal"


def _misfits(child: Relation, bound: Bound, parent: Relation, world: Snapshot) -> Iterator[Check]:
    keys = key_names(parent)
    mine = None if bound.is_default else _slice(bound, parent)
    others = _siblings(parent, world) if bound.is_default else ()
    if bound.is_default and others == ():
        return
    if others is None or (mine is None and not bound.is_default) or not all(keys):
        yield unasked(child, f"rows outside of the bound of {child.name}", _NOT_PLAIN)
        return
    yield OutsidePartition(
        relations=(child.oid, parent.oid),
        table=child.full_name,
        fields=fields_of(child, keys),
        keys=keys,
        parent=parent.oid,
        partition=child.full_name,
        bound=mine,
        others=others,
    )


def _siblings(parent: Relation, world: Snapshot) -> tuple[Slice, ...] | None:
    """The bounds of all other partitions; None where one of them cannot be told."""
    found = []
    for sibling in direct_children(world, parent):
        stored = stored_bound(sibling.partition_bound) if sibling.partition_bound else None
        taken = _stored_slice(stored) if stored is not None else None
        if taken is None:
            return None
        found.append(taken)
    return tuple(found)


def _slice(bound: Bound, parent: Relation) -> Slice | None:
    texts = (*bound.lower, *bound.upper, *bound.values)
    if any(text is None for text in texts) or parent.partition_strategy != bound.strategy:
        return None
    return Slice(
        strategy=bound.strategy,
        lower=tuple(_limit(text or "") for text in bound.lower),
        upper=tuple(_limit(text or "") for text in bound.upper),
        values=bound.values,
        modulus=bound.modulus,
        remainder=bound.remainder,
    )


def _limit(text: str) -> Limit:
    infinite = _INFINITE.get(text.lower(), 0)
    return Limit("" if infinite else text, infinite)


def _stored_slice(bound: StoredBound) -> Slice | None:
    limits, values = (*bound.lower, *bound.upper), bound.values
    if bound.is_default or any(cell.kind not in ("literal", *_INFINITE) for cell in limits):
        return None
    if any(cell.kind not in ("literal", "null") for cell in values):
        return None
    return Slice(
        strategy=bound.strategy,
        lower=tuple(Limit(cell.text, _INFINITE.get(cell.kind, 0)) for cell in bound.lower),
        upper=tuple(Limit(cell.text, _INFINITE.get(cell.kind, 0)) for cell in bound.upper),
        values=tuple(None if cell.kind == "null" else cell.text for cell in values),
        modulus=bound.modulus,
        remainder=bound.remainder,
    )
