"""UNIQUE and PRIMARY KEY: the index is built concurrently, and the constraint then takes it over without work.

The columns of a primary key are made NOT NULL first, in steps of their own. A partitioned table gets the constraint on
itself alone; each partition builds its index concurrently and takes it over, and the indexes are attached. A key that
a partition had before can be attached, but never given back: that comes last.

Source: PostgreSQL 18 `parse_utilcmd.c` (transformIndexConstraint), `tablecmds.c` (ATExecAddIndexConstraint), "ALTER
TABLE", ADD table_constraint_using_index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gate.model.actions import AddConstraint, ConstraintSpec
from gate.model.catalog import Constraint, Relation
from gate.model.chosen_names import index_name
from gate.model.names import Name
from gate.model.server_bugs import CONCURRENT_BUILDS, UPDATE_FIRST, loses_rows_in_concurrent_builds
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, StatementStep, Step, StepKind
from gate.splits.case import Case
from gate.splits.finding import is_only, name_of, part_of, table_of
from gate.splits.not_nulls import is_not_null, without_not_null
from gate.splits.partitions_below import below, in_order
from gate.splits.taking_over import Taken, taken_over
from gate.sql.rewriting.constraints import drop_constraint, drop_not_null, set_not_null
from gate.sql.rewriting.constraints_by_index import column_names, index_of, named, using_index
from gate.sql.rewriting.indexes import attach_index, drop_index


def key(case: Case) -> tuple[Step, ...]:
    """See the module."""
    spec, table = part_of(case, AddConstraint).spec, table_of(case)
    if spec.without_overlaps:
        raise CannotSplit(
            "a key WITHOUT OVERLAPS has an index that cannot be built beforehand",
            remedy="add it while the table is small or unused, or in a maintenance window",
        )
    if spec.index is None and loses_rows_in_concurrent_builds(case.before.server):
        raise CannotSplit(CONCURRENT_BUILDS, remedy=UPDATE_FIRST)
    steps = list(_not_nulls(case, spec, table))
    if spec.index is not None:
        if not steps:
            raise CannotSplit("it takes its index over as it is")
        return (*steps, _taking_over(case, spec.index))
    name = spec.name or _chosen(case.before, case.sql, spec, table)
    if table.kind == "p":
        return (*steps, *_partitioned(case, spec, table, name))
    return (*steps, *_built(case.sql, spec, table, name))


def _taking_over(case: Case, index: str) -> Step:
    return StatementStep(
        sql=case.sql,
        why=f"takes over {Name(index)}; nothing is left to read; this cannot be taken back: the index would be dropped "
        "with the constraint",
        is_final=True,
    )


def exclusion(case: Case) -> tuple[Step, ...]:
    """There is none."""
    raise CannotSplit(
        f"the index of an exclusion constraint cannot be built beside writers of {name_of(table_of(case))}",
        remedy="add it while the table is small or unused, or in a maintenance window",
    )


def _chosen(world: Snapshot, sql: str, spec: ConstraintSpec, table: Relation) -> str:
    if spec.kind == "p":
        return index_name(world, table.schema, table.name, (), "pkey")
    return index_name(world, table.schema, table.name, column_names(sql), "key")


def _not_nulls(case: Case, spec: ConstraintSpec, table: Relation) -> Iterator[Step]:
    if spec.kind != "p":
        return
    for name in spec.columns if spec.index is None else _of_index(spec.index, table):
        if not is_not_null(table, name):
            undo = without_not_null(case.before, table, name, only=is_only(case))
            yield StatementStep(
                sql=set_not_null(name_of(table), name, only=is_only(case)),
                why=f"a primary key needs {Name(name)} to be NOT NULL, and would read all of {name_of(table)} for it",
                undo=undo,
                is_final=not undo,
            )


def _of_index(index: str, table: Relation) -> tuple[str, ...]:
    found = next((item for item in table.indexes if item.name == index), None)
    columns = (table.column_number(item.column) for item in found.keys) if found else ()
    return tuple(column.name for column in columns if column)


def _built(sql: str, spec: ConstraintSpec, table: Relation, name: str) -> Iterator[Step]:
    """The index, and the constraint on it."""
    on = name_of(table)
    left = next((item for item in table.indexes if item.name == name and not item.is_valid), None)
    if left is not None:
        yield StatementStep(
            sql=drop_index(Name(name, table.schema), missing_ok=True),
            why=f"{Name(name)} on {on} is not valid: left by a build that did not end, used by no query",
            kind=StepKind.CONCURRENT,
            is_transactional=False,
        )
    yield StatementStep(
        sql=index_of(sql, on, name),
        why=f"builds the index of {Name(name)} while {on} is read and written; waits for older transactions to end",
        kind=StepKind.CONCURRENT,
        is_transactional=False,
        undo=drop_index(Name(name, table.schema), missing_ok=True),
    )
    what = "primary key" if spec.kind == "p" else "constraint"
    yield StatementStep(
        sql=using_index(sql, on, name),
        why=f"makes the index the {what}; nothing is left to read",
        undo=drop_constraint(on, name, missing_ok=True),
    )


# --- partitioned ------------------------------------------------------------------------------------------------------


@dataclass
class _Tree:
    """What the whole tree of partitions needs; `world` knows the names that were chosen so far."""

    sql: str
    spec: ConstraintSpec
    world: Snapshot
    parents: list[Step] = field(default_factory=list)
    builds: list[Step] = field(default_factory=list)
    attaches: list[Step] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)

    def grow(self, table: Relation, name: str) -> None:
        """The constraint `name` of a partitioned table, and what lies below it."""
        self.parents.append(
            StatementStep(
                sql=named(self.sql, name_of(table), name, only=True),
                why=f"the constraint of {name_of(table)} itself, not valid until every partition has its part",
                undo=drop_constraint(name_of(table), name, missing_ok=True),
            )
        )
        self._take(table.schema, name)
        for child in in_order(self.world, table):
            self._below(child, table, name)

    def _below(self, child: Relation, parent: Relation, above: str) -> None:
        if child.kind == "f":
            raise CannotSplit(f"the server refuses it: {name_of(child)} is a foreign table")
        like = _like(self.spec, child)
        if like is not None:
            self.taken.append(Taken(Name(above, parent.schema), Name(like.name, child.schema)))
            return
        name = _chosen(self.world, self.sql, self.spec, child)
        if child.kind == "p":
            self.grow(child, name)
        else:
            self._take(child.schema, name)
            self.builds.extend(_built(self.sql, self.spec, child, name))
        self._attach(parent, above, name, child)

    def _attach(self, parent: Relation, above: str, name: str, child: Relation) -> None:
        self.attaches.append(
            StatementStep(
                sql=attach_index(Name(above, parent.schema), Name(name, child.schema)),
                why=f"{name_of(child)} has its part of {Name(above)}",
                undo=drop_constraint(name_of(parent), above, missing_ok=True),
            )
        )

    def _take(self, schema: str, name: str) -> None:
        self.world = replace(self.world, taken_names=self.world.taken_names | {(schema, name)})


def _partitioned(case: Case, spec: ConstraintSpec, table: Relation, name: str) -> tuple[Step, ...]:
    if is_only(case) and table.children:
        raise CannotSplit("on ONLY a partitioned table it builds no index")
    tree = _Tree(case.sql, spec, case.before)
    tree.grow(table, name)
    first = tree.parents[0]
    tree.parents[0] = replace(first, undo="; ".join((first.undo, *_nullable_again(case, spec, table))))
    return (*tree.parents, *tree.builds, *tree.attaches, *taken_over(tree.taken))


def _nullable_again(case: Case, spec: ConstraintSpec, table: Relation) -> Iterator[str]:
    """From 18 on a partition's primary key makes the NOT NULL that it inherits its own, which then stays behind.

    It can be dropped when the table's own is gone, so that goes here, before its own undo, which meets it no more.
    """
    if spec.kind != "p" or case.before.server.major < 18:
        return
    for name in spec.columns:
        if not is_not_null(table, name):
            for item in (table, *below(case.before, table)):
                if not is_not_null(item, name):
                    yield drop_not_null(name_of(item), name)


def _like(spec: ConstraintSpec, table: Relation) -> Constraint | None:
    """A constraint that the partition has, and that the server takes over."""
    numbers = tuple(column.number for column in map(table.column, spec.columns) if column)
    included = tuple(column.number for column in map(table.column, spec.include) if column)
    free = {item.oid for item in table.indexes if item.is_valid and not item.parent and item.include == included}
    return next(
        (
            item
            for item in table.constraints
            if (item.kind, item.columns) == (spec.kind, numbers) and not item.parent and item.index in free
        ),
        None,
    )


SPLITS = {"AddConstraint:u": key, "AddConstraint:p": key, "AddConstraint:x": exclusion}
