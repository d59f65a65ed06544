"""CREATE INDEX, built concurrently: it takes longer, and shuts nobody out.

A partitioned table takes no index concurrently: it gets one on the table alone, which is not valid yet; each partition
gets its own concurrently, and those are attached. Partitions that come meanwhile bring theirs along. An index that a
partition had before can be attached, but never given back: that comes last.

Source: PostgreSQL 18 `indexcmds.c` (DefineIndex), "CREATE INDEX", Building Indexes Concurrently; "Table Partitioning".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast

from gate.model.actions import CreateIndex
from gate.model.catalog import Index, Relation
from gate.model.chosen_names import index_name
from gate.model.names import Name
from gate.model.server_bugs import CONCURRENT_BUILDS, UPDATE_FIRST, loses_rows_in_concurrent_builds
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, StatementStep, Step, StepKind
from gate.splits.case import Case
from gate.splits.finding import name_of, relation
from gate.splits.partitions_below import below, in_order
from gate.splits.taking_over import Taken, never_given_back, taken_over
from gate.sql.alike import age, is_as_written
from gate.sql.rewriting.indexes import (
    attach_index,
    concurrently,
    drop_index,
    on_parent_alone,
    on_partition,
    plainly,
    reindex_index,
)


def create_index(case: Case) -> tuple[Step, ...]:
    """See the module."""
    action = cast("CreateIndex", case.action)
    table = relation(case.before, action.table)
    if table.kind == "p" and action.only:
        raise CannotSplit(f"on ONLY {name_of(table)} nothing is built")
    name = action.name or index_name(case.before, table.schema, table.name, action.key_names, "idx")
    sql = on_partition(case.sql, name_of(table), name)
    there = next((item for item in table.indexes if item.name == name), None)
    left = tuple(_without_leftover(there, table)) if there is not None else ()
    if action.is_concurrent and not left:
        raise CannotSplit("it is built concurrently as it is")
    if loses_rows_in_concurrent_builds(case.before.server):
        raise CannotSplit(CONCURRENT_BUILDS, remedy=UPDATE_FIRST)
    if table.kind == "p":
        return (*left, *_partitioned(case, action, table, sql, name))
    return (*left, built(sql, table, name))


def built(sql: str, table: Relation, name: str) -> Step:
    """The step that builds an index beside running statements."""
    return StatementStep(
        sql=concurrently(sql, name),
        why=f"builds {Name(name)} while {name_of(table)} is read and written; waits for older transactions to end",
        kind=StepKind.CONCURRENT,
        is_transactional=False,
        undo=drop_index(Name(name, table.schema), missing_ok=True),
    )


def _without_leftover(index: Index, table: Relation) -> Iterator[Step]:
    """What an interrupted build left under that name: IF NOT EXISTS would take it for the index."""
    if index.is_valid:
        raise CannotSplit(f"{Name(index.name)} is there already, and valid")
    if index.is_partitioned:
        raise CannotSplit(
            f"{Name(index.name)} is there already, with partitions that have no part of it",
            remedy=f"attach the index of each partition to {Name(index.name)}, or drop it first",
        )
    yield StatementStep(
        sql=drop_index(Name(index.name, index.schema), missing_ok=True),
        why=f"{Name(index.name)} on {name_of(table)} is not valid: left by a build that did not end, used by no query",
        kind=StepKind.CONCURRENT,
        is_transactional=False,
    )


# --- partitioned ------------------------------------------------------------------------------------------------------


@dataclass
class _Tree:
    """What the whole tree of partitions needs; `world` knows the names that were chosen so far."""

    action: CreateIndex
    world: Snapshot
    parents: list[Step] = field(default_factory=list)
    builds: list[Step] = field(default_factory=list)
    attaches: list[Step] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)

    def grow(self, sql: str, table: Relation, name: str) -> None:
        """The index `name` of a partitioned table, and what lies below it."""
        self.parents.append(
            StatementStep(
                sql=on_parent_alone(sql, name),
                why=f"the index of {name_of(table)} itself, not valid until every partition has its part",
                undo=_without(Name(name, table.schema)),
            )
        )
        self._take(table.schema, name)
        for child in (item for item in in_order(self.world, table) if item.kind != "f"):
            self._below(sql, child, Name(name, table.schema))

    def _below(self, sql: str, child: Relation, parent: Name) -> None:
        like = like_index(self.action, child)
        if like is not None:
            self._heal(like, child)
            self.taken.append(Taken(parent, Name(like.name, like.schema)))
            return
        name = index_name(self.world, child.schema, child.name, self.action.key_names, "idx")
        own = on_partition(sql, name_of(child), name)
        if child.kind == "p":
            self.grow(own, child, name)
        else:
            self._take(child.schema, name)
            self.builds.append(built(own, child, name))
        self._attach(parent, Name(name, child.schema), child)

    def _heal(self, index: Index, child: Relation) -> None:
        if index.is_valid or index.is_partitioned:
            return
        self.builds.append(
            StatementStep(
                sql=reindex_index(Name(index.name, index.schema)),
                why=f"{Name(index.name)} on {name_of(child)} is alike, but not valid: built anew while it is used",
                kind=StepKind.CONCURRENT,
                is_transactional=False,
            )
        )

    def _attach(self, parent: Name, index: Name, child: Relation) -> None:
        self.attaches.append(
            StatementStep(
                sql=attach_index(parent, index),
                why=f"{name_of(child)} has its part of {Name(parent.name)}",
                undo=_without(parent),
            )
        )

    def _take(self, schema: str, name: str) -> None:
        self.world = replace(self.world, taken_names=self.world.taken_names | {(schema, name)})


def _without(index: Name) -> str:
    """A partitioned index goes with all the parts that it has, and for an instant under ACCESS EXCLUSIVE."""
    return drop_index(index, missing_ok=True, is_concurrent=False)


def _partitioned(case: Case, action: CreateIndex, table: Relation, sql: str, name: str) -> tuple[Step, ...]:
    tree = _Tree(action, case.before)
    tree.grow(sql, table, name)
    if not any(child.kind == "f" for child in below(case.before, table)):
        return (*tree.parents, *tree.builds, *tree.attaches, *taken_over(tree.taken))
    # A foreign table has no part of it, and attaching would never make the whole valid; the plain statement does.
    whole = StatementStep(
        sql=plainly(sql, name),
        why=f"takes over the indexes of the partitions of {name_of(table)}: nothing is left to build"
        + never_given_back(tree.taken),
        undo="" if tree.taken else _without(Name(name, table.schema)),
        is_final=bool(tree.taken),
    )
    return (*tree.builds, whole)


def like_index(action: CreateIndex, table: Relation) -> Index | None:
    """An index of a partition that the server would attach instead of building one."""
    return next((item for item in sorted(table.indexes, key=age) if is_as_written(action, table, item)), None)


SPLITS = {"CreateIndex": create_index}
