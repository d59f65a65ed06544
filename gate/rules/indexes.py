"""CREATE INDEX: plain, concurrently, on partitioned tables.

Source: PostgreSQL 18 `indexcmds.c` (DefineIndex, ReindexIndex, ReindexTable, ReindexPartitions,
ReindexMultipleTables), `utility.c`
(T_IndexStmt: find_all_inheritors), `cluster.c`; the pages "CREATE INDEX", "REINDEX", "CLUSTER".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import CreateIndex
from gate.model.catalog import Index, IndexKey, Relation
from gate.model.chosen_names import index_name
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof, Versions
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.code import called
from gate.rules.fit_for_partition import check_unique_key
from gate.rules.lookup import descendants, direct_children, functions, maybe_relation, missing, require_owner
from gate.rules.scope import Scope
from gate.sql.alike import age, is_as_written

AE, SUE, SHARE, AS = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE, LockMode.SHARE, LockMode.ACCESS_SHARE
_BUILD = frozenset({Work.INDEX_BUILD})
_REWRITE = frozenset({Work.REWRITE})
_NOTHING = frozenset[Work]()


# --- CREATE INDEX -----------------------------------------------------------------------------------------------------


def derive_create_index(action: CreateIndex, world: Snapshot) -> Iterator[Touch]:
    """SHARE on the table and its partitions, SHARE UPDATE EXCLUSIVE where it is built concurrently."""
    table = _table(action, world)
    mode = SUE if action.is_concurrent else SHARE
    yield Touch(table.oid, mode)
    below = () if action.only else tuple(descendants(world, table.oid)) if table.kind == "p" else ()
    yield from (Touch(item.oid, mode) for item in below)
    if _exists(action, table, world):
        return
    if action.is_concurrent and table.kind == "p":
        raise ServerWouldReject(
            f'cannot create index on partitioned table "{table.name}" concurrently',
            sqlstate="0A000",
            remedy="create it ON ONLY the parent, CONCURRENTLY on each partition, and ATTACH each",
        )
    _check_columns(action, table)
    if action.is_unique:
        check_unique_key((table, *below), action.columns)
    if table.has_storage:
        yield Touch(table.oid, mode, _BUILD)
    for item in below:
        if item.has_storage and not _has_like(action, world, table, item):
            yield Touch(item.oid, mode, _BUILD)
    yield from _evaluated(action, world)


def _table(action: CreateIndex, world: Snapshot) -> Relation:
    table = maybe_relation(world, action.table)
    if table is None:
        raise missing(world, action.table)
    if table.kind not in "rmp" or world.find(action.table) in world.index_tables:
        raise ServerWouldReject(f'cannot create index on relation "{table.name}"', sqlstate="42809")
    require_owner(world, table)
    return table


def _exists(action: CreateIndex, table: Relation, world: Snapshot) -> bool:
    if action.name is None or (table.schema, action.name) not in world.names:
        return False
    if action.if_not_exists:
        return True
    is_left = any(item.name == action.name and not item.is_valid for item in table.indexes)
    raise ServerWouldReject(
        f'relation "{action.name}" already exists',
        sqlstate="42P07",
        remedy=f"it is not valid, left by a build that did not end: DROP INDEX CONCURRENTLY {Name(action.name)} first"
        if is_left
        else "",
    )


_SYSTEM = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})


def _check_columns(action: CreateIndex, table: Relation) -> None:
    for name in (*action.columns, *action.include):
        if name is not None and table.column(name) is None and name not in _SYSTEM and table.columns:
            raise ServerWouldReject(f'column "{name}" does not exist', sqlstate="42703")


def _has_like(action: CreateIndex, world: Snapshot, root: Relation, partition: Relation) -> bool:
    """Whether the partition, or one between it and the table, brings an index that only has to be attached."""
    chain = [partition]
    while chain[-1].parents and chain[-1].parents[0] != root.oid and chain[-1].parents[0] in world.relations:
        chain.append(world.relations[chain[-1].parents[0]])
    return any(is_as_written(action, item, index) for item in chain for index in item.indexes)


def _evaluated(action: CreateIndex, world: Snapshot) -> Iterator[Touch]:
    """Functions of the user's own in expressions run for every row."""
    scope = maintenance_scope(world)
    for expression in (*action.expressions, *((action.where,) if action.where else ())):
        for call in expression.calls:
            for function in functions(world, call.name, call.arguments):
                yield from called(scope, function)


def maintenance_scope(world: Snapshot) -> Scope:
    """From 17 on maintenance runs functions under an empty search path (RestrictSearchPath)."""
    if world.server.major < 17:
        return Scope(world)
    server = world.server
    return Scope(
        replace(world, server=replace(server, search_path=(), printed_path=server.printed_path or server.search_path))
    )


def apply_create_index(action: CreateIndex, snapshot: Snapshot) -> Snapshot:
    """The index on the table, and one on each partition."""
    table = _table(action, snapshot)
    if _exists(action, table, snapshot):
        return snapshot
    world, index = _with_index(action, snapshot, table, action.name, parent=0)
    return world if action.only else _on_partitions(action, world, table, index)


def _on_partitions(action: CreateIndex, world: Snapshot, table: Relation, parent: int) -> Snapshot:
    for below in direct_children(world, table) if table.kind == "p" else ():
        child = world.relations[below.oid]
        like = next((item for item in sorted(child.indexes, key=age) if is_as_written(action, child, item)), None)
        if like is not None:
            indexes = tuple(replace(item, parent=parent) if item.oid == like.oid else item for item in child.indexes)
            world = world.put(replace(child, indexes=indexes))
        else:
            world, made = _with_index(action, world, child, None, parent=parent)
            world = _on_partitions(action, world, world.relations[child.oid], made)
    return world


def _with_index(
    action: CreateIndex, world: Snapshot, table: Relation, name: str | None, *, parent: int
) -> tuple[Snapshot, int]:
    oid, world = world.fresh_oid()
    classes = action.opclasses or ("",) * len(action.columns)
    keys = tuple(_key(table, column, name) for column, name in zip(action.columns, classes, strict=True))
    used = {key.column for key in keys} | {
        column.number for column in table.columns if column.name in _mentioned(action)
    }
    index = Index(
        oid=oid,
        schema=table.schema,
        name=name or index_name(world, table.schema, table.name, action.key_names, "idx"),
        relation=table.oid,
        method=action.method,
        keys=keys,
        include=tuple(column.number for item in action.include if (column := table.column(item))),
        columns=tuple(sorted(used - {0})),
        is_unique=action.is_unique,
        has_expressions=bool(action.expressions),
        has_predicate=action.where is not None,
        is_partitioned=table.kind == "p",
        parent=parent,
        owner=table.owner,
        tablespace=action.tablespace,
        definition=action.signature,
        written=action.text,
    )
    return world.put(replace(table, indexes=(*table.indexes, index))), oid


def _key(table: Relation, name: str | None, opclass: str) -> IndexKey:
    column = table.column(name) if name else None
    if column is None:
        return IndexKey(column=0, is_default_opclass=not opclass)
    return IndexKey(column=column.number, collation=column.collation, is_default_opclass=not opclass)


def _mentioned(action: CreateIndex) -> set[str]:
    expressions = (*action.expressions, *((action.where,) if action.where else ()))
    return {name for item in expressions for name in item.columns} | set(action.include)


DERIVES = {CreateIndex: derive_create_index}
APPLIES = {CreateIndex: apply_create_index}

_INDEX = "https://www.postgresql.org/docs/18/sql-createindex.html"
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
    _fact("CREATE INDEX", _INDEX, _T, "CREATE INDEX ON t (b)", _at("t", SHARE, _BUILD)),
    _fact(
        "CREATE INDEX CONCURRENTLY", _INDEX, _T, "CREATE INDEX CONCURRENTLY ON t (b)", _at("t", SUE, _BUILD), alone=True
    ),
    _fact(
        "CREATE INDEX IF NOT EXISTS, the name is taken",
        _INDEX,
        _T,
        "CREATE INDEX IF NOT EXISTS i ON t (b)",
        _at("t", SHARE),
    ),
    _fact(
        "CREATE INDEX of a partitioned table",
        _INDEX,
        _P,
        "CREATE INDEX ON p (b)",
        _at("p", SHARE),
        _at("p1", SHARE, _BUILD),
    ),
    _fact("CREATE INDEX ON ONLY", _INDEX, _P, "CREATE INDEX ON ONLY p (b)", _at("p", SHARE)),
    _fact(
        "CREATE INDEX of a partitioned table, the partition has a like one",
        _INDEX,
        _P + "; CREATE INDEX ON p1 (b)",
        "CREATE INDEX ON p (b)",
        _at("p", SHARE),
        _at("p1", SHARE),
    ),
)
