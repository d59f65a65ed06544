"""REINDEX and CLUSTER: indexes and tables made anew.

Source: PostgreSQL 18 `indexcmds.c` (ReindexIndex, ReindexTable, ReindexPartitions, ReindexMultipleTables),
`cluster.c`; the
pages "REINDEX", "CLUSTER".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gate.model.actions import Cluster, Reindex
from gate.model.catalog import Index, Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof, Versions
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.lookup import descendants, maybe_relation, missing, require_owner

AE, SUE, SHARE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE, LockMode.SHARE
_BUILD, _REWRITE, _NOTHING = frozenset({Work.INDEX_BUILD}), frozenset({Work.REWRITE}), frozenset[Work]()


# --- REINDEX ----------------------------------------------------------------------------------------------------------


def derive_reindex(action: Reindex, world: Snapshot) -> Iterator[Touch]:
    """SHARE on the table and ACCESS EXCLUSIVE on its index, which keeps readers out too; concurrently neither."""
    match action.object:
        case "index":
            yield from _reindex_index(action, world)
        case "table":
            yield from _reindex_table(action, world)
        case "system":
            return
        case "schema":
            _check_schema(action, world)
            schema = action.name.name if action.name else ""
            yield from _reindex_all(action, (item for item in world.relations.values() if item.schema == schema))
        case _:
            yield from _reindex_all(action, world.relations.values())


def _check_schema(action: Reindex, world: Snapshot) -> None:
    if action.name is not None and action.name.name not in world.schemas and not action.name.name.startswith("pg_"):
        raise ServerWouldReject(f'schema "{action.name.name}" does not exist', sqlstate="3F000")


def _reindex_index(action: Reindex, world: Snapshot) -> Iterator[Touch]:
    assert action.name is not None
    oid = world.find(action.name)
    if oid is None:
        raise missing(world, action.name)
    if oid not in world.index_tables:
        raise ServerWouldReject(f'"{action.name}" is not an index', sqlstate="42809")
    table = world.relations[world.index_tables[oid]]
    require_owner(world, table)
    index = next(item for item in table.indexes if item.oid == oid)
    if not index.is_partitioned:
        yield _rebuilt(action, table)
        return
    yield Touch(table.oid, SUE if action.is_concurrent else SHARE, shuts_out_readers=not action.is_concurrent)
    below = set(_indexes_below(world, oid))
    for item in descendants(world, table.oid):
        if any(other.oid in below and not other.is_partitioned for other in item.indexes):
            yield _rebuilt(action, item)


def _indexes_below(world: Snapshot, oid: int) -> Iterator[int]:
    for table in world.relations.values():
        for index in table.indexes:
            if index.parent == oid:
                yield index.oid
                yield from _indexes_below(world, index.oid)


def _reindex_table(action: Reindex, world: Snapshot) -> Iterator[Touch]:
    assert action.name is not None
    table = maybe_relation(world, action.name)
    if table is None:
        raise missing(world, action.name)
    if table.kind not in "rmpt" or world.find(action.name) in world.index_tables:
        raise ServerWouldReject(f'"{action.name}" is not a table or materialized view', sqlstate="42809")
    require_owner(world, table)
    if table.kind != "p":
        yield _rebuilt(action, table)
        return
    yield Touch(table.oid, SUE if action.is_concurrent else SHARE)
    for item in descendants(world, table.oid):
        # The partitions are found under SHARE even where they are rebuilt concurrently.
        yield Touch(item.oid, SHARE)
        if item.has_storage:
            yield _rebuilt(action, item)


def _rebuilt(action: Reindex, table: Relation) -> Touch:
    mode = SUE if action.is_concurrent else SHARE
    if action.is_concurrent and action.object != "index":
        # Invalid indexes and those of exclusion constraints are left out, with a warning.
        work = _BUILD if any(item.is_valid and not item.is_exclusion for item in table.indexes) else _NOTHING
        return Touch(table.oid, mode, work)
    if not table.indexes:
        return Touch(table.oid, mode)
    return Touch(table.oid, mode, _BUILD, shuts_out_readers=not action.is_concurrent)


def _reindex_all(action: Reindex, tables: Iterable[Relation]) -> Iterator[Touch]:
    for table in tables:
        if table.has_storage and table.kind != "t":
            yield _rebuilt(action, table)


# --- CLUSTER ----------------------------------------------------------------------------------------------------------


def derive_cluster(action: Cluster, world: Snapshot) -> Iterator[Touch]:
    """ACCESS EXCLUSIVE and a rewrite; without a table of all that were clustered before."""
    if action.table is None:
        for table in world.relations.values():
            if any(index.is_clustered for index in table.indexes) and _may(world, table):
                yield Touch(table.oid, AE, _REWRITE)
        return
    table = _clustered(action.table, world)
    index = _order(action, table)
    yield Touch(table.oid, AE, _REWRITE if table.has_storage else _NOTHING)
    if table.kind == "p":
        if world.server.major < 15:
            raise ServerWouldReject("cannot cluster a partitioned table", sqlstate="0A000")
        below = set(_indexes_below(world, index.oid))
        for item in descendants(world, table.oid):
            if item.has_storage and any(other.oid in below for other in item.indexes) and _may(world, item):
                yield Touch(item.oid, AE, _REWRITE)


def _may(world: Snapshot, table: Relation) -> bool:
    try:
        require_owner(world, table)
    except ServerWouldReject:
        return "MAINTAIN" in table.privileges
    return True


def _clustered(name: Name, world: Snapshot) -> Relation:
    table = maybe_relation(world, name)
    if table is None:
        raise missing(world, name)
    if table.kind not in "rmpt":
        raise ServerWouldReject(f'"{name}" is not a table', sqlstate="42809")
    if "MAINTAIN" not in table.privileges:
        require_owner(world, table)
    return table


def _order(action: Cluster, table: Relation) -> Index:
    """The index that is named, or the one of the last time."""
    if table.kind == "t" and action.index is not None:
        return next(iter(table.indexes), Index(oid=0, schema=table.schema, name=action.index, relation=table.oid))
    if action.index is None:
        found = next((item for item in table.indexes if item.is_clustered), None)
        problem = f'there is no previously clustered index for table "{table.name}"'
    else:
        found = next((item for item in table.indexes if item.name == action.index), None)
        problem = f'index "{action.index}" for table "{table.name}" does not exist'
    if found is None:
        raise ServerWouldReject(problem, sqlstate="42704")
    return found


def apply_cluster(action: Cluster, snapshot: Snapshot) -> Snapshot:
    """The index is remembered."""
    if action.table is None:
        return snapshot
    table = _clustered(action.table, snapshot)
    oid = _order(action, table).oid
    return snapshot.put(
        replace(table, indexes=tuple(replace(item, is_clustered=item.oid == oid) for item in table.indexes))
    )


DERIVES = {Reindex: derive_reindex, Cluster: derive_cluster}
APPLIES = {Cluster: apply_cluster}

_REINDEX = "https://www.postgresql.org/docs/18/sql-reindex.html"
_CLUSTER = "https://www.postgresql.org/docs/18/sql-cluster.html"
_T = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT g, g FROM generate_series(1, 10) g; CREATE INDEX i ON t (a)"
_P = (
    "CREATE TABLE p (a int, b int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO "
    "(100); "
    "INSERT INTO p SELECT g, g FROM generate_series(1, 10) g; CREATE INDEX i ON p (a)"
)


def _fact(
    form: str, source: str, setup: str, statement: str, *expects: Expect, alone: bool = False, since: int = 14
) -> Fact:
    proof = Proof(setup=setup, statement=statement, expects=expects, is_alone=alone)
    return Fact(form=form, source=source, proof=proof, versions=Versions(since=since))


def _at(relation: str, lock: LockMode, work: frozenset[Work] = frozenset({Work.CATALOG_ONLY})) -> Expect:
    return Expect(relation=f"public.{relation}", lock=lock, work=work)


FACTS = (
    _fact("REINDEX TABLE", _REINDEX, _T, "REINDEX TABLE t", _at("t", SHARE, _BUILD)),
    _fact("REINDEX INDEX", _REINDEX, _T, "REINDEX INDEX i", _at("t", SHARE, _BUILD)),
    _fact(
        "REINDEX INDEX CONCURRENTLY", _REINDEX, _T, "REINDEX INDEX CONCURRENTLY i", _at("t", SUE, _BUILD), alone=True
    ),
    _fact(
        "REINDEX TABLE CONCURRENTLY", _REINDEX, _T, "REINDEX TABLE CONCURRENTLY t", _at("t", SUE, _BUILD), alone=True
    ),
    _fact(
        "REINDEX TABLE CONCURRENTLY of a partitioned table",
        "src/backend/commands/indexcmds.c, ReindexPartitions",
        _P,
        "REINDEX TABLE CONCURRENTLY p",
        _at("p", SUE),
        _at("p1", SHARE, _BUILD),
        alone=True,
    ),
    _fact("CLUSTER", _CLUSTER, _T, "CLUSTER t USING i", _at("t", AE, _REWRITE)),
    _fact(
        "CLUSTER of a partitioned table",
        _CLUSTER,
        _P,
        "CLUSTER p USING i",
        _at("p", AE),
        _at("p1", AE, _REWRITE),
        alone=True,
        since=15,
    ),
)
