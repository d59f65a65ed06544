"""What an INSERT, UPDATE, DELETE or MERGE gives to its target.

Source: PostgreSQL 18 `parse_clause.c` setTargetTable, `analyze.c` (transformInsertStmt, transformOnConflictClause),
`parse_merge.c`.
"""

from __future__ import annotations

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

from gate.model.actions import Cell, RelationUse
from gate.model.locks import LockMode
from gate.sql.terms import constant, range_name, strings
from gate.sql.tree import Tree, content, which

_OTHER = Cell("other")
_DEFAULT = Cell("default")


def target_use(kind: str, inner: Tree) -> RelationUse:
    """The target of one statement, with the events that its rows may meet."""
    use = {"InsertStmt": _insert, "UpdateStmt": _update, "DeleteStmt": _delete, "MergeStmt": _merge}[kind]
    return use(inner)


def _use(inner: Tree, event: str, **more: object) -> RelationUse:
    fields: dict[str, object] = {"events": frozenset({event}), **more}
    variable = inner.relation
    return RelationUse(
        name=range_name(variable),
        mode=LockMode.ROW_EXCLUSIVE,
        only=not variable.inh,
        event=event,
        **fields,  # type: ignore[arg-type]
    )


def _insert(inner: Tree) -> RelationUse:
    updates = inner.HasField("on_conflict_clause") and inner.on_conflict_clause.action == pb.ONCONFLICT_UPDATE
    rows, width = _source(inner)
    return _use(
        inner,
        "insert",
        events=frozenset({"insert", "update"}) if updates else frozenset({"insert"}),
        columns=tuple(item.res_target.name for item in inner.cols),
        rows=rows,
        width=width,
        sets=_sets(inner.on_conflict_clause.target_list) if updates else (),
    )


def _source(inner: Tree) -> tuple[tuple[tuple[Cell, ...], ...] | None, int | None]:
    """The rows of VALUES (none for DEFAULT VALUES: one row without a cell), and how many values a row has.

    A SELECT is one row: what is no literal in it may be anything.
    """
    if not inner.HasField("select_stmt"):
        return ((),), 0
    select = inner.select_stmt.select_stmt
    if select.values_lists:
        rows = tuple(tuple(cell(item) for item in content(row).items) for row in select.values_lists)
        return rows, len(rows[0])
    if select.HasField("larg"):
        return None, None
    values = [item.res_target.val for item in select.target_list]
    if any(_is_star(item) for item in values):
        return None, None
    cells = tuple(cell(item) for item in values)
    return (cells,), len(cells)


def _is_star(node: Tree) -> bool:
    kind, value = which(node)
    return kind == "a_indirection" or (kind == "column_ref" and any(item.HasField("a_star") for item in value.fields))


def cell(node: Tree) -> Cell:
    """What stands in a row or behind SET."""
    kind, inner = which(node)
    if kind == "set_to_default":
        return _DEFAULT
    if kind == "a_const" and inner.isnull:
        return Cell("null")
    if kind == "type_cast" and cell(inner.arg).kind == "null":
        return Cell("null")
    text = constant(node)
    return _OTHER if text is None else Cell("literal", text)


def _sets(targets: Iterable[Tree]) -> tuple[tuple[str, Cell], ...]:
    found = []
    for item in targets:
        target = item.res_target
        found.append((target.name, _assigned(target)))
    return tuple(found)


def _assigned(target: Tree) -> Cell:
    kind, inner = which(target.val)
    if kind == "multi_assign_ref" or target.indirection:
        return _OTHER
    if kind == "column_ref" and strings(inner.fields) == (target.name,):
        return Cell("same")
    return cell(target.val)


def _update(inner: Tree) -> RelationUse:
    return _use(inner, "update", sets=_sets(inner.target_list))


def _delete(inner: Tree) -> RelationUse:
    return _use(inner, "delete")


_COMMANDS = {pb.CMD_INSERT: "insert", pb.CMD_UPDATE: "update", pb.CMD_DELETE: "delete"}


def _merge(inner: Tree) -> RelationUse:
    """All its actions at once; several INSERTs with different columns give no columns at all."""
    clauses = [content(item) for item in inner.merge_when_clauses]
    actions = [item for item in clauses if item.command_type in _COMMANDS]
    inserts = [item for item in actions if item.command_type == pb.CMD_INSERT]
    only = inserts[0] if len(inserts) == 1 else None
    cells = tuple(cell(item) for item in only.values) if only is not None else ()
    return _use(
        inner,
        "merge",
        events=frozenset(_COMMANDS[item.command_type] for item in actions),
        columns=tuple(item.res_target.name for item in only.target_list) if only is not None else (),
        rows=(cells,) if only is not None else None,
        width=len(cells) if only is not None else None,
        sets=tuple(pair for item in actions if item.command_type == pb.CMD_UPDATE for pair in _sets(item.target_list)),
    )
