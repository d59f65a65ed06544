"""Small trees that statements are made of, and statements made of them. They do not leave `gate.sql`."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.tree import Tree, content, deparsed_statement, parsed


def sole(sql: str) -> Tree:
    """The node of a text's only statement."""
    (node,) = parsed(sql)
    return node


def sole_command(node: Tree) -> Tree:
    """The only command of an ALTER TABLE."""
    (item,) = content(node).cmds
    return content(item)


def definition(command: Tree) -> Tree:
    """What a command defines: a column, a constraint."""
    return content(getattr(command, "def"))


def point(variable: Tree, name: Name) -> None:
    """Let a RangeVar mean that relation."""
    variable.relname = name.name
    variable.schemaname = name.schema or ""
    variable.catalogname = ""


def alter_table(table: Name, *commands: Tree, only: bool = False) -> str:
    """ALTER TABLE with these commands."""
    statement = pb.AlterTableStmt(objtype=pb.OBJECT_TABLE)
    statement.relation.inh = not only
    statement.relation.relpersistence = "p"
    point(statement.relation, table)
    for command in commands:
        statement.cmds.add().alter_table_cmd.CopyFrom(command)
    node = pb.Node()
    node.alter_table_stmt.CopyFrom(statement)
    return deparsed_statement(node)


def command(subtype: int, name: str = "") -> Tree:
    """A command of ALTER TABLE that names something."""
    return pb.AlterTableCmd(subtype=subtype, name=name, behavior=pb.DROP_RESTRICT)
