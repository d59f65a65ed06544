"""Names as SQL, in queries that have `%s` for their parameters."""

from __future__ import annotations


def identifier(name: str) -> str:
    """One name, always quoted. A percent sign is escaped, so that no driver takes it for a parameter's place."""
    if "%" not in name:
        return '"' + name.replace('"', '""') + '"'
    escaped = name.replace("\\", "\\\\").replace("%", "\\0025").replace('"', '""')
    return f'U&"{escaped}"'
