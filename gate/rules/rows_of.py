"""Whether a relation can have rows that a statement would look at, and what is said where they are not asked."""

from __future__ import annotations

from gate.model.catalog import Relation
from gate.model.checks import Unasked
from gate.model.names import Name


def has_rows(table: Relation) -> bool:
    """Whether rows may be there in the live database: not in what the release makes, nor in what is known empty."""
    if table.oid < 0 or table.is_temporary or table.kind not in "rpm":
        return False
    return not table.is_known_empty or bool(table.children)


def unasked(table: Relation, what: str, why: str, remedy: str = "") -> Unasked:
    """What may be wrong with the rows of the table, and why gate does not ask them."""
    return Unasked(
        relations=(table.oid,),
        table=table.full_name,
        what=f"{what} in {Name(table.name, table.schema)}",
        why=why,
        remedy=remedy or "look for them by a query of your own before the release",
    )
