"""ATTACH PARTITION, after all that it would do under ACCESS EXCLUSIVE is done: nothing is left to read or build.

A CHECK that equals the partition's constraint proves the bound, one that excludes it proves that the default partition
has no such row; both are validated under a lock that shuts nobody out, and go with the attachment, which holds their
tables anyhow: it is the last step, and nothing has to be detached because a later one cannot be done. The indexes and
foreign keys of the parent are made on the partition first, and taken over.

Source: PostgreSQL 14 to 18 `tablecmds.c` (ATExecAttachPartition, AttachPartitionEnsureIndexes,
tryAttachPartitionForeignKey, QueuePartitionConstraintValidation); "ALTER TABLE", ATTACH PARTITION.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from gate.model.actions import AlterTable, AttachPartition
from gate.model.catalog import Constraint, Index, Relation
from gate.model.chosen_names import constraint_name, index_name
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, StatementStep, Step, StepKind
from gate.model.work import Work
from gate.splits.case import Case
from gate.splits.finding import family, name_of, part_of, relation, table_of
from gate.sql.alike import age, are_alike
from gate.sql.partition_constraints import excluding_check, partition_check
from gate.sql.rewriting.constraints import add_check, add_foreign_key, drop_constraint, validate_constraint
from gate.sql.rewriting.constraints_by_index import key_like
from gate.sql.rewriting.indexes import drop_index, index_column_names, on_partition
from gate.sql.rewriting.partitioning import detach_partition


@dataclass(frozen=True)
class _Attach:
    """The partition and the table that it comes under; `bound` is FOR VALUES ... or DEFAULT."""

    case: Case
    parent: Relation
    child: Relation
    bound: str

    @property
    def world(self) -> Snapshot:
        return self.case.before

    def is_read(self, table: Relation) -> bool:
        """Whether the statement would read it, or what lies below it, to check its rows."""
        below = {item.oid for item in family(self.world, table)}
        return any(
            effect.oid in below and Work.VALIDATION_SCAN in effect.work and not (effect.is_new or effect.is_known_empty)
            for effect in self.case.effects
        )


def attach(case: Case) -> tuple[Step, ...]:
    """See the module."""
    part = part_of(case, AttachPartition)
    if cast("AlterTable", case.action).object == "index" or part.bound is None:
        raise CannotSplit("an index is attached at once as it is")
    what = _Attach(case, table_of(case), relation(case.before, part.child), part.bound.text)
    before, served = list(_made_first(what)), list[str]()
    for first, last in (_proof(what), _exclusion(what)):
        before += first
        served += last
    if not before:
        raise CannotSplit("nothing of what it does can be done before it")
    return (*before, _whole(what, served))


def _whole(what: _Attach, served: list[str]) -> Step:
    why = f"{name_of(what.child)} becomes a partition of {name_of(what.parent)}: nothing is left to read or build"
    is_new = what.child.oid < 0
    if served:
        why += "; the bound says what the checks said"
    if is_new:
        why += f"; this is not taken back: rows that {name_of(what.child)} has got would be lost to the table"
    return StatementStep(
        sql="; ".join((what.case.sql, *served)),
        why=why,
        undo="" if is_new else detach_partition(name_of(what.parent), name_of(what.child)),
        is_final=is_new,
    )


# --- the bound --------------------------------------------------------------------------------------------------------

_Around = tuple[tuple[Step, ...], tuple[str, ...]]
"""Steps before the statement, and what clears up after them."""


def _proof(what: _Attach) -> _Around:
    child = what.child
    if not what.is_read(child):
        return (), ()
    check = partition_check(what.world, what.parent, what.bound)
    if check is None:
        raise CannotSplit(
            f"no CHECK is known that proves to the server that every row of {name_of(child)} is in {what.bound}",
            remedy=f"attach {name_of(child)} while it is small or empty, and move the rows in batches",
        )
    name = constraint_name(what.world, child.schema, child.name, (), "within_bound")
    return _checked(
        child,
        name,
        check,
        why=f"from now on {name_of(child)} takes only rows of its bound; old ones are not read",
    )


def _exclusion(what: _Attach) -> _Around:
    if what.bound == "DEFAULT":
        return (), ()
    found = (what.world.relations.get(oid) for oid in what.parent.children)
    default = next((item for item in found if item is not None and item.is_default_partition), None)
    if default is None or not what.is_read(default):
        return (), ()
    check = excluding_check(what.parent, what.bound)
    if check is None:
        raise CannotSplit(
            f"no CHECK is known that proves to the server that {name_of(default)} has no row of {what.bound}",
            remedy=f"move the rows out of {name_of(default)} in batches; attach while it is small or empty",
        )
    name = constraint_name(what.world, default.schema, default.name, (), "outside_bound")
    return _checked(
        default,
        name,
        check,
        why=f"until {name_of(what.child)} is attached, {name_of(default)} refuses new rows of that bound",
    )


def _checked(table: Relation, name: str, check: str, *, why: str) -> _Around:
    on = name_of(table)
    return (
        StatementStep(sql=add_check(on, name, check), why=why, undo=drop_constraint(on, name, missing_ok=True)),
        StatementStep(
            sql=validate_constraint(on, name),
            why=f"reads {on} while it is read and written",
            kind=StepKind.VALIDATION,
        ),
    ), (drop_constraint(on, name),)


# --- indexes and foreign keys -----------------------------------------------------------------------------------------


def _made_first(what: _Attach) -> Iterator[Step]:
    """A foreign table has neither; a table that the release made is empty, and its indexes take no time."""
    if what.child.kind != "f":
        yield from _indexes(what) if what.child.oid > 0 else ()
        yield from _foreign_keys(what)


def _indexes(what: _Attach) -> Iterator[Step]:
    free = sorted(what.child.indexes, key=age)
    world = what.world
    for index in sorted(what.parent.indexes, key=age):
        match = next((item for item in free if are_alike(index, what.parent, item, what.child)), None)
        if match is not None:
            free.remove(match)
            continue
        name, sql = _like(index, what, world)
        world = replace(world, taken_names=world.taken_names | {(what.child.schema, name)})
        yield StatementStep(
            sql=sql,
            why=f"{name_of(what.child)} needs its part of {Name(index.name)}, and would build it while it is attached",
            undo=drop_index(Name(name, what.child.schema), missing_ok=True, is_concurrent=False)
            if index.constraint == 0
            else drop_constraint(name_of(what.child), name, missing_ok=True),
        )


def _like(index: Index, what: _Attach, world: Snapshot) -> tuple[str, str]:
    """(name, statement) of what the parent's index needs on the partition; the plain form, which is split again."""
    child = what.child
    constraint = next((item for item in what.parent.constraints if item.oid == index.constraint), None)
    if index.definition is None:
        raise CannotSplit(
            f"what {Name(index.name)} of {name_of(what.parent)} is over could not be read",
            remedy="run gate again when nobody holds or awaits ACCESS EXCLUSIVE there",
        )
    if index.is_exclusion:
        raise CannotSplit(
            f"{name_of(child)} has no part of {Name(index.name)}, and it cannot be built beforehand",
            remedy=f"build what {name_of(child)} lacks before it is attached",
        )
    columns = index_column_names(index.definition)
    if constraint is None:
        name = index_name(world, child.schema, child.name, columns, "idx")
        return name, on_partition(index.definition, name_of(child), name, tablespace=index.tablespace)
    is_primary = constraint.kind == "p"
    name = index_name(world, child.schema, child.name, () if is_primary else columns, "pkey" if is_primary else "key")
    return name, key_like(
        on_partition(index.definition, name_of(child), name, tablespace=index.tablespace),
        name_of(child),
        name,
        is_primary=is_primary,
        is_deferrable=constraint.is_deferrable,
        is_deferred=constraint.is_deferred,
    )


def _foreign_keys(what: _Attach) -> Iterator[Step]:
    own = {item.oid for item in what.parent.constraints}
    world, child = what.world, what.child
    for constraint in what.parent.constraints:
        if constraint.kind != "f" or constraint.parent in own or not constraint.is_valid:
            continue
        referenced = world.relations.get(constraint.referenced)
        columns = _names(what.parent, constraint.columns)
        if referenced is None or _has_like(constraint, columns, child):
            continue
        name = constraint.name
        if child.constraint(name) is not None:
            name = constraint_name(world, child.schema, child.name, columns, "fkey")
        yield StatementStep(
            sql=add_foreign_key(
                name_of(child),
                name,
                columns,
                name_of(referenced),
                _names(referenced, constraint.referenced_columns),
                actions=(constraint.match, constraint.on_delete, constraint.on_update),
                is_deferrable=constraint.is_deferrable,
                is_deferred=constraint.is_deferred,
            ),
            why=f"{name_of(child)} needs {Name(constraint.name)} too, and would be checked while it is attached",
            undo=drop_constraint(name_of(child), name, missing_ok=True),
        )


def _names(table: Relation, numbers: Iterable[int]) -> tuple[str, ...]:
    return tuple(column.name for column in map(table.column_number, numbers) if column)


def _has_like(constraint: Constraint, columns: tuple[str, ...], child: Relation) -> bool:
    """Whether the partition brings the key (tryAttachPartitionForeignKey)."""
    return any(
        item.kind == "f"
        and (item.referenced, item.referenced_columns) == (constraint.referenced, constraint.referenced_columns)
        and _names(child, item.columns) == columns
        and (item.is_deferrable, item.is_deferred, item.match, item.on_delete, item.on_update)
        == (
            constraint.is_deferrable,
            constraint.is_deferred,
            constraint.match,
            constraint.on_delete,
            constraint.on_update,
        )
        for item in child.constraints
    )


SPLITS = {"AttachPartition": attach}
