"""Constraints that are there: validated, altered, dropped.

Source: PostgreSQL 18 `tablecmds.c` (ATExecValidateConstraint, ATExecAlterConstraint, dropconstraint_internal,
ATCheckPartitionsNotInUse).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from gate.model.actions import NamedPart, Part
from gate.model.catalog import Constraint, Ref, Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.alter_table import At, PartRule, always
from gate.rules.dependents import CONSTRAINT
from gate.rules.doomed import doom, doomed_touches, without_doomed
from gate.rules.foreign_keys import enforcement_touches, validation_touches
from gate.rules.lookup import direct_children, family, locks
from gate.rules.not_nulls import apply_drop_not_null, set_not_null

AE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE


def _named(part: Part, table: Relation) -> Constraint:
    name = cast(NamedPart, part).name or ""
    constraint = table.constraint(name)
    if constraint is None:
        raise ServerWouldReject(f'constraint "{name}" of relation "{table.name}" does not exist', sqlstate="42704")
    return constraint


def _validate(part: Part, at: At) -> Iterator[Touch]:
    constraint = _named(part, at.table)
    if constraint.kind not in "cfn":
        raise ServerWouldReject(
            f'constraint "{constraint.name}" is not a foreign key or check constraint', sqlstate="42809"
        )
    if not constraint.is_enforced:
        raise ServerWouldReject("cannot validate a constraint that is not enforced", sqlstate="42809")
    if constraint.is_valid:
        return
    scan = frozenset({Work.VALIDATION_SCAN})
    if constraint.kind == "f":
        yield from validation_touches(constraint, at, scan)
        return
    for table in (at.table,) if constraint.no_inherit else at.targets:
        yield Touch(table.oid, at.lock, scan if table.has_storage else frozenset())


def _apply_validate(part: Part, at: At) -> Snapshot:
    name = cast(NamedPart, part).name

    def valid(table: Relation) -> Relation:
        found = table.constraint(name or "")
        table = replace(
            table,
            constraints=tuple(
                replace(item, is_valid=True) if item.name == name else item for item in table.constraints
            ),
        )
        if found is not None and found.kind == "n":
            names = [item.name for item in table.columns if item.number in found.columns]
            return set_not_null(table, names)
        return table

    return at.world.put(*(valid(table) for table in at.targets))


def _alter(part: Part, at: At) -> Iterator[Touch]:
    constraint = _named(part, at.table)
    named = cast(NamedPart, part)
    if constraint.kind == "n":
        yield from (Touch(table.oid, at.lock) for table in at.targets)
    elif constraint.kind == "f" and at.table.kind == "p" and "enforceability" not in named.options:
        yield from locks(family(at.world, at.table), at.lock)
    elif constraint.kind != "f":
        raise ServerWouldReject(f'constraint "{constraint.name}" is not a foreign key constraint', sqlstate="42809")
    else:
        yield from enforcement_touches(constraint, named, at)


def _drop(part: Part, at: At) -> Iterator[Touch]:
    named = cast(NamedPart, part)
    constraint = at.table.constraint(named.name or "")
    if constraint is None:
        if named.missing_ok:
            return
        constraint = _named(part, at.table)
    if not constraint.is_local and constraint.inherit_count:
        raise ServerWouldReject(f'cannot drop inherited constraint "{constraint.name}"', sqlstate="42P16")
    doomed = doom(at.world, [Ref(CONSTRAINT, constraint.oid)], cascade=named.cascade)
    yield from doomed_touches(at.world, doomed)
    yield from locks(_dropped_from(constraint, at), at.lock)


def _dropped_from(constraint: Constraint, at: At) -> tuple[Relation, ...]:
    """ATCheckPartitionsNotInUse locks every partition; an inherited one changes its count one level down at least."""
    if at.table.kind == "p":
        return family(at.world, at.table)
    if constraint.kind in "cn" and not constraint.no_inherit:
        return at.targets if at.recurses else direct_children(at.world, at.table)
    return ()


def _apply_drop(part: Part, at: At) -> Snapshot:
    named = cast(NamedPart, part)
    constraint = at.table.constraint(named.name or "")
    if constraint is None:
        return at.world
    roots = [Ref(CONSTRAINT, constraint.oid)]
    if constraint.kind in "cn":
        roots += [
            Ref(CONSTRAINT, item.oid)
            for table in at.targets
            for item in table.constraints
            if item.name == constraint.name and item.inherit_count
        ]
    world = without_doomed(at.world, doom(at.world, roots, cascade=named.cascade))
    if constraint.kind == "n":
        return apply_drop_not_null(
            NamedPart(_column_name(at.table, constraint), what="DropNotNull"),
            replace(at, world=world, table=world.relations[at.table.oid]),
        )
    return world


def _column_name(table: Relation, constraint: Constraint) -> str:
    column = table.column_number(constraint.columns[0]) if constraint.columns else None
    return column.name if column else ""


PARTS = {
    "ValidateConstraint": PartRule(always(SUE), _validate, _apply_validate, kinds="rpf"),
    "AlterConstraint": PartRule(always(AE), _alter, None),
    "DropConstraint": PartRule(always(AE), _drop, _apply_drop, order=0, kinds="rpf"),
}

_DOC = "https://www.postgresql.org/docs/18/sql-altertable.html"
_SCAN = frozenset({Work.VALIDATION_SCAN})
_REFERENCED = (
    "CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r SELECT g FROM generate_series(1, 10) g; "
    "CREATE TABLE t (a int, b int); INSERT INTO t SELECT g, g FROM generate_series(1, 10) g"
)

FACTS = (
    Fact(
        form="VALIDATE CONSTRAINT of a foreign key",
        source=_DOC,
        proof=Proof(
            setup=_REFERENCED + "; ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES r NOT VALID",
            statement="ALTER TABLE t VALIDATE CONSTRAINT f",
            expects=(
                Expect(relation="public.t", lock=SUE, work=_SCAN),
                Expect(relation="public.r", lock=LockMode.ROW_SHARE, work=_SCAN),
            ),
        ),
    ),
    Fact(
        form="DROP CONSTRAINT of a foreign key",
        source=_DOC,
        proof=Proof(
            setup=_REFERENCED + "; ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES r",
            statement="ALTER TABLE t DROP CONSTRAINT f",
            expects=(Expect(relation="public.t", lock=AE), Expect(relation="public.r", lock=AE)),
        ),
    ),
)
