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
    """Every row read, and looked for on the other side."""
    each = figures.joined_row_ns * _farness(key, world) * (_TEXT_FACTOR if _is_text(key, world) else 1.0)
    return spending(read_ns(extent, figures, columns=last_number(key.columns)) + extent.rows * each)


def _farness(key: _ForeignKey, world: Snapshot) -> float:
    """A look into a hash table that the processor's cache does not hold costs more: of one of 16 MB as stated."""
    sides = extents(world, family(world, key.referenced)) or []
    width = sum(width_of(column, world) for column in key.columns)
    hashed = sum(side.rows for side in sides) * (width + _HASH_HEAD)
    return min(max(hashed / _STATED_BYTES, 0.25), 2.0)


_STATED_BYTES = 16 * 2**20


def _hashed(extent: Extent, key: _ForeignKey, referring: list[Extent], figures: Figures, world: Snapshot) -> Amount:
    """Read and put into a hash table, once for each table that refers; what does not fit goes to disk."""
    each = figures.hashed_row_ns * (_TEXT_FACTOR if _is_text(key, world) else 1.0)
    width = sum(width_of(column, world) for column in key.columns)
    hashed, spilled = extent.rows * (width + _HASH_HEAD), 0.0
    if hashed > sort_bytes(world.server):
        spilled = len(referring) * hashed + sum(item.rows for item in referring) * (width + 16)
    once = read_ns(extent, figures, columns=1) + extent.rows * each
    return spending(once * len(referring) + spilled / PAGE * figures.spilled_page_ns, passing=spilled / len(referring))


def _is_text(key: _ForeignKey, world: Snapshot) -> bool:
    types = (base_type(column.type, world) for column in key.columns)
    return any(kind is not None and kind.length < 0 for kind in types)
