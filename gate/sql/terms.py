"""Names, types and expressions: from the parser's nodes to our nouns."""

from __future__ import annotations

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

from gate.model.expressions import Call, Comparison, Expression, NotNullOf, TypeName
from gate.model.names import Name
from gate.sql.tree import Tree, content, deparsed, walk, which

SERIALS = {"smallserial": 2, "serial2": 2, "serial": 4, "serial4": 4, "bigserial": 8, "serial8": 8}


def range_name(node: Tree) -> Name:
    """A RangeVar's name."""
    return Name(node.relname, node.schemaname or None)


def strings(nodes: Iterable[Tree]) -> tuple[str, ...]:
    """The strings of a list of String nodes; anything else (`*`) is left out."""
    return tuple(node.string.sval for node in nodes if node.HasField("string"))


def name_of(parts: Iterable[str]) -> Name:
    """A dotted name; a database in front is dropped."""
    *before, last = parts
    return Name(last, before[-1] if before else None)


def list_name(node: Tree) -> Name:
    """The name in a Node that is a List of Strings, one String, or a TypeName."""
    kind, inner = which(node)
    if kind == "string":
        return Name(inner.sval)
    if kind == "type_name":
        return type_name(inner).name
    if kind == "object_with_args":
        return name_of(strings(inner.objname))
    return name_of(strings(inner.items))


def role_name(node: Tree) -> str:
    """A RoleSpec's role: its name, or CURRENT_USER and the like in upper case."""
    return str(node.rolename) or str(pb.RoleSpecType.Name(node.roletype)).removeprefix("ROLESPEC_")


def type_name(node: Tree) -> TypeName:
    """A TypeName."""
    parts = strings(node.names)
    mods = [content(item) for item in node.typmods]
    numbers = tuple(_integer(item) for item in mods)
    known = tuple(number for number in numbers if number is not None)
    if node.pct_type:
        return TypeName(name=Name(parts[-1]), of_column=parts)
    is_interval = parts[-1] == "interval"
    return TypeName(
        name=name_of(parts),
        modifiers=known[1:] if is_interval else known,
        fields=known[0] if is_interval and known else None,
        dimensions=len(node.array_bounds),
        is_setof=node.setof,
        has_odd_modifiers=len(known) != len(numbers),
    )


def _integer(item: Tree) -> int | None:
    if item.DESCRIPTOR.name == "A_Const" and item.WhichOneof("val") == "ival":
        return int(item.ival.ival)
    if item.DESCRIPTOR.name == "TypeCast":
        return None
    return None


def constant(node: Tree) -> str | None:
    """The text of a literal, through casts and a minus sign; None for anything else."""
    kind, inner = which(node)
    if kind == "a_const":
        return _constant_text(inner)
    if kind == "type_cast":
        return constant(inner.arg)
    if kind == "a_expr" and inner.kind == pb.AEXPR_OP and not inner.HasField("lexpr") and strings(inner.name) == ("-",):
        below = constant(inner.rexpr)
        return None if below is None else f"-{below}"
    return None


def _constant_text(inner: Tree) -> str | None:
    kind = inner.WhichOneof("val")
    if kind is None:
        return None if inner.isnull else "0"
    value = getattr(inner, kind)
    return str(
        getattr(value, {"ival": "ival", "fval": "fval", "sval": "sval", "boolval": "boolval", "bsval": "bsval"}[kind])
    )


def expression(node: Tree) -> Expression:
    """An expression Node."""
    calls: list[Call] = []
    operators: list[str] = []
    columns: list[str] = []
    types: list[TypeName] = []
    relations: list[Name] = []
    stable = False
    for kind, inner in walk(node):
        match kind:
            case "FuncCall":
                calls.append(Call(name_of(strings(inner.funcname)), len(inner.args)))
            case "A_Expr":
                operators.extend(strings(inner.name)[-1:])
            case "ColumnRef":
                columns.extend(strings(inner.fields)[-1:])
            case "TypeName":
                types.append(type_name(inner))
            case "RangeVar":
                relations.append(range_name(inner))
            case "SQLValueFunction":
                stable = True
            case _:
                pass
    kind, inner = which(node)
    cast_of, cast_to = _plain_cast(kind, inner)
    return Expression(
        text=deparsed(node),
        calls=tuple(calls),
        operators=tuple(operators),
        columns=tuple(columns),
        types=tuple(types),
        relations=tuple(relations),
        conjuncts=tuple(_conjuncts(node)),
        column=_bare_column(node),
        cast_of=cast_of,
        cast_to=cast_to,
        is_null=kind == "a_const" and inner.isnull,
        is_constant=constant(node) is not None or (kind == "a_const" and inner.isnull),
        is_stable=stable,
    )


def _bare_column(node: Tree) -> str | None:
    kind, inner = which(node)
    fields = strings(inner.fields) if kind == "column_ref" else ()
    return fields[-1] if fields else None


def _plain_cast(kind: str, inner: Tree) -> tuple[str | None, TypeName | None]:
    if kind != "type_cast":
        return None, None
    return _bare_column(inner.arg), type_name(inner.type_name)


def _conjuncts(node: Tree) -> Iterable[NotNullOf | Comparison]:
    kind, inner = which(node)
    if kind == "bool_expr" and inner.boolop == pb.AND_EXPR:
        for item in inner.args:
            yield from _conjuncts(item)
    elif kind == "null_test" and inner.nulltesttype == pb.IS_NOT_NULL:
        column = _bare_column(inner.arg)
        if column is not None:
            yield NotNullOf(column)
    elif kind == "a_expr" and inner.kind == pb.AEXPR_OP:
        yield from _comparison(inner)


_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}


def _comparison(inner: Tree) -> Iterable[Comparison]:
    operator = strings(inner.name)[-1]
    left, right = _bare_column(inner.lexpr), constant(inner.rexpr)
    if left is not None and right is not None:
        yield Comparison(left, operator, right)
    left, right = _bare_column(inner.rexpr), constant(inner.lexpr)
    if left is not None and right is not None and operator in _FLIPPED:
        yield Comparison(left, _FLIPPED[operator], right)


def expression_of_text(text: str) -> Expression:
    """An expression from its SQL, as `pg_get_expr` prints it. Raises DoesNotParse."""
    from gate.sql.tree import parsed

    (select,) = parsed(f"SELECT {text}")
    return expression(select.select_stmt.target_list[0].res_target.val)
