"""Rows changed in batches: each batch walks some keys, changes its rows, and commits."""

from __future__ import annotations

from gate.model.costs import Seconds
from gate.model.rates import Rates
from gate.model.snapshot import Snapshot
from gate.model.steps import Backfill
from gate.model.work import Work
from gate.plan.costs.changing import found, updated
from gate.plan.costs.extent import extent_of

_BATCH_ROWS = 1000
# A commit waits for the disk, but changes nothing of the catalog.
_COMMIT_OF_CATALOG = 0.3


def batched(step: Backfill, world: Snapshot, rates: Rates) -> tuple[Seconds, int] | None:
    """Seconds and bytes of WAL, at most: every row that is looked at is taken to be changed; at least all are read.

    None where the size is unknown.
    """
    relation = world.relations.get(step.oid)
    extent = extent_of(relation, world) if relation is not None else None
    if extent is None or step.rows is None:
        return None
    figures = rates.figures
    walked = found(extent, step.rows, figures, by_index=True)
    changed = updated(extent, step.rows, world, figures)
    commits = step.rows / _BATCH_ROWS * figures.catalog_ns / 1e9 * _COMMIT_OF_CATALOG
    all_s = walked.likely_s + changed.likely_s + commits
    return rates.seconds(walked.likely_s, all_s, all_s, (Work.READ, Work.WRITE)), round(changed.wal_bytes)
