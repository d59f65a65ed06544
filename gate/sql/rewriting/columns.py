"""ADD COLUMN taken apart: the column alone, its default, its sequence, its constraints as those of the table."""

from __future__ import annotations

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.builders.tables import KINDS
from gate.sql.rewriting.query_trees import column, empty_select, expression_node, put_output, relation_named
from gate.sql.rewriting.trees import alter_table, command, definition, point, sole, sole_command
from gate.sql.tree import Tree, content, deparsed, deparsed_statement

_ATTRIBUTES = frozenset(
    (
        pb.CONSTR_ATTR_DEFERRABLE,
        pb.CONSTR_ATTR_NOT_DEFERRABLE,
        pb.CONSTR_ATTR_DEFERRED,
        pb.CONSTR_ATTR_IMMEDIATE,
        pb.CONSTR_ATTR_ENFORCED,
        pb.CONSTR_ATTR_NOT_ENFORCED,
    )
)
_SERIAL_TYPES = {2: "int2", 4: "int4", 8: "int8"}


def add_column(
    sql: str,
    table: Name,
    *,
    keeps_default: bool,
    keeps_not_null: bool,
    keeps: str = "",
    then_default: str | None = None,
) -> str:
    """The same ADD COLUMN with less: no identity, and of its constraints only those of the kinds in `keeps`.

    `then_default` is set as default after the column is there, in the same statement: rows that are there stay NULL.
    """
    node = sole(sql)
    point(content(node).relation, table)
    adding = sole_command(node)
    added = definition(adding)
    _keep(added, keeps, keeps_default=keeps_default, keeps_not_null=keeps_not_null)
    if then_default is not None:
        content(node).cmds.add().alter_table_cmd.CopyFrom(_default(added.colname, then_default))
    return deparsed_statement(node)


def as_integer(sql: str, size: int) -> str:
    """The ADD COLUMN of a serial as that of an integer of so many bytes; without its NOT NULL and its default."""
    node = sole(sql)
    kind = definition(sole_command(node)).type_name
    del kind.names[:]
    for part in ("pg_catalog", _SERIAL_TYPES[size]):
        kind.names.add().string.sval = part
    return deparsed_statement(node)


def with_null_default(sql: str) -> str:
    """ADD COLUMN ... DEFAULT NULL: the default of a domain is not taken."""
    node = sole(sql)
    default = definition(sole_command(node)).constraints.add().constraint
    default.contype = pb.CONSTR_DEFAULT
    default.raw_expr.a_const.isnull = True
    return deparsed_statement(node)


def _keep(added: Tree, keeps: str, *, keeps_default: bool, keeps_not_null: bool) -> None:
    wanted = {contype for contype, kind in KINDS.items() if kind in keeps}
    wanted |= {pb.CONSTR_DEFAULT} if keeps_default else set()
    wanted |= {pb.CONSTR_NULL, pb.CONSTR_GENERATED}
    wanted |= {pb.CONSTR_NOTNULL} if keeps_not_null else set()
    kept: list[Tree] = []
    is_kept = False
    for item in added.constraints:
        contype = content(item).contype
        is_kept = is_kept if contype in _ATTRIBUTES else contype in wanted
        if is_kept:
            kept.append(_copied(item))
    del added.constraints[:]
    added.constraints.extend(kept)


def table_constraints(sql: str, table: Name, *, without: str = "", only: bool = False) -> tuple[tuple[str, str], ...]:
    """The column's constraints as (kind, ADD CONSTRAINT), in the order of writing, `without` those of some kinds."""
    added = definition(sole_command(sole(sql)))
    found: list[Tree] = []
    for item in map(content, added.constraints):
        if item.contype in _ATTRIBUTES:
            _set_attribute(found, item.contype)
        elif item.contype in KINDS:
            found.append(_of_table(item, added.colname))
        else:
            found.append(pb.Constraint())
    kinds = [(KINDS[item.contype], item) for item in found if item.contype in KINDS]
    return tuple((kind, _adding(table, item, only=only)) for kind, item in kinds if kind not in without)


def _of_table(item: Tree, name: str) -> Tree:
    found = pb.Constraint()
    found.CopyFrom(item)
    if item.contype == pb.CONSTR_FOREIGN:
        found.fk_attrs.add().string.sval = name
    elif item.contype != pb.CONSTR_CHECK:
        found.keys.add().string.sval = name
    return found


def _set_attribute(found: list[Tree], attribute: int) -> None:
    """INITIALLY DEFERRED is deferrable too."""
    if not found:
        return
    if attribute in (pb.CONSTR_ATTR_DEFERRABLE, pb.CONSTR_ATTR_DEFERRED):
        found[-1].deferrable = True
    if attribute == pb.CONSTR_ATTR_DEFERRED:
        found[-1].initdeferred = True
    if attribute == pb.CONSTR_ATTR_NOT_ENFORCED:
        found[-1].is_enforced = False
        found[-1].skip_validation = True
        found[-1].initially_valid = False


def _adding(table: Name, constraint: Tree, *, only: bool) -> str:
    adding = command(pb.AT_AddConstraint)
    getattr(adding, "def").constraint.CopyFrom(constraint)
    return alter_table(table, adding, only=only)


def drop_column(table: Name, name: str) -> str:
    """DROP COLUMN."""
    return alter_table(table, command(pb.AT_DropColumn, name))


def drop_identity(table: Name, name: str) -> str:
    """DROP IDENTITY; its sequence goes with it."""
    return alter_table(table, command(pb.AT_DropIdentity, name))


def set_default(table: Name, name: str, text: str) -> str:
    """SET DEFAULT."""
    return alter_table(table, _default(name, text))


def drop_default(table: Name, name: str) -> str:
    """DROP DEFAULT."""
    return alter_table(table, command(pb.AT_ColumnDefault, name))


def _default(name: str, text: str) -> Tree:
    setting = command(pb.AT_ColumnDefault, name)
    getattr(setting, "def").CopyFrom(expression_node(text))
    return setting


def is_null(name: str) -> str:
    """The condition that a column is NULL."""
    return deparsed(pb.Node(null_test=pb.NullTest(arg=column(name), nulltesttype=pb.IS_NULL)))


# --- sequences --------------------------------------------------------------------------------------------------------


def next_value(sequence: Name) -> str:
    """The default that takes the sequence's next value."""
    call = pb.FuncCall(funcformat=pb.COERCE_EXPLICIT_CALL)
    call.funcname.add().string.sval = "nextval"
    cast = call.args.add().type_cast
    cast.arg.a_const.sval.sval = str(sequence)
    cast.type_name.names.add().string.sval = "regclass"
    cast.type_name.typemod = -1
    return deparsed(pb.Node(func_call=call))


def create_sequence(sequence: Name, size: int, *, is_unlogged: bool = False) -> str:
    """CREATE SEQUENCE as that of a serial of so many bytes."""
    statement = _sequence(sequence, _SERIAL_TYPES[size])
    statement.sequence.relpersistence = "u" if is_unlogged else "p"
    return deparsed_statement(pb.Node(create_seq_stmt=statement))


def create_sequence_of_identity(sql: str, sequence: Name, type_name: str) -> str:
    """CREATE SEQUENCE with the options of the identity column that `sql` adds."""
    statement = _sequence(sequence, type_name)
    for option in _identity(sql).options:
        if content(option).defname not in ("sequence_name", "logged", "unlogged"):
            statement.options.add().CopyFrom(option)
    return deparsed_statement(pb.Node(create_seq_stmt=statement))


def _sequence(sequence: Name, type_name: str) -> Tree:
    statement = pb.CreateSeqStmt(sequence=relation_named(sequence))
    option = statement.options.add().def_elem
    option.defname, option.defaction = "as", pb.DEFELEM_UNSPEC
    option.arg.type_name.typemod = -1
    for part in ("pg_catalog", type_name):
        option.arg.type_name.names.add().string.sval = part
    return statement


def drop_sequence(sequence: Name) -> str:
    """DROP SEQUENCE."""
    statement = pb.DropStmt(remove_type=pb.OBJECT_SEQUENCE, behavior=pb.DROP_RESTRICT)
    _add_strings(statement.objects.add().list.items, (sequence.schema, sequence.name))
    return deparsed_statement(pb.Node(drop_stmt=statement))


def own_sequence(sequence: Name, table: Name, name: str) -> str:
    """ALTER SEQUENCE ... OWNED BY: it goes when the column goes."""
    statement = pb.AlterSeqStmt(sequence=relation_named(sequence))
    option = statement.options.add().def_elem
    option.defname, option.defaction = "owned_by", pb.DEFELEM_UNSPEC
    _add_strings(option.arg.list.items, (table.schema, table.name, name))
    return deparsed_statement(pb.Node(alter_seq_stmt=statement))


def give_sequence(sequence: Name, role: str) -> str:
    """ALTER SEQUENCE ... OWNER TO."""
    giving = command(pb.AT_ChangeOwner)
    giving.newowner.roletype = pb.ROLESPEC_CSTRING
    giving.newowner.rolename = role
    statement = pb.AlterTableStmt(relation=relation_named(sequence), objtype=pb.OBJECT_SEQUENCE)
    statement.cmds.add().alter_table_cmd.CopyFrom(giving)
    return deparsed_statement(pb.Node(alter_table_stmt=statement))


def let_all_use(sequence: Name) -> str:
    """GRANT USAGE ON SEQUENCE ... TO PUBLIC."""
    statement = pb.GrantStmt(
        is_grant=True, targtype=pb.ACL_TARGET_OBJECT, objtype=pb.OBJECT_SEQUENCE, behavior=pb.DROP_RESTRICT
    )
    statement.objects.add().range_var.CopyFrom(relation_named(sequence))
    statement.privileges.add().access_priv.priv_name = "usage"
    statement.grantees.add().role_spec.roletype = pb.ROLESPEC_PUBLIC
    return deparsed_statement(pb.Node(grant_stmt=statement))


def add_identity(sql: str, table: Name) -> str:
    """ALTER COLUMN ... ADD GENERATED AS IDENTITY, with the options of the ADD COLUMN."""
    adding = command(pb.AT_AddIdentity, definition(sole_command(sole(sql))).colname)
    getattr(adding, "def").constraint.CopyFrom(_identity(sql))
    return alter_table(table, adding)


def identity_sequence(sql: str) -> Name | None:
    """The name that was written for the sequence of an identity column."""
    for option in map(content, _identity(sql).options):
        if option.defname == "sequence_name":
            parts = [item.string.sval for item in content(option.arg).items]
            return Name(parts[-1], parts[-2] if len(parts) > 1 else None)
    return None


def take_position(sequence: Name, other: Name) -> str:
    """SELECT setval(...): the sequence goes on where the other stands."""
    call = pb.FuncCall(funcformat=pb.COERCE_EXPLICIT_CALL)
    call.funcname.add().string.sval = "setval"
    call.args.add().a_const.sval.sval = str(sequence)
    call.args.add().CopyFrom(column("last_value"))
    call.args.add().CopyFrom(column("is_called"))
    select = empty_select()
    put_output(select, pb.Node(func_call=call))
    select.from_clause.add().range_var.CopyFrom(relation_named(other))
    return deparsed_statement(pb.Node(select_stmt=select))


def _identity(sql: str) -> Tree:
    added = definition(sole_command(sole(sql)))
    return next(item for item in map(content, added.constraints) if item.contype == pb.CONSTR_IDENTITY)


def _add_strings(items: Tree, parts: Iterable[str | None]) -> None:
    for part in parts:
        if part is not None:
            items.add().string.sval = part


def _copied(node: Tree) -> Tree:
    copy = type(node)()
    copy.CopyFrom(node)
    return copy
