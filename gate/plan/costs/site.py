"""One relation that a statement works on, with all that its cost depends on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gate.model.catalog import Column, Relation
from gate.model.effects import Effect
from gate.model.expressions import Comparison, Expression, NotNullOf
from gate.model.names import Name
from gate.model.rates import Figures
from gate.model.snapshot import Server, Snapshot
from gate.model.work import Work
from gate.plan.costs.extent import Extent, distinct_of, extent_of

UNKNOWN_SHARE = (0.02, 0.33, 1.0)
"""Of the rows that a condition takes of which nothing is known: low, likely (the planner's third), high."""


@dataclass(frozen=True, slots=True)
class Site:
    """`extent` is that of `relation`, and `effect` what the statement does to it."""

    effect: Effect
    relation: Relation
    extent: Extent
    world: Snapshot
    figures: Figures

    @property
    def server(self) -> Server:
        """The server's settings."""
        return self.world.server

    def does(self, work: Work) -> bool:
        """Whether the statement does this to it."""
        return work in self.effect.work


def named(world: Snapshot, name: Name | None) -> Relation | None:
    """The relation of that name, or the table of the index of that name."""
    oid = world.find(name) if name is not None else None
    return world.relation_of(oid) if oid is not None else None


def family(world: Snapshot, top: Relation | None) -> tuple[Relation, ...]:
    """The relation and all that inherits from it."""
    return () if top is None else tuple(_below(world, top, set()))


def _below(world: Snapshot, top: Relation, seen: set[int]) -> Iterator[Relation]:
    if top.oid in seen:
        return
    seen.add(top.oid)
    yield top
    for oid in top.children:
        if oid in world.relations:
            yield from _below(world, world.relations[oid], seen)


def extents(world: Snapshot, relations: Iterable[Relation]) -> list[Extent] | None:
    """Of those that have rows of their own; None as soon as one is unknown."""
    found = [extent_of(item, world) for item in relations if item.has_storage]
    known = [item for item in found if item is not None]
    return known if len(known) == len(found) else None


def columns_named(relation: Relation, names: Iterable[str | None]) -> list[Column]:
    """Those of the names that are columns."""
    return [column for name in names if name and (column := relation.column(name))]


def last_number(columns: Iterable[Column]) -> int:
    """How many columns of a row are taken apart to get at all of these."""
    return max((column.number for column in columns), default=1)


def share_of(where: Expression | None, extent: Extent) -> tuple[float, float, float]:
    """How many of the rows meet a condition: low, likely, high."""
    if where is None:
        return (1.0, 1.0, 1.0)
    relation = extent.relation
    if len(where.columns) == 1 and where.text == f"{where.columns[0]} IS NULL":
        column = relation.column(where.columns[0])
        if column is not None and column.gathered is not None:
            return _around(column.gathered.null_share)
    likely, is_known = 1.0, bool(where.conjuncts)
    for conjunct in where.conjuncts:
        column = relation.column(conjunct.column)
        share = _share(conjunct, column, extent.rows) if column is not None else None
        is_known = is_known and share is not None
        likely *= 0.33 if share is None else share
    return _around(likely) if is_known else UNKNOWN_SHARE


def _share(conjunct: NotNullOf | Comparison, column: Column, rows: float) -> float | None:
    if isinstance(conjunct, NotNullOf):
        return 1 - column.gathered.null_share if column.gathered else None
    if conjunct.operator != "=":
        return None
    distinct = distinct_of(column, rows)
    return 1 / distinct if distinct else None


def _around(likely: float) -> tuple[float, float, float]:
    return (likely * 0.3, likely, min(1.0, likely * 3))
