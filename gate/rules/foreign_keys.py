"""Foreign keys: both tables and the partitions of both, what is read to validate, what a key refers to.

Source: PostgreSQL 18 `tablecmds.c` (ATAddForeignKeyConstraint, addFkRecurseReferenced, addFkRecurseReferencing).
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import ConstraintSpec, NamedPart
from gate.model.catalog import Constraint, Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.alter_table import At
from gate.rules.lookup import ancestors, family, locks, relation
from gate.rules.proven import column_named

AE, SRE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE


def foreign_key_touches(spec: ConstraintSpec, at: At, *, validates: bool) -> Iterator[Touch]:
    """Both tables, and the partitions of both, SHARE ROW EXCLUSIVE; both are read to validate."""
    assert spec.referenced is not None
    referenced = relation(at.world, spec.referenced)
    _check_referenced(spec, referenced)
    work = frozenset({Work.VALIDATION_SCAN}) if validates and spec.is_enforced else frozenset()
    referencing = family(at.world, at.table) if at.table.kind == "p" else (at.table,)
    read = frozenset(_read(spec, referenced, at.table, at.world))
    for table in referencing:
        yield Touch(table.oid, max(at.lock, SRE), work if table.oid in read else frozenset())
    # Without a row that refers to anything the join never gets to the other table.
    looks = any(table.oid in read and not table.is_known_empty for table in referencing)
    for table in family(at.world, referenced) if referenced.kind == "p" else (referenced,):
        yield Touch(table.oid, SRE, work if table.has_storage and looks else frozenset())
    if work and referenced.kind == "p":
        # The query that validates is planned with the referenced table's own partition constraint.
        yield from locks(ancestors(at.world, referenced), LockMode.ACCESS_SHARE)
    if any(_is_taken_over(spec, referenced, table) for table in referencing):
        # Its triggers on the referenced table go.
        yield Touch(referenced.oid, AE)


def _read(spec: ConstraintSpec, referenced: Relation, table: Relation, world: Snapshot) -> Iterator[int]:
    """The tables with rows that are checked: not those below a partition that brings the key."""
    if _is_taken_over(spec, referenced, table):
        return
    if table.has_storage:
        yield table.oid
    for child in (world.relations.get(oid) for oid in table.children) if table.kind == "p" else ():
        if child is not None:
            yield from _read(spec, referenced, child, world)


def _is_taken_over(spec: ConstraintSpec, referenced: Relation, table: Relation) -> bool:
    """Whether the partition brings the same key, validated: it is read no more (tryAttachPartitionForeignKey)."""
    if not table.is_partition:
        return False
    numbers = tuple(column.number for column in (table.column(name) for name in spec.columns) if column)
    wanted = (referenced.oid, numbers, key_columns(referenced, spec), spec.on_delete, spec.on_update, spec.match)
    return any(
        item.kind == "f"
        and not item.parent
        and item.is_valid
        and (item.is_deferrable, item.is_deferred) == (spec.is_deferrable, spec.is_deferred)
        and (item.referenced, item.columns, item.referenced_columns, item.on_delete, item.on_update, item.match)
        == wanted
        for item in table.constraints
    )


def _check_referenced(spec: ConstraintSpec, referenced: Relation) -> None:
    if referenced.kind not in "rp":
        raise ServerWouldReject(f'referenced relation "{referenced.name}" is not a table', sqlstate="42809")
    if not spec.referenced_columns:
        if referenced.primary_key is None:
            raise ServerWouldReject(
                f'there is no primary key for referenced table "{referenced.name}"', sqlstate="42704"
            )
        return
    numbers = sorted(column_named(referenced, name).number for name in spec.referenced_columns)
    if not any(
        sorted(key.column for key in index.keys) == numbers and index.is_unique and not index.has_predicate
        for index in referenced.indexes
    ):
        raise ServerWouldReject(
            f'there is no unique constraint matching given keys for referenced table "{referenced.name}"',
            sqlstate="42830",
            remedy="create a unique index or constraint on the referenced columns first",
        )


def key_columns(referenced: Relation, spec: ConstraintSpec) -> tuple[int, ...]:
    if spec.referenced_columns:
        found = (referenced.column(name) for name in spec.referenced_columns)
        return tuple(column.number for column in found if column)
    return referenced.primary_key.columns if referenced.primary_key else ()


def key_index(referenced: Relation, spec: ConstraintSpec) -> int:
    columns = sorted(key_columns(referenced, spec))
    return next(
        (
            item.oid
            for item in referenced.indexes
            if item.is_unique and sorted(key.column for key in item.keys) == columns
        ),
        0,
    )


def validation_touches(constraint: Constraint, at: At, scan: frozenset[Work]) -> Iterator[Touch]:
    for table in family(at.world, at.table) if at.table.kind == "p" else (at.table,):
        yield Touch(table.oid, at.lock, scan if table.has_storage else frozenset())
    referenced = at.world.relations.get(constraint.referenced)
    for table in family(at.world, referenced) if referenced else ():
        top = table is referenced
        yield Touch(
            table.oid, LockMode.ROW_SHARE if top else LockMode.ACCESS_SHARE, scan if table.has_storage else frozenset()
        )


def enforcement_touches(constraint: Constraint, part: NamedPart, at: At) -> Iterator[Touch]:
    referenced = at.world.relations.get(constraint.referenced)
    if "enforceability" in part.options and referenced is not None:
        becomes = "enforced" in part.options
        if becomes == constraint.is_enforced:
            return
        work = frozenset({Work.VALIDATION_SCAN}) if becomes else frozenset[Work]()
        for table in family(at.world, at.table) if at.table.kind == "p" else (at.table,):
            yield Touch(table.oid, at.lock, work if table.has_storage else frozenset())
        for table in family(at.world, referenced) if referenced.kind == "p" else (referenced,):
            yield Touch(table.oid, SRE if becomes else AE, work if table.has_storage else frozenset())
