"""Constraints: added, validated, altered, dropped; NOT NULL in all its forms.

Source: PostgreSQL 18 `tablecmds.c` (ATExecAddConstraint, ATAddForeignKeyConstraint, ATExecValidateConstraint,
ATExecSetNotNull, NotNullImpliedByRelConstraints, dropconstraint_internal); the page "ALTER TABLE".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import cast

from gate.model.actions import AddConstraint, ConstraintSpec, NamedPart, Part
from gate.model.catalog import Column, Constraint, Index, IndexKey, Ref, Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.expressions import Expression, NotNullOf
from gate.model.facts import Expect, Fact, Proof, Versions
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.alter_table import At, PartRule, always
from gate.rules.doomed import CONSTRAINT, doom, doomed_touches, without_doomed
from gate.rules.lookup import ancestors, direct_children, family, locks, maybe_index, relation

AE, SRE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE


# --- what is proven ---------------------------------------------------------------------------------------------------


def expression_of(constraint: Constraint) -> Expression | None:
    """A check's expression, read; None where its text is unknown or not in this grammar."""
    from gate.sql.terms import expression_of_text
    from gate.sql.tree import DoesNotParse

    if constraint.expression is None:
        return None
    try:
        return expression_of_text(constraint.expression)
    except DoesNotParse:
        return None


def proves_not_null(table: Relation, column: str) -> bool:
    """Whether a valid check of the table makes the scan of SET NOT NULL needless."""
    for constraint in table.constraints:
        if constraint.kind == "c" and constraint.is_valid and constraint.is_enforced:
            expression = expression_of(constraint)
            if expression is not None and NotNullOf(column) in expression.conjuncts:
                return True
    return False


def needs_null_scan(table: Relation, column: Column) -> bool:
    """Whether making the column NOT NULL reads the table."""
    return table.has_storage and not column.is_not_null and not proves_not_null(table, column.name)


def column_named(table: Relation, name: str) -> Column:
    """The column, or the server's 42703."""
    column = table.column(name)
    if column is None:
        raise ServerWouldReject(f'column "{name}" of relation "{table.name}" does not exist', sqlstate="42703")
    return column


# --- adding -----------------------------------------------------------------------------------------------------------


def _add_lock(part: Part, at: At) -> LockMode:
    del at
    return SRE if cast(AddConstraint, part).spec.kind == "f" else AE


def _add(part: Part, at: At) -> Iterator[Touch]:
    spec = cast(AddConstraint, part).spec
    known = at.table.constraint(spec.name) if spec.name else None
    if known is not None and spec.kind != "n" and not (spec.kind == known.kind == "c" and not known.is_local):
        raise ServerWouldReject(f'constraint "{spec.name}" for relation "{at.table.name}" already exists', sqlstate="42710")
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
    if spec.no_inherit and at.world.server.major >= 18:
        yield from locks(at.targets, at.lock)


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
    return column is not None and any(item.kind == "n" and not item.is_valid and column.number in item.columns for item in table.constraints)


def foreign_key_touches(spec: ConstraintSpec, at: At, *, validates: bool) -> Iterator[Touch]:
    """Both tables, and the partitions of both, SHARE ROW EXCLUSIVE; both are read to validate."""
    assert spec.referenced is not None
    referenced = relation(at.world, spec.referenced)
    _check_referenced(spec, referenced)
    work = frozenset({Work.VALIDATION_SCAN}) if validates and spec.is_enforced else frozenset()
    referencing = family(at.world, at.table) if at.table.kind == "p" else (at.table,)
    for table in referencing:
        yield Touch(table.oid, max(at.lock, SRE), work if table.has_storage else frozenset())
    for table in family(at.world, referenced) if referenced.kind == "p" else (referenced,):
        yield Touch(table.oid, SRE, work if table.has_storage else frozenset())
    if work and referenced.kind == "p":
        # The query that validates is planned with the referenced table's own partition constraint.
        yield from locks(ancestors(at.world, referenced), LockMode.ACCESS_SHARE)
    if any(_has_like(spec, referenced, table) for table in referencing if table.is_partition):
        # A partition's own like constraint is taken over; its triggers on the referenced table go.
        yield Touch(referenced.oid, AE)


def _has_like(spec: ConstraintSpec, referenced: Relation, table: Relation) -> bool:
    numbers = tuple(column.number for column in (table.column(name) for name in spec.columns) if column)
    return any(item.kind == "f" and not item.parent and (item.referenced, item.columns) == (referenced.oid, numbers) for item in table.constraints)


def _check_referenced(spec: ConstraintSpec, referenced: Relation) -> None:
    if referenced.kind not in "rp":
        raise ServerWouldReject(f'referenced relation "{referenced.name}" is not a table', sqlstate="42809")
    if not spec.referenced_columns:
        if referenced.primary_key is None:
            raise ServerWouldReject(f'there is no primary key for referenced table "{referenced.name}"', sqlstate="42704")
        return
    numbers = sorted(column_named(referenced, name).number for name in spec.referenced_columns)
    if not any(sorted(key.column for key in index.keys) == numbers and index.is_unique and not index.has_predicate for index in referenced.indexes):
        raise ServerWouldReject(
            f'there is no unique constraint matching given keys for referenced table "{referenced.name}"',
            sqlstate="42830",
            remedy="create a unique index or constraint on the referenced columns first",
        )


def index_constraint_touches(spec: ConstraintSpec, at: At) -> Iterator[Touch]:
    """UNIQUE, PRIMARY KEY, EXCLUDE: an index is built, or adopted by USING INDEX; a key makes its columns NOT NULL."""
    names = spec.columns
    if spec.index is not None:
        names = _columns_of_index(spec.index, at)
    else:
        yield from _builds(spec, at)
    if spec.kind == "p":
        if at.table.primary_key is not None:
            raise ServerWouldReject(f'multiple primary keys for table "{at.table.name}" are not allowed', sqlstate="42P16")
        for name in names:
            yield from not_null_touches(name, at)


def _builds(spec: ConstraintSpec, at: At) -> Iterator[Touch]:
    yield Touch(at.table.oid, at.lock, frozenset({Work.INDEX_BUILD}) if at.table.has_storage else frozenset())
    if at.table.kind != "p":
        return
    if not at.recurses and at.table.children and spec.kind == "p" and at.world.server.major < 18:
        return
    for table in family(at.world, at.table)[1:] if at.recurses else ():
        builds = table.has_storage and not _has_like_index(spec, table)
        yield Touch(table.oid, LockMode.SHARE, frozenset({Work.INDEX_BUILD}) if builds else frozenset())


def _has_like_index(spec: ConstraintSpec, table: Relation) -> bool:
    """Whether the partition brings the constraint already, so that its index is only attached."""
    numbers = [column.number for column in (table.column(name) for name in spec.columns) if column]
    like = [item for item in table.constraints if item.kind == spec.kind and list(item.columns) == numbers]
    return any(index.oid == item.index and index.is_valid and not index.parent for item in like for index in table.indexes)


def _columns_of_index(name: str, at: At) -> tuple[str, ...]:
    oid = maybe_index(at.world, Name(name, at.table.schema))
    index = next((item for item in at.table.indexes if item.oid == oid), None)
    if index is None:
        raise ServerWouldReject(f'index "{name}" does not exist on "{at.table.name}"', sqlstate="42704")
    if not index.is_valid:
        raise ServerWouldReject(f'index "{name}" is not valid', sqlstate="55000", remedy=f"REINDEX INDEX CONCURRENTLY {name}")
    if index.constraint:
        raise ServerWouldReject(f'index "{name}" is already associated with a constraint', sqlstate="55000")
    found = (at.table.column_number(key.column) for key in index.keys)
    return tuple(column.name for column in found if column is not None)


def _apply_add(part: Part, at: At) -> Snapshot:
    return with_constraint(cast(AddConstraint, part).spec, at)


def with_constraint(spec: ConstraintSpec, at: At) -> Snapshot:
    """The catalog with the constraint on the table, and on its children where it is inherited."""
    world = at.world
    recurses = (spec.kind in "cn" and not spec.no_inherit) or at.table.kind == "p"
    for table in at.targets if recurses else (at.table,):
        world = _with_one(spec, table.oid, world)
    return world


def _with_one(spec: ConstraintSpec, oid: int, world: Snapshot) -> Snapshot:
    table = world.relations[oid]
    number, world = world.fresh_oid()
    name = spec.name or constraint_name(spec, table)
    found = [table.column(column) for column in spec.columns]
    columns = tuple(column.number for column in found if column is not None)
    index, world, table = _its_index(spec, table, world, name, number, columns)
    referenced = relation(world, spec.referenced) if spec.referenced else None
    constraint = Constraint(
        oid=number,
        name=name,
        relation=oid,
        kind=spec.kind,
        columns=columns,
        is_valid=spec.is_valid,
        is_enforced=spec.is_enforced,
        is_deferrable=spec.is_deferrable,
        no_inherit=spec.no_inherit,
        expression=spec.expression.text if spec.expression else None,
        index=index or (_key_index(referenced, spec) if referenced else 0),
        referenced=referenced.oid if referenced else 0,
        referenced_columns=_key_columns(referenced, spec) if referenced else (),
        on_delete=spec.on_delete,
        on_update=spec.on_update,
    )
    table = replace(table, constraints=(*table.constraints, constraint))
    if spec.kind in "np":
        table = set_not_null(table, tuple(spec.columns) if spec.index is None else _names_of(table, index), valid=spec.is_valid)
    world = world.put(table)
    if referenced is not None:
        referenced = world.relations[referenced.oid]
        world = world.put(replace(referenced, referenced_by=(*referenced.referenced_by, (oid, number))))
    return world


def _names_of(table: Relation, index: int) -> tuple[str, ...]:
    keys = next((item.keys for item in table.indexes if item.oid == index), ())
    found = (table.column_number(key.column) for key in keys)
    return tuple(column.name for column in found if column)


def _key_columns(referenced: Relation, spec: ConstraintSpec) -> tuple[int, ...]:
    if spec.referenced_columns:
        found = (referenced.column(name) for name in spec.referenced_columns)
        return tuple(column.number for column in found if column)
    return referenced.primary_key.columns if referenced.primary_key else ()


def _key_index(referenced: Relation, spec: ConstraintSpec) -> int:
    columns = sorted(_key_columns(referenced, spec))
    return next((item.oid for item in referenced.indexes if item.is_unique and sorted(key.column for key in item.keys) == columns), 0)


def constraint_name(spec: ConstraintSpec, table: Relation) -> str:
    """The name that the server gives (`ChooseConstraintName`), without its numbering of duplicates."""
    if spec.kind == "p":
        return f"{table.name}_pkey"
    suffix = {"c": "check", "f": "fkey", "u": "key", "x": "excl", "n": "not_null"}[spec.kind]
    columns = spec.columns
    if spec.kind == "c" and not columns and spec.expression is not None:
        columns = tuple(dict.fromkeys(spec.expression.columns)) if len(set(spec.expression.columns)) == 1 else ()
    base = "_".join((table.name, *columns, suffix))
    taken = {item.name for item in table.constraints}
    return next(name for name in (base, *(f"{base}{number}" for number in range(1, 10_000))) if name not in taken)


def _its_index(
    spec: ConstraintSpec, table: Relation, world: Snapshot, name: str, constraint: int, columns: tuple[int, ...]
) -> tuple[int, Snapshot, Relation]:
    if spec.kind not in "pux":
        return 0, world, table
    if spec.index is not None:
        return _adopted(spec, table, world, name, constraint)
    oid, world = world.fresh_oid()
    index = Index(
        oid=oid,
        schema=table.schema,
        name=name,
        relation=table.oid,
        method=spec.method,
        keys=tuple(IndexKey(column=number) for number in columns),
        columns=columns,
        is_unique=spec.kind in "pu",
        is_primary=spec.kind == "p",
        is_exclusion=spec.kind == "x",
        has_expressions=spec.has_expressions,
        constraint=constraint,
    )
    return oid, world, replace(table, indexes=(*table.indexes, index))


def _adopted(spec: ConstraintSpec, table: Relation, world: Snapshot, name: str, constraint: int) -> tuple[int, Snapshot, Relation]:
    found = next((item for item in table.indexes if item.name == spec.index), None)
    if found is None:
        return 0, world, table
    index = replace(found, constraint=constraint, is_primary=spec.kind == "p", name=name)
    return found.oid, world, replace(table, indexes=tuple(index if item.oid == found.oid else item for item in table.indexes))


def set_not_null(table: Relation, names: Iterable[str], *, valid: bool = True) -> Relation:
    """The relation with these columns NOT NULL."""
    wanted = set(names) if valid else set()
    return replace(table, columns=tuple(replace(item, is_not_null=True) if item.name in wanted else item for item in table.columns))


# --- SET and DROP NOT NULL --------------------------------------------------------------------------------------------


def _set_not_null(part: Part, at: At) -> Iterator[Touch]:
    if at.table.column(part.column) is not None and at.table.column(part.column).is_not_null:  # type: ignore[union-attr]
        if at.world.server.major < 18 or not _has_invalid_not_null(at.table, part.column):
            return
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
        raise ServerWouldReject(f'column "{column.name}" of relation "{at.table.name}" is an identity column', sqlstate="42601")
    tables = at.targets if at.recurses else (at.table, *direct_children(at.world, at.table)) if at.world.server.major >= 18 else (at.table,)
    yield from locks(tables, at.lock)


def _apply_drop_not_null(part: Part, at: At) -> Snapshot:
    def without(table: Relation) -> Relation:
        number = next((item.number for item in table.columns if item.name == part.column), 0)
        return replace(
            table,
            columns=tuple(replace(item, is_not_null=False) if item.name == part.column else item for item in table.columns),
            constraints=tuple(item for item in table.constraints if not (item.kind == "n" and number in item.columns)),
        )

    return at.world.put(*(without(table) for table in at.targets))


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
        raise ServerWouldReject(f'constraint "{constraint.name}" is not a foreign key or check constraint', sqlstate="42809")
    if not constraint.is_enforced:
        raise ServerWouldReject("cannot validate a constraint that is not enforced", sqlstate="42809")
    if constraint.is_valid:
        return
    scan = frozenset({Work.VALIDATION_SCAN})
    if constraint.kind == "f":
        yield from _validate_foreign_key(constraint, at, scan)
        return
    for table in (at.table,) if constraint.no_inherit else at.targets:
        yield Touch(table.oid, at.lock, scan if table.has_storage else frozenset())


def _validate_foreign_key(constraint: Constraint, at: At, scan: frozenset[Work]) -> Iterator[Touch]:
    for table in family(at.world, at.table) if at.table.kind == "p" else (at.table,):
        yield Touch(table.oid, at.lock, scan if table.has_storage else frozenset())
    referenced = at.world.relations.get(constraint.referenced)
    for table in family(at.world, referenced) if referenced else ():
        top = table is referenced
        yield Touch(table.oid, LockMode.ROW_SHARE if top else LockMode.ACCESS_SHARE, scan if table.has_storage else frozenset())


def _apply_validate(part: Part, at: At) -> Snapshot:
    name = cast(NamedPart, part).name

    def valid(table: Relation) -> Relation:
        found = table.constraint(name or "")
        table = replace(table, constraints=tuple(replace(item, is_valid=True) if item.name == name else item for item in table.constraints))
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
        yield from _alter_foreign_key(constraint, named, at)


def _alter_foreign_key(constraint: Constraint, part: NamedPart, at: At) -> Iterator[Touch]:
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
    """ATCheckPartitionsNotInUse locks every partition; an inherited constraint changes its count one level down at least."""
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
        roots += [Ref(CONSTRAINT, item.oid) for table in at.targets for item in table.constraints if item.name == constraint.name and item.inherit_count]
    world = without_doomed(at.world, doom(at.world, roots, cascade=named.cascade))
    if constraint.kind == "n":
        return _apply_drop_not_null(NamedPart(_column_name(at.table, constraint), what="DropNotNull"), replace(at, world=world, table=world.relations[at.table.oid]))
    return world


def _column_name(table: Relation, constraint: Constraint) -> str:
    column = table.column_number(constraint.columns[0]) if constraint.columns else None
    return column.name if column else ""


PARTS = {
    AddConstraint: PartRule(_add_lock, _add, _apply_add, order=9),
    "SetNotNull": PartRule(always(AE), _set_not_null, _apply_set_not_null, order=7),
    "DropNotNull": PartRule(always(AE), _drop_not_null, _apply_drop_not_null, order=0),
    "ValidateConstraint": PartRule(always(SUE), _validate, _apply_validate),
    "AlterConstraint": PartRule(always(AE), _alter, None),
    "DropConstraint": PartRule(always(AE), _drop, _apply_drop, order=0),
}

_DOC = "https://www.postgresql.org/docs/18/sql-altertable.html"
_SCAN = frozenset({Work.VALIDATION_SCAN})
_SETUP = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT g, g FROM generate_series(1, 10) g"
_REFERENCED = "CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r SELECT g FROM generate_series(1, 10) g; " + _SETUP

FACTS = (
    Fact(
        form="ADD CONSTRAINT ... CHECK",
        source=_DOC,
        proof=Proof(setup=_SETUP, statement="ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", expects=(Expect(relation="public.t", lock=AE, work=_SCAN),)),
    ),
    Fact(
        form="ADD CONSTRAINT ... CHECK ... NOT VALID",
        source=_DOC,
        proof=Proof(setup=_SETUP, statement="ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", expects=(Expect(relation="public.t", lock=AE),)),
    ),
    Fact(
        form="SET NOT NULL",
        source=_DOC,
        proof=Proof(setup=_SETUP, statement="ALTER TABLE t ALTER COLUMN a SET NOT NULL", expects=(Expect(relation="public.t", lock=AE, work=_SCAN),)),
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
            expects=(Expect(relation="public.t", lock=SRE, work=_SCAN), Expect(relation="public.r", lock=SRE, work=_SCAN)),
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
            expects=(Expect(relation="public.t", lock=SUE, work=_SCAN), Expect(relation="public.r", lock=LockMode.ROW_SHARE, work=_SCAN)),
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
        form="ADD CONSTRAINT ... NOT NULL ... NOT VALID",
        source=_DOC,
        versions=Versions(since=18),
        proof=Proof(setup=_SETUP, statement="ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID", expects=(Expect(relation="public.t", lock=AE),)),
    ),
)

