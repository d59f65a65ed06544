"""The small trees that queries are made of: columns, parameters, casts, comparisons, SELECTs."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.tree import Tree, parsed


def parameter(number: int) -> Tree:
    """$number."""
    return pb.Node(param_ref=pb.ParamRef(number=number))


def column(*parts: str) -> Tree:
    """A column, by its name and what stands before it."""
    reference = pb.ColumnRef()
    for part in parts:
        reference.fields.add().string.sval = part
    return pb.Node(column_ref=reference)


def integer(value: int) -> Tree:
    """A number."""
    constant = pb.A_Const()
    constant.ival.ival = value
    return pb.Node(a_const=constant)


def null() -> Tree:
    """NULL."""
    return pb.Node(a_const=pb.A_Const(isnull=True))


def cast_to(value: Tree, kind: Name) -> Tree:
    """value::type, of any length: `char` and `bit` by their short names would mean one character, one bit."""
    if kind == Name("bpchar", "pg_catalog"):
        kind = Name("bpchar")
    written = pb.TypeName(typemod=-1)
    for part in (kind.schema, kind.name):
        if part is not None:
            written.names.add().string.sval = part
    return pb.Node(type_cast=pb.TypeCast(arg=value, type_name=written))


def row(values: list[Tree]) -> Tree:
    """(a, b); a single value stands by itself."""
    if len(values) == 1:
        return values[0]
    return pb.Node(row_expr=pb.RowExpr(args=values, row_format=pb.COERCE_IMPLICIT_CAST))


def compared(operator: str, left: Tree, right: Tree) -> Tree:
    """Left operator right."""
    found = pb.A_Expr(kind=pb.AEXPR_OP, lexpr=left, rexpr=right)
    found.name.add().string.sval = operator
    return pb.Node(a_expr=found)


def all_of(conditions: list[Tree]) -> Tree:
    """A AND b."""
    if len(conditions) == 1:
        return conditions[0]
    return pb.Node(bool_expr=pb.BoolExpr(boolop=pb.AND_EXPR, args=conditions))


def expression_node(text: str) -> Tree:
    """An expression from its SQL. Raises DoesNotParse."""
    (select,) = parsed(f"SELECT {text}")
    return select.select_stmt.target_list[0].res_target.val


def relation_named(name: Name, *, only: bool = False) -> Tree:
    """A relation in FROM."""
    return pb.RangeVar(schemaname=name.schema or "", relname=name.name, inh=not only, relpersistence="p")


def empty_select() -> Tree:
    """SELECT, before it has anything."""
    return pb.SelectStmt(limit_option=pb.LIMIT_OPTION_DEFAULT, op=pb.SETOP_NONE)


def put_output(select: Tree, value: Tree, name: str = "") -> None:
    """One more output column."""
    target = select.target_list.add().res_target
    target.val.CopyFrom(value)
    target.name = name


def put_order(select: Tree, value: Tree, *, is_descending: bool = False) -> None:
    """One more column to sort by."""
    item = select.sort_clause.add().sort_by
    item.node.CopyFrom(value)
    item.sortby_dir = pb.SORTBY_DESC if is_descending else pb.SORTBY_DEFAULT
    item.sortby_nulls = pb.SORTBY_NULLS_DEFAULT


def put_limit(select: Tree, count: Tree) -> None:
    """LIMIT count."""
    select.limit_count.CopyFrom(count)
    select.limit_option = pb.LIMIT_OPTION_COUNT


def put_with(statement: Tree, name: str, query: Tree, *, is_materialized: bool = False) -> None:
    """One more WITH query."""
    materialized = pb.CTEMaterializeAlways if is_materialized else pb.CTEMaterializeDefault
    item = pb.CommonTableExpr(ctename=name, ctematerialized=materialized, ctequery=query)
    statement.with_clause.ctes.add().common_table_expr.CopyFrom(item)


def into(record: str) -> Tree:
    """INTO record, as PL/pgSQL has it."""
    return pb.IntoClause(rel=relation_named(Name(record)), on_commit=pb.ONCOMMIT_NOOP)


def nodes_of(message: Tree) -> Iterator[Tree]:
    """The `Node` fields of a message, one by one."""
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.name == "Node":
            yield from [value] if hasattr(value, "ListFields") else value
