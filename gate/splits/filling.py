"""Whether rows can be filled by UPDATE and end as those of a rewrite, which fires no trigger and asks no policy."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import AddColumn
from gate.model.catalog import Relation
from gate.model.names import quoted
from gate.model.steps import CannotSplit
from gate.splits.case import Case
from gate.splits.finding import family, name_of, part_of


def must_be_fillable(table: Relation, case: Case) -> None:
    """Raises CannotSplit where an UPDATE would do more than fill the column, or less."""
    name = part_of(case, AddColumn).spec.name
    for item in family(case.before, table):
        for obstacle in _obstacles(item, name, case):
            raise CannotSplit(
                f"the rows of {name_of(item)} cannot be filled by UPDATE and end as they should: {obstacle}",
                remedy=f"add {quoted(name)} without its default, SET DEFAULT, and fill the rows by hand, "
                "in batches, knowing that",
            )


def _obstacles(table: Relation, name: str, case: Case) -> Iterator[str]:
    for trigger in table.triggers:
        if trigger.is_enabled and not trigger.is_internal and "update" in trigger.events and not trigger.columns:
            yield f"its trigger {quoted(trigger.name)} would run for each of them"
    for rule in table.rules:
        if rule.is_enabled and rule.event.lower() == "update":
            yield f"its rule {quoted(rule.name)} rewrites every UPDATE"
    if table.column(name) is not None:
        yield f"it has a column {quoted(name)} already"
    if table.has_row_security and not _sees_all(table, case):
        yield "its row security may hide some of them from this role"
    if table.publications and table.has_storage and not _is_told_apart(table):
        yield "it is published, and has no replica identity by which an UPDATE could be published"


def _sees_all(table: Relation, case: Case) -> bool:
    server = case.before.server
    return server.is_superuser or (not table.forces_row_security and table.owner in (server.role, *server.memberships))


def _is_told_apart(table: Relation) -> bool:
    return table.replica_identity in ("f", "i") or (table.replica_identity == "d" and table.primary_key is not None)
