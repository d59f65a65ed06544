"""What takes back a statement that passes as it stands: read off the catalog before and after it.

Only what a statement has added is taken away again, and what it has tightened is loosened; where it did anything else
nobody knows a way back that harms nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import Action, AddColumn, AddConstraint, AlterTable, CreateIndex, NamedPart, SetDefault
from gate.model.catalog import Relation
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.rules import apply
from gate.sql.rewriting.columns import drop_column, drop_default, set_default
from gate.sql.rewriting.constraints import drop_constraint, drop_not_null
from gate.sql.rewriting.indexes import drop_index

_ADDS = (AddColumn, AddConstraint, SetDefault)
_TIGHTENS = frozenset({"SetNotNull", "ValidateConstraint"})


def inverse(action: Action, before: Snapshot) -> str | None:
    """SQL, statement by statement, or "" where nothing has to be taken back; None where there is no safe way."""
    if not isinstance(action, AlterTable | CreateIndex) or not _only_adds(action):
        return None
    named = action.name if isinstance(action, AlterTable) else action.table
    oid = before.find(named)
    was, now = before.relations.get(oid or 0), apply(action, before).relations.get(oid or 0)
    if was is None or now is None or was.children:
        return None
    return "; ".join(_taken_away(was, now))


def _only_adds(action: AlterTable | CreateIndex) -> bool:
    if isinstance(action, CreateIndex):
        return True
    return all(
        isinstance(part, _ADDS) or (isinstance(part, NamedPart) and part.what in _TIGHTENS) for part in action.parts
    )


def _taken_away(was: Relation, now: Relation) -> Iterator[str]:
    """Constraints first: what they need must not be gone before them."""
    table = Name(now.name, now.schema)
    had = {constraint.name for constraint in was.constraints}
    added = [constraint for constraint in now.constraints if constraint.name not in had]
    columns = {column.name: column for column in was.columns}
    for constraint in sorted(added, key=lambda item: item.kind == "n"):
        yield drop_constraint(table, constraint.name, missing_ok=True)
    kept = {index.name for index in was.indexes} | {constraint.name for constraint in added}
    for index in now.indexes:
        if index.name not in kept:
            yield drop_index(Name(index.name, index.schema), missing_ok=True)
    named = {number for constraint in added if constraint.kind == "n" for number in constraint.columns}
    for column in now.columns:
        before = columns.get(column.name)
        if before is None:
            yield drop_column(table, column.name)
        elif column.is_not_null and not before.is_not_null and column.number not in named:
            yield drop_not_null(table, column.name)
        elif column.default != before.default and not before.generated and not before.identity:
            yield (
                drop_default(table, column.name)
                if before.default is None
                else set_default(table, column.name, before.default)
            )
