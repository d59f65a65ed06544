"""From timed statements on scratch tables to a server's figures: the model is held against each, and put right.

Every probe is there for a few figures. They are scaled, all by one factor, until the model says what the clock said;
after a few rounds over all probes the figures agree with each other.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gate.model.catalog import Column, Gathered, Index, IndexKey, Relation, Type
from gate.model.rates import Figures
from gate.model.snapshot import Server, Snapshot
from gate.plan.costs import changing, indexing, joining, rewriting, scanning
from gate.plan.costs.extent import Extent
from gate.plan.costs.resources import shared_bytes

_NARROW_BYTES, _WIDE_BYTES, _LONG_BYTES = 85, 615, 6900


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """The scratch tables by their rows, for so many megabytes at the peak: tables, a copy of one, indexes, sorts."""

    narrow_rows: int
    wide_rows: int
    long_rows: int
    parent_rows: int
    listed_rows: int
    span_rows: int

    @classmethod
    def of(cls, megabytes: int) -> Scratch:
        """Tables that take about a third of it; the rest is for what is made of them."""
        total = megabytes * 2**20 * 0.55
        narrow = max(20_000, int(total * 0.25 / _NARROW_BYTES))
        return cls(
            narrow_rows=narrow,
            wide_rows=max(2_000, int(total * 0.2 / _WIDE_BYTES)),
            long_rows=max(200, int(total * 0.08 / _LONG_BYTES)),
            parent_rows=max(5_000, narrow // 4),
            listed_rows=max(2_000, narrow // 8),
            span_rows=max(1_000, narrow // 20),
        )


def figures_from(measured: Mapping[str, float], scratch: Scratch, server: Server) -> Figures:
    """The figures that explain the seconds that each probe took; what was not measured keeps its default."""
    figures = Figures()
    models = {name: own for name, own in _models(scratch, server).items() if name in measured}
    factors: dict[tuple[str, ...], float] = {}
    for _ in range(_ROUNDS):
        for name, (names, model) in models.items():
            factors[names] = _factor(figures, names, model, measured[name])
            figures = _scaled(figures, names, factors[names])
    return _moderated(factors)


_ROUNDS = 6
_FARTHEST = 30.0


def _moderated(factors: Mapping[tuple[str, ...], float]) -> Figures:
    """What is far from what the rest of the server does is in part the moment's noise: a quarter of the way back."""
    timed = {names: factor for names, factor in factors.items() if names not in _APART}
    common = statistics.median(timed.values()) if timed else 1.0
    figures = Figures()
    for names, factor in factors.items():
        figures = _scaled(
            figures, names, factor ** _TRUST.get(names, 1.0) if names in _APART else common**0.25 * factor**0.75
        )
    return figures


# These say nothing of how fast the machine is.
_APART = frozenset({("parallel_gain",), ("random_uuid_ns",), ("catalog_ns",)})
# Whether a second processor was free is the moment's chance: half of it is believed.
_TRUST = {("parallel_gain",): 0.5}


def _factor(figures: Figures, names: tuple[str, ...], model: Callable[[Figures], float], seconds: float) -> float:
    """By which these are scaled from their defaults for the model to take so many seconds; found by halving."""
    low, high = 1 / _FARTHEST, _FARTHEST
    rising = model(_scaled(figures, names, high)) > model(_scaled(figures, names, low))
    for _ in range(30):
        middle = (low * high) ** 0.5
        if (model(_scaled(figures, names, middle)) < seconds) == rising:
            low = middle
        else:
            high = middle
    return float((low * high) ** 0.5)


def _scaled(figures: Figures, names: tuple[str, ...], factor: float) -> Figures:
    scaled = {name: getattr(_DEFAULTS, name) * factor for name in names}
    # No worker does more than the leader.
    return replace(
        figures, **{name: min(value, 1.0) if name == "parallel_gain" else value for name, value in scaled.items()}
    )


_DEFAULTS = Figures()


def figures_of(measured: Mapping[str, float], scratch: Scratch, server: Server) -> dict[str, float]:
    """Those that were measured, by name, to three places: more was not."""
    figures = figures_from(measured, scratch, server)
    names = (name for probe, (own, _) in _models(scratch, server).items() if probe in measured for name in own)
    return {name: float(f"{getattr(figures, name):.3g}") for name in names}


# --- the scratch tables as the model sees them ------------------------------------------------------------------------

_INT, _BIGINT, _TEXT, _TIME, _INTS, _RANGE = 23, 20, 25, 1184, 1007, 3904
_TYPES = {
    item.oid: item
    for item in (
        Type(oid=_INT, schema="pg_catalog", name="int4", category="N", length=4),
        Type(oid=_BIGINT, schema="pg_catalog", name="int8", category="N", length=8),
        Type(oid=_TEXT, schema="pg_catalog", name="text", category="S"),
        Type(oid=_TIME, schema="pg_catalog", name="timestamptz", category="D", length=8),
        Type(oid=_INTS, schema="pg_catalog", name="_int4", category="A", element=_INT),
        Type(oid=_RANGE, schema="pg_catalog", name="int4range", category="R"),
    )
}


def _column(number: int, name: str, kind: int, width: int, distinct: float = -1.0, correlation: float = 0.0) -> Column:
    elements = 8.0 if kind == _INTS else None
    gathered = Gathered(width_bytes=width, distinct=distinct, correlation=correlation, elements=elements)
    return Column(number=number, name=name, type=kind, gathered=gathered, storage="x" if kind == _TEXT else "p")


def _extent(oid: int, columns: tuple[Column, ...], rows: int, row_bytes: int, toast_bytes: int = 0) -> Extent:
    relation = Relation(oid=oid, schema="", name="", kind="r", columns=columns, rows=float(rows))
    return Extent(relation, float(rows), float(rows * row_bytes), float(toast_bytes), float(row_bytes))


@dataclass(frozen=True, slots=True)
class _Tables:
    """The scratch tables; of `kept_narrow` no page is fetched, where the server's own cache holds it."""

    narrow: Extent
    kept_narrow: Extent
    wide: Extent
    long: Extent
    parents: Extent
    listed: Extent
    spans: Extent


def _tables(scratch: Scratch, server: Server) -> _Tables:
    rows = scratch.narrow_rows
    narrow = _extent(
        1,
        (
            _column(1, "id", _BIGINT, 8, correlation=1.0),
            _column(2, "n", _INT, 4, distinct=float(scratch.parent_rows)),
            _column(3, "k", _TEXT, 33),
            _column(4, "at", _TIME, 8, correlation=1.0),
        ),
        rows,
        _NARROW_BYTES,
    )
    wide_columns = [_column(i, f"n{i}", _INT, 4) for i in range(1, 10)] + [
        _column(i, f"s{i}", _TEXT, 33) for i in range(10, 26)
    ]
    long_columns = (_column(1, "id", _INT, 4), _column(2, "body", _TEXT, 18))
    # A table that is smaller than a quarter of the cache is kept in it (heapam.c, initscan).
    is_kept = narrow.heap_bytes < shared_bytes(server) / 4
    return _Tables(
        narrow=narrow,
        kept_narrow=replace(narrow, heap_bytes=0.0) if is_kept else narrow,
        wide=_extent(2, tuple(wide_columns), scratch.wide_rows, _WIDE_BYTES),
        long=_extent(3, long_columns, scratch.long_rows, 60, scratch.long_rows * 6700),
        parents=_extent(4, (_column(1, "id", _INT, 4, correlation=1.0),), scratch.parent_rows, 36),
        listed=_extent(5, (_column(1, "tags", _INTS, 56),), scratch.listed_rows, 88),
        spans=_extent(6, (_column(1, "r", _RANGE, 17),), scratch.span_rows, 52),
    )


Model = Callable[[Figures], float]


def _models(scratch: Scratch, server: Server) -> dict[str, tuple[tuple[str, ...], Model]]:
    """Each probe's figures, and what the model says that it takes."""
    world = Snapshot(server=server, types=_TYPES)
    tables = _tables(scratch, server)
    return {
        **_reading(tables),
        **_indexing(tables, world),
        **_rewriting(tables, world),
        **_changing(tables, world),
        "random UUIDs": (("random_uuid_ns",), lambda f: 50_000 * (f.random_uuid_ns + _SERIES_NS) / 1e9),
        "catalog": (("catalog_ns",), lambda f: f.catalog_ns / 1e9),
    }


# A row of generate_series, counted.
_SERIES_NS = 60.0


def _reading(tables: _Tables) -> dict[str, tuple[tuple[str, ...], Model]]:
    return {
        "scan of wide rows": (("page_read_ns",), lambda f: scanning.scanned(tables.wide, f, columns=2).likely_s),
        "scan of narrow rows": (
            ("row_read_ns", "column_read_ns", "check_ns"),
            lambda f: scanning.scanned(tables.narrow, f, columns=2).likely_s,
        ),
        "look into TOAST": (
            ("chunk_read_ns",),
            lambda f: scanning.scanned(tables.long, f, columns=2, reads_toast=True).likely_s,
        ),
        "foreign key": (
            ("joined_row_ns", "hashed_row_ns"),
            lambda f: (
                joining.looked_up(tables.kept_narrow, f, hashed=joining.hashed_bytes(tables.parents.rows, 4.0)).likely_s
                + joining.hashed(tables.parents, f).likely_s
            ),
        ),
    }


def _spec(extent: Extent, column: int, world: Snapshot, method: str = "btree") -> indexing.IndexSpec:
    key = indexing.key_of(extent.relation.columns[column - 1], world, extent)
    return indexing.IndexSpec(method=method, keys=(key,), last_column=column)


def _indexing(tables: _Tables, world: Snapshot) -> dict[str, tuple[tuple[str, ...], Model]]:
    serial = replace(world.server, settings={**world.server.settings, "max_parallel_maintenance_workers": "0"})

    def building(extent: Extent, column: int, server: Server, method: str = "btree") -> Model:
        spec = _spec(extent, column, world, method)
        return lambda figures: indexing.built(spec, extent, figures, server).likely_s

    asked = replace(tables.kept_narrow.relation, options=("parallel_workers=1",))
    narrow, parallel = tables.kept_narrow, replace(tables.kept_narrow, relation=asked)
    return {
        "index in order": (("index_row_ns", "index_page_ns", "spilled_page_ns"), building(narrow, 1, serial)),
        "index of numbers": (("number_compare_ns",), building(narrow, 2, serial)),
        "index of texts": (("text_compare_ns",), building(narrow, 3, serial)),
        "index with a worker": (("parallel_gain",), building(parallel, 2, world.server)),
        "index, GIN": (("gin_entry_ns",), building(tables.listed, 1, serial, "gin")),
        "index, hash": (("hash_row_ns",), building(narrow, 2, serial, "hash")),
        "index, GiST": (("gist_row_ns",), building(tables.spans, 1, serial, "gist")),
    }


def _rewriting(tables: _Tables, world: Snapshot) -> dict[str, tuple[tuple[str, ...], Model]]:
    indexed = _indexed(tables.kept_narrow, (1,), world)

    def rewriting_of(extent: Extent) -> Model:
        return lambda figures: rewriting.rewritten(extent, world, figures, extra_ns=figures.call_ns).likely_s

    return {
        "rewrite of wide rows": (("page_written_ns", "far_entry_ns"), rewriting_of(tables.wide)),
        "rewrite of narrow rows": (("rewritten_row_ns", "call_ns"), rewriting_of(tables.kept_narrow)),
        "move of narrow rows": (("moved_row_ns",), lambda f: rewriting.moved(indexed, world, f).likely_s),
        "rewrite of TOAST": (("chunk_written_ns",), rewriting_of(tables.long)),
    }


def _indexed(extent: Extent, columns: tuple[int, ...], world: Snapshot) -> Extent:
    """With a btree on each of these columns, as large as it is when fresh."""
    indexes = tuple(
        Index(
            oid=column,
            schema="",
            name="",
            relation=extent.relation.oid,
            keys=(IndexKey(column=column),),
            columns=(column,),
            size_bytes=int(indexing.index_bytes(_spec(extent, column, world), extent.rows)),
        )
        for column in columns
    )
    return replace(extent, relation=replace(extent.relation, indexes=indexes))


def _changing(tables: _Tables, world: Snapshot) -> dict[str, tuple[tuple[str, ...], Model]]:
    narrow = tables.kept_narrow
    rows, indexed = narrow.rows, _indexed(narrow, (2, 3), world)

    def reading(figures: Figures) -> float:
        return indexing.read_ns(narrow, figures, columns=4) / 1e9

    return {
        "insert": (
            ("inserted_row_ns",),
            lambda f: reading(f) + changing.inserted(narrow, rows, world, f).likely_s,
        ),
        "update": (("updated_row_ns",), lambda f: reading(f) + changing.updated(narrow, rows, world, f).likely_s),
        "delete": (("deleted_row_ns",), lambda f: reading(f) + changing.deleted(narrow, rows, f).likely_s),
        "insert with indexes": (
            ("entry_ns",),
            lambda f: reading(f) + changing.inserted(indexed, rows / 5, world, f).likely_s,
        ),
        "insert with a foreign key": (
            ("trigger_ns",),
            lambda f: reading(f) + changing.inserted(narrow, rows / 20, world, f, keys=1).likely_s,
        ),
    }
