"""Constraints: added, validated, altered, dropped; NOT NULL in all its forms.

Source: PostgreSQL 18 `tablecmds.c` (ATExecAddConstraint, ATAddForeignKeyConstraint, ATExecValidateConstraint,
ATExecSetNotNull, NotNullImpliedByRelConstraints, dropconstraint_internal); the page "ALTER TABLE".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from gate.model.actions import AddConstraint, ConstraintSpec, NamedPart, Part
from gate.model.catalog import Constraint, Ref, Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof, Versions
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.alter_table import At, PartRule, always
from gate.rules.dependents import CONSTRAINT
from gate.rules.doomed import doom, doomed_touches, without_doomed
from gate.rules.foreign_keys import enforcement_touches, foreign_key_touches, validation_touches
from gate.rules.lookup import direct_children, family, locks, maybe_index
from gate.rules.making import with_constraint
from gate.rules.not_nulls import apply_drop_not_null, not_null_touches, set_not_null
from gate.rules.proven import column_named

AE, SRE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE


# --- adding -----------------------------------------------------------------------------------------------------------


def _add_lock(part: Part, at: At) -> LockMode:
    del at
    return SRE if cast(AddConstraint, part).spec.kind == "f" else AE


def _add(part: Part, at: At) -> Iterator[Touch]:
    spec = cast(AddConstraint, part).spec
    known = at.table.constraint(spec.name) if spec.name else None
    if known is not None and spec.kind != "n" and not (spec.kind == known.kind == "c" and not known.is_local):
        raise ServerWouldReject(
            f'constraint "{spec.name}" for relation "{at.table.name}" already exists', sqlstate="42710"
        )
    if at.world.server.major >= 18 and at.recurses:
        # ATPrepAddPrimaryKey and its like look at the children of every kind of constraint.
        yield from locks(at.targets, at.lock)
    yield from constraint_touches(spec, at)


def constraint_touches(spec: ConstraintSpec, at: At, *, skips_validation: bool = False) -> Iterator[Touch]:
    """What adding the constraint to an existing table does, under the statement's lock."""
    _check_columns(spec, at.table)
    match spec.kind:
        case "c":
            yield from _check_touches(spec, at)
        case "n":
            yield from not_null_touches(spec.columns[0], at, validates=spec.is_valid, inherits=not spec.no_inherit)
        case "f":
            yield from foreign_key_touches(spec, at, validates=spec.is_valid and not skips_validation)
        case _:
            yield from index_constraint_touches(spec, at)


def _check_columns(spec: ConstraintSpec, table: Relation) -> None:
    names = [name for name in spec.columns if name]
    if spec.kind == "c":
        assert spec.expression is not None
        names = [name for name in spec.expression.columns if name not in _WHOLE_ROW and name != table.name]
    if spec.index is None and not (spec.expression and spec.expression.relations):
        for name in names:
            column_named(table, name)


# System columns may stand in an expression, and so may the row itself.
_WHOLE_ROW = frozenset({"tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"})


def _check_touches(spec: ConstraintSpec, at: At) -> Iterator[Touch]:
    tables = (at.table,) if spec.no_inherit else at.targets
    for table in tables:
        scans = spec.is_valid and table.has_storage
        yield Touch(table.oid, at.lock, frozenset({Work.VALIDATION_SCAN}) if scans else frozenset())


def index_constraint_touches(spec: ConstraintSpec, at: At) -> Iterator[Touch]:
    """UNIQUE, PRIMARY KEY, EXCLUDE: an index is built, or adopted by USING INDEX; a key makes its columns NOT NULL."""
    names = spec.columns
    if spec.index is not None:
        names = _columns_of_index(spec.index, at)
    else:
        yield from _builds(spec, at)
    if spec.kind == "p":
        if at.table.primary_key is not None:
            raise ServerWouldReject(
                f'multiple primary keys for table "{at.table.name}" are not allowed', sqlstate="42P16"
            )
        for name in names:
            yield from not_null_touches(name, at)
            if not at.recurses and not column_named(at.table, name).is_not_null:
                # Under ONLY each child must have it already, and is looked at.
                yield from locks(direct_children(at.world, at.table), at.lock)


def _builds(spec: ConstraintSpec, at: At) -> Iterator[Touch]:
    yield Touch(at.table.oid, at.lock, frozenset({Work.INDEX_BUILD}) if at.table.has_storage else frozenset())
    if at.table.kind != "p":
        return
    if not at.recurses and at.table.children and spec.kind == "p" and at.world.server.major < 18:
        return
    for table in family(at.world, at.table)[1:] if at.recurses else ():
        builds = table.has_storage and not _has_like_index(spec, table)
        # A deferrable one needs a trigger on each partition.
        mode = SRE if spec.is_deferrable else LockMode.SHARE
        yield Touch(table.oid, mode, frozenset({Work.INDEX_BUILD}) if builds else frozenset())


def _has_like_index(spec: ConstraintSpec, table: Relation) -> bool:
    """Whether the partition brings the constraint already, so that its index is only attached."""
    numbers = [column.number for column in (table.column(name) for name in spec.columns) if column]
    like = [item for item in table.constraints if item.kind == spec.kind and list(item.columns) == numbers]
    return any(
        index.oid == item.index and index.is_valid and not index.parent for item in like for index in table.indexes
    )


def _columns_of_index(name: str, at: At) -> tuple[str, ...]:
    oid = maybe_index(at.world, Name(name, at.table.schema))
    index = next((item for item in at.table.indexes if item.oid == oid), None)
    if index is None:
        raise ServerWouldReject(f'index "{name}" does not exist on "{at.table.name}"', sqlstate="42704")
    if not index.is_valid:
        raise ServerWouldReject(
            f'index "{name}" is not valid', sqlstate="55000", remedy=f"REINDEX INDEX CONCURRENTLY {name}"
        )
    if index.constraint:
        raise ServerWouldReject(f'index "{name}" is already associated with a constraint', sqlstate="55000")
    found = (at.table.column_number(key.column) for key in index.keys)
    return tuple(column.name for column in found if column is not None)


def _apply_add(part: Part, at: At) -> Snapshot:
    return with_constraint(cast(AddConstraint, part).spec, at)


# --- VALIDATE, ALTER, DROP --------------------------------------------------------------------------------------------


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
    AddConstraint: PartRule(_add_lock, _add, _apply_add, order=9, kinds="rpf"),
    "ValidateConstraint": PartRule(always(SUE), _validate, _apply_validate, kinds="rpf"),
    "AlterConstraint": PartRule(always(AE), _alter, None),
    "DropConstraint": PartRule(always(AE), _drop, _apply_drop, order=0, kinds="rpf"),
}

_DOC = "https://www.postgresql.org/docs/18/sql-altertable.html"
_SCAN = frozenset({Work.VALIDATION_SCAN})
_SETUP = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT g, g FROM generate_series(1, 10) g"
_CHILD = "CREATE TABLE t (a int); CREATE TABLE c () INHERITS (t)"
_PARTITIONED = (
    "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); "
    "INSERT INTO p VALUES (1)"
)
_REFERENCED = "CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r SELECT g FROM generate_series(1, 10) g; " + _SETUP

FACTS = (
    Fact(
        form="ADD CONSTRAINT ... CHECK",
        source=_DOC,
        proof=Proof(
            setup=_SETUP,
            statement="ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
            expects=(Expect(relation="public.t", lock=AE, work=_SCAN),),
        ),
    ),
    Fact(
        form="ADD CONSTRAINT ... CHECK ... NOT VALID",
        source=_DOC,
        proof=Proof(
            setup=_SETUP,
            statement="ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
            expects=(Expect(relation="public.t", lock=AE),),
        ),
    ),
    Fact(
        form="SET NOT NULL",
        source=_DOC,
        proof=Proof(
            setup=_SETUP,
            statement="ALTER TABLE t ALTER COLUMN a SET NOT NULL",
            expects=(Expect(relation="public.t", lock=AE, work=_SCAN),),
        ),
    ),
    Fact(
        form="SET NOT NULL, a valid CHECK proves it",
        source=_DOC,
        proof=Proof(
            setup=_SETUP + "; ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL AND b > 0)",
            statement="ALTER TABLE t ALTER COLUMN a SET NOT NULL",
            expects=(Expect(relation="public.t", lock=AE),),
        ),
    ),
    Fact(
        form="ADD FOREIGN KEY",
        source=_DOC,
        proof=Proof(
            setup=_REFERENCED,
            statement="ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r",
            expects=(
                Expect(relation="public.t", lock=SRE, work=_SCAN),
                Expect(relation="public.r", lock=SRE, work=_SCAN),
            ),
        ),
    ),
    Fact(
        form="ADD FOREIGN KEY ... NOT VALID",
        source=_DOC,
        proof=Proof(
            setup=_REFERENCED,
            statement="ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r NOT VALID",
            expects=(Expect(relation="public.t", lock=SRE), Expect(relation="public.r", lock=SRE)),
        ),
    ),
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
    Fact(
        form="ADD UNIQUE on a partitioned table",
        source=_DOC,
        versions=Versions(until=17),
        proof=Proof(
            setup=_PARTITIONED,
            statement="ALTER TABLE p ADD UNIQUE (a)",
            expects=(
                Expect(relation="public.p", lock=AE),
                Expect(relation="public.p1", lock=LockMode.SHARE, work=frozenset({Work.INDEX_BUILD})),
            ),
        ),
    ),
    Fact(
        form="ADD UNIQUE on a partitioned table",
        source=_DOC,
        versions=Versions(since=18),
        proof=Proof(
            setup=_PARTITIONED,
            statement="ALTER TABLE p ADD UNIQUE (a)",
            expects=(
                Expect(relation="public.p", lock=AE),
                Expect(relation="public.p1", lock=AE, work=frozenset({Work.INDEX_BUILD})),
            ),
        ),
    ),
    Fact(
        form="ADD UNIQUE ... DEFERRABLE on a partitioned table",
        source=_DOC,
        versions=Versions(until=17),
        proof=Proof(
            setup=_PARTITIONED,
            statement="ALTER TABLE p ADD UNIQUE (a) DEFERRABLE",
            expects=(
                Expect(relation="public.p", lock=AE),
                Expect(relation="public.p1", lock=SRE, work=frozenset({Work.INDEX_BUILD})),
            ),
        ),
    ),
    Fact(
        form="ADD PRIMARY KEY on ONLY a partitioned table whose column may be null",
        source=_DOC,
        proof=Proof(
            setup=_PARTITIONED + "; ALTER TABLE p1 ALTER a SET NOT NULL",
            statement="ALTER TABLE ONLY p ADD PRIMARY KEY (a)",
            expects=(Expect(relation="public.p", lock=AE), Expect(relation="public.p1", lock=AE)),
        ),
    ),
    Fact(
        form="ADD CONSTRAINT ... CHECK ... NO INHERIT, a child",
        source=_DOC,
        versions=Versions(until=17),
        proof=Proof(
            setup=_CHILD,
            statement="ALTER TABLE t ADD CHECK (a > 0) NO INHERIT NOT VALID",
            expects=(Expect(relation="public.t", lock=AE),),
        ),
    ),
    Fact(
        form="ADD CONSTRAINT ... CHECK ... NO INHERIT, a child",
        source=_DOC,
        versions=Versions(since=18),
        proof=Proof(
            setup=_CHILD,
            statement="ALTER TABLE t ADD CHECK (a > 0) NO INHERIT NOT VALID",
            expects=(Expect(relation="public.t", lock=AE), Expect(relation="public.c", lock=AE)),
        ),
    ),
    Fact(
        form="ADD CONSTRAINT ... NOT NULL ... NOT VALID",
        source=_DOC,
        versions=Versions(since=18),
        proof=Proof(
            setup=_SETUP,
            statement="ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID",
            expects=(Expect(relation="public.t", lock=AE),),
        ),
    ),
)
