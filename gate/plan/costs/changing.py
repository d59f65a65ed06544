"""Rows changed: the heap, each index, the triggers of foreign keys, the log.

Source: PostgreSQL 18 `heapam.c` (heap_update: a heap-only tuple needs room on its page and no indexed column changed),
`nodeModifyTable.c`, `ri_triggers.c` (one query a row).
"""

from __future__ import annotations

import math

from gate.model.catalog import Index, Relation
from gate.model.rates import Figures
from gate.model.snapshot import Snapshot
from gate.plan.costs.amount import Amount, spending
from gate.plan.costs.extent import PAGE, Extent
from gate.plan.costs.indexing import IndexSpec, read_ns, spec_of
from gate.plan.costs.resources import shared_bytes
from gate.plan.costs.rewriting import chunk_ns

_WAL_OF_ROW = 70
_WAL_OF_ENTRY = 64


def updated(
    extent: Extent, rows: float, world: Snapshot, figures: Figures, *, toast: bool = False, keys: int = 0
) -> Amount:
    """New versions of so many rows, and an entry for each in every index; `keys` foreign keys are looked up anew."""
    entries, wal, size = _entries(extent, rows, world, figures)
    ns = (
        rows * (figures.updated_row_ns + len(extent.relation.columns) * figures.column_read_ns)
        + rows * extent.row_bytes / PAGE * figures.page_written_ns
        + _dirtied_ns(extent, rows / extent.rows if extent.rows else 0.0, figures)
        + entries
        + rows * keys * figures.trigger_ns
    )
    written = rows * extent.row_bytes
    if toast and extent.rows:
        share = rows / extent.rows
        ns += extent.chunks * share * (figures.chunk_read_ns + chunk_ns(figures))
        written += extent.toast_bytes * share
    return spending(ns, kept=written + size, wal=written + rows * _WAL_OF_ROW + wal)


def deleted(extent: Extent, rows: float, figures: Figures, *, keys: int = 0) -> Amount:
    """Rows marked; what references them is asked for each; TOASTed values are marked chunk by chunk."""
    share = rows / extent.rows if extent.rows else 0.0
    ns = rows * (figures.deleted_row_ns + keys * figures.trigger_ns) + _dirtied_ns(extent, share, figures)
    ns += extent.chunks * share * figures.chunk_read_ns * 0.8
    return spending(ns, wal=rows * _WAL_OF_ROW + extent.chunks * share * _WAL_OF_ROW)


def _dirtied_ns(extent: Extent, share: float, figures: Figures) -> float:
    """Pages of the heap that hold at least one of the rows, written out again."""
    per_page = extent.rows / extent.pages if extent.pages else 1.0
    touched: float = extent.pages * (1 - (1 - min(share, 1.0)) ** per_page)
    return touched * figures.page_written_ns * _OUT_AGAIN


# Of what a new page takes, which is logged whole and added to the file.
_OUT_AGAIN = 0.15


def inserted(extent: Extent, rows: float, world: Snapshot, figures: Figures, *, keys: int = 0) -> Amount:
    """So many new rows; each foreign key of the table is looked up for each."""
    entries, wal, size = _entries(extent, rows, world, figures)
    ns = (
        rows * (figures.inserted_row_ns + keys * figures.trigger_ns)
        + rows * extent.row_bytes / PAGE * figures.page_written_ns
        + entries
    )
    written = rows * extent.row_bytes
    return spending(ns, kept=written + size, wal=written + rows * _WAL_OF_ROW + wal)


def filled(extent: Extent, rows: float, figures: Figures) -> Amount:
    """New rows into a file that nobody else sees yet, without indexes: a materialized view, CREATE TABLE AS."""
    size = rows * extent.row_bytes
    ns = rows * figures.rewritten_row_ns + size / PAGE * figures.page_written_ns
    return spending(ns, kept=size, wal=size + rows * _WAL_OF_ROW)


def found(extent: Extent, rows: float, figures: Figures, *, by_index: bool) -> Amount:
    """The rows looked for: by an index, or by reading all."""
    if by_index:
        return spending(rows * (figures.page_read_ns + figures.row_read_ns) + figures.page_read_ns * 4)
    columns = max(1, len(extent.relation.columns) // 2)
    return spending(read_ns(extent, figures, columns=columns) + extent.rows * figures.check_ns)


def _entries(extent: Extent, rows: float, world: Snapshot, figures: Figures) -> tuple[float, float, float]:
    """Nanoseconds, WAL and bytes of an entry in every index for so many rows."""
    ns = wal = size = 0.0
    specs = [(index, spec_of(index, extent.relation, world, extent)) for index in extent.relation.indexes]
    # Half of what comes is there already on average; the heap's pages need half of the cache.
    total = sum((index.size_bytes or 0) + rows * spec.entry_bytes * 0.65 for index, spec in specs)
    far = max(0.0, 1 - 0.5 * shared_bytes(world.server) / total) if total else 0.0
    for index, spec in specs:
        entries = rows * spec.share[1]
        ns += entries * _entry_ns(index, spec, far, max(extent.rows, rows), figures)
        wal += entries * (_WAL_OF_ENTRY + spec.entry_bytes)
        size += entries * spec.entry_bytes * 1.3
    return ns, wal, size


def _entry_ns(index: Index, spec: IndexSpec, far: float, rows: float, figures: Figures) -> float:
    """Rows in the order of the index meet the same page again; others may have to fetch one, and write another out."""
    if index.method == "brin":
        return figures.row_read_ns
    if not spec.keys:
        return figures.entry_ns
    first = spec.keys[0]
    elements = sum(key.elements for key in spec.keys) if index.method == "gin" else 1.0
    compare = figures.number_compare_ns * (1 - first.compare) + figures.text_compare_ns * first.compare
    near = figures.entry_ns + compare * math.log2(max(rows, 2.0))
    return elements * (near + far * (1 - first.correlation**2) * figures.far_entry_ns)


def foreign_keys(relation: Relation) -> int:
    """How many foreign keys of its own are looked up for a new row."""
    return sum(1 for item in relation.constraints if item.kind == "f" and item.is_enforced)
