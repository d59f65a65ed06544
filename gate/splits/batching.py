"""A large UPDATE or DELETE in batches, by key or by place: only where every row is changed for itself alone.

After all batches the rows are those that the plain statement leaves on a quiet database. On a busy one each batch sees
what others have committed meanwhile, as statements do that run one after the other. The times of the transaction (now()
and its like) are taken once, before the first batch. What makes rows depend on each other, on the moment, or on being
changed all at once is refused, with the reason.

Source: PostgreSQL 18 `trigger.c` (AfterTriggerEndQuery, AfterTriggerFireDeferred), `ri_triggers.c`, `nodeModifyTable.c`
(ExecCrossPartitionUpdate), https://www.postgresql.org/docs/18/transaction-iso.html#XACT-READ-COMMITTED.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import Change, Query
from gate.model.catalog import Column, Relation
from gate.model.names import Name, quoted
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, Step
from gate.model.work import Work
from gate.splits.backfilling import LOOP_ROWS, has_places, holders, path_of, place_of, step_of
from gate.splits.case import Case
from gate.splits.row_by_row import require_alone
from gate.sql.rewriting.tid_batches import Stored, is_plain

_BY_HAND = "write it so that each row is changed for itself alone, or do it in a job of its own that works in batches"


def in_batches(case: Case) -> tuple[Step, ...]:
    """A backfill for each relation that holds rows of the statement's."""
    change = case.action.change if isinstance(case.action, Query) else None
    if change is None:
        raise CannotSplit("only an UPDATE or a DELETE can be done in batches", remedy=_BY_HAND)
    if change.entangled:
        reasons = ", and ".join(change.entangled)
        raise CannotSplit(reasons, remedy=_BY_HAND)
    table = _target(change, case.before)
    parts = tuple(_parts(change, table, case))
    if not parts:
        raise CannotSplit(f"nothing that {change.target} consists of has rows yet")
    require_alone(change, table, parts, case)
    return tuple(_step(case, change, part) for part in parts)


def _target(change: Change, before: Snapshot) -> Relation:
    oid = before.find(change.target)
    table = before.relations.get(oid) if oid is not None else None
    if table is None:
        raise CannotSplit(f"{change.target} was not read")
    if table.kind == "v":
        raise CannotSplit(
            f"{change.target} is a view: which row of a table is changed through it, only the server can tell",
            remedy="change the table itself",
        )
    return table


def _parts(change: Change, table: Relation, case: Case) -> Iterator[Relation]:
    """Those of the table and what is below it that the statement writes to, but for new ones without a row."""
    written = {effect.oid for effect in case.effects if Work.WRITE in effect.work}
    for item in holders(table, case.before):
        is_new = item.oid < 0 and item.is_known_empty and item.oid != table.oid
        if item.oid in written and not is_new and (item.oid == table.oid or not change.only):
            yield item


def _step(case: Case, change: Change, part: Relation) -> Step:
    assigned = frozenset(item.column for item in change.assignments)
    verb = "deletes from" if change.event == "delete" else "updates"
    doing, each = f"{verb} {Name(part.name, part.schema)}", f"{LOOP_ROWS} rows and a commit at a time"
    try:
        path = path_of(part, case.before, changed=assigned)
    except CannotSplit as no_key:
        for reason in _tied_to_place(case, change, part):
            raise CannotSplit(f"{no_key.problem}; nor by their place, as {reason}", remedy=no_key.remedy) from no_key
        why = f"{doing} block by block, {each}, until no row is left to change"
        return step_of(case.sql, part, place_of(part), why, stored=_stored(change, part, case.before))
    along = ", ".join(quoted(key.column) for key in path.keys)
    return step_of(
        case.sql,
        part,
        path,
        f"{doing} along its key ({along}), {each}",
        is_repeatable=_is_repeatable(change, part),
    )


def _tied_to_place(case: Case, change: Change, part: Relation) -> Iterator[str]:
    """Why rows may not be walked by their place: a walk may meet a row again there, and must find it done."""
    if not has_places(part):
        yield f"{part.access_method} keeps rows in an order of its own"
    for trigger in part.triggers:
        is_fired = trigger.is_enabled and not trigger.is_internal and change.event in trigger.events
        if is_fired and (change.event == "update" or trigger.timing == "before"):
            yield f"trigger {quoted(trigger.name)} may leave a row to be changed once more"
    if change.event == "update":
        if not is_plain(case.sql):
            yield "what it assigns is no plain value for each column"
        if not _is_repeatable(change, part):
            yield "a row that is met a second time would be changed once more"
        for item in change.assignments:
            column = part.column(item.column)
            if column is not None and column.typmod != -1 and not modifiers_of(column, case.before):
                yield f"how {quoted(column.name)} keeps a value is not known"


def _stored(change: Change, part: Relation, before: Snapshot) -> tuple[Stored, ...]:
    """How each assigned column keeps its value."""
    columns = [column for item in change.assignments if (column := part.column(item.column))]
    types = [before.types[column.type] for column in columns]
    return tuple(
        Stored(column=column.name, type=Name(found.name, found.schema), modifiers=modifiers_of(column, before))
        for column, found in zip(columns, types, strict=True)
    )


def modifiers_of(column: Column, before: Snapshot) -> tuple[int, ...]:
    """What stands in parentheses behind its type: `(10, 2)`; none, or of a type where that is not known, is ().

    Source: PostgreSQL 18 `varchar.c`, `numeric.c`, `varbit.c`, `timestamp.c`, `date.c` (their typmodin).
    """
    kind, number = before.types[column.type], column.typmod
    if kind.schema != "pg_catalog" or number < 0:
        return ()
    match kind.name.removeprefix("_"):
        case "varchar" | "bpchar":
            return (number - 4,)
        case "numeric":
            precision, scale = (number - 4) >> 16 & 0xFFFF, (number - 4) & 0x7FF
            return (precision, (scale ^ 1024) - 1024)
        case "bit" | "varbit" | "timestamp" | "timestamptz" | "time" | "timetz":
            return (number,)
        case _:
            return ()


def _is_repeatable(change: Change, table: Relation) -> bool:
    """Whether a row that is changed a second time stays as it is: no new value reads what the statement assigns.

    A name that is no column stands for the whole row.
    """
    assigned = {item.column for item in change.assignments}
    read = {name for item in change.assignments if item.value for name in item.value.columns}
    return not read & assigned and all(table.column(name) for name in read)


SPLITS = {"Query": in_batches}
