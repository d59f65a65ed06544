"""Constraints: added, validated, altered, dropped; NOT NULL in all its forms.

Source: PostgreSQL 18 `tablecmds.c` (ATExecAddConstraint, ATAddForeignKeyConstraint, ATExecValidateConstraint,
ATExecSetNotNull, NotNullImpliedByRelConstraints, dropconstraint_internal); the page "ALTER TABLE".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from gate.model.actions import AddConstraint, ConstraintSpec, Part
from gate.model.catalog import Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof, Versions
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.alter_table import At, PartRule
from gate.rules.fit_for_partition import check_unique_key
from gate.rules.foreign_keys import foreign_key_touches
from gate.rules.lookup import direct_children, family, locks, maybe_index
from gate.rules.making import with_constraint
from gate.rules.not_nulls import not_null_touches
from gate.rules.proven import column_named

AE, SRE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE


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
    if spec.index is not None and at.table.kind == "p":
        raise ServerWouldReject(
            "ALTER TABLE / ADD CONSTRAINT USING INDEX is not supported on partitioned tables",
            sqlstate="0A000",
            remedy="add the constraint ON ONLY the table, on each partition USING INDEX, and attach their indexes",
        )
    if spec.kind in "pu":
        check_unique_key(family(at.world, at.table) if at.recurses else (at.table,), spec.columns)
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


PARTS = {
    AddConstraint: PartRule(_add_lock, _add, _apply_add, order=9, kinds="rpf"),
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
    Fact(
        form="ADD CONSTRAINT ... FOREIGN KEY of a partitioned table, the partition has it",
        source=_DOC,
        proof=Proof(
            setup=f"{_REFERENCED}; {_PARTITIONED}; ALTER TABLE p1 ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES r",
            statement="ALTER TABLE p ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES r",
            expects=(
                Expect(relation="public.p", lock=SRE),
                Expect(relation="public.p1", lock=SRE),
                Expect(relation="public.r", lock=AE),
            ),
        ),
    ),
)
