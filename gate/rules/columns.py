"""Columns: added, dropped, their defaults, identity, expression, storage and statistics target.

Source: PostgreSQL 18 `tablecmds.c` (ATExecAddColumn, ATExecDropColumn, ATExecColumnDefault, ATExecAddIdentity, ...);
the page "ALTER TABLE", Notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from gate.model.actions import AddColumn, ColumnSpec, DropColumn, NamedPart, Part, SetDefault, SetExpression
from gate.model.catalog import Column, Ref, Relation, Sequence
from gate.model.chosen_names import sequence_name
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.alter_table import At, PartRule, always, children
from gate.rules.coercion import has_domain_constraints, shape_of
from gate.rules.constraints import constraint_touches
from gate.rules.dependents import CLASS
from gate.rules.doomed import doom, doomed_touches, without_doomed
from gate.rules.lookup import direct_children, family, locks
from gate.rules.making import with_constraint
from gate.rules.proven import column_named
from gate.rules.volatility import volatility

AE = LockMode.ACCESS_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE


# --- ADD COLUMN -------------------------------------------------------------------------------------------------------


_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})


def _add(part: Part, at: At) -> Iterator[Touch]:
    added = cast(AddColumn, part)
    spec = added.spec
    if spec.name in _SYSTEM_COLUMNS:
        raise ServerWouldReject(f'column name "{spec.name}" conflicts with a system column name', sqlstate="42701")
    if at.table.column(spec.name) is not None:
        if added.if_not_exists:
            return
        raise ServerWouldReject(f'column "{spec.name}" of relation "{at.table.name}" already exists', sqlstate="42701")
    if spec.identity and at.recurses and at.table.children and (at.table.kind != "p" or at.world.server.major < 17):
        problem = "cannot recursively add identity column to table that has child tables"
        raise ServerWouldReject(problem, sqlstate="42P16")
    work = _work_of_adding(spec, at)
    for table in _gaining(spec.name, at):
        mine = work if table.has_storage and table.column(spec.name) is None else frozenset[Work]()
        yield Touch(table.oid, at.lock, mine)
    if at.table.kind == "c":
        yield from _typed_tables(at)
        return
    yield from _inline_touches(spec, replace(at, world=_with_column(spec, at)))


def _gaining(name: str, at: At) -> Iterator[Relation]:
    """The table and its children; one that has the column already merges it, and the search ends there."""
    pending = [at.table]
    while pending:
        table = pending.pop(0)
        yield table
        if at.recurses and (table is at.table or table.column(name) is None):
            pending.extend(direct_children(at.world, table))


def _typed_tables(at: At) -> Iterator[Touch]:
    """Tables OF the composite type, and what inherits from them, follow it under CASCADE."""
    for table in at.world.relations.values():
        if table.of_type and table.of_type == at.table.row_type:
            yield from locks(family(at.world, table), at.lock)


def _work_of_adding(spec: ColumnSpec, at: At) -> frozenset[Work]:
    """Rewrite for a value that differs by row, a scan for a NOT NULL that nothing fills, else nothing."""
    if spec.generated is not None:
        if spec.is_virtual:
            return frozenset({Work.VALIDATION_SCAN}) if spec.is_not_null else frozenset()
        return frozenset({Work.REWRITE})
    if spec.serial or spec.identity:
        return frozenset({Work.REWRITE})
    assert spec.type is not None
    kind = shape_of(spec.type, at.world).type
    if has_domain_constraints(kind, at.world):
        return frozenset({Work.REWRITE})
    default = "s" if spec.default is None and kind.has_default else None
    if spec.default is not None and not spec.default.is_null:
        default = volatility(spec.default, at.world)
    elif spec.default is None and kind.has_default:
        default = kind.default_volatility or "v"
    if default == "v":
        return frozenset({Work.REWRITE})
    if default is None and spec.is_not_null:
        return frozenset({Work.VALIDATION_SCAN})
    return frozenset()


def _inline_touches(spec: ColumnSpec, at: At) -> Iterator[Touch]:
    at = replace(at, table=at.world.relations[at.table.oid])
    has_value = spec.default is not None and not spec.default.is_null
    for constraint in spec.constraints:
        if constraint.kind == "n":
            continue
        if constraint.kind == "p":
            yield from constraint_touches(replace(constraint, kind="u"), at)
            if not (has_value or spec.serial or spec.identity):
                yield from (
                    Touch(table.oid, at.lock, frozenset({Work.VALIDATION_SCAN}) if table.has_storage else frozenset())
                    for table in at.targets
                )
        else:
            yield from constraint_touches(
                constraint, at, skips_validation=constraint.kind == "f" and not has_value and not spec.serial
            )


def _apply_add(part: Part, at: At) -> Snapshot:
    added = cast(AddColumn, part)
    if at.table.column(added.spec.name) is not None:
        return at.world
    world = _with_column(added.spec, at)
    for constraint in added.spec.constraints:
        here = replace(at, world=world, table=world.relations[at.table.oid])
        world = with_constraint(constraint, here)
    return world


def _with_column(spec: ColumnSpec, at: At) -> Snapshot:
    world = at.world
    for target in at.targets:
        table = world.relations[target.oid]
        if table.column(spec.name) is None:
            world = add_column(spec, table, world, inherited=target.oid != at.table.oid)
    return world


def add_column(spec: ColumnSpec, table: Relation, world: Snapshot, *, inherited: bool = False) -> Snapshot:
    """The catalog with the column at the table's end, and the sequence that serial or identity brings."""
    number = max((column.number for column in table.columns), default=0) + 1
    column = column_of(spec, number, world, inherited=inherited)
    world = world.put(replace(table, columns=(*table.columns, column)))
    if (spec.serial or spec.identity) and not inherited:
        world = with_sequence(world, table, column, is_identity=bool(spec.identity), written=spec.sequence)
    return world


def column_of(spec: ColumnSpec, number: int, world: Snapshot, *, inherited: bool = False) -> Column:
    """The column that the specification makes."""
    kind, typmod = 0, -1
    if spec.serial:
        kind = {2: 21, 4: 23, 8: 20}[spec.serial]
    elif spec.type is not None:
        shape = shape_of(spec.type, world)
        kind, typmod = shape.type.oid, shape.typmod
    return Column(
        number=number,
        name=spec.name,
        type=kind,
        typmod=typmod,
        collation=world.types[kind].collation if kind in world.types else 0,
        is_not_null=spec.is_not_null or any(item.kind == "p" for item in spec.constraints),
        default=spec.default.text if spec.default else "nextval" if spec.serial else None,
        volatility=_default_volatility(spec, world),
        identity=spec.identity,
        generated="" if spec.generated is None else "v" if spec.is_virtual else "s",
        is_local=not inherited,
        inherit_count=int(inherited),
        is_new=True,
        filled=_filled(spec, world),
    )


def _default_volatility(spec: ColumnSpec, world: Snapshot) -> str | None:
    if spec.serial or spec.identity:
        return "v"
    return volatility(spec.default, world) if spec.default is not None else None


def _filled(spec: ColumnSpec, world: Snapshot) -> str:
    """What adding the column gives to the rows that are there."""
    if spec.generated is not None:
        return spec.generated.text
    if spec.serial or spec.identity or spec.type is None:
        return ""
    if spec.default is None:
        return "" if shape_of(spec.type, world).type.has_default else "NULL"
    return "" if volatility(spec.default, world) == "v" else spec.default.text


def with_sequence(
    world: Snapshot, table: Relation, column: Column, *, is_identity: bool, written: Name | None = None
) -> Snapshot:
    """The catalog with the sequence that a serial or identity column owns; `written` is its name, if it was given."""
    oid, world = world.fresh_oid()
    name = written or Name(sequence_name(world, table.schema, table.name, column.name), table.schema)
    sequence = Sequence(
        oid=oid, type=column.type, maximum=0, owner_table=table.oid, owner_column=column.number, is_identity=is_identity
    )
    return world.put(
        Relation(
            oid=oid,
            schema=name.schema or next(iter(world.server.search_path), table.schema),
            name=name.name,
            kind="S",
            owner=table.owner,
            persistence=table.persistence,
            sequence=sequence,
        )
    )


# --- DROP COLUMN ------------------------------------------------------------------------------------------------------


def _drop(part: Part, at: At) -> Iterator[Touch]:
    dropped = cast(DropColumn, part)
    column = at.table.column(dropped.column)
    if column is None:
        if dropped.missing_ok:
            return
        column_named(at.table, dropped.column)
        return
    _check_droppable(column, at.table)
    yield from locks(_losing(dropped.column, at), at.lock)
    if at.table.kind == "c":
        yield from _typed_tables(at)
    yield from doomed_touches(at.world, doom(at.world, _column_refs(dropped, at), cascade=dropped.cascade))


def _check_droppable(column: Column, table: Relation) -> None:
    if column.inherit_count:
        raise ServerWouldReject(f'cannot drop inherited column "{column.name}"', sqlstate="42P16")
    if column.number in table.partition_columns:
        raise ServerWouldReject(
            f'cannot drop column "{column.name}" because it is part of the partition key of relation "{table.name}"',
            sqlstate="42P16",
        )


def _losing(name: str, at: At) -> Iterator[Relation]:
    """The table and its direct children (their inheritance count changes); below a child only where it loses it too."""
    pending = [at.table]
    while pending:
        table = pending.pop(0)
        yield table
        column = table.column(name)
        follows = table is at.table or (column is not None and column.inherit_count == 1 and not column.is_local)
        if follows and (at.recurses or table is at.table):
            pending.extend(direct_children(at.world, table))


def _column_refs(dropped: DropColumn, at: At) -> list[Ref]:
    found = ((table, table.column(dropped.column)) for table in _losing(dropped.column, at))
    return [
        Ref(CLASS, table.oid, column.number)
        for table, column in found
        if column is not None and (table.oid == at.table.oid or (column.inherit_count == 1 and not column.is_local))
    ]


def _apply_drop(part: Part, at: At) -> Snapshot:
    dropped = cast(DropColumn, part)
    if at.table.column(dropped.column) is None:
        return at.world
    return without_doomed(at.world, doom(at.world, _column_refs(dropped, at), cascade=dropped.cascade))


# --- defaults, identity, expression -----------------------------------------------------------------------------------


def _set_default(part: Part, at: At) -> Iterator[Touch]:
    column = column_named(at.table, part.column)
    if column.identity:
        raise ServerWouldReject(
            f'column "{column.name}" of relation "{at.table.name}" is an identity column', sqlstate="42601"
        )
    if column.generated:
        raise ServerWouldReject(
            f'column "{column.name}" of relation "{at.table.name}" is a generated column', sqlstate="42601"
        )
    yield from (Touch(table.oid, at.lock) for table in at.targets)


def _apply_default(part: Part, at: At) -> Snapshot:
    default = cast(SetDefault, part).default
    text = default.text if default is not None and not default.is_null else None
    kind = volatility(default, at.world) if default is not None and text is not None else None
    return at.world.put(*(_changed(table, part.column, default=text, volatility=kind) for table in at.targets))


def _changed(table: Relation, name: str, **fields: object) -> Relation:
    columns = tuple(replace(item, **fields) if item.name == name else item for item in table.columns)  # type: ignore[arg-type]
    return replace(table, columns=columns)


def _identity(part: Part, at: At) -> Iterator[Touch]:
    named = cast(NamedPart, part)
    column = column_named(at.table, part.column)
    adds = named.what == "AddIdentity"
    if adds == bool(column.identity):
        if not adds and named.missing_ok:
            return
        state = "already" if adds else "not"
        raise ServerWouldReject(
            f'column "{column.name}" of relation "{at.table.name}" is {state} an identity column', sqlstate="55000"
        )
    if adds and not column.is_not_null:
        raise ServerWouldReject(
            f'column "{column.name}" must be declared NOT NULL before identity can be added', sqlstate="55000"
        )
    if at.table.kind == "p" and at.world.server.major >= 17:
        yield from (Touch(table.oid, at.lock) for table in at.targets)
    for sequence in identity_sequences(at.world, at.table, column.number):
        mode = AE if named.what == "DropIdentity" else LockMode.SHARE_ROW_EXCLUSIVE
        if mode is AE or named.options:
            yield Touch(sequence.oid, mode)


def identity_sequences(world: Snapshot, table: Relation, column: int) -> Iterator[Relation]:
    """The sequences that an identity column owns internally."""
    for candidate in world.relations.values():
        sequence = candidate.sequence
        if sequence and sequence.is_identity and (sequence.owner_table, sequence.owner_column) == (table.oid, column):
            yield candidate


def _apply_identity(part: Part, at: At) -> Snapshot:
    named = cast(NamedPart, part)
    column = column_named(at.table, part.column)
    if named.what == "DropIdentity":
        world = at.world.without([item.oid for item in identity_sequences(at.world, at.table, column.number)])
        return world.put(_changed(world.relations[at.table.oid], part.column, identity=""))
    world = at.world.put(_changed(at.table, part.column, identity="d", volatility="v"))
    if named.what != "AddIdentity":
        return world
    return with_sequence(world, at.table, column, is_identity=True, written=named.sequence)


def _set_expression(part: Part, at: At) -> Iterator[Touch]:
    column = column_named(at.table, part.column)
    if not column.generated:
        raise ServerWouldReject(
            f'column "{column.name}" of relation "{at.table.name}" is not a generated column', sqlstate="55000"
        )
    for table in at.targets:
        work = frozenset({Work.REWRITE}) if table.has_storage and column.generated == "s" else frozenset[Work]()
        yield Touch(
            table.oid,
            at.lock,
            work,
            loses=(part.column,) if column.generated == "s" and at.world.server.major >= 17 else (),
        )


def _drop_expression(part: Part, at: At) -> Iterator[Touch]:
    column = column_named(at.table, part.column)
    if not column.generated and not cast(NamedPart, part).missing_ok:
        raise ServerWouldReject(
            f'column "{column.name}" of relation "{at.table.name}" is not a generated column', sqlstate="55000"
        )
    yield from (Touch(table.oid, at.lock) for table in at.targets)


def _apply_drop_expression(part: Part, at: At) -> Snapshot:
    return at.world.put(*(_changed(table, part.column, generated="") for table in at.targets))


def _attribute(part: Part, at: At) -> Iterator[Touch]:
    """A column's own setting, on the children too."""
    if at.index is None and part.column:
        column_named(at.table, part.column)
    return iter(children(part, at))


def _own_attribute(part: Part, at: At) -> Iterator[Touch]:
    """A column's own setting that never recurses."""
    column_named(at.table, part.column)
    return iter(())


PARTS = {
    AddColumn: PartRule(always(AE), _add, _apply_add, order=4, kinds="rpfc"),
    DropColumn: PartRule(always(AE), _drop, _apply_drop, order=0, kinds="rpfc"),
    SetDefault: PartRule(always(AE), _set_default, _apply_default, order=7, kinds="rpvf"),
    SetExpression: PartRule(always(AE), _set_expression, None, order=5, kinds="rpf"),
    "DropExpression": PartRule(always(AE), _drop_expression, _apply_drop_expression, order=0, kinds="rpf"),
    "AddIdentity": PartRule(always(AE), _identity, _apply_identity, order=7, kinds="rpvf"),
    "SetIdentity": PartRule(always(AE), _identity, None, order=7, kinds="rpvf"),
    "DropIdentity": PartRule(always(AE), _identity, _apply_identity, order=0, kinds="rpvf"),
    "SetStatistics": PartRule(always(SUE), _attribute, None, order=10, kinds="rpmfi"),
    "SetOptions": PartRule(always(SUE), _own_attribute, None, kinds="rpmf"),
    "ResetOptions": PartRule(always(SUE), _own_attribute, None, kinds="rpmf"),
    "SetStorage": PartRule(always(AE), _attribute, None, kinds="rpmf"),
    "SetCompression": PartRule(always(AE), _own_attribute, None, kinds="rpm"),
    "AlterColumnGenericOptions": PartRule(always(AE), _own_attribute, None, kinds="f"),
}

_DOC = "https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-NOTES"
_SETUP = "CREATE TABLE t (a int); INSERT INTO t SELECT g FROM generate_series(1, 10) g"
_REWRITE = frozenset({Work.REWRITE})


def _fact(form: str, statement: str, work: frozenset[Work] | None = None) -> Fact:
    expect = Expect(relation="public.t", lock=AE, work=work) if work else Expect(relation="public.t", lock=AE)
    return Fact(form=form, source=_DOC, proof=Proof(setup=_SETUP, statement=statement, expects=(expect,)))


FACTS = (
    _fact("ADD COLUMN", "ALTER TABLE t ADD COLUMN c int"),
    _fact("ADD COLUMN ... DEFAULT, stable", "ALTER TABLE t ADD COLUMN c timestamptz NOT NULL DEFAULT now()"),
    _fact(
        "ADD COLUMN ... DEFAULT, volatile", "ALTER TABLE t ADD COLUMN c timestamptz DEFAULT clock_timestamp()", _REWRITE
    ),
    _fact("ADD COLUMN ... serial", "ALTER TABLE t ADD COLUMN c serial", _REWRITE),
    _fact(
        "ADD COLUMN ... GENERATED AS IDENTITY", "ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS IDENTITY", _REWRITE
    ),
    _fact(
        "ADD COLUMN ... GENERATED STORED", "ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS (a * 2) STORED", _REWRITE
    ),
    _fact("DROP COLUMN", "ALTER TABLE t DROP COLUMN a"),
    _fact("SET DEFAULT", "ALTER TABLE t ALTER COLUMN a SET DEFAULT 3"),
)
