"""What one object hands over to another that takes its place: its name, its comment, its privileges, its settings."""

from __future__ import annotations

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

from gate.model.catalog import Granted
from gate.model.names import Name
from gate.sql.rewriting.query_trees import relation_named
from gate.sql.rewriting.trees import alter_table, command
from gate.sql.tree import Tree, deparsed_statement

_COMMENTED = {
    "column": pb.OBJECT_COLUMN,
    "constraint": pb.OBJECT_TABCONSTRAINT,
    "index": pb.OBJECT_INDEX,
    "sequence": pb.OBJECT_SEQUENCE,
    "statistics": pb.OBJECT_STATISTIC_EXT,
}
_RENAMED = {
    "index": pb.OBJECT_INDEX,
    "sequence": pb.OBJECT_SEQUENCE,
    "statistics": pb.OBJECT_STATISTIC_EXT,
}


# --- names ------------------------------------------------------------------------------------------------------------


def rename_column(table: Name, name: str, to: str) -> str:
    """ALTER TABLE ... RENAME COLUMN."""
    return _renaming(
        pb.RenameStmt(rename_type=pb.OBJECT_COLUMN, relation_type=pb.OBJECT_TABLE, subname=name), table, to
    )


def rename_constraint(table: Name, name: str, to: str) -> str:
    """ALTER TABLE ... RENAME CONSTRAINT."""
    return _renaming(
        pb.RenameStmt(rename_type=pb.OBJECT_TABCONSTRAINT, relation_type=pb.OBJECT_TABLE, subname=name), table, to
    )


def rename(kind: str, name: Name, to: str) -> str:
    """ALTER INDEX, SEQUENCE or STATISTICS ... RENAME TO."""
    renaming = pb.RenameStmt(rename_type=_RENAMED[kind])
    if kind == "statistics":
        _put_strings(renaming.object.list.items, (name.schema, name.name))
        return _renaming(renaming, None, to)
    return _renaming(renaming, name, to)


def _renaming(renaming: Tree, relation: Name | None, to: str) -> str:
    renaming.newname = to
    renaming.behavior = pb.DROP_RESTRICT
    if relation is not None:
        renaming.relation.CopyFrom(relation_named(relation))
    return deparsed_statement(pb.Node(rename_stmt=renaming))


# --- comments ---------------------------------------------------------------------------------------------------------


def comment(kind: str, name: Name, text: str, *, of: str = "") -> str:
    """COMMENT ON a column or constraint `of` a table, or on an index, a sequence, a statistics object."""
    commenting = pb.CommentStmt(objtype=_COMMENTED[kind], comment=text)
    _put_strings(commenting.object.list.items, (name.schema, name.name, of or None))
    return deparsed_statement(pb.Node(comment_stmt=commenting))


# --- privileges -------------------------------------------------------------------------------------------------------


def grant_on_column(table: Name, column: str, granted: Granted) -> str:
    """GRANT of a privilege on one column."""
    granting = _granting(granted, pb.OBJECT_TABLE, table)
    _put_strings(granting.privileges[0].access_priv.cols, (column,))
    return deparsed_statement(pb.Node(grant_stmt=granting))


def grant_on_sequence(sequence: Name, granted: Granted) -> str:
    """GRANT of a privilege on a sequence."""
    return deparsed_statement(pb.Node(grant_stmt=_granting(granted, pb.OBJECT_SEQUENCE, sequence)))


def _granting(granted: Granted, kind: int, name: Name) -> Tree:
    granting = pb.GrantStmt(
        is_grant=True,
        targtype=pb.ACL_TARGET_OBJECT,
        objtype=kind,
        behavior=pb.DROP_RESTRICT,
        grant_option=granted.is_grantable,
    )
    granting.objects.add().range_var.CopyFrom(relation_named(name))
    granting.privileges.add().access_priv.priv_name = granted.privilege.lower()
    role = granting.grantees.add().role_spec
    role.roletype = pb.ROLESPEC_CSTRING if granted.grantee else pb.ROLESPEC_PUBLIC
    role.rolename = granted.grantee
    return granting


def give_statistics(name: Name, role: str) -> str:
    """ALTER STATISTICS ... OWNER TO."""
    giving = pb.AlterOwnerStmt(object_type=pb.OBJECT_STATISTIC_EXT)
    _put_strings(giving.object.list.items, (name.schema, name.name))
    giving.newowner.roletype = pb.ROLESPEC_CSTRING
    giving.newowner.rolename = role
    return deparsed_statement(pb.Node(alter_owner_stmt=giving))


# --- settings ---------------------------------------------------------------------------------------------------------


def set_statistics(table: Name, column: str, target: int) -> str:
    """ALTER COLUMN ... SET STATISTICS."""
    setting = command(pb.AT_SetStatistics, column)
    getattr(setting, "def").integer.ival = target
    return alter_table(table, setting)


def set_options(table: Name, column: str, options: Iterable[str]) -> str:
    """ALTER COLUMN ... SET (...), of options as `pg_attribute.attoptions` has them."""
    setting = command(pb.AT_SetOptions, column)
    for option in options:
        name, _, value = option.partition("=")
        element = getattr(setting, "def").list.items.add().def_elem
        element.defname, element.defaction = name, pb.DEFELEM_UNSPEC
        element.arg.float.fval = value
    return alter_table(table, setting)


def cluster_on(table: Name, index: str) -> str:
    """ALTER TABLE ... CLUSTER ON."""
    return alter_table(table, command(pb.AT_ClusterOn, index))


def identify_by(table: Name, index: str) -> str:
    """ALTER TABLE ... REPLICA IDENTITY USING INDEX."""
    identifying = command(pb.AT_ReplicaIdentity)
    identity = getattr(identifying, "def").replica_identity_stmt
    identity.identity_type, identity.name = "i", index
    return alter_table(table, identifying)


def key_by_index(
    table: Name, name: str, index: str, *, is_primary: bool, is_deferrable: bool, is_deferred: bool
) -> str:
    """ADD CONSTRAINT ... PRIMARY KEY or UNIQUE USING INDEX, which then has the constraint's name."""
    adding = command(pb.AT_AddConstraint)
    getattr(adding, "def").constraint.CopyFrom(
        pb.Constraint(
            contype=pb.CONSTR_PRIMARY if is_primary else pb.CONSTR_UNIQUE,
            conname=name,
            indexname=index,
            deferrable=is_deferrable,
            initdeferred=is_deferred,
        )
    )
    return alter_table(table, adding)


def _put_strings(items: Tree, parts: Iterable[str | None]) -> None:
    for part in parts:
        if part is not None:
            items.add().string.sval = part
