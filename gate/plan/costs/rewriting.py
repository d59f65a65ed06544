"""A table written anew: row by row by ALTER TABLE, packed by VACUUM FULL and CLUSTER, copied by SET TABLESPACE.

Source: PostgreSQL 18 `tablecmds.c` (ATRewriteTable, ATExecSetTableSpace), `cluster.c` and `heapam_handler.c`
(heapam_relation_copy_for_cluster), `rewriteheap.c`.
"""

from __future__ import annotations

from gate.model.rates import Figures
from gate.model.snapshot import Snapshot
from gate.plan.costs.amount import Amount, spending, summed
from gate.plan.costs.extent import PAGE, Extent
from gate.plan.costs.indexing import IndexSpec, read_ns, rebuilt
from gate.plan.costs.resources import shared_bytes

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
    """By VACUUM FULL, and by CLUSTER in the order of an index, which fetches row after row from wherever it lies.

    The planner sorts instead (`plan_cluster_use_sort`) only where the table is larger than `effective_cache_size`.
    """
    columns = len(extent.relation.columns)
    size = extent.live_bytes + extent.toast_bytes
    ns = (
        read_ns(extent, figures, columns=columns)
        + extent.rows * (figures.moved_row_ns + columns * figures.column_read_ns)
        + extent.live_bytes / PAGE * figures.page_written_ns
        + _toast_ns(extent, figures)
    )
    if order is not None and order.keys:
        ns += extent.rows * (_fetched(extent, order, world) * figures.page_read_ns + figures.row_read_ns)
    return spending(ns, kept=size, wal=size) + all_indexes(extent, world, figures)


def _fetched(extent: Extent, order: IndexSpec, world: Snapshot) -> float:
    """How often the page of the next row is neither that of the last one nor in the server's own cache."""
    apart = 1 - min(1.0, abs(order.keys[0].correlation)) ** 2
    return apart * max(0.0, 1 - 0.75 * shared_bytes(world.server) / max(extent.heap_bytes, 1.0))


def copied(size: float, figures: Figures) -> Amount:
    """Page by page into another tablespace, without a look at the rows."""
    ns = size / PAGE * (figures.page_read_ns + figures.page_written_ns * 0.5)
    return spending(ns, kept=size, wal=size)


def all_indexes(extent: Extent, world: Snapshot, figures: Figures) -> Amount:
    """Each of the table's indexes built once more, one after the other."""
    return summed(rebuilt(index, extent, world, figures) for index in extent.relation.indexes)


def _toast_ns(extent: Extent, figures: Figures) -> float:
    return extent.chunks * chunk_ns(figures)


def chunk_ns(figures: Figures) -> float:
    """A TOAST chunk copied. To read one for a function takes twice as long: the value is put together and looked at."""
    return figures.chunk_read_ns * 0.5 + figures.chunk_written_ns
