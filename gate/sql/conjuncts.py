"""WHERE's simple conjuncts, given to the relations whose columns they are about.

Source: PostgreSQL 18 `partprune.c` (match_clause_to_partition_key) for the forms that prune partitions.
"""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pb

from gate.model.actions import Qual
from gate.sql.terms import constant, strings, type_name
from gate.sql.tree import Tree, which

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}
_WHERE = frozenset({"SelectStmt", "UpdateStmt", "DeleteStmt"})
_LISTS = {"SelectStmt": "from_clause", "UpdateStmt": "from_clause", "DeleteStmt": "using_clause"}


def quals_of(kind: str, inner: Tree) -> Iterator[tuple[Tree, tuple[Qual, ...]]]:
    """(RangeVar, its conjuncts) of one query level; an unqualified column counts where there is one relation only."""
    if kind not in _WHERE or not inner.HasField("where_clause"):
        return
    variables = list(_variables(kind, inner))
    items = list(getattr(inner, _LISTS[kind]))
    alone = len(variables) == 1 and len(items) == (1 if kind == "SelectStmt" else 0)
    found = list(_conjuncts(inner.where_clause))
    for variable in variables:
        alias = variable.alias.aliasname or variable.relname
        yield (
            variable,
            tuple(
                qual for owner, qual in found if owner == alias or (not owner and (alone or qual.operator == "never"))
            ),
        )


def _variables(kind: str, inner: Tree) -> Iterator[Tree]:
    if kind != "SelectStmt":
        yield inner.relation
    for item in getattr(inner, _LISTS[kind]):
        yield from _joined(item)


def _joined(node: Tree) -> Iterator[Tree]:
    kind, inner = which(node)
    if kind == "range_var":
        yield inner
    elif kind == "join_expr":
        yield from _joined(inner.larg)
        yield from _joined(inner.rarg)


def _conjuncts(node: Tree) -> Iterator[tuple[str, Qual]]:
    """(alias or '', conjunct)."""
    kind, inner = which(node)
    if kind == "bool_expr" and inner.boolop == pb.AND_EXPR:
        for item in inner.args:
            yield from _conjuncts(item)
    elif kind == "bool_expr" and inner.boolop == pb.OR_EXPR:
        yield from _alternatives(inner)
    elif kind == "a_const" and not inner.boolval.boolval and (inner.HasField("boolval") or inner.isnull):
        yield "", Qual("", "never")
    elif kind == "null_test":
        yield from _null_test(inner)
    elif kind == "a_expr":
        yield from _comparison(inner)


def _alternatives(inner: Tree) -> Iterator[tuple[str, Qual]]:
    """An OR, where every branch says something of the one relation that it is about."""
    branches = [tuple(_conjuncts(item)) for item in inner.args]
    owners = {owner for branch in branches for owner, _ in branch}
    if len(owners) == 1 and all(branches):
        yield owners.pop(), Qual("", "or", (), tuple(tuple(qual for _, qual in branch) for branch in branches))


def _null_test(inner: Tree) -> Iterator[tuple[str, Qual]]:
    found = _column(inner.arg)
    if found is not None:
        yield found[0], Qual(found[1], "null" if inner.nulltesttype == pb.IS_NULL else "not null")


def _comparison(inner: Tree) -> Iterator[tuple[str, Qual]]:
    left, right = _column(inner.lexpr), _column(inner.rexpr)
    operator = strings(inner.name)[-1]
    if inner.kind == pb.AEXPR_OP and operator == "<>" and left is not None:
        yield left[0], Qual(left[1], "not in", (_literal(inner.rexpr),))
    elif inner.kind == pb.AEXPR_OP and operator in _FLIPPED:
        if left is not None:
            yield left[0], Qual(left[1], operator, (_literal(inner.rexpr),))
        if right is not None:
            yield right[0], Qual(right[1], _FLIPPED[operator], (_literal(inner.lexpr),))
    elif left is not None and inner.rexpr.HasField("list"):
        values = tuple(_literal(item) for item in inner.rexpr.list.items if not _is_null(item))
        if inner.kind == pb.AEXPR_IN and operator == "=":
            yield left[0], Qual(left[1], "in", values)
        elif inner.kind == pb.AEXPR_IN and operator == "<>":
            yield left[0], Qual(left[1], "not in", values)
        elif inner.kind == pb.AEXPR_BETWEEN and len(values) == 2:
            yield left[0], Qual(left[1], ">=", values[:1])
            yield left[0], Qual(left[1], "<=", values[1:])


def _is_null(node: Tree) -> bool:
    """NULL in a list never matches."""
    kind, inner = which(node)
    return kind == "a_const" and bool(inner.isnull)


def _column(node: Tree) -> tuple[str, str] | None:
    """(alias or '', column) of a bare column; a whole name in three parts is none."""
    kind, inner = which(node)
    if kind != "column_ref":
        return None
    parts = strings(inner.fields)
    if len(parts) != len(inner.fields) or not 1 <= len(parts) <= 2:
        return None
    return ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])


_COMPARED = frozenset({"int2", "int4", "int8", "bool", "date", "timestamp"})
"""Types that a literal may be cast to while the comparison stays one of the column's own kind."""


def _literal(node: Tree) -> str | None:
    """A literal's text; None under a cast that takes the column along to another type (`int_column = 1::numeric`)."""
    kind, inner = which(node)
    if kind == "type_cast" and type_name(inner.type_name).name.name not in _COMPARED:
        return None
    return constant(node)
