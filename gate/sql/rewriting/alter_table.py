"""ALTER TABLE taken apart."""

from __future__ import annotations

from gate.sql.tree import content, deparsed_statement, parsed


def parts_alone(sql: str) -> tuple[str, ...]:
    """Each part of an ALTER TABLE as a statement of its own, in the order of writing."""
    (node,) = parsed(sql)
    statement = content(node)
    texts = []
    for command in statement.cmds:
        alone = type(node)()
        alone.CopyFrom(node)
        del alone.alter_table_stmt.cmds[:]
        alone.alter_table_stmt.cmds.add().CopyFrom(command)
        texts.append(deparsed_statement(alone))
    return tuple(texts)


def detached_concurrently(sql: str) -> str:
    """DETACH PARTITION, concurrently."""
    (node,) = parsed(sql)
    (command,) = node.alter_table_stmt.cmds
    getattr(command.alter_table_cmd, "def").partition_cmd.concurrent = True
    return deparsed_statement(node)
