"""Foreign keys held against the rows that are there: one anti-join for each table that refers.

Source: PostgreSQL 18 `ri_triggers.c` (RI_Initial_Check: one query with `maintenance_work_mem`, without workers). Either
side may be the one that is hashed; the key's is taken to be, as it has fewer rows as a rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.model.actions import AddColumn, AddConstraint, AttachPartition, ConstraintSpec, NamedPart, Part
from gate.model.catalog import Column, Constraint, Relation
from gate.model.rates import Figures
from gate.model.snapshot import Snapshot
from gate.plan.costs.amount import Amount, spending
from gate.plan.costs.extent import PAGE, Extent, base_type, width_of
from gate.plan.costs.indexing import read_ns
from gate.plan.costs.resources import sort_bytes
from gate.plan.costs.site import Site, columns_named, extents, family, last_number, named

# A hashed row's head, its slot in the table, and the allocation.
_HASH_HEAD = 48
_TEXT_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class _ForeignKey:
    """One that is validated: both sides, and the columns on the first."""

    referencing: Relation
    columns: tuple[Column, ...]
    referenced: Relation


def joined(parts: tuple[Part, ...], top: Relation, site: Site) -> tuple[Amount, ...] | None:
    """This relation's share of every foreign key that the parts validate; None where a size is unknown."""
    found: list[Amount] = []
    for key in _foreign_keys(parts, top, site.world):
        amounts = _shares(key, site)
        if amounts is None:
            return None
        found += amounts
    return tuple(found)


def _foreign_keys(parts: tuple[Part, ...], top: Relation, world: Snapshot) -> Iterator[_ForeignKey]:
    for part in parts:
        match part:
            case AddConstraint(spec=spec) if spec.kind == "f" and spec.is_valid:
                yield from _written(spec, top, world)
            case AddColumn(spec=column):
                for spec in column.constraints:
                    if spec.kind == "f":
                        yield from _written(spec, top, world)
            case NamedPart(what="ValidateConstraint" | "AlterConstraint", name=name):
                constraint = top.constraint(name or "")
                if constraint is not None:
                    yield from _present(constraint, top, world)
            case AttachPartition(child=child):
                attached = named(world, child)
                for constraint in top.constraints if attached is not None else ():
                    if attached is not None:
                        yield from _present(constraint, attached, world)
            case _:
                pass


def _written(spec: ConstraintSpec, top: Relation, world: Snapshot) -> Iterator[_ForeignKey]:
    referenced = named(world, spec.referenced)
    if referenced is not None:
        yield _ForeignKey(top, tuple(columns_named(top, spec.columns)), referenced)


def _present(constraint: Constraint, table: Relation, world: Snapshot) -> Iterator[_ForeignKey]:
    referenced = world.relations.get(constraint.referenced)
    if constraint.kind == "f" and referenced is not None:
        columns = (table.column_number(number) for number in constraint.columns)
        yield _ForeignKey(table, tuple(column for column in columns if column), referenced)


def _shares(key: _ForeignKey, site: Site) -> list[Amount] | None:
    world, figures, own = site.world, site.figures, site.relation.oid
    referring = extents(world, family(world, key.referencing) if key.referencing.kind == "p" else (key.referencing,))
    referred = extents(world, family(world, key.referenced))
    if referring is None or referred is None:
        return None
    shares = []
    if any(extent.relation.oid == own for extent in referring):
        shares.append(_looked_up(site.extent, key, figures, world))
    if any(extent.relation.oid == own for extent in referred):
        shares.append(_hashed(site.extent, key, referring, figures, world))
    return shares


def _looked_up(extent: Extent, key: _ForeignKey, figures: Figures, world: Snapshot) -> Amount:
    sides = extents(world, family(world, key.referenced)) or []
    return looked_up(
        extent,
        figures,
        hashed=hashed_bytes(sum(side.rows for side in sides), _width(key, world)),
        columns=last_number(key.columns),
        is_text=_is_text(key, world),
    )


def looked_up(extent: Extent, figures: Figures, *, hashed: float, columns: int = 1, is_text: bool = False) -> Amount:
    """Every row read, and looked for in a hash table of so many bytes: one that the processor's cache does not hold
    takes longer.
    """
    farness = min(0.25 + 0.75 * hashed / _STATED_BYTES, 2.5)
    each = figures.joined_row_ns * farness * (_TEXT_FACTOR if is_text else 1.0)
    return spending(read_ns(extent, figures, columns=columns) + extent.rows * each)


# `joined_row_ns` is stated for a hash table of this size.
_STATED_BYTES = 14 * 2**20


def hashed_bytes(rows: float, width: float) -> float:
    """The hash table of so many keys."""
    return rows * (width + _HASH_HEAD)


def _hashed(extent: Extent, key: _ForeignKey, referring: list[Extent], figures: Figures, world: Snapshot) -> Amount:
    """Once for each table that refers; what does not fit in memory goes to disk, of both sides."""
    width, spilled = _width(key, world), 0.0
    size = hashed_bytes(extent.rows, width)
    if size > sort_bytes(world.server):
        spilled = len(referring) * size + sum(item.rows for item in referring) * (width + 16)
    once = hashed(extent, figures, is_text=_is_text(key, world))
    disk = spending(spilled / PAGE * figures.spilled_page_ns, passing=spilled / max(len(referring), 1))
    return once.times(len(referring)) + disk


def hashed(extent: Extent, figures: Figures, *, is_text: bool = False) -> Amount:
    """Every row read and put into a hash table."""
    each = figures.hashed_row_ns * (_TEXT_FACTOR if is_text else 1.0)
    return spending(read_ns(extent, figures, columns=1) + extent.rows * each)


def _width(key: _ForeignKey, world: Snapshot) -> float:
    return sum(width_of(column, world) for column in key.columns)


def _is_text(key: _ForeignKey, world: Snapshot) -> bool:
    types = (base_type(column.type, world) for column in key.columns)
    return any(kind is not None and kind.length < 0 for kind in types)
