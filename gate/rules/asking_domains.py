"""What ALTER DOMAIN, and a column of a domain, ask of the rows.

Source: PostgreSQL 18 `typecmds.c` (validateDomainCheckConstraint, validateDomainNotNullConstraint).
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import AlterDomain, ColumnSpec
from gate.model.catalog import Column, Relation, Type
from gate.model.checks import Check, Field, Fill, NullsIn, ViolatorsOf
from gate.model.snapshot import Snapshot
from gate.rules.lookup import find_type
from gate.rules.rows_of import has_rows, unasked
from gate.rules.terms_of import fields_of, term_of, type_sql
from gate.sql.evaluating import NotEvaluable


def domain_checks(action: AlterDomain, world: Snapshot) -> Iterator[Check]:
    """Each column of the domain, or of a domain over it, against the new or validated constraint."""
    domain = find_type(world, action.name)
    if domain is None or domain.kind != "d":
        return
    is_null_forbidden, text, name = _question(action, domain)
    for table, column in _columns(world, domain):
        if is_null_forbidden:
            yield from _nulls(table, column, domain)
        elif text is not None:
            is_stored = action.what == "validate"
            yield from _violators(table, column, text, name, domain, world, is_stored=is_stored)
        elif name:
            yield unasked(table, f"violators of {name}", "its definition could not be read")


def _question(action: AlterDomain, domain: Type) -> tuple[bool, str | None, str]:
    """Whether NULL is forbidden from now on; else the condition and its name, none where nothing is read."""
    spec = action.constraint
    match action.what:
        case "set not null":
            return not domain.is_not_null, None, ""
        case "add constraint" if spec is not None and spec.is_valid:
            if spec.kind == "n":
                return not domain.is_not_null, None, ""
            return False, spec.expression.text if spec.expression else None, spec.name or f"{domain.name}_check"
        case "validate":
            known = next((item for item in domain.constraints if item.name == action.constraint_name), None)
            if known is not None and not known.is_valid:
                return known.kind == "n", known.expression, known.name
        case _:
            pass
    return False, None, ""


def _columns(world: Snapshot, domain: Type) -> Iterator[tuple[Relation, Column]]:
    """The stored columns that hold it."""
    kinds = {domain.oid}
    grown = True
    while grown:
        over = {item.oid for item in world.types.values() if item.kind == "d" and item.base in kinds}
        grown = not over <= kinds
        kinds |= over
    for table in world.relations.values():
        if table.has_storage and has_rows(table):
            for column in table.columns:
                if column.type in kinds and not column.is_new:
                    yield table, column


def _nulls(table: Relation, column: Column, domain: Type) -> Iterator[Check]:
    if not column.is_not_null:
        yield NullsIn(
            relations=(table.oid,),
            table=table.full_name,
            fields=fields_of(table, (column.name,)),
            only=True,
            column=column.name,
            domain=domain.full_name,
        )


def _violators(
    table: Relation, column: Column, text: str, name: str, domain: Type, world: Snapshot, *, is_stored: bool
) -> Iterator[Check]:
    try:
        yield ViolatorsOf(
            relations=(table.oid,),
            table=table.full_name,
            fields=fields_of(table, (column.name,)),
            only=True,
            condition=term_of(text, world),
            name=name,
            domain=domain.full_name,
            value=column.name,
            is_stored=is_stored,
        )
    except NotEvaluable as error:
        yield unasked(table, f"values of {column.name} that violate {name}", str(error))


def _fill(column: Column, base: Type | None, world: Snapshot) -> Fill:
    if not column.filled or base is None:
        raise NotEvaluable("what the rows get is not one value for all of them")
    return Fill(name=column.name, value=term_of(column.filled, world), type=type_sql(base), oid=base.oid)


def added_of_domain(spec: ColumnSpec, kind: Type, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    """A new column of a domain: the value that every row gets is held against all that the domain asks."""
    column = table.column(spec.name)
    if column is None:
        return
    base = _chain(kind, world)[-1].base
    try:
        fill = _fill(column, world.types.get(base), world)
        fields = fields_of(table, (spec.name,))
        yield from _held(spec.name, kind, table, world, fields, (fill,), only=only, is_not_null=spec.is_not_null)
    except NotEvaluable as error:
        yield unasked(table, f"values of {spec.name} that violate {kind.full_name}", str(error))


def held_by_domain(column: Column, kind: Type, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    """A column that becomes one of a domain over its type: each value is held against all that the domain asks."""
    try:
        yield from _held(column.name, kind, table, world, fields_of(table, (column.name,)), (), only=only)
    except NotEvaluable as error:
        yield unasked(table, f"values of {column.name} that violate {kind.full_name}", str(error))


def _held(
    name: str,
    kind: Type,
    table: Relation,
    world: Snapshot,
    fields: tuple[Field, ...],
    fills: tuple[Fill, ...],
    *,
    only: bool,
    is_not_null: bool = False,
) -> Iterator[Check]:
    """Raises NotEvaluable."""
    chain = _chain(kind, world)
    if is_not_null or any(item.is_not_null for item in chain):
        yield NullsIn(
            relations=(table.oid,),
            table=table.full_name,
            fields=fields,
            fills=fills,
            only=only,
            column=name,
            domain=kind.full_name,
        )
    for domain in chain:
        for constraint in domain.constraints:
            if constraint.kind == "c" and constraint.expression is not None:
                yield ViolatorsOf(
                    relations=(table.oid,),
                    table=table.full_name,
                    fields=fields,
                    fills=fills,
                    only=only,
                    condition=term_of(constraint.expression, world),
                    name=constraint.name,
                    domain=domain.full_name,
                    value=name,
                )


def _chain(kind: Type, world: Snapshot) -> list[Type]:
    """The domain, and those below it."""
    chain = [kind]
    while (below := world.types.get(chain[-1].base)) is not None and below.kind == "d":
        chain.append(below)
    return chain
