"""Inheritance and partitions: INHERIT, NO INHERIT, OF, ATTACH and DETACH PARTITION, of tables and of indexes.

Source: PostgreSQL 18 `tablecmds.c` (ATExecAttachPartition, ATExecDetachPartition, DetachPartitionFinalize,
AttachPartitionEnsureIndexes, CloneForeignKeyConstraints, ATExecAddInherit); the page "Table Partitioning".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from gate.model.actions import AttachPartition, Bound, DetachPartition, InheritPart, Part
from gate.model.catalog import Constraint, Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.alter_table import At, PartRule, always, nothing
from gate.rules.bounds import implied, proves
from gate.rules.doomed import default_partition
from gate.rules.fit_for_partition import check_attach, key_names
from gate.rules.lookup import ancestors, descendants, family, locks, maybe_index, referencing, relation
from gate.sql.alike import age, are_alike
from gate.sql.partition_constraints import detached_check_name, excluding_check, partition_check

AE, SRE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE
AS = LockMode.ACCESS_SHARE
_SCAN = frozenset({Work.VALIDATION_SCAN})
_BUILD = frozenset({Work.INDEX_BUILD})


# --- INHERIT ----------------------------------------------------------------------------------------------------------


def _inherit(part: Part, at: At) -> Iterator[Touch]:
    change = cast(InheritPart, part)
    parent = relation(at.world, change.parent)
    if change.adds and parent.oid in at.table.parents:
        raise ServerWouldReject(f'relation "{parent.name}" would be inherited from more than once', sqlstate="42P07")
    if not change.adds and parent.oid not in at.table.parents:
        raise ServerWouldReject(
            f'relation "{parent.name}" is not a parent of relation "{at.table.name}"', sqlstate="42P01"
        )
    yield Touch(parent.oid, SUE if change.adds else AS)
    if change.adds:
        yield from (Touch(child.oid, AS) for child in descendants(at.world, at.table.oid))


def _apply_inherit(part: Part, at: At) -> Snapshot:
    change = cast(InheritPart, part)
    parent = relation(at.world, change.parent)
    return linked(at.world, parent, at.table) if change.adds else unlinked(at.world, parent, at.table)


def linked(world: Snapshot, parent: Relation, child: Relation) -> Snapshot:
    """The catalog with `child` under `parent`."""
    parent, child = world.relations[parent.oid], world.relations[child.oid]
    inherited = {item.name for item in parent.columns}
    columns = tuple(
        replace(item, inherit_count=item.inherit_count + 1) if item.name in inherited else item
        for item in child.columns
    )
    return world.put(
        replace(parent, children=(*parent.children, child.oid)),
        replace(child, parents=(*child.parents, parent.oid), columns=columns),
    )


def unlinked(world: Snapshot, parent: Relation, child: Relation) -> Snapshot:
    """The catalog with `child` on its own."""
    parent, child = world.relations[parent.oid], world.relations[child.oid]
    columns = tuple(
        replace(item, inherit_count=max(item.inherit_count - 1, 0), is_local=True) for item in child.columns
    )
    return world.put(
        replace(parent, children=tuple(oid for oid in parent.children if oid != child.oid)),
        replace(
            child,
            parents=tuple(oid for oid in child.parents if oid != parent.oid),
            columns=columns,
            is_partition=False,
            is_default_partition=False,
            partition_bound=None,
        ),
    )


# --- ATTACH -----------------------------------------------------------------------------------------------------------


def _attach(part: Part, at: At) -> Iterator[Touch]:
    change = cast(AttachPartition, part)
    if at.index is not None:
        yield from _attach_index(change, at)
        return
    child = relation(at.world, change.child)
    check_attach(child, at.table, at.world.server.major)
    bound = change.bound or Bound(is_default=True)
    keys = key_names(at.table)
    check = partition_check(at.world, at.table, bound.text)

    def is_proven(table: Relation) -> bool:
        # The keys of partitioned ancestors bind too; their part of the constraint was proven for no stranger.
        return proves(table, check) or (implied(bound, table, keys) and not at.table.is_partition)

    needs_scan = not is_proven(child) and not (bound.is_default and not _has_siblings(at.table))
    for table in (child, *descendants(at.world, child.oid)):
        mine = needs_scan and table.has_storage and not is_proven(table)
        yield Touch(table.oid, AE, _SCAN if mine else frozenset())
    yield from default_scans(at.world, at.table, bound)
    # Above a sub-partitioned table its ancestors' bounds are read (get_partition_qual).
    yield from locks(ancestors(at.world, at.table), AS)
    yield from _missing_indexes(at.world, at.table, child)
    yield from _cloned_foreign_keys(at.world, at.table, child)


def _has_siblings(parent: Relation) -> bool:
    return bool(parent.children) or parent.is_partition


def default_scans(world: Snapshot, parent: Relation, bound: Bound) -> Iterator[Touch]:
    """A new partition takes rows away from the default one: ACCESS EXCLUSIVE, and a scan that none may be there."""
    if bound.is_default:
        return
    check = excluding_check(parent, bound.text)
    for default in default_partition(world, parent.oid):
        is_left_alone = proves(default, check)
        for table in (default, *descendants(world, default.oid)):
            reads = table.has_storage and not is_left_alone and not proves(table, check)
            yield Touch(table.oid, AE, _SCAN if reads else frozenset())


def partitions_of(world: Snapshot, table: Relation) -> tuple[Relation, ...]:
    """A partitioned table with all its partitions; any other table alone."""
    return family(world, table) if table.kind == "p" else (table,)


def _missing_indexes(world: Snapshot, parent: Relation, child: Relation) -> Iterator[Touch]:
    """Each index of the parent needs a like one on the partition; what is missing is built."""
    free = sorted(child.indexes, key=age)
    for index in parent.indexes:
        match = next((item for item in free if are_alike(index, parent, item, child)), None)
        if match is not None:
            free.remove(match)
            continue
        for table in (child, *descendants(world, child.oid)):
            if table.has_storage:
                yield Touch(table.oid, AE, _BUILD)


def _name(table: Relation, number: int) -> str | None:
    column = table.column_number(number)
    return column.name if column else None


def _cloned_foreign_keys(world: Snapshot, parent: Relation, child: Relation) -> Iterator[Touch]:
    """The parent's foreign keys are cloned onto the partition, which is read to validate them, and into the others."""
    own = {item.oid for item in parent.constraints}
    for constraint in parent.constraints:
        # Rows for the partitions of a table that is referred to hang on the one that was written.
        if constraint.kind != "f" or constraint.parent in own:
            continue
        exists = any(_is_like_foreign(constraint, item, parent, child) for item in child.constraints)
        work = frozenset[Work]() if exists or not constraint.is_valid else _SCAN
        yield Touch(child.oid, AE, work if child.has_storage else frozenset())
        referenced = world.relations.get(constraint.referenced)
        # A constraint that the partition brings loses its own triggers (tryAttachPartitionForeignKey).
        mode = AE if exists else SRE
        for table in partitions_of(world, referenced) if referenced else ():
            yield Touch(table.oid, mode, work if table.has_storage else frozenset())
    inbound = {oid for _, oid in parent.referenced_by}
    for table, found in referencing(world, parent):
        if found.parent not in inbound:
            yield Touch(table.oid, SRE)


def _is_like_foreign(one: Constraint, other: Constraint, parent: Relation, child: Relation) -> bool:
    if other.kind != "f" or other.referenced != one.referenced or other.referenced_columns != one.referenced_columns:
        return False
    if (other.is_deferrable, other.match) != (one.is_deferrable, one.match):
        return False
    mine = [_name(parent, number) for number in one.columns]
    return mine == [_name(child, number) for number in other.columns] and (one.on_delete, one.on_update) == (
        other.on_delete,
        other.on_update,
    )


def _attach_index(change: AttachPartition, at: At) -> Iterator[Touch]:
    """ALTER INDEX ... ATTACH PARTITION: both tables ACCESS SHARE, the child's index ACCESS EXCLUSIVE."""
    oid = maybe_index(at.world, change.child)
    if oid is None:
        raise ServerWouldReject(f'"{change.child}" is not an index', sqlstate="42809")
    yield Touch(at.table.oid, AS)
    yield Touch(at.world.index_tables[oid], AS, shuts_out_readers=True)


def _apply_attach(part: Part, at: At) -> Snapshot:
    change = cast(AttachPartition, part)
    if at.index is not None:
        return _apply_attach_index(change, at)
    child = relation(at.world, change.child)
    is_default = change.bound is None or change.bound.is_default
    child = replace(
        child,
        is_partition=True,
        is_default_partition=is_default,
        partition_bound=change.bound.text if change.bound else "DEFAULT",
    )
    return linked(at.world.put(child), at.table, child)


def _apply_attach_index(change: AttachPartition, at: At) -> Snapshot:
    oid = maybe_index(at.world, change.child)
    table = at.world.relations[at.world.index_tables[oid]] if oid is not None else None
    if table is None or at.index is None:
        return at.world
    indexes = tuple(replace(item, parent=at.index) if item.oid == oid else item for item in table.indexes)
    return at.world.put(replace(table, indexes=indexes))


# --- DETACH -----------------------------------------------------------------------------------------------------------


def _detach_lock(part: Part, at: At) -> LockMode:
    del at
    change = cast(DetachPartition, part)
    return SUE if change.is_concurrent or change.finalizes else AE


def _detach(part: Part, at: At) -> Iterator[Touch]:
    change = cast(DetachPartition, part)
    child = relation(at.world, change.child)
    if child.oid not in at.table.children:
        raise ServerWouldReject(
            f'relation "{child.name}" is not a partition of relation "{at.table.name}"', sqlstate="42P01"
        )
    yield from locks(family(at.world, child), AE)
    defaults = tuple(default_partition(at.world, at.table.oid))
    if defaults and change.is_concurrent:
        raise ServerWouldReject(
            "cannot detach partitions concurrently when a default partition exists", sqlstate="55000"
        )
    yield from (Touch(item.oid, AE) for item in defaults)
    yield from _detached_foreign_keys(at.world, child)


def _detached_foreign_keys(world: Snapshot, child: Relation) -> Iterator[Touch]:
    """Inherited foreign keys become the partition's own (new triggers on the other table); inbound ones are checked."""
    for constraint in child.constraints:
        if constraint.kind == "f" and constraint.parent and constraint.referenced in world.relations:
            referenced = world.relations[constraint.referenced]
            for table in partitions_of(world, referenced):
                yield Touch(table.oid, SRE)
    for table, found in referencing(world, child):
        if found.parent:
            yield Touch(table.oid, AE, _SCAN if table.has_storage else frozenset())


def _apply_detach(part: Part, at: At) -> Snapshot:
    change = cast(DetachPartition, part)
    child = relation(at.world, change.child)
    world = _with_own_check(at, child) if change.is_concurrent else at.world
    return unlinked(world, at.table, child)


def _with_own_check(at: At, child: Relation) -> Snapshot:
    """Concurrently the partition keeps its constraint, as a check of its own (DetachAddConstraintIfNeeded)."""
    text = partition_check(at.world, at.table, child.partition_bound or "")
    if text is None or proves(child, text):
        return at.world
    oid, world = at.world.fresh_oid()
    name = detached_check_name(at.world, at.table, child)
    check = Constraint(oid=oid, name=name, relation=child.oid, kind="c", expression=text)
    return world.put(replace(child, constraints=(*child.constraints, check)))


PARTS = {
    InheritPart: PartRule(always(AE), _inherit, _apply_inherit, kinds="rpf"),
    AttachPartition: PartRule(always(SUE), _attach, _apply_attach, kinds="rpi"),
    DetachPartition: PartRule(_detach_lock, _detach, _apply_detach),
    "AddOf": PartRule(always(AE), nothing),
    "DropOf": PartRule(always(AE), nothing),
}

_DOC = "https://www.postgresql.org/docs/18/ddl-partitioning.html"
_SETUP = (
    "CREATE TABLE p (a int NOT NULL) PARTITION BY RANGE (a); "
    "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); "
    "CREATE TABLE n (a int NOT NULL); INSERT INTO n VALUES (10); "
    "CREATE TABLE c (a int NOT NULL, CHECK (a >= 10 AND a < 20)); INSERT INTO c VALUES (10)"
)
_DEFAULT = _SETUP + "; CREATE TABLE d PARTITION OF p DEFAULT; INSERT INTO p VALUES (100)"


def _fact(form: str, setup: str, statement: str, *expects: Expect) -> Fact:
    return Fact(form=form, source=_DOC, proof=Proof(setup=setup, statement=statement, expects=expects))


_ATTACH = "ALTER TABLE p ATTACH PARTITION {} FOR VALUES FROM (10) TO (20)"

FACTS = (
    _fact(
        "ATTACH PARTITION",
        _SETUP,
        _ATTACH.format("n"),
        Expect(relation="public.p", lock=SUE),
        Expect(relation="public.n", lock=AE, work=_SCAN),
    ),
    _fact(
        "ATTACH PARTITION, a valid CHECK proves the bound",
        _SETUP,
        _ATTACH.format("c"),
        Expect(relation="public.p", lock=SUE),
        Expect(relation="public.c", lock=AE),
    ),
    _fact(
        "ATTACH PARTITION beside a default partition",
        _DEFAULT,
        _ATTACH.format("c"),
        Expect(relation="public.p", lock=SUE),
        Expect(relation="public.c", lock=AE),
        Expect(relation="public.d", lock=AE, work=_SCAN),
    ),
    _fact(
        "DETACH PARTITION",
        _SETUP,
        "ALTER TABLE p DETACH PARTITION p1",
        Expect(relation="public.p", lock=AE),
        Expect(relation="public.p1", lock=AE),
    ),
)
