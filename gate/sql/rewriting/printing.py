"""A query as a person would write it: quotes only where they are needed."""

from __future__ import annotations

from gate.sql.tree import DoesNotParse, deparsed_statement, parsed


def printed(text: str) -> str:
    """The one statement printed anew; as it is where this grammar does not take it."""
    try:
        (node,) = parsed(text)
    except (DoesNotParse, ValueError):
        return text
    return deparsed_statement(node)
