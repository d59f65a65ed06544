"""The partitions of a table in the order in which the server goes through them, by their bounds.

Source: PostgreSQL 18 `partdesc.c`, `partbounds.c` (partition_bounds_create): the default partition comes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gate.model.actions import Cell
from gate.model.catalog import Relation
from gate.model.snapshot import Snapshot
from gate.sql.bounds import stored_bound

_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")


def in_order(world: Snapshot, table: Relation) -> tuple[Relation, ...]:
    """The direct ones."""
    found = [world.relations[oid] for oid in table.children if oid in world.relations]
    return tuple(sorted(found, key=_place))


def below(world: Snapshot, table: Relation) -> tuple[Relation, ...]:
    """All of them, each before its own."""
    return tuple(item for child in in_order(world, table) for item in (child, *below(world, child)))


_Key = tuple[tuple[int, float, str], ...]


def _place(table: Relation) -> tuple[bool, _Key, int]:
    bound = stored_bound(table.partition_bound or "")
    if bound is None or bound.is_default:
        return True, (), abs(table.oid)
    if bound.modulus:
        return False, ((0, bound.modulus, ""), (0, bound.remainder, "")), 0
    return False, _key(bound.lower) if bound.lower else min((_key([cell]) for cell in bound.values), default=()), 0


def _key(cells: Iterable[Cell]) -> _Key:
    """Numbers by value, anything else by its text: dates are printed so that this is their order."""
    return tuple(_one(cell) for cell in cells)


def _one(cell: Cell) -> tuple[int, float, str]:
    if cell.kind == "minvalue":
        return 0, 0.0, ""
    if cell.kind == "maxvalue":
        return 3, 0.0, ""
    text = cell.text
    return (1, float(text), "") if _NUMBER.match(text) else (2, 0.0, text)
