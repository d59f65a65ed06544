"""Operands that must stand in parentheses, and that libpg_query's deparser writes without any.

`(a AND b) IS NULL` comes back as `a AND b IS NULL`, which is another question; a DEFAULT takes no NOT by itself. Each
such operand is found here, so that it can be written by itself.

Source: PostgreSQL 18 `gram.y`, the table of precedence; libpg_query 18 `postgres_deparse.c` (deparseNullTest,
deparseAExpr).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from postgast import pg_query_pb2 as pb

_COMPARISONS = frozenset({"=", "<", ">", "<=", ">=", "<>", "!="})
_TESTS = frozenset({"null_test", "boolean_test"})
_DISTINCT = frozenset({pb.AEXPR_DISTINCT, pb.AEXPR_NOT_DISTINCT})
_ANY = frozenset({pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL})
_AMONG = frozenset(
    {
        pb.AEXPR_IN,
        pb.AEXPR_LIKE,
        pb.AEXPR_ILIKE,
        pb.AEXPR_SIMILAR,
        pb.AEXPR_BETWEEN,
        pb.AEXPR_NOT_BETWEEN,
        pb.AEXPR_BETWEEN_SYM,
        pb.AEXPR_NOT_BETWEEN_SYM,
    }
)


def loose_operands(message: Any) -> Iterator[Any]:
    """The operands of one node that would come apart."""
    match message.DESCRIPTOR.name:
        case "NullTest" | "BooleanTest":
            yield from filter(_binds_no_tighter_than_is, (message.arg,))
        case "A_Expr" if message.kind in _AMONG:
            yield from filter(_binds_no_tighter_than_in, (message.lexpr, *_right(message)))
        case "A_Expr" if message.kind in _DISTINCT:
            yield from filter(_binds_no_tighter_than_is, (message.lexpr, message.rexpr))
        case "A_Expr" if message.kind in _ANY:
            yield from filter(_binds_no_tighter_than_in, (message.lexpr,))
        case "SubLink":
            yield from filter(_binds_no_tighter_than_in, (message.testexpr,))
        case "Constraint" if message.contype == pb.CONSTR_DEFAULT and message.raw_expr.HasField("bool_expr"):
            yield message.raw_expr
        case _:
            pass


def _right(message: Any) -> Iterator[Any]:
    """BETWEEN has two in a list; what stands in the list of IN is in parentheses anyway."""
    if message.rexpr.WhichOneof("node") != "list":
        yield message.rexpr
    elif message.kind != pb.AEXPR_IN:
        yield from message.rexpr.list.items


def _binds_no_tighter_than_is(node: Any) -> bool:
    kind = node.WhichOneof("node")
    return kind == "bool_expr" or kind in _TESTS or (kind == "a_expr" and node.a_expr.kind in _DISTINCT)


def _binds_no_tighter_than_in(node: Any) -> bool:
    if node.WhichOneof("node") != "a_expr":
        return _binds_no_tighter_than_is(node)
    kind = node.a_expr.kind
    if kind == pb.AEXPR_OP:
        return len(node.a_expr.name) == 1 and node.a_expr.name[0].string.sval in _COMPARISONS
    return kind in _AMONG | _DISTINCT | _ANY
