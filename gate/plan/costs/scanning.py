"""Rows read to be checked, and rows read for a sample.

Source: PostgreSQL 18 `tablecmds.c` (ATRewriteTable), `analyze.c` (acquire_sample_rows: 300 times the target).
"""

from __future__ import annotations

from dataclasses import replace

from gate.model.rates import Figures
from gate.model.snapshot import Snapshot
from gate.plan.costs.amount import Amount, spending
from gate.plan.costs.extent import Extent
from gate.plan.costs.indexing import IndexSpec, compare_ns, key_of, read_ns


def scanned(
    extent: Extent, figures: Figures, *, checking_ns: float | None = None, columns: int = 1, reads_toast: bool = False
) -> Amount:
    """Every row once, with what is evaluated for each (unless told, one comparison)."""
    each = figures.check_ns if checking_ns is None else checking_ns
    ns = read_ns(extent, figures, columns=columns) + extent.rows * each
    if reads_toast:
        ns += extent.chunks * figures.chunk_read_ns
    return spending(ns)


def sampled(extent: Extent, world: Snapshot, figures: Figures, *, target: int = 100) -> Amount:
    """ANALYZE: pages here and there, and the sampled rows sorted by each column."""
    pages, rows = min(extent.pages, 300.0 * target), min(extent.rows, 300.0 * target)
    keys = (key_of(column, world, extent) for column in extent.relation.columns)
    sorting = sum(compare_ns(IndexSpec(keys=(replace(key, correlation=0.0),)), rows, figures) for key in keys)
    return spending(
        pages * figures.page_read_ns * 1.5 + sorting + rows * len(extent.relation.columns) * figures.check_ns
    )
