"""ALTER COLUMN TYPE taken apart: the column beside it, what keeps that equal, and what is made for it.

Source: PostgreSQL 18 "ALTER TABLE", "CREATE TRIGGER", PL/pgSQL "Trigger Functions" (NEW of a BEFORE trigger).
"""

from __future__ import annotations

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

from gate.model.names import Name, quoted
from gate.sql.builders.programs import statistics_columns
from gate.sql.rewriting.query_trees import column as column_node
from gate.sql.rewriting.query_trees import expression_node, relation_named
from gate.sql.rewriting.renaming import rename_in
from gate.sql.rewriting.trees import alter_table, command, definition, sole, sole_command
from gate.sql.tree import Tree, deparsed, deparsed_statement, walk

_SAFE_PATH = ("pg_catalog", "pg_temp")


# --- the column beside it ---------------------------------------------------------------------------------------------


def column_beside(sql: str, table: Name, name: str) -> str:
    """ADD COLUMN of that name, with the type and collation that the ALTER COLUMN TYPE gives."""
    written = definition(sole_command(sole(sql)))
    added = pb.ColumnDef(colname=name, is_local=True)
    added.type_name.CopyFrom(written.type_name)
    if written.HasField("coll_clause"):
        added.coll_clause.CopyFrom(written.coll_clause)
    adding = command(pb.AT_AddColumn)
    getattr(adding, "def").column_def.CopyFrom(added)
    return alter_table(table, adding)


def value_of(sql: str) -> str:
    """What the column becomes, as an expression of the row: what USING says, else the column itself."""
    given = sole_command(sole(sql))
    written = definition(given)
    return deparsed(written.raw_default if written.HasField("raw_default") else column_node(given.name))


def cast_value_of(sql: str) -> str:
    """The same under a cast to the new type."""
    written = definition(sole_command(sole(sql)))
    return deparsed(pb.Node(type_cast=pb.TypeCast(arg=expression_node(value_of(sql)), type_name=written.type_name)))


# --- what keeps it equal ----------------------------------------------------------------------------------------------


def keeper(function: Name, name: str, value: str, *, path: Iterable[str] = ()) -> str:
    """CREATE FUNCTION of a row trigger that gives the column `name` that value of the row.

    `path` are the schemas where names in `value` are looked up, beside `pg_catalog`.
    """
    body = f"BEGIN\n  NEW.{quoted(name)} := {_of_new(value)};\n  RETURN NEW;\nEND"
    statement = pb.CreateFunctionStmt()
    _put_strings(statement.funcname, (function.schema, function.name))
    statement.return_type.names.add().string.sval = "trigger"
    statement.return_type.typemod = -1
    _option(statement, "language").string.sval = "plpgsql"
    setting = _option(statement, "set").variable_set_stmt
    setting.kind, setting.name = pb.VAR_SET_VALUE, "search_path"
    for schema in dict.fromkeys((_SAFE_PATH[0], *path, _SAFE_PATH[1])):
        setting.args.add().a_const.sval.sval = schema
    _option(statement, "as").list.items.add().string.sval = body
    return deparsed_statement(pb.Node(create_function_stmt=statement))


def keep(table: Name, trigger: str, function: Name) -> str:
    """CREATE TRIGGER ... BEFORE INSERT OR UPDATE ... FOR EACH ROW."""
    node = sole("CREATE TRIGGER x BEFORE INSERT OR UPDATE ON x FOR EACH ROW EXECUTE FUNCTION x()")
    statement = node.create_trig_stmt
    statement.trigname = trigger
    statement.relation.CopyFrom(relation_named(table))
    del statement.funcname[:]
    _put_strings(statement.funcname, (function.schema, function.name))
    return deparsed_statement(node)


def keep_always(table: Name, trigger: str) -> str:
    """ENABLE ALWAYS TRIGGER: it fires for rows that replication brings too."""
    return alter_table(table, command(pb.AT_EnableAlwaysTrig, trigger))


def drop_keeper(table: Name, trigger: str, function: Name) -> tuple[str, str]:
    """DROP TRIGGER, DROP FUNCTION."""
    dropping = pb.DropStmt(remove_type=pb.OBJECT_TRIGGER, behavior=pb.DROP_RESTRICT)
    _put_strings(dropping.objects.add().list.items, (table.schema, table.name, trigger))
    forgetting = pb.DropStmt(remove_type=pb.OBJECT_FUNCTION, behavior=pb.DROP_RESTRICT)
    _put_strings(forgetting.objects.add().object_with_args.objname, (function.schema, function.name))
    return deparsed_statement(pb.Node(drop_stmt=dropping)), deparsed_statement(pb.Node(drop_stmt=forgetting))


def _of_new(value: str) -> str:
    """The columns of the expression are those of NEW."""
    node = expression_node(value)
    for kind, inner in list(walk(node)):
        if kind == "ColumnRef":
            name = inner.fields[-1].string.sval
            del inner.fields[:]
            _put_strings(inner.fields, ("new", name))
    return deparsed(node)


def is_unfilled(name: str, *, source: str = "") -> str:
    """The condition that the column is NULL; where a value can only come from `source`, and that is not."""
    missing = pb.Node(null_test=pb.NullTest(arg=column_node(name), nulltesttype=pb.IS_NULL))
    if not source:
        return deparsed(missing)
    given = pb.Node(null_test=pb.NullTest(arg=column_node(source), nulltesttype=pb.IS_NOT_NULL))
    return deparsed(pb.Node(bool_expr=pb.BoolExpr(boolop=pb.AND_EXPR, args=[missing, given])))


def is_equal(name: str, value: str, *, is_not_null: bool, is_comparable: bool, is_text: bool) -> str:
    """The condition that the column has that value, and is not NULL where it must not be; empty where neither.

    `is_text`: it has a collation, which may be another one than that of the value.
    """
    conditions = []
    if is_not_null:
        conditions.append(pb.Node(null_test=pb.NullTest(arg=column_node(name), nulltesttype=pb.IS_NOT_NULL)))
    if is_comparable:
        own = column_node(name)
        if is_text:
            collated = pb.CollateClause(arg=own)
            _put_strings(collated.collname, ("pg_catalog", "C"))
            own = pb.Node(collate_clause=collated)
        compared = pb.A_Expr(kind=pb.AEXPR_NOT_DISTINCT, lexpr=own, rexpr=expression_node(value))
        compared.name.add().string.sval = "="
        conditions.append(pb.Node(a_expr=compared))
    if len(conditions) < 2:
        return "".join(map(deparsed, conditions))
    return deparsed(pb.Node(bool_expr=pb.BoolExpr(boolop=pb.AND_EXPR, args=conditions)))


# --- what is made for it ----------------------------------------------------------------------------------------------


def index_beside(written: str, table: Name, name: str, column: str, to: str, *, tablespace: str = "") -> str:
    """The CREATE INDEX under that name, with another column in the place of one, as a plain statement."""
    node = sole(written)
    statement = node.index_stmt
    statement.idxname = name
    statement.table_space = tablespace
    statement.if_not_exists = False
    statement.relation.CopyFrom(relation_named(table))
    rename_in(statement, column, to)
    return deparsed_statement(node)


def statistics_beside(written: str, table: Name, name: Name, column: str, to: str) -> str:
    """The CREATE STATISTICS under that name, with another column in the place of one."""
    node = sole(written)
    statement = node.create_stats_stmt
    del statement.defnames[:]
    _put_strings(statement.defnames, (name.schema, name.name))
    statement.if_not_exists = False
    statement.relations[0].range_var.CopyFrom(relation_named(table))
    rename_in(statement, column, to)
    return deparsed_statement(node)


def columns_of_statistics(written: str) -> tuple[str, ...]:
    """The columns that stand in a CREATE STATISTICS, in expressions too."""
    return statistics_columns(sole(written).create_stats_stmt)


def drop_statistics(name: Name) -> str:
    """DROP STATISTICS IF EXISTS."""
    dropping = pb.DropStmt(remove_type=pb.OBJECT_STATISTIC_EXT, behavior=pb.DROP_RESTRICT, missing_ok=True)
    _put_strings(dropping.objects.add().list.items, (name.schema, name.name))
    return deparsed_statement(pb.Node(drop_stmt=dropping))


def take_over_sequence(sequence: Name, table: Name, column: str, *, type_name: str = "") -> str:
    """ALTER SEQUENCE ... OWNED BY, AS that type where one is given."""
    statement = pb.AlterSeqStmt(sequence=relation_named(sequence))
    if type_name:
        kind = _option(statement, "as").type_name
        kind.typemod = -1
        _put_strings(kind.names, ("pg_catalog", type_name))
    _put_strings(_option(statement, "owned_by").list.items, (table.schema, table.name, column))
    return deparsed_statement(pb.Node(alter_seq_stmt=statement))


def identify(
    table: Name, column: str, sequence: Name, options: Iterable[tuple[str, int]], *, is_always: bool, cycles: bool
) -> str:
    """ALTER COLUMN ... ADD GENERATED AS IDENTITY, with a sequence of that name and these options."""
    adding = command(pb.AT_AddIdentity, column)
    constraint = getattr(adding, "def").constraint
    constraint.contype = pb.CONSTR_IDENTITY
    constraint.generated_when = "a" if is_always else "d"
    _put_strings(_option(constraint, "sequence_name").list.items, (sequence.schema, sequence.name))
    for name, value in options:
        # A number that does not fit a node of its own is one with digits.
        _option(constraint, name).float.fval = str(value)
    _option(constraint, "cycle").boolean.boolval = cycles
    return alter_table(table, adding)


def analyze(table: Name, columns: Iterable[str]) -> str:
    """ANALYZE of these columns, of all where there is none."""
    statement = pb.VacuumStmt(is_vacuumcmd=False)
    relation = statement.rels.add().vacuum_relation
    relation.relation.CopyFrom(relation_named(table))
    _put_strings(relation.va_cols, columns)
    return deparsed_statement(pb.Node(vacuum_stmt=statement))


def _option(statement: Tree, name: str) -> Tree:
    option = statement.options.add().def_elem
    option.defname, option.defaction = name, pb.DEFELEM_UNSPEC
    return option.arg


def _put_strings(items: Tree, parts: Iterable[str | None]) -> None:
    for part in parts:
        if part is not None:
            items.add().string.sval = part
