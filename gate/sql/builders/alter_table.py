"""ALTER TABLE and its like, with every subcommand."""

from __future__ import annotations

from collections.abc import Callable

from postgast import pg_query_pb2 as pb

from gate.model.actions import (
    AddColumn,
    AddConstraint,
    AlterTable,
    AttachPartition,
    DetachPartition,
    DropColumn,
    InheritPart,
    MoveAll,
    NamedPart,
    Part,
    SetDefault,
    SetExpression,
    SetType,
    Statement,
)
from gate.sql.builders.tables import bound, column, constraint, list_collation, sequence_of
from gate.sql.terms import expression, list_name, range_name, role_name, type_name
from gate.sql.tree import Tree, content, object_words

TAGS = {"matview": "MATERIALIZED VIEW"}


def alter_table(node: Tree) -> Statement:
    """AlterTableStmt."""
    kind = object_words(node.objtype)
    action = AlterTable(
        name=range_name(node.relation),
        object="materialized view" if kind == "matview" else kind,
        parts=tuple(_part(content(item)) for item in node.cmds),
        only=not node.relation.inh,
        missing_ok=node.missing_ok,
        cascade=any(content(item).behavior == pb.DROP_CASCADE for item in node.cmds),
    )
    alone = any(isinstance(part, DetachPartition) and part.is_concurrent for part in action.parts)
    return Statement(kind=f"ALTER {TAGS.get(kind, kind.upper())}", action=action, forbids_transaction=alone)


def alter_all(node: Tree) -> Statement:
    """AlterTableMoveAllStmt."""
    kind = object_words(node.objtype)
    action = MoveAll(object=kind, tablespace=node.new_tablespacename)
    return Statement(kind=f"ALTER {TAGS.get(kind, kind.upper())}", action=action)


def _part(command: Tree) -> Part:
    special = _SPECIAL.get(command.subtype)
    return special(command) if special else _named(command)


def _named(command: Tree) -> NamedPart:
    """Most subcommands: the parser's word, and the name they carry."""
    word = pb.AlterTableType.Name(command.subtype).removeprefix("AT_")
    name = command.name or None
    if command.subtype == pb.AT_ChangeOwner:
        name = role_name(command.newowner)
    if command.subtype == pb.AT_AlterConstraint:
        name = content(getattr(command, "def")).conname
    if command.subtype == pb.AT_ReplicaIdentity:
        identity = content(getattr(command, "def"))
        word, name = f"ReplicaIdentity {identity.identity_type}", identity.name or None
    return NamedPart(
        command.name if command.subtype in _ON_COLUMNS else "",
        what=word,
        name=name,
        cascade=command.behavior == pb.DROP_CASCADE,
        missing_ok=command.missing_ok,
        options=_options(command),
        sequence=sequence_of(content(getattr(command, "def"))) if command.subtype == pb.AT_AddIdentity else None,
    )


_ON_COLUMNS = frozenset(
    {
        pb.AT_DropNotNull,
        pb.AT_SetNotNull,
        pb.AT_DropExpression,
        pb.AT_SetStatistics,
        pb.AT_SetOptions,
        pb.AT_ResetOptions,
        pb.AT_SetStorage,
        pb.AT_SetCompression,
        pb.AT_AlterColumnGenericOptions,
        pb.AT_AddIdentity,
        pb.AT_SetIdentity,
        pb.AT_DropIdentity,
    }
)


def _options(command: Tree) -> tuple[str, ...]:
    """Names of SET (...) options; for ALTER CONSTRAINT the attributes; `always` where an identity becomes so."""
    inner = content(getattr(command, "def"))
    if command.subtype == pb.AT_AddIdentity:
        return ("always",) if inner.generated_when == "a" else ()
    if command.subtype == pb.AT_AlterConstraint:
        flags = {
            "enforceability": "alter_enforceability",
            "deferrability": "alter_deferrability",
            "inheritability": "alter_inheritability",
        }
        named = [word for word, field in flags.items() if getattr(inner, field, False)]
        return (*named, *(["enforced"] if getattr(inner, "is_enforced", False) else []))
    if inner.DESCRIPTOR.name == "List":
        elements = [content(item) for item in inner.items if item.HasField("def_elem")]
        always = [item for item in elements if item.defname == "generated" and content(item.arg).ival == ord("a")]
        return (*(item.defname for item in elements), *(["always"] if always else []))
    return ()


def _add_column(command: Tree) -> Part:
    spec = column(content(getattr(command, "def")))
    return AddColumn(spec.name, spec=spec, if_not_exists=command.missing_ok)


def _drop_column(command: Tree) -> Part:
    return DropColumn(command.name, cascade=command.behavior == pb.DROP_CASCADE, missing_ok=command.missing_ok)


def _set_type(command: Tree) -> Part:
    definition = content(getattr(command, "def"))
    return SetType(
        command.name,
        type=type_name(definition.type_name),
        using=expression(definition.raw_default) if definition.HasField("raw_default") else None,
        collation=list_collation(definition) if definition.HasField("coll_clause") else None,
    )


def _set_default(command: Tree) -> Part:
    given = getattr(command, "def")
    return SetDefault(command.name, default=expression(given) if command.HasField("def") else None)


def _set_expression(command: Tree) -> Part:
    return SetExpression(command.name, expression=expression(getattr(command, "def")))


def _add_constraint(command: Tree) -> Part:
    return AddConstraint(spec=constraint(content(getattr(command, "def"))))


def _inherit(command: Tree) -> Part:
    parent = range_name(content(getattr(command, "def")))
    return InheritPart(parent=parent, adds=command.subtype == pb.AT_AddInherit)


def _attach(command: Tree) -> Part:
    inner = content(getattr(command, "def"))
    return AttachPartition(child=range_name(inner.name), bound=bound(inner.bound) if inner.HasField("bound") else None)


def _detach(command: Tree) -> Part:
    inner = content(getattr(command, "def"))
    return DetachPartition(
        child=range_name(inner.name),
        is_concurrent=inner.concurrent,
        finalizes=command.subtype == pb.AT_DetachPartitionFinalize,
    )


def _of_type(command: Tree) -> Part:
    return NamedPart(what="AddOf", name=str(list_name(getattr(command, "def"))))


_SPECIAL: dict[int, Callable[[Tree], Part]] = {
    pb.AT_AddColumn: _add_column,
    pb.AT_DropColumn: _drop_column,
    pb.AT_AlterColumnType: _set_type,
    pb.AT_ColumnDefault: _set_default,
    pb.AT_SetExpression: _set_expression,
    pb.AT_AddConstraint: _add_constraint,
    pb.AT_AddInherit: _inherit,
    pb.AT_DropInherit: _inherit,
    pb.AT_AttachPartition: _attach,
    pb.AT_DetachPartition: _detach,
    pb.AT_DetachPartitionFinalize: _detach,
    pb.AT_AddOf: _of_type,
}

BUILDERS = {"alter_table_stmt": alter_table, "alter_table_move_all_stmt": alter_all}
