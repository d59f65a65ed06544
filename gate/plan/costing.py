"""Effects with what they take: seconds as a range, disk at the peak, WAL. Pure: the snapshot and the rates decide.

An effect whose size is unknown keeps None, and so does one whose rows only a run can tell (COPY FROM, code).
"""

from __future__ import annotations

from dataclasses import replace

from gate.model.actions import (
    Action,
    AlterTable,
    Cluster,
    Copy,
    CreateIndex,
    CreateTableAs,
    Query,
    Refresh,
    Reindex,
    Run,
    Vacuum,
)
from gate.model.costs import Seconds
from gate.model.effects import Effect
from gate.model.rates import Rates
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.plan.costs import altering, maintaining, querying, rewriting, scanning
from gate.plan.costs.amount import NOTHING, Amount
from gate.plan.costs.extent import extent_of
from gate.plan.costs.site import Site

_RANGE_OF_CATALOG = (0.3, 1.0, 6.0)
# Calibrating never commits, so that this is stated.
_COMMIT_NS = 1e6
# A relation beside the first: a partition, a referenced table. Its rows in the catalog come with the same commit.
_FURTHER = 0.1


def costed(action: Action, effects: tuple[Effect, ...], before: Snapshot, rates: Rates) -> tuple[Effect, ...]:
    """The effects with `seconds`, `disk_bytes` and `wal_bytes` filled in, as far as they can be known."""
    return tuple(
        _costed(action, effect, before, rates, share=_FURTHER if place else 1.0) for place, effect in enumerate(effects)
    )


def _costed(action: Action, effect: Effect, before: Snapshot, rates: Rates, *, share: float) -> Effect:
    amount = _amount(action, effect, before, rates)
    if amount is None:
        return effect
    work = rates.seconds(amount.low_s, amount.likely_s, amount.high_s, effect.work)
    return replace(
        effect,
        seconds=work + _catalog(rates).scaled(share),
        disk_bytes=round(amount.disk_bytes),
        wal_bytes=round(amount.wal_bytes),
    )


def _catalog(rates: Rates) -> Seconds:
    """Every statement changes some rows of the catalog, and commits."""
    low, likely, high = ((rates.figures.catalog_ns + _COMMIT_NS) / 1e9 * factor for factor in _RANGE_OF_CATALOG)
    return Seconds(low, likely, high)


def _amount(action: Action, effect: Effect, before: Snapshot, rates: Rates) -> Amount | None:
    if effect.work == (Work.CATALOG_ONLY,):
        return NOTHING
    relation = before.relations.get(effect.oid)
    if relation is None:
        return None
    is_filled = isinstance(action, Query | Run | Copy)
    if (effect.is_new or effect.is_known_empty) and not is_filled:
        return NOTHING
    # What a table of this release holds by now is not known; that a few rows are added to it is.
    has_little = effect.is_new and (relation.is_known_empty or _adds_values(action))
    extent = extent_of(replace(relation, heap_bytes=0, rows=0.0) if has_little else relation, before)
    if extent is None:
        return None
    amount = _by_action(action, Site(effect, relation, extent, before, rates.figures))
    return amount.widened(0.5, 2.0) if amount is not None and extent.is_guessed else amount


def _adds_values(action: Action) -> bool:
    """INSERT ... VALUES: the rows stand in the statement."""
    return isinstance(action, Query) and all(use.event == "insert" and use.rows is not None for use in action.uses)


def _by_action(action: Action, site: Site) -> Amount | None:
    match action:
        case AlterTable():
            return altering.altered(action, site)
        case CreateIndex():
            return maintaining.created(action, site)
        case Reindex():
            return maintaining.reindexed(action, site)
        case Cluster():
            return maintaining.clustered(action, site)
        case Vacuum():
            return maintaining.vacuumed(action, site)
        case Refresh():
            return maintaining.refreshed(action, site)
        case Query():
            return querying.queried(action, site)
        case Run():
            return querying.ran(action, site)
        case Copy():
            return querying.copied(action, site)
        case CreateTableAs():
            return querying.made(action, site)
        case _:
            return _by_work(site)


def _by_work(site: Site) -> Amount | None:
    """Of a statement without a model of its own: its work says as much; rows that it changes nobody has counted."""
    if site.does(Work.WRITE):
        return None
    amount = NOTHING
    if site.does(Work.REWRITE):
        amount += rewriting.rewritten(site.extent, site.world, site.figures)
    if site.does(Work.INDEX_BUILD):
        amount += rewriting.all_indexes(site.extent, site.world, site.figures)
    if site.does(Work.VALIDATION_SCAN) or site.does(Work.READ):
        amount += scanning.scanned(site.extent, site.figures, columns=len(site.relation.columns))
    return amount
