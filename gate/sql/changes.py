"""What an UPDATE or DELETE says of each row, and what in its text ties one row to others.

Source: PostgreSQL 18 `analyze.c` (transformUpdateStmt, transformDeleteStmt), `datetime.c` (the words of time).
"""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pb

from gate.model.actions import Assignment, Change
from gate.sql.terms import constant, expression, range_name, strings
from gate.sql.tree import Tree, deparsed, walk, which

_EVENTS = {"UpdateStmt": "update", "DeleteStmt": "delete"}
_OTHERS = {"UpdateStmt": ("from_clause", "FROM"), "DeleteStmt": ("using_clause", "USING")}
_OWN_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax"})
_WORDS_OF_TIME = frozenset({"now", "today", "tomorrow", "yesterday"})


def change_of(node: Tree) -> Change | None:
    """The change that the statement is; None for any other statement."""
    event = _EVENTS.get(node.DESCRIPTOR.name)
    if event is None:
        return None
    has_where = node.HasField("where_clause")
    where = node.where_clause
    return Change(
        event=event,
        target=range_name(node.relation),
        alias=node.relation.alias.aliasname or node.relation.relname,
        only=not node.relation.inh,
        assignments=tuple(_assignments(node)) if event == "update" else (),
        condition=None if not has_where or which(where)[0] == "current_of_expr" else expression(where),
        meets_all=not has_where or _is_always_true(where),
        limits=tuple(_limits(where)) if has_where else (),
        entangled=tuple(dict.fromkeys(_entangled(node))),
    )


def _assignments(node: Tree) -> Iterator[Assignment]:
    for item in node.target_list:
        target = item.res_target
        kind, inner = which(target.val)
        value = target.val
        if kind == "multi_assign_ref":
            row = inner.source.row_expr.args if inner.source.HasField("row_expr") else ()
            if not row:
                yield Assignment(column=target.name)
                continue
            value = row[inner.colno - 1]
        if which(value)[0] == "set_to_default":
            yield Assignment(column=target.name, is_default=True)
        else:
            yield Assignment(column=target.name, value=expression(value))


def _limits(node: Tree) -> Iterator[tuple[str, int]]:
    """`column IN (SELECT ... LIMIT number)`, where it must hold."""
    kind, inner = which(node)
    if kind == "bool_expr" and inner.boolop == pb.AND_EXPR:
        for item in inner.args:
            yield from _limits(item)
    elif kind == "sub_link" and inner.sub_link_type == pb.ANY_SUBLINK and not inner.oper_name:
        column, number = expression(inner.testexpr).column, constant(inner.subselect.select_stmt.limit_count)
        if column is not None and number is not None and number.isdigit():
            yield column, int(number)


# --- what ties rows together ------------------------------------------------------------------------------------------


def _entangled(node: Tree) -> Iterator[str]:
    field, word = _OTHERS[node.DESCRIPTOR.name]
    if node.HasField("with_clause"):
        yield "it has WITH queries"
    if getattr(node, field):
        yield f"it looks into other relations ({word})"
    if node.HasField("returning_clause"):
        yield "it returns rows (RETURNING)"
    for kind, inner in walk(node):
        yield from _tie(kind, inner)


def _tie(kind: str, inner: Tree) -> Iterator[str]:
    match kind:
        case "SubLink":
            yield "it has a subquery"
        case "CurrentOfExpr":
            yield f"it changes the row that the cursor {inner.cursor_name} stands on"
        case "ParamRef":
            yield "it has a parameter"
        case "ColumnRef":
            parts = strings(inner.fields)
            if parts and len(parts) == len(inner.fields) and parts[-1] in _OWN_COLUMNS:
                yield f"it names the system column {parts[-1]}"
        case "A_Const" if inner.HasField("sval") and inner.sval.sval.strip().lower() in _WORDS_OF_TIME:
            yield f"'{inner.sval.sval}' is another time in each transaction"
        case _:
            pass


# --- conditions that keep no row out ----------------------------------------------------------------------------------


def _is_always_true(node: Tree) -> bool:
    """TRUE, 1 = 1, and `a IS NULL OR a IS NOT NULL`."""
    kind, inner = which(node)
    if kind == "a_const":
        return bool(inner.boolval.boolval)
    if kind == "type_cast":
        return constant(node) in ("t", "true", "1", "on", "yes", "y")
    if kind == "a_expr" and inner.kind == pb.AEXPR_OP and strings(inner.name)[-1:] == ("=",):
        left = constant(inner.lexpr)
        return left is not None and left == constant(inner.rexpr)
    if kind != "bool_expr":
        return False
    if inner.boolop == pb.AND_EXPR:
        return all(_is_always_true(item) for item in inner.args)
    if inner.boolop == pb.NOT_EXPR:
        return False
    return any(_is_always_true(item) for item in inner.args) or _covers_nulls(inner)


def _covers_nulls(inner: Tree) -> bool:
    tested: dict[str, set[int]] = {}
    for item in inner.args:
        kind, test = which(item)
        if kind == "null_test":
            tested.setdefault(deparsed(test.arg), set()).add(test.nulltesttype)
    return any(len(kinds) == 2 for kinds in tested.values())
