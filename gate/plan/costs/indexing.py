"""An index built: the table read, its keys sorted, its pages written.

Source: PostgreSQL 18 `nbtsort.c` (parallel build, _bt_load), `tuplesort.c` (memory, tapes), `gininsert.c`, `brin.c`,
`hash.c`, `gistbuild.c`; the page "CREATE INDEX".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gate.model.catalog import Column, Index, Relation, Type
from gate.model.expressions import Expression
from gate.model.rates import Figures
from gate.model.snapshot import Server, Snapshot
from gate.plan.costs.amount import Amount, spending
from gate.plan.costs.extent import PAGE, Extent, base_type, distinct_of, width_of
from gate.plan.costs.resources import sort_bytes, workers_for

# What a tuple takes in a sort's memory beside its own bytes: the slot, the allocation's head.
_SORT_SLOT = 24 + 16
_LEAF_FILL = 0.9
_C_COLLATION = 950


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key column: how wide, how dear to compare with another, how many values, whether the table is in its order."""

    width: float
    compare: float  # 0: a number that stands in the sort's own slot, 1: a text
    distinct: float | None = None
    correlation: float = 0.0
    null_share: float = 0.0
    elements: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec:
    """An index as far as its build depends on it; `share` of the rows (low, likely, high) meets its predicate."""

    method: str = "btree"
    keys: tuple[Key, ...] = ()
    included_width: float = 0.0
    is_unique: bool = False
    evaluating_ns: float = 0.0
    last_column: int = 1
    share: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def entry_bytes(self) -> float:
        """An entry with its pointer, as `index_form_tuple` aligns it."""
        data = sum(key.width for key in self.keys) + self.included_width
        return 8 + math.ceil(data / 8) * 8 + 4


def key_of(column: Column, world: Snapshot, extent: Extent, *, collation: int | None = None) -> Key:
    """The key that a plain column makes."""
    gathered = column.gathered
    kind = base_type(column.type, world)
    return Key(
        width=width_of(column, world),
        compare=_compare(kind, column.collation if collation is None else collation),
        distinct=distinct_of(column, extent.rows),
        correlation=(gathered.correlation or 0.0) if gathered else 0.0,
        null_share=gathered.null_share if gathered else 0.0,
        elements=_elements(column, kind, world),
    )


EXPRESSION_KEY = Key(width=32.0, compare=1.0)
"""Of an expression that is stored nothing is known; a text is the dearest of the usual ones."""

_ARITHMETIC = frozenset("+-*/%&|#")


def expression_key(expression: Expression, world: Snapshot, extent: Extent) -> Key:
    """A number where numbers are reckoned with; a text vector has about a word for each ten bytes; else a text."""
    columns = [column for name in expression.columns if (column := extent.relation.column(name))]
    width = sum(width_of(column, world) for column in columns)
    if _makes_words(expression):
        return Key(width=width, compare=1.0, elements=max(1.0, width / _PER_WORD))
    is_reckoned = not expression.calls and set(expression.operators) <= _ARITHMETIC and bool(expression.operators)
    kinds = [base_type(column.type, world) for column in columns]
    if is_reckoned and all(kind is not None and _compare(kind, 0) == 0 for kind in kinds):
        return Key(width=8.0, compare=0.0)
    return replace(EXPRESSION_KEY, width=min(width, 64.0) or EXPRESSION_KEY.width)


def evaluating_ns(expression: Expression, world: Snapshot, extent: Extent, figures: Figures) -> float:
    """One evaluation; to make words of a text takes time for each of its bytes."""
    each = figures.check_ns * 4 + len(expression.calls) * figures.call_ns
    if not _makes_words(expression):
        return each
    columns = [column for name in expression.columns if (column := extent.relation.column(name))]
    return each + sum(width_of(column, world) for column in columns) * figures.call_ns * _PARSED


_PER_WORD = 10.0
# Of a call, what the parser of text search takes for a byte.
_PARSED = 0.7


def _makes_words(expression: Expression) -> bool:
    return any(call.name.name == "to_tsvector" for call in expression.calls)


def _compare(kind: Type | None, collation: int) -> float:
    if kind is None:
        return 1.0
    if 0 < kind.length <= 8 or kind.kind == "e":
        return 0.0
    if kind.name in ("uuid", "bytea") or collation == _C_COLLATION:
        return 0.1
    return 0.35 if kind.name == "numeric" else 1.0


def _elements(column: Column, kind: Type | None, world: Snapshot) -> float:
    """How many entries a value makes in a GIN index."""
    if column.gathered is not None and column.gathered.elements:
        return column.gathered.elements
    width = width_of(column, world)
    name = kind.name if kind is not None else ""
    if name == "jsonb":
        # Many of its values stand in one row only, and an entry of its own is the dearest.
        return max(1.0, width / 14.0) * 3
    return max(1.0, width / {"tsvector": _PER_WORD, "text": 1.0, "varchar": 1.0}.get(name, 8.0))


def spec_of(index: Index, relation: Relation, world: Snapshot, extent: Extent) -> IndexSpec:
    """Of an index that is there. How many rows its predicate takes is read off its size."""
    keys = []
    for key in index.keys:
        column = relation.column_number(key.column)
        keys.append(key_of(column, world, extent, collation=key.collation) if column else EXPRESSION_KEY)
    included = [column for number in index.include if (column := relation.column_number(number))]
    spec = IndexSpec(
        method=index.method,
        keys=tuple(keys),
        included_width=sum(width_of(column, world) for column in included),
        is_unique=index.is_unique,
        evaluating_ns=_STORED_NS * (sum(1 for key in index.keys if not key.column) + int(index.has_predicate)),
        last_column=max(index.columns, default=1),
    )
    return replace(spec, share=_share_by_size(index, spec, extent)) if index.has_predicate else spec


# What an expression of which only its being there is known takes.
_STORED_NS = 100.0


def _share_by_size(index: Index, spec: IndexSpec, extent: Extent) -> tuple[float, float, float]:
    if index.size_bytes is None or not extent.rows:
        return (0.02, 0.33, 1.0)
    likely = min(1.0, index.size_bytes / (extent.rows * spec.entry_bytes / _LEAF_FILL))
    return (likely, likely, min(1.0, likely * 2))


# --- the build --------------------------------------------------------------------------------------------------------


def built(spec: IndexSpec, extent: Extent, figures: Figures, server: Server) -> Amount:
    """The table read once and the index made of it."""
    low, likely, high = (_built(spec, extent, share, figures, server) for share in spec.share)
    return replace(likely, low_s=low.likely_s, high_s=high.likely_s)


def _built(spec: IndexSpec, extent: Extent, share: float, figures: Figures, server: Server) -> Amount:
    entries = extent.rows * share
    scan = read_ns(extent, figures, columns=spec.last_column) + extent.rows * spec.evaluating_ns
    match spec.method:
        case "btree":
            return _btree(spec, extent, entries, scan, figures, server)
        case "brin":
            summing = entries * len(spec.keys) * figures.number_compare_ns * _BRIN_COMPARES
            return spending(scan + summing, kept=extent.pages / 128 * 64, wal=PAGE * 4)
        case "hash":
            size = entries * 20 / 0.75
            # Buckets are filled in hash order; each page is logged row by row.
            sort = entries * (figures.index_row_ns + _log2(entries) * figures.number_compare_ns)
            return spending(scan + sort + entries * figures.hash_row_ns, kept=size, passing=size, wal=entries * 70)
        case "gin":
            return _gin(spec, extent, entries, scan, figures, server)
        case _:
            size = entries * spec.entry_bytes / 0.7
            return spending(scan + entries * figures.gist_row_ns, kept=size, wal=size * 1.5)


# Through the operator class's functions: a call, and two comparisons in it.
_BRIN_COMPARES = 4


def read_ns(extent: Extent, figures: Figures, *, columns: int = 0) -> float:
    """The heap read from its first page to the last, with so many columns of each row taken apart."""
    return extent.pages * figures.page_read_ns + extent.rows * (figures.row_read_ns + columns * figures.column_read_ns)


def _btree(spec: IndexSpec, extent: Extent, entries: float, scan: float, figures: Figures, server: Server) -> Amount:
    size = index_bytes(spec, entries)
    workers = workers_for(server, extent.heap_bytes, "btree", _asked(extent.relation))
    sort = entries * figures.index_row_ns + compare_ns(spec, entries, figures)
    memory = entries * (spec.entry_bytes + _SORT_SLOT)
    spilled = entries * spec.entry_bytes if workers or memory > sort_bytes(server) else 0.0
    shared = (scan + sort) / _speed(workers, figures)
    last = size / PAGE * figures.index_page_ns + spilled / PAGE * figures.spilled_page_ns
    return spending(shared + last, kept=size, passing=spilled, wal=size)


def _speed(workers: int, figures: Figures) -> float:
    """Of all participants together; each further worker adds less, as nobody knows how many processors there are."""
    return float(1 + figures.parallel_gain * workers**0.7)


def _asked(relation: Relation) -> int | None:
    found = (option.partition("=")[2] for option in relation.options if option.startswith("parallel_workers="))
    return next((int(value) for value in found if value.isdigit()), None)


def index_bytes(spec: IndexSpec, entries: float) -> float:
    """A fresh btree: entries by their width, many of one key (13 and later) as one with a list of rows."""
    plain = entries * spec.entry_bytes / _LEAF_FILL
    distinct = math.prod(key.distinct or entries for key in spec.keys) if spec.keys else entries
    if spec.is_unique or spec.included_width or distinct * 2 > entries:
        return plain
    # A list of rows takes six bytes each, and is at most a third of a page long.
    return min(plain, entries * (6.2 + spec.entry_bytes * max(distinct / entries, 6 / 1000)) / _LEAF_FILL)


def compare_ns(spec: IndexSpec, entries: float, figures: Figures) -> float:
    """All comparisons of a sort. A table that is in the key's order already is only looked through."""
    if not spec.keys:
        return 0.0
    each, tied, reached = 0.0, 1.0, 1.0
    for key in spec.keys:
        each += tied * (figures.number_compare_ns * (1 - key.compare) + figures.text_compare_ns * key.compare)
        reached *= key.distinct or entries
        # Two rows are compared by the next key only where this one is equal.
        tied = max(0.0, 1 - _log2(reached) / _log2(entries))
        if not tied:
            break
    return entries * each * (1.5 if spec.keys[0].correlation > _IN_ORDER else _log2(entries))


_IN_ORDER = 0.99


def _log2(number: float) -> float:
    return math.log2(max(number, 2.0))


def _gin(spec: IndexSpec, extent: Extent, entries: float, scan: float, figures: Figures, server: Server) -> Amount:
    """Entries are gathered in a tree in memory, and poured into the index whenever that is full."""
    found = entries * sum(key.elements for key in spec.keys)
    workers = workers_for(server, extent.heap_bytes, "gin", _asked(extent.relation))
    size = found * 8 + entries * 4
    gathering = found * figures.gin_entry_ns * (1 + 0.25 * max(0.0, math.log2(found * 24 / sort_bytes(server) + 1)))
    ns = (scan + gathering) / _speed(workers, figures)
    return spending(ns + size / PAGE * figures.index_page_ns, kept=size, passing=size if workers else 0.0, wal=size)


def concurrently(spec: IndexSpec, extent: Extent, figures: Figures, server: Server) -> Amount:
    """Built, and the table read once more against the sorted row pointers of the index (`validate_index`)."""
    entries = extent.rows * spec.share[1]
    pages = index_bytes(spec, entries) / PAGE
    pointers = entries * (figures.index_row_ns * 0.6 + _log2(entries) * figures.number_compare_ns)
    again = read_ns(extent, figures) + pages * figures.page_read_ns + pointers
    return built(spec, extent, figures, server) + spending(again, passing=entries * 16)


def rebuilt(index: Index, extent: Extent, world: Snapshot, figures: Figures) -> Amount:
    """The same index once more: it is as large as the one that is there, without what that has in free space."""
    return built(spec_of(index, extent.relation, world, extent), extent, figures, world.server)
