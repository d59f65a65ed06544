"""REINDEX, concurrently: each index is built anew beside the old one, and exchanged for it.

REINDEX TABLE CONCURRENTLY leaves out what cannot be done so, with no more than a warning: indexes that are not valid,
which are named here one by one, and those of exclusion constraints.

Source: PostgreSQL 18 `indexcmds.c` (ReindexRelationConcurrently); the page "REINDEX".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from gate.model.actions import Reindex
from gate.model.catalog import Index, Relation
from gate.model.names import Name
from gate.model.server_bugs import CONCURRENT_BUILDS, UPDATE_FIRST, loses_rows_in_concurrent_builds
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, StatementStep, Step, StepKind
from gate.splits.case import Case
from gate.splits.finding import family, name_of, relation
from gate.sql.rewriting.indexes import reindex_index, reindexed_concurrently


def reindex(case: Case) -> tuple[Step, ...]:
    """See the module."""
    action = cast("Reindex", case.action)
    if action.is_concurrent:
        raise CannotSplit("it is done concurrently as it is")
    if loses_rows_in_concurrent_builds(case.before.server):
        raise CannotSplit(CONCURRENT_BUILDS, remedy=UPDATE_FIRST)
    if action.object == "system":
        raise CannotSplit("indexes of system catalogs are not built concurrently")
    tables = tuple(_tables(action, case.before))
    excluded = [index for table in tables for index in table.indexes if index.is_exclusion and _is_meant(action, index)]
    if excluded:
        names = ", ".join(str(Name(index.name, index.schema)) for index in excluded)
        raise CannotSplit(
            f"{names} belongs to an exclusion constraint, which is not built concurrently",
            remedy="REINDEX INDEX CONCURRENTLY the other indexes; that one at a quiet hour, under a short lock_timeout",
        )
    return tuple(_steps(case, action, tables))


def _tables(action: Reindex, world: Snapshot) -> Iterable[Relation]:
    if action.object in ("index", "table"):
        assert action.name is not None
        return family(world, relation(world, action.name))
    schema = action.name.name if action.object == "schema" and action.name else None
    return (
        item
        for item in world.relations.values()
        if schema in (None, item.schema) and not item.is_system and not item.is_temporary
    )


def _is_meant(action: Reindex, index: Index) -> bool:
    """REINDEX INDEX means one; below a partitioned table there is no exclusion constraint in the way before 17."""
    return action.object != "index" or (action.name is not None and index.name == action.name.name)


def _steps(case: Case, action: Reindex, tables: tuple[Relation, ...]) -> Iterator[Step]:
    if action.object == "table" and tables[0].kind == "p":
        # Of a partitioned table all partitions would be locked against writers first, if only to be counted.
        for table in (item for item in tables if item.has_storage and item.indexes):
            yield _concurrent(reindexed_concurrently(case.sql, name_of(table)), f"the indexes of {name_of(table)}")
    else:
        whole = {"index": str(action.name), "table": f"the indexes of {action.name}"}
        what = whole.get(action.object, f"every index of {action.name or 'the database'}")
        yield _concurrent(reindexed_concurrently(case.sql), what)
    for table in tables if action.object != "index" else ():
        for index in table.indexes:
            if not index.is_valid and not index.is_partitioned:
                name = Name(index.name, index.schema)
                yield _concurrent(reindex_index(name), f"{name}, not valid and so left out before,")


def _concurrent(sql: str, what: str) -> Step:
    return StatementStep(
        sql=sql,
        why=f"builds {what} anew while in use; waits for older transactions to end",
        kind=StepKind.CONCURRENT,
        is_transactional=False,
    )


SPLITS = {"Reindex": reindex}
