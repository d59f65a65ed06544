"""Partitions that come and go: CREATE TABLE ... PARTITION OF as two statements, DETACH PARTITION concurrently."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.rewriting.indexes import range_var
from gate.sql.rewriting.trees import alter_table, command, sole, sole_command
from gate.sql.tree import deparsed_statement

_COPIED = 2 | 4 | 8 | 16 | 64 | 256
"""COMPRESSION, CONSTRAINTS, DEFAULTS, GENERATED, INDEXES, STORAGE (`CREATE_TABLE_LIKE_*`): what a partition takes from
its table; an identity comes with the attachment."""


def by_itself(sql: str, parent: Name, *, access_method: str = "", tablespace: str = "") -> str:
    """The table with the columns of `parent`, and all that the statement says of it but its bound."""
    node = sole(sql)
    statement = node.create_stmt
    statement.ClearField("partbound")
    del statement.inh_relations[:]
    like = statement.table_elts.add().table_like_clause
    like.relation.CopyFrom(range_var(parent))
    like.options = _COPIED
    statement.access_method = access_method
    statement.tablespacename = tablespace
    return deparsed_statement(node)


def attached(sql: str, parent: Name) -> str:
    """ALTER TABLE ... ATTACH PARTITION with the same bound."""
    statement = sole(sql).create_stmt
    attaching = command(pb.AT_AttachPartition)
    partition = getattr(attaching, "def").partition_cmd
    partition.name.CopyFrom(statement.relation)
    partition.name.relpersistence = "p"
    partition.bound.CopyFrom(statement.partbound)
    return alter_table(parent, attaching)


def attach_partition(parent: Name, child: Name, bound: str) -> str:
    """ALTER TABLE ... ATTACH PARTITION; `bound` is FOR VALUES ... or DEFAULT, as the server prints it."""
    node = sole(f"CREATE TABLE p PARTITION OF t {bound}")
    node.create_stmt.relation.CopyFrom(range_var(child))
    return attached(deparsed_statement(node), parent)


def detach_partition(parent: Name, child: Name) -> str:
    """ALTER TABLE ... DETACH PARTITION, at once."""
    detaching = command(pb.AT_DetachPartition)
    getattr(detaching, "def").partition_cmd.name.CopyFrom(range_var(child))
    return alter_table(parent, detaching)


def drop_table(name: Name) -> str:
    """DROP TABLE IF EXISTS."""
    node = pb.Node()
    statement = node.drop_stmt
    statement.remove_type = pb.OBJECT_TABLE
    statement.behavior = pb.DROP_RESTRICT
    statement.missing_ok = True
    parts = statement.objects.add().list
    for part in (name.schema, name.name):
        if part is not None:
            parts.items.add().string.sval = part
    return deparsed_statement(node)


def detached_concurrently(sql: str) -> str:
    """DETACH PARTITION, concurrently."""
    node = sole(sql)
    getattr(sole_command(node), "def").partition_cmd.concurrent = True
    return deparsed_statement(node)
