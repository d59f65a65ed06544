"""A partition's own constraint as a CHECK: what proves to the server that ATTACH PARTITION has nothing to read.

Built as the server builds it, so that the two are equal after it has read the text: literals have no type and get the
column's, `=` comes before `>`, every key is NOT NULL.

Source: PostgreSQL 18 `partbounds.c` (get_qual_for_range, get_qual_for_list, get_qual_for_hash).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.rewriting.trees import sole
from gate.sql.terms import constant, strings
from gate.sql.tree import Tree, content, deparsed, which

_MOST_VALUES = 100
"""MAX_SAOP_ARRAY_SIZE of `predtest.c`: longer lists are proven only where they are equal, in the server's order."""

_PATTERN = {"<": "~<~", "<=": "~<=~", ">": "~>~", ">=": "~>=~"}
_PATTERN_CLASSES = frozenset({"text_pattern_ops", "varchar_pattern_ops", "bpchar_pattern_ops"})
_RELATIVE = frozenset({"now", "today", "tomorrow", "yesterday"})
"""Literals that mean another time in each statement."""


@dataclass(frozen=True)
class _Key:
    """One key of the parent; `node` is what is compared."""

    node: Tree
    is_column: bool
    has_pattern: bool = False


class _NoCheck(Exception):
    """There is no CHECK of which it is certain that the server takes it as proof."""


def bound_check(key: str, parent: Name, bound: str, others: Iterable[str] = (), *, negated: bool = False) -> str | None:
    """The CHECK that equals the partition's constraint; None where there is no certain one.

    `key` is what stands behind PARTITION BY, `bound` is FOR VALUES ... or DEFAULT, `others` the bounds of the
    partitions beside a default one. `negated`: what is left for the default partition beside it.
    """
    try:
        node = _check(_keys(key), parent, _spec(bound), [_spec(other) for other in others])
    except _NoCheck:
        return None
    return deparsed(_not(node) if negated else node)


def all_of(checks: Sequence[str]) -> str:
    """One CHECK that says all of these."""
    return deparsed(_and([part for text in checks for part in _conjuncts(_expression(text))]))


def is_keyed_by_column(key: str) -> bool:
    """Whether each key is a column, not an expression."""
    try:
        return all(item.is_column for item in _keys(key))
    except _NoCheck:
        return False


def _conjuncts(node: Tree) -> list[Tree]:
    kind, inner = which(node)
    return list(inner.args) if kind == "bool_expr" and inner.boolop == pb.AND_EXPR else [node]


def _expression(text: str) -> Tree:
    return sole(f"SELECT {text}").select_stmt.target_list[0].res_target.val


def _spec(bound: str) -> Tree:
    return content(sole(f"CREATE TABLE p PARTITION OF t {bound}")).partbound


def _keys(key: str) -> list[_Key]:
    params = content(sole(f"CREATE TABLE t () PARTITION BY {key}")).partspec.part_params
    return [_key(content(item)) for item in params]


def _key(param: Tree) -> _Key:
    classes = strings(param.opclass)[-1:]
    if classes and classes[0] not in _PATTERN_CLASSES:
        raise _NoCheck
    node = pb.Node()
    if param.name:
        node.column_ref.fields.add().string.sval = param.name
    else:
        node.CopyFrom(param.expr)
    if param.collation:
        collated = pb.Node()
        collated.collate_clause.arg.CopyFrom(node)
        for part in param.collation:
            collated.collate_clause.collname.add().CopyFrom(part)
        return _Key(collated, bool(param.name), bool(classes))
    return _Key(node, bool(param.name), bool(classes))


def _check(keys: list[_Key], parent: Name, spec: Tree, others: list[Tree]) -> Tree:
    if spec.is_default:
        return _default(keys, others)
    if spec.strategy == "r":
        return _and([*(_is_null(item, is_null=False) for item in keys), *_range(keys, spec)])
    if spec.strategy == "l":
        return _list(keys[0], spec.listdatums)
    return _hash(keys, parent, spec)


def _default(keys: list[_Key], others: list[Tree]) -> Tree:
    """All that no other partition takes."""
    if not others:
        raise _NoCheck
    if others[0].strategy == "l":
        values = [datum for spec in others for datum in spec.listdatums]
        if len(values) > _MOST_VALUES:
            raise _NoCheck
        return _not(_list(keys[0], values))
    if others[0].strategy != "r":
        raise _NoCheck
    ranges = [_and(_range(keys, spec)) for spec in others]
    return _not(_and([*(_is_null(item, is_null=False) for item in keys), _or(ranges)]))


# --- range ------------------------------------------------------------------------------------------------------------

_MINVALUE, _MAXVALUE = "minvalue", "maxvalue"


@dataclass(frozen=True)
class _End:
    """One datum of a range's end: a literal, or one of the two words."""

    kind: str
    text: str = ""


def _range(keys: list[_Key], spec: Tree) -> list[Tree]:
    lower, upper = [[_end(item) for item in datums] for datums in (spec.lowerdatums, spec.upperdatums)]
    same = 0
    while same < len(keys) and lower[same] == upper[same] and lower[same].kind == "value":
        same += 1
    found = [_compare(keys[place], "=", lower[place].text) for place in range(same)]
    for ends, is_lower in ((lower, True), (upper, False)):
        arms = _arms(keys, ends, same, is_lower=is_lower)
        if arms:
            found.append(_or(arms))
    return found


def _arms(keys: list[_Key], ends: list[_End], start: int, *, is_lower: bool) -> list[Tree]:
    """(a > 1) OR (a = 1 AND b >= 2): one more key is equal in each."""
    open_word, strict, loose = (_MINVALUE, ">", ">=") if is_lower else (_MAXVALUE, "<", "<=")
    arms = []
    for last in range(start, len(keys)):
        if ends[last].kind != "value":
            break
        following = ends[last + 1] if last + 1 < len(keys) else None
        is_loose = following.kind == open_word if following else is_lower
        equal = [_compare(keys[place], "=", ends[place].text) for place in range(start, last)]
        arms.append(_and([*equal, _compare(keys[last], loose if is_loose else strict, ends[last].text)]))
        if following is not None and following.kind != "value":
            break
    return arms


def _end(node: Tree) -> _End:
    kind, inner = which(node)
    if kind == "column_ref":
        return _End(strings(inner.fields)[-1].lower())
    return _End("value", _literal(node))


# --- list and hash ----------------------------------------------------------------------------------------------------


def _list(key: _Key, datums: Iterable[Tree]) -> Tree:
    nodes = list(datums)
    values = [_literal(node) for node in nodes if not _is_null_literal(node)]
    test = _is_null(key, is_null=len(values) < len(nodes))
    if not values:
        return test
    among = pb.Node()
    among.a_expr.kind = pb.AEXPR_IN
    among.a_expr.name.add().string.sval = "="
    among.a_expr.lexpr.CopyFrom(key.node)
    for value in values:
        among.a_expr.rexpr.list.items.add().CopyFrom(_string(value))
    return _or([test, among]) if len(values) < len(nodes) else _and([test, among])


def _is_null_literal(node: Tree) -> bool:
    kind, inner = which(node)
    if kind == "type_cast":
        return _is_null_literal(inner.arg)
    return kind == "a_const" and bool(inner.isnull)


def _hash(keys: list[_Key], parent: Name, spec: Tree) -> Tree:
    node = pb.Node()
    call = node.func_call
    call.funcformat = pb.COERCE_EXPLICIT_CALL
    call.funcname.add().string.sval = "satisfies_hash_partition"
    relation = call.args.add().type_cast
    relation.arg.CopyFrom(_string(str(parent)))
    relation.type_name.names.add().string.sval = "regclass"
    relation.type_name.typemod = -1
    for number in (spec.modulus, spec.remainder):
        call.args.add().a_const.ival.ival = number
    for key in keys:
        call.args.add().CopyFrom(key.node)
    return node


# --- pieces -----------------------------------------------------------------------------------------------------------


def _literal(node: Tree) -> str:
    text = constant(node)
    if text is None or text.strip().lower() in _RELATIVE:
        raise _NoCheck
    return text


def _string(text: str) -> Tree:
    node = pb.Node()
    node.a_const.sval.sval = text
    return node


def _is_null(key: _Key, *, is_null: bool) -> Tree:
    node = pb.Node()
    node.null_test.nulltesttype = pb.IS_NULL if is_null else pb.IS_NOT_NULL
    # The collation of a key is that of its comparisons.
    kind, inner = which(key.node)
    node.null_test.arg.CopyFrom(inner.arg if kind == "collate_clause" else key.node)
    return node


def _compare(key: _Key, operator: str, text: str) -> Tree:
    node = pb.Node()
    node.a_expr.kind = pb.AEXPR_OP
    node.a_expr.name.add().string.sval = _PATTERN.get(operator, operator) if key.has_pattern else operator
    node.a_expr.lexpr.CopyFrom(key.node)
    node.a_expr.rexpr.CopyFrom(_string(text))
    return node


def _and(parts: list[Tree]) -> Tree:
    return _joined(pb.AND_EXPR, parts)


def _or(parts: list[Tree]) -> Tree:
    return _joined(pb.OR_EXPR, parts)


def _joined(operator: int, parts: list[Tree]) -> Tree:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        node = pb.Node()
        node.a_const.boolval.boolval = True
        return node
    node = pb.Node()
    node.bool_expr.boolop = operator
    for part in parts:
        node.bool_expr.args.add().CopyFrom(part)
    return node


def _not(part: Tree) -> Tree:
    node = pb.Node()
    node.bool_expr.boolop = pb.NOT_EXPR
    node.bool_expr.args.add().CopyFrom(part)
    return node
