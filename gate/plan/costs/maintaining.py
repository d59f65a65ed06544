"""CREATE INDEX, REINDEX, CLUSTER, VACUUM, ANALYZE, REFRESH."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import Cluster, CreateIndex, Refresh, Reindex, Vacuum
from gate.model.catalog import Index
from gate.model.expressions import Expression
from gate.model.work import Work
from gate.plan.costs import changing, indexing, rewriting, scanning
from gate.plan.costs.amount import NOTHING, Amount, spending, summed
from gate.plan.costs.extent import PAGE, width_of
from gate.plan.costs.site import Site, columns_named, last_number, share_of


def created(action: CreateIndex, site: Site) -> Amount:
    """The index that is named, on this table or partition."""
    table = site.relation
    plain = columns_named(table, action.columns)
    written = iter(action.expressions)
    keys = [_key(name, written, site) for name in action.columns]
    evaluated = (*action.expressions, *((action.where,) if action.where else ()))
    used = columns_named(table, [name for item in action.expressions for name in item.columns])
    asked = columns_named(table, action.where.columns if action.where else ())
    spec = indexing.IndexSpec(
        method=action.method,
        keys=tuple(keys),
        included_width=sum(width_of(column, site.world) for column in columns_named(table, action.include)),
        is_unique=action.is_unique,
        evaluating_ns=sum(indexing.evaluating_ns(item, site.world, site.extent, site.figures) for item in evaluated),
        last_column=last_number([*plain, *used, *asked]),
        share=share_of(action.where, site.extent),
    )
    build = indexing.concurrently if action.is_concurrent else indexing.built
    return build(spec, site.extent, site.figures, site.server)


def _key(name: str | None, written: Iterator[Expression], site: Site) -> indexing.Key:
    """A column's, or that of the next expression."""
    column = site.relation.column(name) if name else None
    if column is not None:
        return indexing.key_of(column, site.world, site.extent)
    expression = next(written, None) if name is None else None
    return indexing.expression_key(expression, site.world, site.extent) if expression else indexing.EXPRESSION_KEY


def reindexed(action: Reindex, site: Site) -> Amount:
    """The index that is named, with those below it, or all of the table's."""
    chosen = _chosen(action, site)
    if not action.is_concurrent:
        return summed(indexing.rebuilt(index, site.extent, site.world, site.figures) for index in chosen)
    specs = (indexing.spec_of(index, site.relation, site.world, site.extent) for index in chosen)
    return summed(indexing.concurrently(spec, site.extent, site.figures, site.server) for spec in specs)


def _chosen(action: Reindex, site: Site) -> tuple[Index, ...]:
    oid = site.world.find(action.name) if action.object == "index" and action.name is not None else None
    if oid is None:
        return site.relation.indexes
    below = _with_children(oid, site)
    return tuple(index for index in site.relation.indexes if index.oid in below)


def _with_children(oid: int, site: Site) -> frozenset[int]:
    found = {oid}
    indexes = [index for table in site.world.relations.values() for index in table.indexes if index.parent]
    grown = True
    while grown:
        more = {index.oid for index in indexes if index.parent in found} - found
        found |= more
        grown = bool(more)
    return frozenset(found)


def clustered(action: Cluster, site: Site) -> Amount:
    """In the order of the index that is named, or of the last time."""
    indexes = site.relation.indexes
    order = next((item for item in indexes if item.name == action.index), None)
    order = order or next((item for item in indexes if item.is_clustered), None)
    spec = indexing.spec_of(order, site.relation, site.world, site.extent) if order else None
    return rewriting.moved(site.extent, site.world, site.figures, order=spec)


def vacuumed(action: Vacuum, site: Site) -> Amount:
    """FULL moves all rows; else the pages that are not known to be clean are read, and the indexes if rows are dead."""
    amount = NOTHING
    if site.does(Work.REWRITE):
        amount += rewriting.moved(site.extent, site.world, site.figures)
    if site.does(Work.WRITE):
        indexes = site.relation.index_bytes or 0
        pages = (site.extent.heap_bytes + site.extent.toast_bytes + indexes) / PAGE
        cleaning = spending(pages * site.figures.page_read_ns * 2 + site.extent.rows * site.figures.row_read_ns)
        amount += cleaning.widened(0.05, 3.0)
    if action.analyzes:
        target = site.server.settings.get("default_statistics_target", "")
        amount += scanning.sampled(
            site.extent, site.world, site.figures, target=int(target) if target.isdigit() else 100
        )
    return amount


def refreshed(action: Refresh, site: Site) -> Amount | None:
    """The view's own rows, as many as there are now: written anew, or compared with a new copy. Its sources carry the
    query; how dear that is nobody knows before, so the range is wide.
    """
    extent, figures = site.extent, site.figures
    if site.relation.kind != "m":
        return read_for_query(site)
    if not action.with_data:
        return NOTHING
    written = changing.filled(extent, extent.rows, figures)
    if not action.is_concurrent:
        return (written + rewriting.all_indexes(extent, site.world, figures)).widened(0.5, 2.0)
    compared = spending(
        extent.rows * (figures.joined_row_ns + figures.hashed_row_ns) * 2
        + indexing.read_ns(extent, figures, columns=len(site.relation.columns)) * 3
    )
    return (written + scanning.sampled(extent, site.world, figures) + compared).widened(0.5, 4.0)


def read_for_query(site: Site) -> Amount:
    """A relation that a stored query reads: all of it, and some work with each row (a join, a group)."""
    extent, figures = site.extent, site.figures
    columns = max(1, len(site.relation.columns) // 2)
    ns = indexing.read_ns(extent, figures, columns=columns) + extent.rows * figures.hashed_row_ns
    return spending(ns).widened(0.3, 2.5)
