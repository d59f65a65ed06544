"""Indexes, VACUUM, CLUSTER, REINDEX, REFRESH, TRUNCATE, LOCK, COPY."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from gate.model.actions import (
    Cluster,
    Copy,
    CreateIndex,
    LockTable,
    Refresh,
    Reindex,
    RelationUse,
    Statement,
    Truncate,
    Vacuum,
)
from gate.model.locks import LockMode
from gate.sql.key_names import key_names
from gate.sql.queries import query
from gate.sql.rewriting.indexes import signature_of
from gate.sql.terms import expression, name_of, range_name, strings
from gate.sql.tree import Tree, content, deparsed_statement, words

_FALSE = frozenset({"false", "off", "0", "no"})


def create_index(node: Tree) -> Statement:
    """IndexStmt."""
    keys = [content(item) for item in node.index_params]
    action = CreateIndex(
        name=node.idxname or None,
        table=range_name(node.relation),
        columns=tuple(key.name or None for key in keys),
        include=tuple(content(item).name for item in node.index_including_params),
        expressions=tuple(expression(key.expr) for key in keys if key.HasField("expr")),
        where=expression(node.where_clause) if node.HasField("where_clause") else None,
        method=node.access_method or "btree",
        is_unique=node.unique,
        is_concurrent=node.concurrent,
        if_not_exists=node.if_not_exists,
        only=not node.relation.inh,
        opclasses=tuple((strings(key.opclass) or ("",))[-1] for key in keys),
        collations=tuple(name_of(strings(key.collation)) if key.collation else None for key in keys),
        are_nulls_equal=node.nulls_not_distinct,
        key_names=key_names([*node.index_params, *node.index_including_params]),
        signature=signature_of(node),
        text=deparsed_statement(pb.Node(index_stmt=node)),
        tablespace=node.table_space,
    )
    return Statement(kind="CREATE INDEX", action=action, forbids_transaction=node.concurrent)


def is_on(options: list[Tree], name: str) -> bool:
    """Whether a boolean option is there and not switched off."""
    for option in (content(item) for item in options):
        if option.defname == name:
            return _truth(option)
    return False


def is_off(options: list[Tree], name: str) -> bool:
    """Whether a boolean option is there and switched off."""
    return any(option.defname == name and not _truth(option) for option in (content(item) for item in options))


def _truth(option: Tree) -> bool:
    if not option.HasField("arg"):
        return True
    inner = content(option.arg)
    kind = inner.DESCRIPTOR.name
    if kind == "Boolean":
        return bool(inner.boolval)
    return (inner.sval.lower() if kind == "String" else str(inner.ival)) not in _FALSE


def reindex(node: Tree) -> Statement:
    """ReindexStmt."""
    concurrent = is_on(node.params, "concurrently")
    what = words(pb.ReindexObjectType, node.kind, "REINDEX_OBJECT_")
    name = range_name(node.relation) if node.HasField("relation") else None
    from gate.model.names import Name

    action = Reindex(
        object=what,
        name=name or (Name(node.name) if node.name else None),
        is_concurrent=concurrent,
        tablespace=next(
            (content(content(item).arg).sval for item in node.params if content(item).defname == "tablespace"), ""
        ),
    )
    alone = concurrent or what in ("schema", "system", "database")
    return Statement(kind="REINDEX", action=action, forbids_transaction=alone)


def cluster(node: Tree) -> Statement:
    """ClusterStmt."""
    table = range_name(node.relation) if node.HasField("relation") else None
    action = Cluster(table=table, index=node.indexname or None)
    return Statement(kind="CLUSTER", action=action, forbids_transaction=table is None)


def vacuum(node: Tree) -> Statement:
    """VacuumStmt: VACUUM and ANALYZE."""
    relations = [content(item) for item in node.rels]
    uses = tuple(RelationUse(name=range_name(item.relation), only=not item.relation.inh) for item in relations)
    action = Vacuum(
        tables=uses,
        vacuums=node.is_vacuumcmd,
        analyzes=not node.is_vacuumcmd or is_on(node.options, "analyze"),
        is_full=is_on(node.options, "full"),
        columns=tuple(name for item in relations for name in strings(item.va_cols)),
        skips_locked=is_on(node.options, "skip_locked"),
        skips_main=is_off(node.options, "process_main"),
        only_database_stats=is_on(node.options, "only_database_stats"),
    )
    tag = "VACUUM" if node.is_vacuumcmd else "ANALYZE"
    return Statement(kind=tag, action=action, forbids_transaction=node.is_vacuumcmd)


def refresh(node: Tree) -> Statement:
    """RefreshMatViewStmt."""
    action = Refresh(name=range_name(node.relation), is_concurrent=node.concurrent, with_data=not node.skip_data)
    return Statement(kind="REFRESH MATERIALIZED VIEW", action=action)


def truncate(node: Tree) -> Statement:
    """TruncateStmt."""
    uses = tuple(_use(item, LockMode.ACCESS_EXCLUSIVE) for item in node.relations)
    action = Truncate(tables=uses, restarts=node.restart_seqs, cascade=node.behavior == pb.DROP_CASCADE)
    return Statement(kind="TRUNCATE TABLE", action=action)


def _use(item: Tree, mode: LockMode, *, nowait: bool = False) -> RelationUse:
    inner = content(item)
    return RelationUse(name=range_name(inner), mode=mode, only=not inner.inh, nowait=nowait)


def lock_table(node: Tree) -> Statement:
    """LockStmt; the mode's number is that of `lockdefs.h`."""
    mode = tuple(LockMode)[node.mode - 1]
    uses = tuple(_use(item, mode, nowait=node.nowait) for item in node.relations)
    return Statement(kind="LOCK TABLE", action=LockTable(tables=uses))


def copy(node: Tree) -> Statement:
    """CopyStmt."""
    action = Copy(
        table=range_name(node.relation) if node.HasField("relation") else None,
        query=query(node.query) if node.HasField("query") else None,
        is_from=node.is_from,
        columns=strings(node.attlist),
        where=expression(node.where_clause) if node.HasField("where_clause") else None,
    )
    return Statement(kind="COPY", action=action)


BUILDERS = {
    "index_stmt": create_index,
    "reindex_stmt": reindex,
    "cluster_stmt": cluster,
    "vacuum_stmt": vacuum,
    "refresh_mat_view_stmt": refresh,
    "truncate_stmt": truncate,
    "lock_stmt": lock_table,
    "copy_stmt": copy,
}
