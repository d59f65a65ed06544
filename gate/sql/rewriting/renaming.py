"""Names within expressions, changed as trees."""

from __future__ import annotations

from gate.sql.tree import deparsed, parsed, walk


def with_column_renamed(text: str, name: str, to: str) -> str:
    """The expression, with another name for one column. Raises DoesNotParse."""
    (select,) = parsed(f"SELECT {text}")
    node = select.select_stmt.target_list[0].res_target.val
    for kind, inner in list(walk(node)):
        if kind == "ColumnRef" and inner.fields[-1].HasField("string") and inner.fields[-1].string.sval == name:
            inner.fields[-1].string.sval = to
    return deparsed(node)
