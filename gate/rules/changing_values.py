"""Values and rows that running code relies on: what they mean, whether they are there at all.

A release rolls out while the code before it still runs; what that code writes after the statement has passed is as it
was written before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gate.model.actions import Action, Assignment, Change, Qual, Query, Truncate
from gate.model.catalog import Column, Relation
from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.names import quoted
from gate.model.plan import Finding, Severity
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.model.units import about, rate
from gate.rules.counting_rows import queries_of
from gate.rules.in_use import OVERLAP, is_unused, listed, noted, old_column, refused, rows_of, sql_name, warned
from gate.rules.lookup import ancestors, family, maybe_relation
from gate.rules.ruling import FamilyRule


def _used(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[tuple[Query, Change, Relation]]:
    """Each UPDATE and DELETE of a table that somebody may use."""
    for query, _ in queries_of(action):
        table = maybe_relation(before, query.change.target) if query.change else None
        if query.change is None or table is None or table.kind not in "rp" or is_unused(table, effects, before):
            continue
        yield query, query.change, table


def _quals(query: Query, change: Change) -> tuple[Qual, ...]:
    return next((use.quals for use in query.uses if use.event == change.event and use.name == change.target), ())


# --- what values mean -------------------------------------------------------------------------------------------------


def _meaning(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    """Old values of an old column become others, while code that writes the old ones still runs."""
    for query, change, table in _used(action, effects, before):
        severity = _weight(table, effects, before) if change.event == "update" else None
        columns = [item for item in change.assignments if _changes_meaning(item, query, change, table)]
        if severity is not None and columns:
            yield _changed_meaning(columns, change, table, severity, _writes(table, effects, before))


def _changes_meaning(item: Assignment, query: Query, change: Change, table: Relation) -> bool:
    """Whether the new value comes from the old one: by an expression, or by a condition on it."""
    if old_column(table, item.column) is None or _fills_nulls(item, query, change):
        return False
    if item.value is not None and item.column in item.value.columns:
        return item.value.column != item.column
    is_fixed = item.is_default or (item.value is not None and (item.value.is_constant or item.value.is_null))
    return is_fixed and change.condition is not None and item.column in change.condition.columns


def _fills_nulls(item: Assignment, query: Query, change: Change) -> bool:
    """Whether only rows without a value get one."""
    if any(qual.column == item.column and qual.operator == "null" for qual in _quals(query, change)):
        return True
    if item.value is None:
        return False
    names = "|".join(re.escape(text) for text in (quoted(item.column), f"{quoted(change.alias)}.{quoted(item.column)}"))
    return re.match(rf"coalesce\(({names}),", item.value.text, re.IGNORECASE) is not None


def _parts(table: Relation, effects: tuple[Effect, ...], before: Snapshot) -> list[Effect]:
    oids = {item.oid for item in family(before, table)}
    return [effect for effect in effects if effect.oid in oids]


def _writes(table: Relation, effects: tuple[Effect, ...], before: Snapshot) -> float:
    """Writes a second that were watched."""
    return sum(effect.writes_per_s or 0.0 for effect in _parts(table, effects, before))


def _weight(table: Relation, effects: tuple[Effect, ...], before: Snapshot) -> Severity | None:
    """By what is known of the writers; nobody ever wrote it, nobody needs to be warned."""
    parts = _parts(table, effects, before)
    if _writes(table, effects, before) > 0:
        return Severity.REFUSE
    is_silent = all(effect.writes == 0 and effect.scans == 0 and effect.writes_per_s is not None for effect in parts)
    return None if is_silent else Severity.WARN


def _changed_meaning(
    columns: list[Assignment], change: Change, table: Relation, severity: Severity, writes_per_s: float
) -> Finding:
    names = listed(f"{sql_name(table)}.{quoted(item.column)}" for item in columns)
    how = listed(_becomes(item, change) for item in columns)
    traffic = f" ({rate(writes_per_s)} writes now)" if writes_per_s else ""
    return Finding(
        rule="meaning-changed-under-old-code",
        severity=severity,
        problem=f"changes what the values of {names} mean ({how}) while code from before this release still runs: it "
        f"goes on writing the old ones{traffic} until the rollout ends, into rows that this statement has passed, and "
        "reads new ones that it does not know",
        remedy="release first the code that can read both; let the next release write only the new values; run this "
        "UPDATE in the release after it, when nobody writes the old ones any more. If old and new values cannot be "
        "told apart (price * 100), put the new ones into a new column: add it, write both, fill it, read it, drop the "
        "old one",
        relation=table.full_name,
    )


def _becomes(item: Assignment, change: Change) -> str:
    if item.value is not None and item.column in item.value.columns:
        return f"{quoted(item.column)} = {item.value.text}"
    new = "its default" if item.value is None else item.value.text
    return f"{new} where {change.condition.text}" if change.condition is not None else new


# --- NULLs that come after --------------------------------------------------------------------------------------------


def _nulls_come(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    """A column is filled that running code does not fill, and that nothing else does."""
    for query, change, table in _used(action, effects, before):
        if change.event == "delete" or _is_filled_by_trigger(table):
            continue
        for item in change.assignments:
            column = table.column(item.column)
            if column is None or not _may_be_left_null(column):
                continue
            if _fills_nulls(item, query, change) or (column.is_new and change.meets_all):
                yield noted(
                    "old-code-leaves-nulls",
                    f"fills {sql_name(table)}.{quoted(column.name)}, but code from before this release goes on "
                    "inserting rows without it: they hold NULL, and this statement does not see them",
                    "set a default before filling it, or let a trigger fill it; else fill it again in the next "
                    "release, before anything relies on it",
                    table.full_name,
                )


def _may_be_left_null(column: Column) -> bool:
    return not (column.is_not_null or column.default or column.identity or column.generated)


def _is_filled_by_trigger(table: Relation) -> bool:
    return any(
        item.timing == "before" and item.is_row and item.is_enabled and "insert" in item.events
        for item in table.triggers
    )


# --- all rows ---------------------------------------------------------------------------------------------------------


def _every_row(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    """An UPDATE without a condition overwrites what the rows held."""
    for query, change, table in _used(action, effects, before):
        if change.event == "delete" or not _meets_all(query, change, table):
            continue
        lost = [item for item in change.assignments if _overwrites(item, table)]
        if lost:
            names = listed(quoted(item.column) for item in lost)
            yield warned(
                "updates-every-row",
                f"overwrites {names} in every row of {sql_name(table)}{_rows(table, effects, before)}: "
                f"{_which(change)}, and what the rows held is gone",
                "write the condition that is meant; if every row is meant, say so: -- gate: allow updates-every-row "
                "because ...",
                table.full_name,
            )


def _overwrites(item: Assignment, table: Relation) -> bool:
    """What comes from the old value is not lost; nor is a NULL that is filled."""
    if old_column(table, item.column) is None:
        return False
    return item.value is None or item.column not in item.value.columns


def _meets_all(query: Query, change: Change, table: Relation) -> bool:
    """No condition, one that is always true, or one that only asks for values where there can be no NULL."""
    if change.meets_all:
        return True
    if change.condition is None or change.condition.operators or change.condition.calls:
        return False
    quals = _quals(query, change)
    columns = [table.column(qual.column) for qual in quals if qual.operator == "not null"]
    return (
        len(quals) == len(columns) == len(change.condition.columns) > 0
        and all(column is not None and column.is_not_null for column in columns)
        and len(change.condition.conjuncts) == len(quals)
    )


def _which(change: Change) -> str:
    if change.condition is None:
        return "there is no WHERE"
    return f"the condition ({change.condition.text}) keeps no row out"


def _rows(table: Relation, effects: tuple[Effect, ...], before: Snapshot) -> str:
    parts = [effect for effect in _parts(table, effects, before) if effect.kind in "rm"]
    known = [effect.rows for effect in parts if effect.rows is not None]
    return f" (about {about(sum(known))} rows)" if sum(known) and len(known) == len(parts) else ""


def _empties(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    """TRUNCATE, and a DELETE that keeps nothing."""
    if isinstance(action, Truncate):
        yield from _truncates(action, effects, before)
    for query, change, table in _used(action, effects, before):
        if change.event == "delete" and _meets_all(query, change, table) and not change.entangled:
            yield refused(
                "empties-table",
                f"deletes every row of {sql_name(table)}{_rows(table, effects, before)}: {_which(change)}",
                _MEANT,
                table.full_name,
            )


_MEANT = (
    "write the condition that is meant; if all rows are to go, be sure that no code needs them and that a backup holds "
    "them, and say so: -- gate: allow empties-table because ..."
)


def _truncates(action: Truncate, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    named = {table.oid for use in action.tables if (table := maybe_relation(before, use.name))}
    emptied = [effect for effect in effects if effect.lock is LockMode.ACCESS_EXCLUSIVE and effect.kind in "rpf"]
    lost = [effect for effect in emptied if not is_unused(before.relations[effect.oid], effects, before)]
    oids = {effect.oid for effect in lost}
    tops = [effect for effect in lost if not _is_below(effect, oids, before)]
    if not tops:
        return
    own = [effect for effect in tops if effect.oid in named]
    other = [effect for effect in tops if effect.oid not in named]
    text = listed(f"{sql_name(effect)}{_all_rows(effect, effects, before)}" for effect in own)
    more = listed((f"{sql_name(effect)}{_all_rows(effect, effects, before)}" for effect in other), most=30)
    also = f"{', and ' if own else ''}by CASCADE also {more}, which it does not name" if other else ""
    yield refused("empties-table", f"empties {text}{also}: the rows are gone at once", _KEPT, (own or tops)[0].relation)


_KEPT = (
    "delete the rows that are meant, in batches; if all are to go, be sure that no code needs them and that a backup "
    "holds them, name every table instead of writing CASCADE, and say so: -- gate: allow empties-table because ..."
)


def _is_below(effect: Effect, oids: set[int], before: Snapshot) -> bool:
    relation = before.relations[effect.oid]
    return relation.is_partition and any(item.oid in oids for item in ancestors(before, relation))


def _all_rows(effect: Effect, effects: tuple[Effect, ...], before: Snapshot) -> str:
    if effect.kind == "p":
        return _rows(before.relations[effect.oid], effects, before)
    return rows_of(effect)


_T = "CREATE TABLE t (id int PRIMARY KEY, status text, n int NOT NULL); INSERT INTO t VALUES (1, 'sent', 1); "

RULES = (
    FamilyRule(
        rule=Rule(
            name="meaning-changed-under-old-code",
            about=STATEMENT,
            harm=OVERLAP
            + "An UPDATE that turns old values of a column into new ones (sent into shipped, euros into cents) "
            "is right for the rows it meets, and wrong for those that old code writes afterwards: they keep the old "
            "meaning, and nobody can tell them apart. Old code reads values that it does not know. It refuses where "
            "somebody was seen writing the table, else it warns.",
            way_out="First code that reads both, then code that writes only the new, then the UPDATE: three releases. "
            "Where old and new cannot be told apart, a new column: add it, write both, fill it, read it, drop the old "
            "one.",
        ),
        finds=_meaning,
        setup=_T,
        bad="UPDATE t SET status = 'shipped' WHERE status = 'sent'",
        good="UPDATE t SET status = 'new' WHERE status IS NULL",
    ),
    FamilyRule(
        rule=Rule(
            name="old-code-leaves-nulls",
            about=STATEMENT,
            harm=OVERLAP
            + "A column that it does not know, and that has no default, is NULL in every row that it inserts "
            "after the column has been filled.",
            way_out="Give the column a default, or a trigger, before it is filled. Else fill it once more in the next "
            "release, before SET NOT NULL.",
        ),
        finds=_nulls_come,
        setup=_T,
        bad="UPDATE t SET status = 'new' WHERE status IS NULL",
        good="UPDATE t SET n = 2 WHERE id = 1",
    ),
    FamilyRule(
        rule=Rule(
            name="updates-every-row",
            about=STATEMENT,
            harm="An UPDATE without a condition, or with one that every row meets, overwrites a column in the whole "
            "table. What stood there can only come back from a backup.",
            way_out="Write the condition. To replace the values of a column for good: a new column, filled in batches.",
        ),
        finds=_every_row,
        setup=_T,
        bad="UPDATE t SET status = 'x' WHERE n IS NOT NULL",
        good="ALTER TABLE t ADD COLUMN c text; UPDATE t SET c = 'x'",
    ),
    FamilyRule(
        rule=Rule(
            name="empties-table",
            about=STATEMENT,
            harm="TRUNCATE, and a DELETE that every row meets, destroy all rows of a table that is in use. TRUNCATE "
            "... CASCADE empties every table that references it too, however far, without naming one; its lock keeps "
            "readers and writers of all of them out until the commit.",
            way_out="Delete what is meant, in batches. If all of it is to go, name every table, and allow it with -- "
            "gate: allow empties-table because ...",
        ),
        finds=_empties,
        setup=_T,
        bad="TRUNCATE t",
        good="DELETE FROM t WHERE id = 1",
    ),
)
