"""Whether an expression may be evaluated on rows outside of the statement that holds it.

Only nodes that are known here may stand in it, and only names of `pg_catalog`: no subquery, no aggregate, nothing that
a user made. Types are qualified, so that the text means the same under a search path without users' schemas.
"""

from __future__ import annotations

from collections.abc import Callable

from postgast import pg_query_pb2 as pb

from gate.model.expressions import Call, TypeName
from gate.model.names import Name
from gate.sql.terms import name_of, strings, type_name
from gate.sql.tree import DoesNotParse, Tree, deparsed, parsed, walk

Qualify = Callable[[TypeName], Name]
"""The type's name with its schema. Raises NotEvaluable for one that is not known or not safe."""


class NotEvaluable(Exception):
    """The expression holds what must not be evaluated; the text says what."""


_PLAIN = frozenset(
    {
        "A_ArrayExpr", "A_Const", "A_Indices", "A_Indirection", "BitString", "BoolExpr", "Boolean", "BooleanTest",
        "CaseExpr", "CaseWhen", "CoalesceExpr", "CollateClause", "Float", "Integer", "List", "MinMaxExpr", "Node",
        "NullTest", "RowExpr", "SQLValueFunction", "String", "TypeCast",
    }
)  # fmt: skip
_SIMPLE_CALL = ("agg_order", "agg_filter", "over", "agg_within_group", "agg_star", "agg_distinct", "func_variadic")
_OWN = (None, "pg_catalog")


def evaluable(text: str, qualify: Qualify) -> tuple[str, tuple[Call, ...], tuple[str, ...]]:
    """Its text with qualified types and bare columns, its functions, its operators. Raises NotEvaluable."""
    try:
        (select,) = parsed(f"SELECT {text}")
    except DoesNotParse as error:
        raise NotEvaluable("this grammar does not read it") from error
    if len(select.select_stmt.target_list) != 1:
        raise NotEvaluable("this grammar does not read it")
    node = select.select_stmt.target_list[0].res_target.val
    calls: list[Call] = []
    operators: list[str] = []
    for kind, inner in list(walk(node)):
        match kind:
            case "FuncCall":
                calls.append(_call(inner))
            case "A_Expr":
                operators.extend(_operators(inner))
            case "ColumnRef":
                _bare(inner)
            case "TypeName":
                _qualified(inner, qualify)
            case "SQLValueFunction" if inner.op in _OF_THE_ROLE:
                raise NotEvaluable("it names the role or the schema of the session that asks")
            case _:
                _require_plain(kind)
    return deparsed(node), tuple(dict.fromkeys(calls)), tuple(dict.fromkeys(operators))


def _require_plain(kind: str) -> None:
    if kind not in _PLAIN:
        raise NotEvaluable(f"it holds a {kind}")


def _call(inner: Tree) -> Call:
    name = name_of(strings(inner.funcname))
    if any(bool(getattr(inner, field)) for field in _SIMPLE_CALL if field not in ("agg_filter", "over")):
        raise NotEvaluable(f"{name} is more than a plain call")
    if inner.HasField("agg_filter") or inner.HasField("over"):
        raise NotEvaluable(f"{name} is more than a plain call")
    if name.schema not in _OWN:
        raise NotEvaluable(f"{name} is no function of pg_catalog")
    if name.name in _OF_THE_SESSION:
        raise NotEvaluable(f"{name} answers by the session that asks")
    return Call(Name(name.name), len(inner.args))


_OF_THE_SESSION = frozenset(
    {
        *(f"to_reg{kind}" for kind in ("class", "type", "proc", "procedure", "oper", "operator", "role", "namespace")),
        "current_schema", "current_schemas", "current_setting", "current_query", "current_database", "pg_backend_pid",
        "inet_client_addr", "inet_client_port", "inet_server_addr", "inet_server_port", "getpgusername",
        "pg_table_is_visible", "pg_type_is_visible", "pg_function_is_visible",
    }
)  # fmt: skip
"""Whose answer depends on the search path, the role or the settings, which are not those of the release here."""

_OF_THE_ROLE = frozenset(
    {
        pb.SVFOP_CURRENT_ROLE, pb.SVFOP_CURRENT_USER, pb.SVFOP_USER, pb.SVFOP_SESSION_USER, pb.SVFOP_CURRENT_SCHEMA,
    }
)  # fmt: skip

_HIDDEN = {
    pb.AEXPR_BETWEEN: (">=", "<="),
    pb.AEXPR_NOT_BETWEEN: ("<", ">"),
    pb.AEXPR_BETWEEN_SYM: (">=", "<="),
    pb.AEXPR_NOT_BETWEEN_SYM: ("<", ">"),
}


def _operators(inner: Tree) -> tuple[str, ...]:
    hidden = _HIDDEN.get(inner.kind)
    if hidden is not None:
        return hidden
    parts = strings(inner.name)
    if len(parts) > 1 and parts[0] not in _OWN:
        raise NotEvaluable(f"OPERATOR({'.'.join(parts)}) is no operator of pg_catalog")
    return parts[-1:]


def _bare(inner: Tree) -> None:
    """Without the table's name: there is one relation only, and its name may change."""
    fields = list(inner.fields)
    if not fields or not fields[-1].HasField("string"):
        raise NotEvaluable("it names the whole row")
    last = type(fields[-1])()
    last.CopyFrom(fields[-1])
    del inner.fields[:]
    inner.fields.add().CopyFrom(last)


def _qualified(inner: Tree, qualify: Qualify) -> None:
    name = qualify(type_name(inner))
    if name.schema == "pg_catalog" and strings(inner.names)[:1] == ("pg_catalog",):
        return
    del inner.names[:]
    for part in (name.schema, name.name):
        inner.names.add().string.sval = part
