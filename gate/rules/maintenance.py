"""VACUUM and ANALYZE, REFRESH MATERIALIZED VIEW, TRUNCATE, LOCK TABLE.

Source: PostgreSQL 18 `vacuum.c` (expand_vacuum_rel, vacuum_rel), `analyze.c` (acquire_inherited_sample_rows),
`matview.c`,
`tablecmds.c` (ExecuteTruncateGuts, heap_truncate_find_FKs), `lockcmds.c` (LockViewRecurse); the pages of these
commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gate.model.actions import LockTable, Refresh, RelationUse, Truncate, Vacuum
from gate.model.catalog import Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof, Versions
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.expanding import expanded, view_query
from gate.rules.firing import triggers
from gate.rules.indexes import maintenance_scope
from gate.rules.lookup import descendants, family, maybe_index, maybe_relation, missing, require_owner
from gate.rules.scope import Scope
from gate.rules.storage import owned_sequences

AE, EXCLUSIVE, SUE, AS = (
    LockMode.ACCESS_EXCLUSIVE,
    LockMode.EXCLUSIVE,
    LockMode.SHARE_UPDATE_EXCLUSIVE,
    LockMode.ACCESS_SHARE,
)
_READ, _WRITE, _REWRITE = frozenset({Work.READ}), frozenset({Work.WRITE}), frozenset({Work.REWRITE})
_NOTHING = frozenset[Work]()


def _named(world: Snapshot, name: Name) -> Relation:
    table = maybe_relation(world, name)
    if table is None:
        raise missing(world, name)
    return table


# --- VACUUM, ANALYZE --------------------------------------------------------------------------------------------------


def derive_vacuum(action: Vacuum, world: Snapshot) -> Iterator[Touch]:
    """Each table by itself; a role that may not is warned, not refused."""
    if action.only_database_stats:
        return
    if not action.tables:
        every = (item for item in world.relations.values() if item.kind in "rmp")
        yield from (touch for item in every for touch in _vacuumed(action, world, item))
    for use in action.tables:
        table = _named(world, use.name)
        if maybe_index(world, use.name) is None:
            yield from _warned(action, world, table, only=use.only)
            for item in _processed(action, world, table, only=use.only):
                yield from _vacuumed(action, world, item)
            yield from _sampled(action, world, table, only=use.only)


def _processed(action: Vacuum, world: Snapshot, table: Relation, *, only: bool) -> Iterable[Relation]:
    """Partitions follow their table; inheritance children do so from 18 on, and ONLY exists since then."""
    if only or (table.kind != "p" and world.server.major < 18):
        return (table,)
    if table.kind == "p" and not action.vacuums and not action.analyzes:
        return (table,)
    return family(world, table)


def _vacuumed(action: Vacuum, world: Snapshot, table: Relation) -> Iterator[Touch]:
    if not _may(world, table) or table.kind not in ("rmpf" if action.analyzes else "rmp"):
        return
    if not action.vacuums:
        yield Touch(table.oid, SUE, _READ if table.kind != "p" else _NOTHING)
    elif table.kind != "f":
        work = _REWRITE if action.is_full else _WRITE
        if action.skips_main:
            work = _NOTHING
        also = _READ if action.analyzes and not action.is_full else _NOTHING
        yield Touch(table.oid, AE if action.is_full else SUE, work | also if table.has_storage else _NOTHING)


def _warned(action: Vacuum, world: Snapshot, table: Relation, *, only: bool) -> Iterator[Touch]:
    """Whoever may not VACUUM is told so only after a look: at what was named, and at each partition by itself."""
    if not action.vacuums:
        return
    if not _may(world, table):
        yield Touch(table.oid, AS)
    for item in _processed(action, world, table, only=only):
        if item.oid != table.oid and not _may(world, item):
            yield Touch(item.oid, AE if action.is_full else SUE)


def _sampled(action: Vacuum, world: Snapshot, table: Relation, *, only: bool) -> Iterator[Touch]:
    """Statistics over the whole tree read the children that are not processed by themselves."""
    if action.analyzes and table.kind in "rp" and _may(world, table):
        processed = {item.oid for item in _processed(action, world, table, only=only)}
        for child in descendants(world, table.oid):
            if child.oid not in processed or not _may(world, child):
                yield Touch(child.oid, AS, _READ if child.has_storage else _NOTHING)


def _may(world: Snapshot, table: Relation) -> bool:
    if "MAINTAIN" in table.privileges:
        return True
    try:
        require_owner(world, table)
    except ServerWouldReject:
        return False
    return True


# --- REFRESH ----------------------------------------------------------------------------------------------------------


def derive_refresh(action: Refresh, world: Snapshot) -> Iterator[Touch]:
    """ACCESS EXCLUSIVE and a new file; concurrently EXCLUSIVE, and the rows that differ are changed."""
    view = _matview(action, world)
    if action.is_concurrent:
        _check_concurrent(action, view)
        yield Touch(view.oid, EXCLUSIVE, _WRITE)
    else:
        yield Touch(view.oid, AE, _REWRITE)
    if action.with_data:
        yield from expanded(maintenance_scope(world), view)


def _matview(action: Refresh, world: Snapshot) -> Relation:
    view = _named(world, action.name)
    if view.kind != "m" or maybe_index(world, action.name) is not None:
        raise ServerWouldReject(f'"{action.name}" is not a materialized view', sqlstate="0A000")
    if "MAINTAIN" not in view.privileges:
        require_owner(world, view)
    return view


def _check_concurrent(action: Refresh, view: Relation) -> None:
    if not action.with_data:
        raise ServerWouldReject("CONCURRENTLY and WITH NO DATA cannot be used together", sqlstate="42601")
    whole = (
        index.is_unique and index.is_valid and not index.has_predicate and not index.has_expressions
        for index in view.indexes
    )
    if not any(whole):
        raise ServerWouldReject(
            f'cannot refresh materialized view "{view.full_name}" concurrently',
            sqlstate="55000",
            remedy="create a unique index on plain columns, without a WHERE clause",
        )


def apply_refresh(action: Refresh, snapshot: Snapshot) -> Snapshot:
    """Rows come, or go."""
    return snapshot.put(replace(_matview(action, snapshot), is_known_empty=not action.with_data))


# --- TRUNCATE ---------------------------------------------------------------------------------------------------------


def derive_truncate(action: Truncate, world: Snapshot) -> Iterator[Touch]:
    """ACCESS EXCLUSIVE on all that is emptied; sequences too where they restart."""
    tables = _truncated(action, world)
    for table in tables:
        yield Touch(table.oid, AE)
        if action.restarts:
            yield from (Touch(item.oid, AE) for item in owned_sequences(world, table))
    scope = Scope(world)
    for table in tables:
        yield from triggers(scope, table, table, frozenset({"truncate"}))


def _truncated(action: Truncate, world: Snapshot) -> tuple[Relation, ...]:
    """The named ones with what lies below, and under CASCADE what references them, however far."""
    found: dict[int, Relation] = {}
    for use in action.tables:
        table = _named(world, use.name)
        _check_truncatable(use, table, world)
        for item in family(world, table, only=use.only):
            found.setdefault(item.oid, item)
    pending = list(found.values())
    while pending:
        for other in _referencing(world, pending.pop()):
            if other.oid in found:
                continue
            if not action.cascade:
                raise ServerWouldReject(
                    f'cannot truncate a table referenced in a foreign key constraint: "{other.name}" references it',
                    sqlstate="0A000",
                    remedy=f"truncate {other.full_name} in the same statement, or write CASCADE and mean it",
                )
            for item in family(world, other, only=other.kind != "p"):
                if item.oid not in found:
                    found[item.oid] = item
                    pending.append(item)
    return tuple(found.values())


def _check_truncatable(use: RelationUse, table: Relation, world: Snapshot) -> None:
    if table.kind not in "rpf" or maybe_index(world, use.name) is not None:
        raise ServerWouldReject(f'"{table.name}" is not a table', sqlstate="42809")
    if use.only and table.kind == "p":
        raise ServerWouldReject("cannot truncate only a partitioned table", sqlstate="42809")
    if "TRUNCATE" not in table.privileges:
        require_owner(world, table)


def _referencing(world: Snapshot, table: Relation) -> Iterator[Relation]:
    """Tables whose foreign keys point here; a partition's own copy of a key counts for the partition."""
    for oid, _ in table.referenced_by:
        other = world.relations.get(oid)
        if other is not None and other.oid != table.oid:
            yield other


def apply_truncate(action: Truncate, snapshot: Snapshot) -> Snapshot:
    """Nothing is left in them."""
    tables = _truncated(action, snapshot)
    return snapshot.put(*(replace(table, is_known_empty=True, rows=0.0) for table in tables if table.has_storage))


# --- LOCK TABLE -------------------------------------------------------------------------------------------------------


def derive_lock(action: LockTable, world: Snapshot) -> Iterator[Touch]:
    """The mode that is written, on children too, and through views on what they name."""
    for use in action.tables:
        table = _named(world, use.name)
        if table.kind not in "rpv" or maybe_index(world, use.name) is not None:
            raise ServerWouldReject(f'cannot lock relation "{table.name}"', sqlstate="42809")
        yield from _locked(world, table, use.mode, only=use.only, inside=frozenset())


def _locked(world: Snapshot, table: Relation, mode: LockMode, *, only: bool, inside: frozenset[int]) -> Iterator[Touch]:
    yield Touch(table.oid, mode)
    if table.kind == "v":
        yield from _locked_behind(world, table, mode, inside)
    elif not only:
        yield from (Touch(child.oid, mode) for child in descendants(world, table.oid))


def _locked_behind(world: Snapshot, view: Relation, mode: LockMode, inside: frozenset[int]) -> Iterator[Touch]:
    if view.oid in inside:
        return
    query = view_query(view)
    if query is None:
        found = [(world.relations.get(oid), False) for oid in view.reads]
    else:
        scope = Scope(world).stored
        found = [(maybe_relation(scope.world, use.name), use.only) for use in query.uses if not use.event]
    for table, only in found:
        if table is not None and table.kind in "rpv":
            yield from _locked(world, table, mode, only=only, inside=inside | {view.oid})


DERIVES = {Vacuum: derive_vacuum, Refresh: derive_refresh, Truncate: derive_truncate, LockTable: derive_lock}
APPLIES = {Refresh: apply_refresh, Truncate: apply_truncate}

_VACUUM = "https://www.postgresql.org/docs/18/sql-vacuum.html"
_ANALYZE = "https://www.postgresql.org/docs/18/sql-analyze.html"
_REFRESH = "https://www.postgresql.org/docs/18/sql-refreshmaterializedview.html"
_TRUNCATE = "https://www.postgresql.org/docs/18/sql-truncate.html"
_LOCK = "https://www.postgresql.org/docs/18/sql-lock.html"
_T = "CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t SELECT FROM generate_series(1, 10)"
_KIN = _T + "; CREATE TABLE c () INHERITS (t); INSERT INTO c SELECT FROM generate_series(1, 10)"
_FK = _T + "; CREATE TABLE r (id int REFERENCES t)"
_MV = _T + "; CREATE MATERIALIZED VIEW m AS SELECT id FROM t; CREATE UNIQUE INDEX ON m (id)"
_PLAIN = frozenset({Work.CATALOG_ONLY})


def _at(relation: str, lock: LockMode, work: frozenset[Work] = _PLAIN) -> Expect:
    return Expect(relation=f"public.{relation}", lock=lock, work=work)


def _fact(
    form: str,
    source: str,
    setup: str,
    statement: str,
    *expects: Expect,
    alone: bool = False,
    since: int = 14,
    until: int | None = None,
) -> Fact:
    proof = Proof(setup=setup, statement=statement, expects=expects, is_alone=alone)
    return Fact(form=form, source=source, proof=proof, versions=Versions(since=since, until=until))


FACTS = (
    _fact("VACUUM", _VACUUM, _T, "VACUUM t", _at("t", SUE, _WRITE), alone=True),
    _fact("VACUUM FULL", _VACUUM, _T, "VACUUM FULL t", _at("t", AE, _REWRITE), alone=True),
    _fact("ANALYZE", _ANALYZE, _T, "ANALYZE t", _at("t", SUE, _READ)),
    _fact("ANALYZE, with children", _ANALYZE, _KIN, "ANALYZE t", _at("t", SUE, _READ), _at("c", AS, _READ), until=17),
    _fact("ANALYZE, with children", _ANALYZE, _KIN, "ANALYZE t", _at("t", SUE, _READ), _at("c", SUE, _READ), since=18),
    _fact("ANALYZE ONLY", _ANALYZE, _KIN, "ANALYZE ONLY t", _at("t", SUE, _READ), _at("c", AS, _READ), since=18),
    _fact(
        "REFRESH MATERIALIZED VIEW",
        _REFRESH,
        _MV,
        "REFRESH MATERIALIZED VIEW m",
        _at("m", AE, _REWRITE),
        _at("t", AS, _READ),
    ),
    _fact(
        "REFRESH MATERIALIZED VIEW CONCURRENTLY",
        _REFRESH,
        _MV,
        "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
        _at("m", EXCLUSIVE, _WRITE),
        _at("t", AS, _READ),
    ),
    _fact(
        "REFRESH MATERIALIZED VIEW WITH NO DATA",
        _REFRESH,
        _MV,
        "REFRESH MATERIALIZED VIEW m WITH NO DATA",
        _at("m", AE, _REWRITE),
    ),
    _fact("TRUNCATE", _TRUNCATE, _T, "TRUNCATE t", _at("t", AE)),
    _fact(
        "TRUNCATE ... RESTART IDENTITY", _TRUNCATE, _T, "TRUNCATE t RESTART IDENTITY", _at("t", AE), _at("t_id_seq", AE)
    ),
    _fact("TRUNCATE ... CASCADE", _TRUNCATE, _FK, "TRUNCATE t CASCADE", _at("t", AE), _at("r", AE)),
    _fact("LOCK TABLE", _LOCK, _KIN, "LOCK TABLE t IN SHARE MODE", _at("t", LockMode.SHARE), _at("c", LockMode.SHARE)),
    _fact(
        "LOCK TABLE of a view",
        _LOCK,
        _T + "; CREATE VIEW v AS SELECT * FROM t",
        "LOCK TABLE v IN SHARE MODE",
        _at("v", LockMode.SHARE),
        _at("t", LockMode.SHARE),
    ),
)
