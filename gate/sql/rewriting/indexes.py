"""CREATE INDEX: built beside readers and writers, on a parent alone, on another table; other statements on indexes."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.key_names import key_names
from gate.sql.terms import strings
from gate.sql.tree import Tree, content, deparsed_statement, parsed, walk


def concurrently(sql: str, name: str) -> str:
    """The same index under this name, built beside readers and writers."""
    node = _index(sql)
    node.index_stmt.idxname = name
    node.index_stmt.concurrent = True
    return deparsed_statement(node)


def plainly(sql: str, name: str) -> str:
    """The same index under this name, CONCURRENTLY left out."""
    node = _index(sql)
    node.index_stmt.idxname = name
    node.index_stmt.concurrent = False
    return deparsed_statement(node)


def on_parent_alone(sql: str, name: str) -> str:
    """The index of a partitioned table without those of its partitions."""
    node = _index(sql)
    node.index_stmt.idxname = name
    node.index_stmt.concurrent = False
    node.index_stmt.relation.inh = False
    return deparsed_statement(node)


def on_partition(sql: str, table: Name, name: str, *, tablespace: str = "") -> str:
    """The same index on another table, whose columns have the same names; plain, and for all partitions of it."""
    node = _index(sql)
    statement = node.index_stmt
    was = statement.relation.relname
    statement.idxname = name
    statement.concurrent = False
    statement.if_not_exists = False
    statement.relation.CopyFrom(range_var(table))
    if tablespace:
        statement.table_space = tablespace
    _unqualify(statement, was)
    return deparsed_statement(node)


def signature(sql: str) -> str:
    """What makes two indexes alike (CompareIndexInfo): all but name, table, place, storage options and sort order."""
    return signature_of(_index(sql).index_stmt)


def signature_of(given: Tree) -> str:
    """That of an IndexStmt, which stays as it is."""
    node = pb.Node()
    node.index_stmt.CopyFrom(given)
    statement = node.index_stmt
    _unqualify(statement, statement.relation.relname)
    for field in ("idxname", "concurrent", "if_not_exists", "table_space", "options", "idxcomment"):
        statement.ClearField(field)
    for item in statement.index_params:
        item.index_elem.ordering = pb.SORTBY_DEFAULT
        item.index_elem.nulls_ordering = pb.SORTBY_NULLS_DEFAULT
    statement.relation.CopyFrom(range_var(Name("t")))
    statement.access_method = statement.access_method or "btree"
    return deparsed_statement(node)


def index_column_names(sql: str) -> tuple[str, ...]:
    """The names of all its columns as the server gives them, those of INCLUDE too."""
    statement = _index(sql).index_stmt
    return key_names([*statement.index_params, *statement.index_including_params])


def drop_index(name: Name, *, missing_ok: bool = False, is_concurrent: bool = True) -> str:
    """DROP INDEX, CONCURRENTLY unless told otherwise."""
    node = pb.Node()
    statement = node.drop_stmt
    statement.remove_type = pb.OBJECT_INDEX
    statement.behavior = pb.DROP_RESTRICT
    statement.concurrent = is_concurrent
    statement.missing_ok = missing_ok
    _name_list(statement.objects.add(), name)
    return deparsed_statement(node)


def dropped_one_by_one(sql: str) -> tuple[tuple[Name, str], ...]:
    """Each index of a DROP INDEX with a DROP INDEX CONCURRENTLY of its own, IF EXISTS kept."""
    (node,) = parsed(sql)
    found = []
    for item in node.drop_stmt.objects:
        parts = strings(content(item).items)
        name = Name(parts[-1], parts[-2] if len(parts) > 1 else None)
        found.append((name, drop_index(name, missing_ok=node.drop_stmt.missing_ok)))
    return tuple(found)


def reindexed_concurrently(sql: str, table: Name | None = None) -> str:
    """REINDEX with CONCURRENTLY, its other options kept; of another table if told."""
    (node,) = parsed(sql)
    if table is not None:
        node.reindex_stmt.relation.CopyFrom(range_var(table))
    option = node.reindex_stmt.params.add().def_elem
    option.defname = "concurrently"
    option.defaction = pb.DEFELEM_UNSPEC
    return deparsed_statement(node)


def reindex_index(name: Name) -> str:
    """REINDEX INDEX CONCURRENTLY."""
    node = pb.Node()
    node.reindex_stmt.kind = pb.REINDEX_OBJECT_INDEX
    node.reindex_stmt.relation.CopyFrom(range_var(name))
    option = node.reindex_stmt.params.add().def_elem
    option.defname = "concurrently"
    option.defaction = pb.DEFELEM_UNSPEC
    return deparsed_statement(node)


def attach_index(parent: Name, child: Name) -> str:
    """ALTER INDEX ... ATTACH PARTITION."""
    node = pb.Node()
    statement = node.alter_table_stmt
    statement.objtype = pb.OBJECT_INDEX
    statement.relation.CopyFrom(range_var(parent))
    command = statement.cmds.add().alter_table_cmd
    command.subtype = pb.AT_AttachPartition
    command.behavior = pb.DROP_RESTRICT
    getattr(command, "def").partition_cmd.name.CopyFrom(range_var(child))
    return deparsed_statement(node)


def refreshed_concurrently(sql: str) -> str:
    """REFRESH MATERIALIZED VIEW CONCURRENTLY."""
    (node,) = parsed(sql)
    node.refresh_mat_view_stmt.concurrent = True
    return deparsed_statement(node)


def range_var(name: Name) -> Tree:
    """A table as a statement names it, with its children."""
    return pb.RangeVar(schemaname=name.schema or "", relname=name.name, inh=True, relpersistence="p")


def _index(sql: str) -> Tree:
    (node,) = parsed(sql)
    return node


def _name_list(node: Tree, name: Name) -> None:
    for part in (name.schema, name.name):
        if part is not None:
            node.list.items.add().string.sval = part


def _unqualify(statement: Tree, table: str) -> None:
    """`table.column` in an expression is the column: the other table has another name."""
    for kind, inner in walk(statement):
        if kind == "ColumnRef" and len(inner.fields) > 1 and strings(inner.fields)[-2:-1] == (table,):
            last = type(inner.fields[-1])()
            last.CopyFrom(inner.fields[-1])
            del inner.fields[:]
            inner.fields.add().CopyFrom(last)
