"""Rows filled in batches by key: which key can be walked, and the step that walks it.

A key is walked from its least value up, so it must be unique and hold no NULL. A row that is put in behind the walk is
not met: whoever fills a new column sets its default first. Where there is no such key rows are walked by their place,
if a row that was changed can be told from one that was not.

Source: https://www.postgresql.org/docs/18/functions-comparisons.html#ROW-WISE-COMPARISON,
https://www.postgresql.org/docs/18/indexes-ordering.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gate.model.catalog import Column, Index, Relation, Trigger, Type
from gate.model.names import Name, quoted
from gate.model.snapshot import Snapshot
from gate.model.steps import Backfill, CannotSplit
from gate.sql.rewriting.batches import Key, Path, batch_of, by_place, fill, loop_of
from gate.sql.rewriting.tid_batches import Stored

_ROWS_PER_BLOCK = 50
LOOP_ROWS = 1000
"""Rows that the loop a person pastes looks at before it commits: their locks are held for milliseconds."""


def backfill(
    table: Relation,
    before: Snapshot,
    *,
    assignments: tuple[tuple[str, str], ...],
    condition: str,
    why: str,
    settles: bool = False,
) -> Backfill:
    """UPDATE the table's own rows SET column = expression WHERE condition, in batches; `DEFAULT` is an expression.

    `settles`: a row that has the new values does not meet the condition any more, whatever they are. Raises CannotSplit
    where there is no key to walk, nor that, and where an UPDATE sets off what the plain statement, which fills the
    column by itself, does not. What inherits from the table is left to a step of its own.
    """
    columns = frozenset(name for name, _ in assignments)
    for reason, remedy in _set_off(table, columns, before):
        raise CannotSplit(reason, remedy=remedy)
    try:
        path = path_of(table, before, changed=columns)
    except CannotSplit:
        if not settles or not has_places(table):
            raise
        path = place_of(table)
    return step_of(fill(Name(table.name, table.schema), assignments, condition), table, path, why)


def backfills(
    table: Relation,
    before: Snapshot,
    *,
    assignments: tuple[tuple[str, str], ...],
    condition: str,
    why: str,
    settles: bool = False,
) -> tuple[Backfill, ...]:
    """The same for the table and all partitions or children below it that hold rows, one after the other."""
    return tuple(
        backfill(
            item,
            before,
            assignments=assignments,
            condition=condition,
            why=f"{why} ({item.full_name})",
            settles=settles,
        )
        for item in holders(table, before)
    )


def step_of(
    sql: str, table: Relation, path: Path, why: str, *, is_repeatable: bool = True, stored: Sequence[Stored] = ()
) -> Backfill:
    """The step that does `sql` to the table's own rows along the path; `stored` as `batch_of` has it."""
    batch = batch_of(sql, path, stored=tuple(stored))
    return Backfill(
        sql=loop_of(batch, rows=LOOP_ROWS),
        why=why,
        relation=table.full_name,
        oid=table.oid,
        keys=tuple(key.column for key in path.keys),
        key_types=tuple(key.written_type for key in path.keys),
        batch=batch.sql,
        rows=table.rows,
        pins=batch.pins,
        is_repeatable=is_repeatable,
    )


def holders(table: Relation, before: Snapshot) -> Iterator[Relation]:
    """The table and what is below it, where it holds rows. Raises CannotSplit for rows that another server holds."""
    seen, pending = {table.oid}, [table.oid]
    while pending:
        item = before.relations.get(pending.pop(0))
        if item is None:
            raise CannotSplit(f"a part of {table.full_name} was not read")
        if item.kind == "f":
            raise CannotSplit(
                f"{item.full_name} is a foreign table: its rows are on another server",
                remedy="change them there, in batches",
            )
        if item.has_storage:
            yield item
        below = [oid for oid in item.children if oid not in seen]
        seen.update(below)
        pending.extend(below)


# --- what an UPDATE sets off ------------------------------------------------------------------------------------------


def _set_off(table: Relation, columns: frozenset[str], before: Snapshot) -> Iterator[tuple[str, str]]:
    """Why filling rows by UPDATE is not the same as filling them by ALTER TABLE, and what to do about it."""
    name = Name(table.name, table.schema)
    for trigger in table.triggers:
        if _fires(trigger, table, columns, before):
            mine = quoted(trigger.name)
            yield (
                f"filling the rows of {name} by UPDATE fires trigger {mine}, which ALTER TABLE does not",
                f"add the column without a default, then set it; fill the rows in a job that may fire {mine} for each",
            )
    for rule in table.rules:
        if rule.is_enabled and rule.event == "update":
            yield f"rule {quoted(rule.name)} on {name} makes another statement of an UPDATE", "drop the rule first"
    for constraint in table.constraints:
        held = {column.name for column in table.columns if column.number in constraint.columns}
        if constraint.kind in "cn" and constraint.is_enforced and not constraint.is_valid and not held <= columns:
            yield (
                f"{quoted(constraint.name)} of {name} was never validated: rows that violate it cannot be updated",
                f"ALTER TABLE {name} VALIDATE CONSTRAINT {quoted(constraint.name)}, in a release before this one",
            )
    if not can_see_all(table, before):
        yield f"row security hides rows of {name} from the role that runs it", "run it as the owner of the table"


def _fires(trigger: Trigger, table: Relation, columns: frozenset[str], before: Snapshot) -> bool:
    """Whether it fires when these columns are assigned; the server's own triggers leave such a row as it is."""
    if not trigger.is_enabled or trigger.is_internal or "update" not in trigger.events:
        return False
    function = before.functions.get(trigger.function)
    if function is not None and function.schema == "pg_catalog":
        return False
    of = {column.name for column in table.columns if column.number in trigger.columns}
    return not of or bool(of & columns)


def can_see_all(table: Relation, before: Snapshot) -> bool:
    """Whether row security keeps none of its rows from the role."""
    is_forced = table.forces_row_security and not before.server.is_superuser
    return not table.has_row_security or (owns(table, before) and not is_forced)


def owns(table: Relation, before: Snapshot) -> bool:
    """Whether the role has the owner's rights on it; what this release makes is its own."""
    server = before.server
    return table.oid < 0 or server.is_superuser or table.owner in (server.role, *server.memberships)


# --- the key ----------------------------------------------------------------------------------------------------------


def path_of(table: Relation, before: Snapshot, *, changed: frozenset[str] = frozenset()) -> Path:
    """The key to walk: the primary key, else the unique index with the fewest columns; `changed` must not be in it."""
    usable = [index for index in table.indexes if _is_usable(index, table, before)]
    free = [index for index in usable if not changed & set(_names(index, table))]
    if not free:
        raise _without_key(table, taken=usable)
    best = min(free, key=lambda index: (not index.is_primary, len(index.keys), index.name))
    columns = [column for name in _names(best, table) if (column := table.column(name))]
    return Path(name=Name(table.name, table.schema), keys=tuple(_key(column, before) for column in columns))


def has_places(table: Relation) -> bool:
    """Whether its rows can be walked by place: heap's can, what another access method keeps may have none."""
    return table.access_method in ("", "heap")


def place_of(table: Relation) -> Path:
    """Block by block: the rows of each are as many as the catalog has it."""
    per_block = table.rows / table.pages if table.rows and table.pages else _ROWS_PER_BLOCK
    return by_place(Name(table.name, table.schema), rows_per_block=round(per_block))


def _without_key(table: Relation, *, taken: list[Index]) -> CannotSplit:
    name = Name(table.name, table.schema)
    if taken:
        keys = ", ".join(index.name for index in taken)
        return CannotSplit(
            f"the rows of {name} cannot be walked in batches: the statement changes the only key there is ({keys})",
            remedy="change the key in a statement of its own, at a quiet hour",
        )
    others = ", ".join(quoted(index.name) for index in table.indexes if index.is_unique)
    reason = (
        f"of its unique indexes ({others}) none holds all rows by columns that are NOT NULL, in their types' own order"
        if others
        else "it has no primary key, and no unique index"
    )
    return CannotSplit(
        f"the rows of {name} cannot be walked in batches: {reason}",
        remedy=f"give {name} a primary key in a release before this one",
    )


def _is_usable(index: Index, table: Relation, before: Snapshot) -> bool:
    """Whether its order is that of the plain comparison of its columns, and no two rows are alike in it."""
    if not index.is_unique or not index.is_valid or index.method != "btree" or index.has_predicate:
        return False
    if index.has_expressions or not index.keys:
        return False
    for key in index.keys:
        column = table.column_number(key.column)
        if column is None or not column.is_not_null or column.generated or not key.is_default_opclass:
            return False
        if key.collation not in (0, column.collation) or not _is_compared_by_name(column, before):
            return False
    return True


def _is_compared_by_name(column: Column, before: Snapshot) -> bool:
    """Whether `>` is the type's own here: the search path must reach the operators of a type that came later."""
    chain = list(_chain(column.type, before))
    if not chain or chain[-1].kind == "d":
        return False
    base = chain[-1]
    return base.schema == "pg_catalog" or base.kind in "ecr" or base.schema in before.server.search_path


def _chain(oid: int, before: Snapshot) -> Iterator[Type]:
    """The type, and what it is a domain over."""
    while (found := before.types.get(oid)) is not None:
        yield found
        if found.kind != "d":
            return
        oid = found.base


def _names(index: Index, table: Relation) -> Iterable[str]:
    return [column.name for key in index.keys if (column := table.column_number(key.column))]


def _key(column: Column, before: Snapshot) -> Key:
    *domains, base = _chain(column.type, before)
    return Key(
        column=column.name,
        type=Name(base.name, base.schema),
        is_domain=bool(domains),
        is_array=base.element != 0 and base.length == -1,
    )
