"""How large a relation is, as far as its cost depends on it: pages, rows, columns, widths."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.catalog import Column, Relation, Type
from gate.model.snapshot import Snapshot

PAGE = 8192
TOAST_CHUNK = 2000
_TUPLE_HEADER = 24 + 4
# What the planner takes for a column of which it knows nothing (`get_typavgwidth`, lsyscache.c).
_UNKNOWN_WIDTH = 32.0


@dataclass(frozen=True, slots=True)
class Extent:
    """`rows` are guessed from widths where the relation was never analysed (`is_guessed`), as the planner does."""

    relation: Relation
    rows: float
    heap_bytes: float
    toast_bytes: float
    row_bytes: float
    is_guessed: bool = False

    @property
    def pages(self) -> float:
        """Of the heap."""
        return self.heap_bytes / PAGE

    @property
    def chunks(self) -> float:
        """Of the TOAST table, its index apart."""
        return self.toast_bytes / (TOAST_CHUNK + 60)

    @property
    def live_bytes(self) -> float:
        """Of the heap when it is written anew: without what is dead or free."""
        return min(self.heap_bytes, self.rows * self.row_bytes * 1.02) if self.rows else self.heap_bytes


def extent_of(relation: Relation, world: Snapshot) -> Extent | None:
    """None where its size is not known."""
    if relation.heap_bytes is None:
        return None
    width = _TUPLE_HEADER + sum(width_of(column, world) for column in relation.columns if column.generated != "v")
    rows = relation.rows
    if rows is None:
        rows = 0.0 if relation.is_known_empty else relation.heap_bytes / width
    return Extent(
        relation=relation,
        rows=rows,
        heap_bytes=float(relation.heap_bytes),
        toast_bytes=float(relation.toast_bytes or 0),
        row_bytes=min(width, relation.heap_bytes / rows) if rows else width,
        is_guessed=relation.rows is None and not relation.is_known_empty,
    )


def width_of(column: Column, world: Snapshot) -> float:
    """Bytes that a value takes in its row on average; a TOASTed one leaves a pointer there."""
    if column.gathered is not None:
        return float(column.gathered.width_bytes) * (1 - column.gathered.null_share)
    return type_width(base_type(column.type, world), column.typmod)


def type_width(kind: Type | None, typmod: int = -1) -> float:
    """Of a type of which no value is known."""
    if kind is None:
        return _UNKNOWN_WIDTH
    if kind.length > 0:
        return float(kind.length)
    if kind.category == "S" and typmod > 4:
        # Half of what varchar(n) may hold, as the planner takes it up to 1000.
        return min(float(typmod - 4), 1000.0) / 2
    return _UNKNOWN_WIDTH


def base_type(oid: int, world: Snapshot) -> Type | None:
    """The type under all its domains."""
    kind = world.types.get(oid)
    while kind is not None and kind.kind == "d" and kind.base in world.types:
        kind = world.types[kind.base]
    return kind


def distinct_of(column: Column, rows: float) -> float | None:
    """How many values it has, None where that was never gathered."""
    if column.gathered is None or not column.gathered.distinct:
        return None
    distinct = column.gathered.distinct
    return max(1.0, -distinct * rows if distinct < 0 else distinct)


def is_toasted(column: Column, extent: Extent) -> bool:
    """Whether its values left their rows. ANALYZE counts the pointer that stays: eighteen bytes, more on average
    where short values stay too.
    """
    if column.storage not in ("e", "x") or extent.toast_bytes < extent.rows * 200:
        return False
    return (
        column.gathered is None
        or _POINTER - 2 <= column.gathered.width_bytes <= _POINTER + 4
        or (column.gathered.width_bytes > _LONG)
    )


_POINTER = 18
_LONG = 200
