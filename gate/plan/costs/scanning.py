"""Rows read to be checked: constraints against each row, foreign keys against the other table.

Source: PostgreSQL 18 `tablecmds.c` (ATRewriteTable), `ri_triggers.c` (RI_Initial_Check: one anti-join with
`maintenance_work_mem`, without workers).
"""

from __future__ import annotations

from gate.model.rates import Figures
from gate.model.snapshot import Server
from gate.plan.costs.amount import Amount, spending
from gate.plan.costs.extent import PAGE, Extent
from gate.plan.costs.indexing import read_ns
from gate.plan.costs.resources import sort_bytes

# A hashed row's head, its slot, and the allocation.
_HASH_HEAD = 48


def scanned(
    extent: Extent, figures: Figures, *, checks: int = 1, columns: int = 1, reads_toast: bool = False
) -> Amount:
    """Every row once, with so many expressions evaluated, the dearest column being the `columns`th."""
    ns = read_ns(extent, figures, columns=columns) + extent.rows * checks * figures.check_ns
    if reads_toast:
        ns += extent.chunks * figures.chunk_read_ns
    return spending(ns)


def referencing(extent: Extent, figures: Figures, *, columns: int, width: float, is_text: bool) -> Amount:
    """The side of the foreign key: read and looked up, each row once."""
    text = 1.5 if is_text else 1.0
    ns = read_ns(extent, figures, columns=columns) + extent.rows * figures.joined_row_ns * text
    return spending(ns + width * 0)


def referenced(
    extent: Extent, figures: Figures, server: Server, *, width: float, is_text: bool, times: float, looked_up_by: Extent
) -> Amount:
    """The side of the key: read and put into a hash table; what does not fit in memory goes to disk, of both sides."""
    text = 1.5 if is_text else 1.0
    ns = read_ns(extent, figures, columns=1) + extent.rows * figures.hashed_row_ns * text
    hashed = extent.rows * (width + _HASH_HEAD)
    spilled = 0.0
    if hashed > sort_bytes(server) * 2:
        spilled = hashed + looked_up_by.rows * (width + 16)
        ns += spilled / PAGE * figures.spilled_page_ns
    return spending(ns * times, passing=spilled)
