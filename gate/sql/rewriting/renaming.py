"""Names within expressions, changed as trees."""

from __future__ import annotations

from gate.sql.tree import DoesNotParse, Tree, deparsed, deparsed_statement, parsed, walk


def with_column_renamed(text: str, name: str, to: str) -> str:
    """The expression, with another name for one column. Raises DoesNotParse."""
    (select,) = parsed(f"SELECT {text}")
    node = select.select_stmt.target_list[0].res_target.val
    for kind, inner in list(walk(node)):
        if kind == "ColumnRef" and inner.fields[-1].HasField("string") and inner.fields[-1].string.sval == name:
            inner.fields[-1].string.sval = to
    return deparsed(node)


def text_with_column(text: str, name: str, to: str) -> str:
    """A stored text (an expression, a CREATE INDEX or CREATE STATISTICS) with another name for one column.

    What this grammar does not take stays as it is.
    """
    try:
        if not text.startswith("CREATE "):
            return with_column_renamed(text, name, to)
        (node,) = parsed(text)
    except DoesNotParse:
        return text
    rename_in(node, name, to)
    return deparsed_statement(node)


def rename_in(statement: Tree, name: str, to: str) -> None:
    """Another name for one column, wherever the statement says it."""
    for kind, inner in list(walk(statement)):
        if kind == "ColumnRef" and inner.fields[-1].HasField("string") and inner.fields[-1].string.sval == name:
            inner.fields[-1].string.sval = to
        elif kind in ("IndexElem", "StatsElem") and inner.name == name:
            inner.name = to
