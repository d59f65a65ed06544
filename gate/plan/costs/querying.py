"""Queries that read and change rows: which relation of theirs has to do how much.

A query's plan is not known here. Where a condition, a join or a trigger decides how much it does, the range is wide;
where nothing is known at all the answer is None.
"""

from __future__ import annotations

from gate.model.actions import Copy, CreateTableAs, Query, RelationUse, Run
from gate.model.actions.queries import Qual
from gate.model.catalog import Relation
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.plan.costs import changing
from gate.plan.costs.amount import NOTHING, Amount
from gate.plan.costs.extent import distinct_of, extent_of, is_toasted
from gate.plan.costs.maintaining import read_for_query
from gate.plan.costs.site import Site, extents, family, named

_CHANGES = frozenset({"insert", "update", "delete", "merge"})


def queried(action: Query, site: Site) -> Amount | None:
    """This relation's part of the query."""
    if not action.runs:
        return NOTHING
    targets = [use for use in action.uses if use.event in _CHANGES]
    for use in targets:
        if _is_in(site.relation, use, site.world):
            return _changed(action, use, site)
        if site.does(Work.WRITE) and _shows(site.relation, use, site.world):
            changed = _changed(action, use, site)
            return changed.widened(0.1, 1.5) if changed is not None else None
    for use in action.uses:
        if not use.event and _is_in(site.relation, use, site.world):
            return _read(use, site)
    for use in targets:
        asked = _asked_by_keys(use, site)
        if asked is not None:
            return asked
    return None if targets or site.does(Work.WRITE) else read_for_query(site)


def copied(action: Copy, site: Site) -> Amount | None:
    """COPY TO reads; how many rows come FROM a file nobody knows before."""
    if action.query is not None:
        return queried(action.query, site)
    return None if action.is_from else _read(None, site)


def made(action: CreateTableAs, site: Site) -> Amount | None:
    """A source is read, and the rows that come of it are written: at most as many as it has, as far as one can tell."""
    read = queried(action.query, site)
    if read is None or not action.with_data:
        return NOTHING if read is not None else None
    written = changing.filled(site.extent, site.extent.rows, site.figures)
    return read + (written if action.query.source is not None else written.widened(0.02, 3.0))


def ran(action: Run, site: Site) -> Amount | None:
    """A prepared query is a query; what code does only a run tells."""
    return queried(action.query, site) if action.query is not None else None


def _is_in(relation: Relation, use: RelationUse, world: Snapshot) -> bool:
    top = named(world, use.name)
    return any(item.oid == relation.oid for item in ((top,) if use.only and top else family(world, top)))


def _shows(relation: Relation, use: RelationUse, world: Snapshot) -> bool:
    """Whether the target is a view of the relation: its rows are changed in the relation."""
    view = named(world, use.name)
    return view is not None and view.kind == "v" and relation.oid in view.reads


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(use: RelationUse | None, site: Site) -> Amount:
    rows, by_index = _matching(use, site) if use is not None else (site.extent.rows, False)
    amount = changing.found(site.extent, rows, site.figures, by_index=by_index)
    return amount if by_index else amount.widened(0.1, 2.0)


def _matching(use: RelationUse, site: Site) -> tuple[float, bool]:
    """How many rows meet the conditions on single columns, and whether an index leads there.

    Where all that is known of a condition is that there is one, a half.
    """
    share, by_index = 0.5 if use.is_filtered and not use.quals else 1.0, False
    for qual in use.quals:
        column = site.relation.column(qual.column)
        if column is None:
            share *= 0.33
            continue
        own = _share(
            qual, distinct_of(column, site.extent.rows), column.gathered.null_share if column.gathered else None
        )
        share *= own
        leads = any(
            index.keys and index.keys[0].column == column.number and not index.has_predicate and index.is_valid
            for index in site.relation.indexes
        )
        by_index = by_index or (leads and own < _WORTH_AN_INDEX)
    return site.extent.rows * share, by_index


_WORTH_AN_INDEX = 0.05


def _share(qual: Qual, distinct: float | None, nulls: float | None) -> float:
    match qual.operator:
        case "=":
            return 1 / distinct if distinct else 0.005
        case "in":
            return min(1.0, len(qual.values) * (1 / distinct if distinct else 0.005))
        case "null":
            return nulls if nulls is not None else 0.1
        case "not null":
            return 1 - nulls if nulls is not None else 0.9
        case "not in":
            return 0.95
        case _:
            return 0.33


# --- changing ---------------------------------------------------------------------------------------------------------


def _changed(action: Query, use: RelationUse, site: Site) -> Amount | None:
    if use.event == "insert":
        return _inserted(action, use, site)
    rows, by_index = _matching(use, site)
    amount = changing.found(site.extent, rows, site.figures, by_index=by_index)
    if use.event == "delete":
        amount += changing.deleted(site.extent, rows, site.figures, keys=len(site.relation.referenced_by))
    else:
        amount += _updated(use, rows, site)
    has_others = any(not item.event for item in action.uses)
    if has_others:
        return amount.widened(0.02, 2.0)
    if use.is_filtered and not by_index:
        return amount.widened(0.05, 3.0)
    return amount


def _updated(use: RelationUse, rows: float, site: Site) -> Amount:
    names = {name for name, _ in use.sets}
    columns = [column for column in site.relation.columns if column.name in names]
    toast = any(is_toasted(column, site.extent) for column in columns)
    numbers = {column.number for column in columns}
    keys = sum(1 for item in site.relation.constraints if item.kind == "f" and numbers & set(item.columns))
    return changing.updated(site.extent, rows, site.world, site.figures, toast=toast, keys=keys)


def _inserted(action: Query, use: RelationUse, site: Site) -> Amount | None:
    keys = changing.foreign_keys(site.relation)
    sources = [item for item in action.uses if not item.event]
    makes_rows = any(call.name.name in _MAKE_ROWS for call in action.calls)
    if use.rows is not None and not sources and not makes_rows:
        return changing.inserted(site.extent, len(use.rows), site.world, site.figures, keys=keys)
    counted = [rows for item in sources if (rows := _rows_of(item, site)) is not None]
    if not sources or makes_rows or len(counted) < len(sources):
        return None
    # Into a partitioned table each partition gets its part.
    parts = sum(1 for item in family(site.world, named(site.world, use.name)) if item.has_storage)
    amount = changing.inserted(site.extent, max(counted) / max(parts, 1), site.world, site.figures, keys=keys)
    if len(sources) > 1:
        return amount.widened(0.02, 5.0)
    return amount.widened(0.05, 2.0) if sources[0].is_filtered else amount


_MAKE_ROWS = frozenset(
    {
        "generate_series",
        "unnest",
        "json_array_elements",
        "json_array_elements_text",
        "json_each",
        "json_to_recordset",
        "jsonb_array_elements",
        "jsonb_array_elements_text",
        "jsonb_each",
        "jsonb_to_recordset",
        "regexp_split_to_table",
        "regexp_matches",
        "string_to_table",
    }
)
"""Functions that give many rows: how many depends on their arguments."""


def _rows_of(use: RelationUse, site: Site) -> float | None:
    """How many rows a source gives; None for what has no size, as a view or a function."""
    top = named(site.world, use.name)
    found = extents(site.world, family(site.world, top)) if top is not None and top.kind in "rpm" else None
    if found is None:
        return None
    inner = (Site(site.effect, item.relation, item, site.world, site.figures) for item in found)
    return sum(_matching(use, place)[0] for place in inner)


# --- foreign keys -----------------------------------------------------------------------------------------------------


def _asked_by_keys(use: RelationUse, site: Site) -> Amount | None:
    """What a change of the target asks of this relation: None where they are not linked by a foreign key."""
    target = named(site.world, use.name)
    if target is None:
        return None
    if any(item.referenced == site.relation.oid for item in target.constraints):
        return NOTHING  # the one row that is looked up is counted with the target
    links = [item for item in site.relation.constraints if item.kind == "f" and item.referenced == target.oid]
    extent = extent_of(target, site.world)
    if not links or extent is None or use.event == "insert":
        return None
    place = Site(site.effect, target, extent, site.world, site.figures)
    rows, _ = _matching(use, place)
    total = NOTHING
    for link in links:
        leads = any(index.keys and index.keys[0].column == link.columns[0] for index in site.relation.indexes)
        once = changing.found(site.extent, 1.0, site.figures, by_index=leads)
        total += once.times(rows).widened(0.1, 2.0)
    return total
