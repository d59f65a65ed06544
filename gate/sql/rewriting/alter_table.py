"""ALTER TABLE taken apart, and put together again.

Source: PostgreSQL 18 `tablecmds.c`, AlterTablePass and ATPrepCmd: all of one pass is done before any of the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from postgast import pg_query_pb2 as pb

from gate.sql.builders.tables import KINDS
from gate.sql.rewriting.trees import definition, sole
from gate.sql.tree import Tree, content, deparsed_statement

_DROP, _TYPE, _COLUMN, _EXPRESSION, _NOT_NULL, _INDEX, _OTHER, _MISC = range(8)
_PASSES = {
    pb.AT_DropNotNull: _DROP,
    pb.AT_DropExpression: _DROP,
    pb.AT_DropColumn: _DROP,
    pb.AT_DropConstraint: _DROP,
    pb.AT_DropIdentity: _DROP,
    pb.AT_AlterColumnType: _TYPE,
    pb.AT_AddColumn: _COLUMN,
    pb.AT_SetExpression: _EXPRESSION,
    pb.AT_SetNotNull: _NOT_NULL,
    pb.AT_AddIdentity: _OTHER,
}
_INDEXED = "pux"


def groups(sql: str, kinds: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """The parts as statements of their own, in the order in which the server does them.

    Those of a group have to be done at once: what one takes away another gives back, such as a constraint that is
    dropped and added anew. `kinds` tells of the table's constraints, by name, what they are.
    """
    node = sole(sql)
    commands = sorted((content(item) for item in content(node).cmds), key=_pass)
    numbers = _numbered(commands, kinds)
    order = sorted(range(len(commands)), key=lambda place: (numbers[place], place))
    return tuple(
        tuple(_alone(node, commands[place]) for place in members)
        for _, members in groupby(order, key=numbers.__getitem__)
    )


def joined(texts: Iterable[str]) -> str | None:
    """Several ALTER TABLE as one; None where one of them is anything else, or about another table."""
    first: Tree | None = None
    for text in texts:
        node = sole(text)
        if not node.HasField("alter_table_stmt"):
            return None
        if first is None:
            first = node
            continue
        if not _is_same(first.alter_table_stmt, node.alter_table_stmt):
            return None
        first.alter_table_stmt.relation.schemaname = (
            first.alter_table_stmt.relation.schemaname or node.alter_table_stmt.relation.schemaname
        )
        first.alter_table_stmt.cmds.extend(node.alter_table_stmt.cmds)
    return None if first is None else deparsed_statement(first)


def _is_same(one: Tree, other: Tree) -> bool:
    """A name without a schema is the one that was written, of which the other is a step."""
    schemas = {one.relation.schemaname, other.relation.schemaname} - {""}
    return (one.relation.relname, one.relation.inh) == (other.relation.relname, other.relation.inh) and len(schemas) < 2


def _alone(node: Tree, command: Tree) -> str:
    alone = type(node)()
    alone.CopyFrom(node)
    del alone.alter_table_stmt.cmds[:]
    alone.alter_table_stmt.cmds.add().alter_table_cmd.CopyFrom(command)
    return deparsed_statement(alone)


def _pass(command: Tree) -> int:
    if command.subtype == pb.AT_ColumnDefault:
        return _OTHER if command.HasField("def") else _DROP
    if command.subtype == pb.AT_AddConstraint:
        return _INDEX if _kind(command) in _INDEXED else _NOT_NULL if _kind(command) == "n" else _OTHER
    return _PASSES.get(command.subtype, _MISC)


def _kind(command: Tree) -> str:
    return KINDS[definition(command).contype]


# --- what belongs together --------------------------------------------------------------------------------------------


def _numbered(commands: list[Tree], kinds: Mapping[str, str]) -> list[int]:
    """For each command the place of the first one that it belongs to, or its own."""
    numbers = list(range(len(commands)))
    for place, command in enumerate(commands):
        for earlier in range(place):
            if numbers[earlier] != numbers[place] and _belong(commands[earlier], command, kinds):
                old, new = numbers[place], numbers[earlier]
                numbers = [min(old, new) if number in (old, new) else number for number in numbers]
    return numbers


def _belong(earlier: Tree, later: Tree, kinds: Mapping[str, str]) -> bool:
    if _column(earlier) and _column(earlier) == _column(later):
        return _pass(earlier) in (_DROP, _TYPE)
    if pb.AT_AlterColumnType in (earlier.subtype, later.subtype):
        return pb.AT_DropConstraint in (earlier.subtype, later.subtype)
    if earlier.subtype == pb.AT_DropConstraint and later.subtype == pb.AT_AddConstraint:
        kind = kinds.get(earlier.name, "")
        return earlier.name == definition(later).conname or _alike(kind) == _alike(_kind(later))
    return False


def _alike(kind: str) -> str:
    return _INDEXED if kind and kind in _INDEXED else kind


def _column(command: Tree) -> str:
    """The column that a command is about, where it is about one."""
    if command.subtype == pb.AT_AddColumn:
        return str(definition(command).colname)
    if command.subtype in (pb.AT_AddConstraint, pb.AT_DropConstraint) or _pass(command) == _MISC:
        return ""
    return str(command.name)
