"""Queries: which relations they name and how strongly parse analysis locks them, and what they may run.

Source: PostgreSQL 18 `parse_clause.c` (setTargetTable: ROW EXCLUSIVE), `parse_relation.c` (ROW SHARE under FOR UPDATE,
else ACCESS SHARE), `parse_cte.c` (which names a WITH clause hides, and where).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gate.model.actions import Qual, Query, RelationUse
from gate.model.expressions import Call, TypeName
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.sql.conjuncts import quals_of
from gate.sql.targets import target_use
from gate.sql.terms import constant, name_of, range_name, strings, type_name
from gate.sql.tree import Tree, content, which

SEQUENCE_CALLS = frozenset({"nextval", "currval", "setval"})
DESCRIBES = {"pg_partition_tree": "tree", "pg_get_viewdef": "definition"}
OWNED_SEQUENCE = "pg_get_serial_sequence"
_TARGETS = {"InsertStmt": "insert", "UpdateStmt": "update", "DeleteStmt": "delete", "MergeStmt": "merge"}
_LEVELS = frozenset({"SelectStmt", *_TARGETS})


def query(node: Tree, *, runs: bool = True, plans: bool = True, rewrites: bool = True) -> Query:
    """The query in a Node or in a statement message, whole; what does not run need not be planned."""
    inner = which(node)[1] if node.DESCRIPTOR.name == "Node" else node
    found = _Found()
    _visit(inner, found, frozenset())
    return Query(
        uses=tuple(found.uses),
        calls=tuple(found.calls),
        columns=tuple(found.columns),
        types=tuple(found.types),
        operators=tuple(found.operators),
        runs=runs,
        plans=plans,
        rewrites=rewrites,
        has_star=found.has_star,
        modifies=found.modifies,
        output_columns=_output_columns(inner),
        settings=tuple(found.settings),
        unknown_names=tuple(found.unknown_names),
        source=_source(inner),
        column_sources=_column_sources(inner),
    )


class _Found:
    """What one walk gathers."""

    def __init__(self) -> None:
        self.uses: list[RelationUse] = []
        self.calls: list[Call] = []
        self.columns: list[str] = []
        self.types: list[TypeName] = []
        self.operators: list[str] = []
        self.settings: list[tuple[str, str, bool]] = []
        self.unknown_names: list[str] = []
        self.locked: set[tuple[int, str]] = set()
        self.quals: dict[tuple[int, str], tuple[Qual, ...]] = {}
        self.has_star = False
        self.modifies = False


def _visit(inner: Tree, found: _Found, hidden: frozenset[str]) -> None:
    """This message and all below it; `hidden` are names that mean a WITH query here."""
    kind = inner.DESCRIPTOR.name
    if kind == "RangeVar":
        _add_relation(inner, found, hidden)
        return
    if kind in _LEVELS:
        hidden = _with_queries(inner, found, hidden)
        _level(kind, inner, found)
    else:
        _add_other(kind, inner, found)
    for child in _children(kind, inner):
        _visit(child, found, hidden)


_SKIPPED = {
    "SelectStmt": ("with_clause", "locking_clause", "into_clause"),
    "InsertStmt": ("with_clause", "relation"),
    "UpdateStmt": ("with_clause", "relation"),
    "DeleteStmt": ("with_clause", "relation"),
    "MergeStmt": ("with_clause", "relation"),
}


def _children(kind: str, inner: Tree) -> Iterator[Tree]:
    skipped = _SKIPPED.get(kind, ())
    for field, value in inner.ListFields():
        if field.message_type is None or field.name in skipped:
            continue
        if hasattr(value, "ListFields"):
            yield value
        else:
            yield from value


def _with_queries(inner: Tree, found: _Found, hidden: frozenset[str]) -> frozenset[str]:
    """Visits the WITH queries, each with the names that it sees, and gives those that the rest sees."""
    if not inner.HasField("with_clause"):
        return hidden
    queries = [content(item) for item in inner.with_clause.ctes]
    everything = hidden | {item.ctename for item in queries}
    seen = hidden
    for item in queries:
        _visit(item.ctequery, found, everything if inner.with_clause.recursive else seen)
        seen |= {item.ctename}
    return everything


def _level(kind: str, inner: Tree, found: _Found) -> None:
    """What one SELECT, INSERT, UPDATE, DELETE or MERGE does by itself."""
    for variable, quals in quals_of(kind, inner):
        found.quals[id_of(variable)] = quals
    if kind == "SelectStmt":
        found.locked |= _locked_places(inner)
    elif kind in _TARGETS:
        found.modifies = True
        use = target_use(kind, inner)
        place = id_of(inner.relation)
        found.uses.append(replace(use, quals=found.quals.get(place, ()), is_filtered=place in found.quals))


def id_of(node: Tree) -> tuple[int, str]:
    """A RangeVar's identity within one text."""
    return node.location, node.relname


def _locked_places(inner: Tree) -> set[tuple[int, str]]:
    """RangeVars under FOR UPDATE and its like: those named, else all in the FROM list, subqueries too."""
    places = set()
    for clause in inner.locking_clause:
        named = {item.range_var.relname for item in clause.locking_clause.locked_rels}
        for item in inner.from_clause:
            places |= {id_of(variable) for alias, variable in _from_variables(item) if not named or alias in named}
    return places


def _from_variables(node: Tree, alias: str = "") -> Iterator[tuple[str, Tree]]:
    """(alias, RangeVar) of a FROM item; a subquery's relations go by the subquery's alias."""
    kind, inner = which(node)
    if kind == "range_var":
        yield alias or inner.alias.aliasname or inner.relname, inner
    elif kind == "join_expr":
        yield from _from_variables(inner.larg, alias)
        yield from _from_variables(inner.rarg, alias)
    elif kind == "range_subselect":
        for item in inner.subquery.select_stmt.from_clause:
            yield from _from_variables(item, alias or inner.alias.aliasname)


def _add_relation(inner: Tree, found: _Found, hidden: frozenset[str]) -> None:
    if not inner.schemaname and inner.relname in hidden:
        return
    mode = LockMode.ROW_SHARE if id_of(inner) in found.locked else LockMode.ACCESS_SHARE
    place = id_of(inner)
    quals, is_filtered = found.quals.get(place, ()), place in found.quals
    found.uses.append(
        RelationUse(name=range_name(inner), mode=mode, only=not inner.inh, quals=quals, is_filtered=is_filtered)
    )


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
        case _:
            pass


def _add_call(inner: Tree, found: _Found) -> None:
    name = name_of(strings(inner.funcname))
    found.calls.append(Call(name, len(inner.args)))
    if name.schema not in (None, "pg_catalog") or not inner.args:
        return
    if name.name in DESCRIBES:
        described = regclass_name(constant(inner.args[0]))
        found.uses.extend([RelationUse(name=described, event=DESCRIBES[name.name])] if described else [])
    elif name.name in SEQUENCE_CALLS:
        use = sequence_use(inner.args[0])
        if use is None:
            found.unknown_names.append(name.name)
        else:
            found.uses.append(use)
    elif name.name == "set_config" and len(inner.args) == 3:
        values = [constant(item) for item in inner.args]
        if values[0] is not None and values[1] is not None:
            found.settings.append((values[0].lower(), values[1], (values[2] or "true").lower() in ("true", "t")))


def sequence_use(argument: Tree) -> RelationUse | None:
    """The sequence that nextval and its like are given, by its name or as the one that a column owns; None where it
    is no literal.
    """
    name = regclass_name(constant(argument))
    if name is not None:
        return RelationUse(name=name, mode=LockMode.ROW_EXCLUSIVE, event="sequence")
    kind, inner = which(argument)
    if kind == "type_cast":
        return sequence_use(inner.arg)
    if kind == "func_call" and strings(inner.funcname)[-1] == OWNED_SEQUENCE and len(inner.args) == 2:
        table, column = regclass_name(constant(inner.args[0])), constant(inner.args[1])
        if table is not None and column is not None:
            return RelationUse(name=table, mode=LockMode.ROW_EXCLUSIVE, event="serial", columns=(column,))
    return None


def regclass_name(text: str | None) -> Name | None:
    """The name in a regclass literal, folded as the server folds it; None for a number or something odd."""
    if text is None or text.isdigit():
        return None
    parts, rest = [], text.strip()
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


def _source(inner: Tree) -> Name | None:
    """The relation of a plain `SELECT ... FROM relation`."""
    if inner.DESCRIPTOR.name != "SelectStmt" or len(inner.from_clause) != 1:
        return None
    kind, value = which(inner.from_clause[0])
    return range_name(value) if kind == "range_var" else None


def _column_sources(inner: Tree) -> tuple[str | None, ...]:
    """For each output column the column that it shows as it is."""
    if inner.DESCRIPTOR.name != "SelectStmt":
        return ()
    found = (which(item.res_target.val) for item in inner.target_list)
    return tuple(
        strings(value.fields)[-1] if kind == "column_ref" and strings(value.fields) else None for kind, value in found
    )
