"""Whether an expression draws a value each time: by what may be NULL nobody tells a row that was filled from others.

Source: PostgreSQL 18 `pg_proc.dat`: the functions named here are strict and give NULL for NULL alone, or take nothing.
"""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from gate.sql.terms import strings
from gate.sql.tree import DoesNotParse, Tree, parsed, which

_OF_VALUES = frozenset(
    {
        "abs", "ceil", "ceiling", "clock_timestamp", "date_trunc", "encode", "floor", "gen_random_bytes",
        "gen_random_uuid", "left", "lower", "md5", "nextval", "now", "random", "repeat", "replace", "right", "round",
        "sha256", "statement_timestamp", "substr", "substring", "timeofday", "transaction_timestamp", "trunc", "upper",
        "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4", "uuidv4", "uuidv7",
    }
)  # fmt: skip
_OPERATORS = frozenset({"+", "-", "*", "/", "%", "||"})


def is_never_null(text: str) -> bool:
    """Of the SQL of an expression without columns; False where it is not known."""
    try:
        (select,) = parsed(f"SELECT {text}")
    except DoesNotParse:
        return False
    return _is_value(select.select_stmt.target_list[0].res_target.val)


def _is_value(node: Tree) -> bool:
    kind, inner = which(node)
    match kind:
        case "a_const":
            return not inner.isnull
        case "sqlvalue_function":
            return pb.SQLValueFunctionOp.Name(inner.op) not in ("SVFOP_CURRENT_SCHEMA", "SVFOP_CURRENT_CATALOG")
        case "type_cast":
            return _is_value(inner.arg)
        case "coalesce_expr":
            return any(_is_value(item) for item in inner.args)
        case "func_call":
            *schema, name = strings(inner.funcname)
            return name in _OF_VALUES and schema in ([], ["pg_catalog"], ["public"]) and all(map(_is_value, inner.args))
        case "a_expr":
            sides = [inner.rexpr, *([inner.lexpr] if inner.HasField("lexpr") else [])]
            return inner.kind == pb.AEXPR_OP and strings(inner.name)[-1] in _OPERATORS and all(map(_is_value, sides))
        case _:
            return False
