"""DROP INDEX, one by one and concurrently: whoever plans a query on the table no longer waits for the longest one.

Source: PostgreSQL 18 `index.c` (index_drop), `tablecmds.c` (RemoveRelations); the page "DROP INDEX".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from gate.model.actions import Drop
from gate.model.catalog import Index, Ref
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, StatementStep, Step, StepKind
from gate.splits.case import Case
from gate.splits.finding import name_of
from gate.sql.rewriting.indexes import dropped_one_by_one


def drop(case: Case) -> tuple[Step, ...]:
    """Only indexes have a safer way."""
    action = cast("Drop", case.action)
    if action.object != "index":
        raise CannotSplit(f"a {action.object} cannot be dropped beside running queries")
    if action.is_concurrent:
        raise CannotSplit("it is dropped concurrently as it is")
    if action.cascade and any(_dependents(case.before, item.name) for item in action.names):
        raise CannotSplit(
            "DROP INDEX CONCURRENTLY takes no CASCADE",
            remedy="drop what depends on the index in a statement of its own, and leave CASCADE out",
        )
    return tuple(_steps(case))


def _steps(case: Case) -> Iterator[Step]:
    for name, sql in dropped_one_by_one(case.sql):
        index = _index(case.before, name)
        if index is None:
            continue
        table = case.before.relations[index.relation]
        if index.is_partitioned:
            raise CannotSplit(f"{name} belongs to a partitioned table, and such an index is not dropped concurrently")
        yield StatementStep(
            sql=sql,
            why=f"drops {name} once no running query uses it; {name_of(table)} is read and written meanwhile; "
            "only CREATE INDEX CONCURRENTLY brings it back",
            kind=StepKind.CONCURRENT,
            is_transactional=False,
            is_final=True,
        )


def _dependents(world: Snapshot, name: Name) -> bool:
    """Whether anything goes with the index: with nothing CASCADE means no more than RESTRICT."""
    index = _index(world, name)
    return index is not None and bool(world.dependents.get(Ref("pg_class", index.oid)))


def _index(world: Snapshot, name: Name) -> Index | None:
    """None for one that is not there: IF EXISTS was written."""
    oid = world.find(name)
    table = world.relations.get(world.index_tables[oid]) if oid is not None and oid in world.index_tables else None
    return next((item for item in table.indexes if item.oid == oid), None) if table else None


SPLITS = {"Drop": drop}
