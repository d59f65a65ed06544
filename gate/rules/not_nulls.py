"""SET and DROP NOT NULL, and what a key makes NOT NULL.

Source: PostgreSQL 18 `tablecmds.c` (ATExecSetNotNull, ATExecDropNotNull, set_attnotnull).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gate.model.actions import Part
from gate.model.catalog import Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.alter_table import At, PartRule, always
from gate.rules.lookup import direct_children, locks
from gate.rules.proven import column_named, needs_null_scan

AE = LockMode.ACCESS_EXCLUSIVE


def not_null_touches(name: str, at: At, *, validates: bool = True, inherits: bool = True) -> Iterator[Touch]:
    """SET NOT NULL on the table and its children; a proven or present one reads nothing."""
    if column_named(at.table, name).is_not_null and not _has_invalid_not_null(at.table, name):
        return
    for table in at.targets if inherits else (at.table,):
        column = table.column(name)
        scans = validates and column is not None and needs_null_scan(table, column)
        yield Touch(table.oid, at.lock, frozenset({Work.VALIDATION_SCAN}) if scans else frozenset())


def _has_invalid_not_null(table: Relation, name: str) -> bool:
    column = table.column(name)
    return column is not None and any(
        item.kind == "n" and not item.is_valid and column.number in item.columns for item in table.constraints
    )


def set_not_null(table: Relation, names: Iterable[str], *, valid: bool = True) -> Relation:
    """The relation with these columns NOT NULL."""
    wanted = set(names) if valid else set()
    return replace(
        table, columns=tuple(replace(item, is_not_null=True) if item.name in wanted else item for item in table.columns)
    )


def _set_not_null(part: Part, at: At) -> Iterator[Touch]:
    yield from not_null_touches(part.column, at)


def _apply_set_not_null(part: Part, at: At) -> Snapshot:
    return at.world.put(*(set_not_null(table, (part.column,)) for table in at.targets))


def _drop_not_null(part: Part, at: At) -> Iterator[Touch]:
    column = column_named(at.table, part.column)
    if at.world.server.major >= 18 and not column.is_not_null:
        return
    key = at.table.primary_key
    if key is not None and column.number in key.columns:
        raise ServerWouldReject(f'column "{column.name}" is in a primary key', sqlstate="42P16")
    if column.identity:
        raise ServerWouldReject(
            f'column "{column.name}" of relation "{at.table.name}" is an identity column', sqlstate="42601"
        )
    tables = (
        at.targets
        if at.recurses
        else (at.table, *direct_children(at.world, at.table))
        if at.world.server.major >= 18
        else (at.table,)
    )
    yield from locks(tables, at.lock)


def apply_drop_not_null(part: Part, at: At) -> Snapshot:
    def without(table: Relation) -> Relation:
        number = next((item.number for item in table.columns if item.name == part.column), 0)
        return replace(
            table,
            columns=tuple(
                replace(item, is_not_null=False) if item.name == part.column else item for item in table.columns
            ),
            constraints=tuple(item for item in table.constraints if not (item.kind == "n" and number in item.columns)),
        )

    return at.world.put(*(without(table) for table in at.targets))


PARTS = {
    "SetNotNull": PartRule(always(AE), _set_not_null, _apply_set_not_null, order=7, kinds="rpf"),
    "DropNotNull": PartRule(always(AE), _drop_not_null, apply_drop_not_null, order=0, kinds="rpf"),
}
