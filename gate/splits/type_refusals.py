"""Which type changes cannot be made beside a second column, and why.

Source: PostgreSQL 18 `tablecmds.c` (ATExecDropColumn, find_composite_type_dependencies); the page "ALTER
TABLE"; https://www.postgresql.org/docs/18/logical-replication-subscription.html (columns are matched by name).
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.catalog import Constraint, Ref, Relation
from gate.model.names import quoted
from gate.model.server_bugs import CONCURRENT_BUILDS, UPDATE_FIRST, loses_rows_in_concurrent_builds
from gate.model.steps import CannotSplit
from gate.model.work import LONG
from gate.splits.backfilling import can_see_all
from gate.splits.conversions import must_be_the_same_for_all
from gate.splits.finding import name_of
from gate.splits.retyping import Retyping
from gate.splits.type_copies import referencing

_WINDOW = "do it in a maintenance window, or while the table is small"


def must_be_possible(of: Retyping) -> None:
    """Raises CannotSplit with the first reason against it, in the user's names."""
    for reason in _reasons(of):
        raise reason


def _reasons(of: Retyping) -> Iterator[CannotSplit]:
    if not any(set(effect.work) & LONG for effect in of.case.effects):
        yield CannotSplit(f"it neither reads nor writes a row of {of.on}")
    yield from _of_table(of)
    yield from _of_column(of)
    yield from must_be_the_same_for_all(of)
    yield from _of_row_type(of)
    yield from _of_backfill(of)
    yield from _of_indexes(of)
    yield from _of_keys(of)


# --- the table and the column -----------------------------------------------------------------------------------------


def _of_table(of: Retyping) -> Iterator[CannotSplit]:
    table, on = of.table, of.on
    if table.kind == "p" or table.is_partition:
        yield CannotSplit(
            f"{on} is {'partitioned' if table.kind == 'p' else 'a partition'}: a column that stands elsewhere in one "
            "partition than in another cannot be exchanged in all of them at once",
            remedy="make a partitioned table of the new type beside it, let a trigger write both, copy partition by "
            "partition, and exchange their names in one transaction",
        )
    if table.kind not in "rp":
        yield CannotSplit(f"{on} has no rows of its own")
    if table.children or table.parents:
        yield CannotSplit(
            f"{on} inherits, or is inherited from: both tables would have to change at once", remedy=_WINDOW
        )
    if table.of_type:
        yield CannotSplit(f"{on} is a typed table: its columns are those of its type", remedy=_WINDOW)
    if table.publications:
        yield CannotSplit(
            f"{on} is published by {', '.join(map(quoted, table.publications))}: its subscribers have no column "
            f"{quoted(of.beside)}, and stop at the first row that has one",
            remedy=f"add {quoted(of.beside)} at the subscribers first, then write the steps yourself; or take {on} out "
            "of the publication while it changes",
        )
    schema = of.before.schemas.get(table.schema)
    if schema is not None and not schema.may_create:
        yield CannotSplit(
            f"the function that keeps the new column equal cannot be created: {of.before.server.role} may not create "
            f"in schema {quoted(table.schema)}",
            remedy=f"GRANT CREATE ON SCHEMA {quoted(table.schema)} TO {quoted(of.before.server.role)}",
        )
    server = of.before.server
    if server.printed_path and server.printed_path != server.search_path:
        yield CannotSplit(
            "the migration changes search_path, and the texts of defaults and indexes were read under another one",
            remedy="set search_path in the connection instead, or put the change of the type into a migration of its "
            "own",
        )


def _of_column(of: Retyping) -> Iterator[CannotSplit]:
    column, on, name = of.column, of.on, quoted(of.column.name)
    if column.generated:
        yield CannotSplit(
            f"{name} of {on} is computed by the server: no trigger can keep a second one equal", remedy=_WINDOW
        )
    if column.number in of.table.partition_columns:
        yield CannotSplit(f"{name} is part of the partition key of {on}", remedy=_WINDOW)
    foreign = [item.grantor for item in column.grants if item.grantor != of.table.owner]
    if foreign:
        yield CannotSplit(
            f"{quoted(foreign[0])}, who does not own {on}, has granted privileges on {name}: only that role can grant "
            "them again",
            remedy=f"let the owner grant them: GRANT ... ({name}) ON {on}",
        )
    known = {"pg_class", "pg_constraint", "pg_attrdef", "pg_statistic_ext", "pg_trigger", "pg_type"}
    for edge in of.before.dependents.get(Ref("pg_class", of.table.oid, column.number), ()):
        if edge.dependent.catalog not in known:
            yield CannotSplit(
                f"{edge.name or edge.dependent.catalog} depends on {name} of {on}",
                remedy="drop it first, and make it again afterwards",
            )


# --- what else knows the row ------------------------------------------------------------------------------------------


def _of_row_type(of: Retyping) -> Iterator[CannotSplit]:
    seen, pending = {of.table.row_type}, [of.table.row_type]
    while pending:
        for edge in of.before.dependents.get(Ref("pg_type", pending.pop()), ()):
            dependent = edge.dependent
            if dependent.catalog == "pg_type":
                if dependent.oid not in seen:
                    seen.add(dependent.oid)
                    pending.append(dependent.oid)
            elif not (dependent.catalog == "pg_class" and dependent.oid == of.table.oid):
                what = edge.name or f"something in {dependent.catalog}"
                yield CannotSplit(
                    f"{what} uses the row type of {of.on}: the column would stand elsewhere in it, and there are two "
                    "of them meanwhile",
                    remedy=f"let {what} name its columns instead of taking or returning whole rows of {of.on}, in a "
                    "release before this one",
                )


def _of_backfill(of: Retyping) -> Iterator[CannotSplit]:
    for trigger in of.table.triggers:
        function = of.before.functions.get(trigger.function)
        is_own = function is not None and function.schema == "pg_catalog"
        is_theirs = trigger.is_enabled and not trigger.is_internal and not is_own
        if is_theirs and "update" in trigger.events and not trigger.columns:
            mine = quoted(trigger.name)
            yield CannotSplit(
                f"filling the new column would fire trigger {mine} for every row of {of.on}, which ALTER TABLE "
                "does not",
                remedy=f"give {mine} the columns that it is about (CREATE OR REPLACE TRIGGER {mine} ... UPDATE OF "
                "...), in a release before this one: then it does not fire for the new column",
            )
    if not can_see_all(of.table, of.before):
        yield CannotSplit(
            f"row security hides rows of {of.on} from the role that runs it", remedy="run it as the owner of the table"
        )


# --- what hangs on the column -----------------------------------------------------------------------------------------


def _of_indexes(of: Retyping) -> Iterator[CannotSplit]:
    for index in of.table.indexes:
        if of.column.number not in index.columns:
            continue
        name = quoted(index.name)
        if index.is_exclusion or any(item.is_period for item in of.table.constraints if item.oid == index.constraint):
            yield CannotSplit(
                f"the index of the exclusion constraint {name} cannot be built beside writers of {of.on}",
                remedy=_WINDOW,
            )
        if not index.is_valid:
            yield CannotSplit(
                f"index {name} on {of.on} is not valid", remedy=f"DROP INDEX CONCURRENTLY {name}, or REINDEX it, first"
            )
        if index.written is None:
            yield CannotSplit(
                f"the definition of index {name} is not known: another session holds {of.on}, or the migration "
                "makes it",
                remedy="run gate again, or put the change of the type into a migration of its own",
            )
        if loses_rows_in_concurrent_builds(of.before.server):
            yield CannotSplit(CONCURRENT_BUILDS, remedy=UPDATE_FIRST)
    for item in of.table.statistics:
        if of.column.number in item.columns and item.written is None:
            yield CannotSplit(
                f"the definition of statistics {quoted(item.name)} is not known: another session holds {of.on}",
                remedy="run gate again",
            )
    rebuilt = {index.oid for index in of.table.indexes if of.column.number in index.columns}
    for table_oid, oid in of.table.referenced_by:
        table = of.before.relations.get(table_oid)
        found = next((item for item in table.constraints if item.oid == oid), None) if table else None
        if table and found and found.index in rebuilt and of.column.number not in found.referenced_columns:
            yield CannotSplit(
                f"foreign key {quoted(found.name)} of {name_of(table)} needs a unique index that merely includes "
                f"{quoted(of.column.name)}",
                remedy="make a unique index of the key alone first",
            )


def _of_keys(of: Retyping) -> Iterator[CannotSplit]:
    own = [(of.table, item) for item in of.table.constraints if item.kind == "f" and of.column.number in item.columns]
    for table, item in (*own, *referencing(of)):
        other = of.before.relations.get(item.referenced)
        if other is None:
            yield CannotSplit(f"the table that {quoted(item.name)} of {name_of(table)} refers to was not read")
        elif reason := _unfit(item, table, other):
            yield CannotSplit(f"foreign key {quoted(item.name)} of {name_of(table)} {reason}", remedy=_WINDOW)


def _unfit(item: Constraint, table: Relation, other: Relation) -> str:
    if item.is_period:
        return "is one of periods"
    if table.kind == "p" or item.parent or table.is_partition:
        return "is one of a partitioned table, whose partitions would each need their part of it exchanged"
    if other.kind == "p" or other.is_partition:
        return f"refers to {name_of(other)}, which is partitioned"
    return ""
