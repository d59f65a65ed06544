"""What the server asks of a table before it becomes a partition, and of a unique key of a partitioned table.

Source: PostgreSQL 18 `tablecmds.c` (ATExecAttachPartition, MergeAttributesIntoExisting, MergeConstraintsIntoExisting),
`indexcmds.c` (DefineIndex).
"""

from __future__ import annotations

from collections.abc import Iterable

from gate.model.catalog import Relation
from gate.model.effects import ServerWouldReject

_SHARED_IDENTITY = 17
# Before, a partition could generate what its table does not.
_NO_GENERATED = 16


def check_attach(child: Relation, parent: Relation, major: int) -> None:
    """Raises the server's answer to a table that does not fit; one that the release makes is not looked at closely."""
    if parent.kind != "p":
        raise ServerWouldReject(f'table "{parent.name}" is not partitioned', sqlstate="42809")
    if child.is_partition:
        raise ServerWouldReject(f'"{child.name}" is already a partition', sqlstate="42809")
    if child.parents:
        raise ServerWouldReject("cannot attach inheritance child as partition", sqlstate="42809")
    if child.kind == "r" and child.children:
        raise ServerWouldReject("cannot attach inheritance parent as partition", sqlstate="42809")
    if min(child.oid, parent.oid) > 0 and child.columns and parent.columns:
        _check_columns(child, parent, major)
        _check_checks(child, parent)
        _check_identity(child, major)


def _check_identity(child: Relation, major: int) -> None:
    """From 17 on an identity belongs to the whole tree of partitions."""
    own = next((column for column in child.columns if column.identity), None)
    if major >= _SHARED_IDENTITY and own is not None:
        raise ServerWouldReject(
            f'table "{child.name}" being attached contains an identity column "{own.name}"',
            sqlstate="55000",
            remedy=f"ALTER TABLE {child.name} ALTER COLUMN {own.name} DROP IDENTITY in a statement before",
        )


def _check_columns(child: Relation, parent: Relation, major: int) -> None:
    """The partition has just these columns, of these types, NOT NULL too (MergeAttributesIntoExisting)."""
    mismatch = "42804"
    for column in parent.columns:
        own = child.column(column.name)
        if own is None:
            raise ServerWouldReject(f'child table is missing column "{column.name}"', sqlstate=mismatch)
        if own.is_new or column.is_new:
            continue
        if (own.type, own.typmod) != (column.type, column.typmod):
            raise ServerWouldReject(
                f'child table "{child.name}" has different type for column "{column.name}"', sqlstate=mismatch
            )
        if own.collation != column.collation:
            raise ServerWouldReject(
                f'child table "{child.name}" has different collation for column "{column.name}"', sqlstate="42P21"
            )
        if bool(own.generated) != bool(column.generated) and (column.generated or major >= _NO_GENERATED):
            must = "must" if column.generated else "must not"
            raise ServerWouldReject(
                f'column "{column.name}" in child table {must} be a generated column', sqlstate=mismatch
            )
        if column.is_not_null and not own.is_not_null:
            raise ServerWouldReject(
                f'column "{column.name}" in child table "{child.name}" must be marked NOT NULL',
                sqlstate=mismatch,
                remedy=f"ALTER TABLE {child.name} ALTER COLUMN {column.name} SET NOT NULL in a statement before",
            )
    for column in child.columns:
        if parent.column(column.name) is None:
            raise ServerWouldReject(
                f'table "{child.name}" contains column "{column.name}" not found in parent "{parent.name}"',
                sqlstate=mismatch,
            )


def _check_checks(child: Relation, parent: Relation) -> None:
    """MergeConstraintsIntoExisting: each check of the table is there by its name."""
    for check in parent.constraints:
        if check.kind == "c" and not check.no_inherit and child.constraint(check.name) is None:
            raise ServerWouldReject(
                f'child table is missing constraint "{check.name}"',
                sqlstate="42804",
                remedy=f"add {check.name} to {child.name} first, NOT VALID, and VALIDATE it",
            )


def key_names(table: Relation) -> tuple[str, ...]:
    """The partition key's columns by name; an expression has none."""
    found = (table.column_number(number) for number in table.partition_keys)
    return tuple(column.name if column else "" for column in found)


def check_unique_key(tables: Iterable[Relation], names: Iterable[str | None]) -> None:
    """A unique index of a partitioned table must hold the whole key: the server looks at one partition only."""
    columns = set(names)
    for table in tables:
        if table.kind != "p":
            continue
        if 0 in table.partition_keys:
            raise ServerWouldReject(
                f'unsupported unique constraint with partition key definition: "{table.name}" is partitioned by an '
                "expression",
                sqlstate="0A000",
                remedy="create a unique index on each partition, or partition by plain columns",
            )
        missing = [name for name in key_names(table) if name not in columns]
        if missing:
            raise ServerWouldReject(
                "unique constraint on partitioned table must include all partitioning columns: "
                f'"{table.name}" is partitioned by "{missing[0]}" too',
                sqlstate="0A000",
                remedy=f"add {missing[0]} to its columns, or create a unique index on each partition",
            )
