"""SQL text that stands in the catalog: a view's query, a rule, a default."""

from __future__ import annotations

from functools import lru_cache

from gate.model.actions import Action, Cell, Query
from gate.model.wants import Wants
from gate.sql.parse import parse_all, parse_statement
from gate.sql.targets import cell
from gate.sql.tree import DoesNotParse, content, parsed


@lru_cache(maxsize=4096)
def stored_query(definition: str) -> Query | None:
    """A view's query as the server prints it; None where this grammar does not take it."""
    action = stored_action(definition)
    return action if isinstance(action, Query) else None


@lru_cache(maxsize=4096)
def stored_action(definition: str) -> Action | None:
    """A statement as the server prints it, such as a rule's."""
    try:
        found = parse_statement(definition)
    except DoesNotParse:
        return None
    return found.statement.action if found else None


@lru_cache(maxsize=4096)
def stored_expression(text: str) -> Query | None:
    """The query that evaluates an expression, such as a default."""
    return stored_query(f"SELECT {text}")


@lru_cache(maxsize=4096)
def stored_wants(text: str) -> Wants:
    """All that a stored text names; nothing where this grammar does not take it."""
    try:
        found = parse_all(text)
    except DoesNotParse:
        return Wants()
    wants = Wants()
    for item in found:
        wants |= item.wants
    return wants


@lru_cache(maxsize=4096)
def stored_literal(text: str) -> Cell | None:
    """A default that is a literal or null; None for anything else."""
    try:
        (select,) = parsed(f"SELECT {text}")
        found = cell(content(select).target_list[0].res_target.val)
    except (DoesNotParse, ValueError, IndexError):
        return None
    return None if found.kind == "other" else found
