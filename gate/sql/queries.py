"""Queries: which relations they name and how strongly parse analysis locks them, and what they may run.

Source: PostgreSQL 18 `parse_clause.c` (setTargetTable: ROW EXCLUSIVE), `parse_relation.c` (ROW SHARE under FOR UPDATE,
else ACCESS SHARE).
"""

from __future__ import annotations

from collections.abc import Iterable

from gate.model.actions import Query, RelationUse
from gate.model.expressions import Call
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.sql.terms import constant, name_of, range_name, strings, type_name
from gate.sql.tree import Tree, walk, which

SEQUENCE_CALLS = frozenset({"nextval", "currval", "setval"})
_TARGETS = {"InsertStmt": "insert", "UpdateStmt": "update", "DeleteStmt": "delete", "MergeStmt": "merge"}


def query(node: Tree, *, runs: bool = True) -> Query:
    """The query in a Node or in a statement message, whole."""
    inner = which(node)[1] if node.DESCRIPTOR.name == "Node" else node
    found = _Found()
    _collect(inner, found)
    return Query(
        uses=tuple(found.uses),
        calls=tuple(found.calls),
        columns=tuple(found.columns),
        types=tuple(found.types),
        operators=tuple(found.operators),
        runs=runs,
        has_star=found.has_star,
        target_columns=_target_columns(inner),
        output_columns=_output_columns(inner),
        on_conflict_update=found.updates_on_conflict,
        modifies=found.modifies,
        rows_from_values=_is_values(inner),
    )


class _Found:
    """What one walk gathers."""

    def __init__(self) -> None:
        self.uses: list[RelationUse] = []
        self.calls: list[Call] = []
        self.columns: list[str] = []
        self.types: list[object] = []
        self.operators: list[str] = []
        self.has_star = False
        self.modifies = False
        self.updates_on_conflict = False


def _collect(root: Tree, found: _Found) -> None:
    nodes = list(walk(root))
    hidden = {inner.ctename for kind, inner in nodes if kind == "CommonTableExpr"}
    targets = _target_places(nodes)
    locked = _locked_places(nodes)
    into = {id_of(inner.rel) for kind, inner in nodes if kind == "IntoClause" and inner.HasField("rel")}
    for kind, inner in nodes:
        if kind == "RangeVar":
            if id_of(inner) not in into:
                _add_relation(inner, found, hidden, targets, locked)
        else:
            _add_other(kind, inner, found)


def id_of(node: Tree) -> tuple[int, str]:
    """A RangeVar's identity within one text."""
    return node.location, node.relname


def _target_places(nodes: list[tuple[str, Tree]]) -> dict[tuple[int, str], str]:
    return {id_of(inner.relation): _TARGETS[kind] for kind, inner in nodes if kind in _TARGETS}


def _locked_places(nodes: list[tuple[str, Tree]]) -> set[tuple[int, str]]:
    """RangeVars under FOR UPDATE and its like: those named, else all in the FROM list, subqueries too."""
    places = set()
    for kind, inner in nodes:
        if kind != "SelectStmt" or not inner.locking_clause:
            continue
        for clause in inner.locking_clause:
            named = {item.range_var.relname for item in clause.locking_clause.locked_rels}
            for item in inner.from_clause:
                for below, variable in walk(item):
                    if below == "RangeVar" and (not named or (variable.alias.aliasname or variable.relname) in named):
                        places.add(id_of(variable))
    return places


def _add_relation(
    inner: Tree,
    found: _Found,
    hidden: set[str],
    targets: dict[tuple[int, str], str],
    locked: set[tuple[int, str]],
) -> None:
    event = targets.get(id_of(inner), "")
    if not event and not inner.schemaname and inner.relname in hidden:
        return
    mode = LockMode.ACCESS_SHARE
    if event:
        mode, found.modifies = LockMode.ROW_EXCLUSIVE, True
    elif id_of(inner) in locked:
        mode = LockMode.ROW_SHARE
    found.uses.append(RelationUse(name=range_name(inner), mode=mode, only=not inner.inh, event=event))


def _add_other(kind: str, inner: Tree, found: _Found) -> None:
    match kind:
        case "FuncCall":
            _add_call(inner, found)
        case "A_Expr":
            found.operators.extend(strings(inner.name)[-1:])
        case "ColumnRef":
            found.columns.extend(strings(inner.fields)[-1:])
            found.has_star = found.has_star or any(item.HasField("a_star") for item in inner.fields)
        case "TypeName":
            found.types.append(type_name(inner))
        case "OnConflictClause":
            found.updates_on_conflict = found.updates_on_conflict or bool(inner.target_list)


def _add_call(inner: Tree, found: _Found) -> None:
    name = name_of(strings(inner.funcname))
    found.calls.append(Call(name, len(inner.args)))
    if name.name in SEQUENCE_CALLS and name.schema in (None, "pg_catalog") and inner.args:
        sequence = regclass_name(constant(inner.args[0]))
        if sequence is not None:
            found.uses.append(RelationUse(name=sequence, mode=LockMode.ROW_EXCLUSIVE, event="sequence"))


def regclass_name(text: str | None) -> Name | None:
    """The name in a regclass literal, folded as the server folds it; None for a number or something odd."""
    if text is None or text.isdigit():
        return None
    parts, rest = [], text
    while rest:
        part, rest = _first_part(rest)
        parts.append(part)
    return name_of(parts) if parts and len(parts) <= 3 else None


def _first_part(text: str) -> tuple[str, str]:
    if text.startswith('"'):
        end = text.find('"', 1)
        while end != -1 and text[end + 1 : end + 2] == '"':
            end = text.find('"', end + 2)
        end = len(text) if end == -1 else end
        return text[1:end].replace('""', '"'), text[end + 1 :].removeprefix(".")
    part, _, rest = text.partition(".")
    return part.lower(), rest


def _target_columns(inner: Tree) -> tuple[str, ...]:
    match inner.DESCRIPTOR.name:
        case "InsertStmt":
            return tuple(item.res_target.name for item in inner.cols)
        case "UpdateStmt":
            return tuple(item.res_target.name for item in inner.target_list)
        case _:
            return ()


def _output_columns(inner: Tree) -> tuple[str | None, ...]:
    """Names of a SELECT's output columns; None where only the server can name or expand it."""
    while inner.DESCRIPTOR.name == "SelectStmt" and inner.HasField("larg"):
        inner = inner.larg
    if inner.DESCRIPTOR.name != "SelectStmt":
        return ()
    return tuple(_output_name(item.res_target) for item in inner.target_list)


def _output_name(target: Tree) -> str | None:
    if target.name:
        return str(target.name)
    kind, value = which(target.val)
    parts: Iterable[str] = ()
    if kind == "column_ref":
        parts = strings(value.fields) if not any(item.HasField("a_star") for item in value.fields) else ()
    elif kind == "func_call":
        parts = strings(value.funcname)
    return next(iter(tuple(parts)[-1:]), None)


def _is_values(inner: Tree) -> bool:
    return inner.DESCRIPTOR.name == "InsertStmt" and bool(inner.select_stmt.select_stmt.values_lists)
