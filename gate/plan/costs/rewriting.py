"""A table written anew: row by row by ALTER TABLE, packed by VACUUM FULL and CLUSTER, copied by SET TABLESPACE.

Source: PostgreSQL 18 `tablecmds.c` (ATRewriteTable, ATExecSetTableSpace), `cluster.c` and `heapam_handler.c`
(heapam_relation_copy_for_cluster), `rewriteheap.c`.
"""

from __future__ import annotations

from gate.model.rates import Figures
from gate.model.snapshot import Snapshot
from gate.plan.costs.amount import Amount, spending, summed
from gate.plan.costs.extent import PAGE, Extent
from gate.plan.costs.indexing import IndexSpec, compare_ns, read_ns, rebuilt
from gate.plan.costs.resources import sort_bytes

# The head of a record that logs one row.
_WAL_OF_ROW = 60


def rewritten(extent: Extent, world: Snapshot, figures: Figures, *, extra_ns: float = 0.0) -> Amount:
    """By ALTER TABLE: every row read, made anew and logged by itself; `extra_ns` a row for what is computed."""
    columns = len(extent.relation.columns)
    size = extent.live_bytes + extent.toast_bytes
    ns = (
        read_ns(extent, figures, columns=columns)
        + extent.rows * (figures.rewritten_row_ns + columns * figures.column_read_ns * 2 + extra_ns)
        + extent.live_bytes / PAGE * figures.page_written_ns
        + _toast_ns(extent, figures)
    )
    copied = spending(ns, kept=size, wal=size + extent.rows * _WAL_OF_ROW)
    return copied + all_indexes(extent, world, figures)


def moved(extent: Extent, world: Snapshot, figures: Figures, *, order: IndexSpec | None = None) -> Amount:
    """By VACUUM FULL, and by CLUSTER in the order of an index: whole rows are sorted where they are not in it."""
    columns = len(extent.relation.columns)
    size = extent.live_bytes + extent.toast_bytes
    ns = (
        read_ns(extent, figures, columns=columns)
        + extent.rows * (figures.moved_row_ns + columns * figures.column_read_ns)
        + extent.live_bytes / PAGE * figures.page_written_ns
        + _toast_ns(extent, figures)
    )
    spilled = 0.0
    if order is not None and order.keys and order.keys[0].correlation < _IN_ORDER:
        ns += compare_ns(order, extent.rows, figures) + extent.rows * figures.index_row_ns
        if extent.live_bytes > sort_bytes(world.server):
            spilled = extent.live_bytes
            ns += spilled / PAGE * figures.spilled_page_ns
    return spending(ns, kept=size, passing=spilled, wal=size) + all_indexes(extent, world, figures)


_IN_ORDER = 0.99


def copied(size: float, figures: Figures) -> Amount:
    """Page by page into another tablespace, without a look at the rows."""
    ns = size / PAGE * (figures.page_read_ns + figures.page_written_ns * 0.5)
    return spending(ns, kept=size, wal=size)


def all_indexes(extent: Extent, world: Snapshot, figures: Figures) -> Amount:
    """Each of the table's indexes built once more, one after the other."""
    return summed(rebuilt(index, extent, world, figures) for index in extent.relation.indexes)


def _toast_ns(extent: Extent, figures: Figures) -> float:
    return extent.chunks * (figures.chunk_read_ns + figures.chunk_written_ns)
