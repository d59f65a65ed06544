"""Whether rows can be filled by UPDATE and end as those of a rewrite, which fires no trigger and asks no policy."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import AddColumn
from gate.model.catalog import Relation
from gate.model.names import quoted
from gate.model.steps import Backfill, CannotSplit
from gate.splits.backfilling import backfills
from gate.splits.case import Case
from gate.splits.finding import family, name_of, part_of
from gate.sql.never_null import is_never_null
from gate.sql.rewriting.columns import is_null


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


def filled(table: Relation, case: Case, value: str) -> tuple[Backfill, ...]:
    """The rows of the table, and of what is below it, get `value` where the new column is NULL.

    Raises CannotSplit where there is no key to walk and the value may be NULL; if the column is to be that key, with
    what can be done by hand.
    """
    spec = part_of(case, AddColumn).spec
    name, on = quoted(spec.name), name_of(table)
    try:
        return backfills(
            table,
            case.before,
            assignments=((spec.name, value),),
            condition=is_null(spec.name),
            why=f"gives old rows their {name}; whatever is NULL there is taken for an old row",
            settles=is_never_null(value),
        )
    except CannotSplit as answer:
        if not any(item.kind in "pu" for item in spec.constraints):
            raise
        raise CannotSplit(
            answer.problem,
            remedy=f"1. add {name} nullable, with its default set afterwards; 2. CREATE INDEX CONCURRENTLY ... ON {on} "
            f"((1)) WHERE {name} IS NULL; 3. fill a thousand rows at a time until none is left: UPDATE {on} SET {name} "
            f"= DEFAULT WHERE ctid = ANY (ARRAY(SELECT ctid FROM {on} WHERE {name} IS NULL LIMIT 1000)); 4. drop that "
            "index, SET NOT NULL, and add the key, which gate runs in steps",
        ) from answer


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
