"""What the server would check of every row of a partition: its own bound, and those of the tables above its parent.

Source: PostgreSQL 18 `tablecmds.c` (ATExecAttachPartition, DetachAddConstraintIfNeeded), `partcache.c`
(RelationGetPartitionQual).
"""

from __future__ import annotations

import re

from gate.model.actions import Cell
from gate.model.catalog import Relation
from gate.model.chosen_names import constraint_name
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.sql.bounds import stored_bound
from gate.sql.rewriting.partition_bounds import all_of, bound_check, is_keyed_by_column

_INTEGERS = frozenset({20, 21, 23})
_WHOLE = re.compile(r"\s*-?\d+\s*\Z")


def partition_check(world: Snapshot, parent: Relation, bound: str) -> str | None:
    """The CHECK that proves all of it; None where none certainly does. `bound` is FOR VALUES ... or DEFAULT."""
    found: list[str] = []
    child: Relation | None = None
    table: Relation | None = parent
    while table is not None:
        text = _own(world, table, bound, child)
        if text is None:
            return None
        found.append(text)
        if not table.is_partition:
            return all_of(found)
        child, bound = table, table.partition_bound or ""
        table = world.relations.get(table.parents[0]) if table.parents else None
    return None


def excluding_check(parent: Relation, bound: str) -> str | None:
    """The CHECK on the default partition of `parent` that proves that no row of it belongs to a new one."""
    if parent.partition_key is None or not _is_certain(parent, bound):
        return None
    return bound_check(parent.partition_key, Name(parent.name, parent.schema), bound, negated=True)


def detached_check_name(world: Snapshot, parent: Relation, child: Relation) -> str:
    """The check that DETACH PARTITION CONCURRENTLY leaves on the partition, named after its column if it has one."""
    columns: dict[str, None] = {}
    table: Relation | None = parent
    while table is not None:
        found = (table.column_number(number) for number in table.partition_columns)
        columns.update({column.name: None for column in found if column})
        above = table.parents[0] if table.is_partition and table.parents else 0
        table = world.relations.get(above)
    named = tuple(columns) if len(columns) == 1 else ()
    return constraint_name(world, child.schema, child.name, named, "check")


def _own(world: Snapshot, parent: Relation, bound: str, child: Relation | None) -> str | None:
    """That of one level; `child` is the partition that has the bound already."""
    beside = [world.relations.get(oid) for oid in parent.children if child is None or oid != child.oid]
    others = [item.partition_bound for item in beside if item is not None and not item.is_default_partition]
    if parent.partition_key is None or not bound or (None in beside or None in others):
        return None
    if not all(_is_certain(parent, text) for text in (bound, *others) if text):
        return None
    return bound_check(
        parent.partition_key, Name(parent.name, parent.schema), bound, [text for text in others if text is not None]
    )


def _is_certain(parent: Relation, bound: str) -> bool:
    """Whether the texts of the bound mean to a comparison what they mean to the server."""
    spec = stored_bound(bound)
    if spec is None:
        return False
    if spec.modulus:
        # Over a collation the call that is stored is never equal to the one that is written.
        columns = [parent.column_number(number) for number in parent.partition_keys]
        return is_keyed_by_column(parent.partition_key or "") and not any(
            column is None or column.collation for column in columns
        )
    return all(
        _fits(parent, place, cell) for cells in (spec.lower, spec.upper) for place, cell in enumerate(cells)
    ) and all(_fits(parent, 0, cell) for cell in spec.values)


def _fits(parent: Relation, place: int, cell: Cell) -> bool:
    """A literal with a fraction is rounded for an integer key."""
    column = parent.column_number(parent.partition_keys[place]) if place < len(parent.partition_keys) else None
    if cell.kind != "literal" or column is None or column.type not in _INTEGERS:
        return cell.kind in ("literal", "null", "minvalue", "maxvalue")
    return _WHOLE.match(cell.text) is not None
