"""Which questions a statement puts to the rows: whatever would make the server answer it with 23xxx or 22xxx.

Source: PostgreSQL 18 `tablecmds.c` (ATRewriteTables, ATRewriteTable, validateForeignKeyConstraint), `typecmds.c`
(validateDomainCheckConstraint, validateDomainNotNullConstraint), `nbtsort.c` for unique indexes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import (
    AddColumn,
    AddConstraint,
    AlterDomain,
    AlterTable,
    AttachPartition,
    ColumnSpec,
    ConstraintSpec,
    CreateIndex,
    CreateTable,
    NamedPart,
    Part,
    SetExpression,
    SetType,
)
from gate.model.catalog import Column, Constraint, Index, Relation
from gate.model.checks import Check, DuplicatesOf, Key, NullsIn, ViolatorsOf
from gate.model.effects import NotUnderstood, ServerWouldReject
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.rules.alter_table import apply_alter_table, ordered
from gate.rules.asking_casts import cast_checks, computed_column, recomputed_column
from gate.rules.asking_domains import added_of_domain, domain_checks
from gate.rules.asking_keys import foreign_key, stored_foreign_key
from gate.rules.asking_partitions import attached, beside_default
from gate.rules.asking_rebuilt import key_names, may_become_null, moved, with_new_values
from gate.rules.coercion import has_domain_constraints, shape_of
from gate.rules.lookup import maybe_index, maybe_relation
from gate.rules.proven import proves_not_null
from gate.rules.rows_of import has_rows, unasked
from gate.rules.terms_of import fields_of, fills_of, names_in, term_of
from gate.sql.embedded import stored_action
from gate.sql.evaluating import NotEvaluable
from gate.sql.terms import expression_of_text
from gate.sql.tree import DoesNotParse


def _new_partition(action: CreateTable, before: Snapshot) -> Iterator[Check]:
    parent = maybe_relation(before, action.partition_of) if action.partition_of is not None else None
    if parent is not None and action.bound is not None:
        yield from beside_default(parent, action.bound, str(action.name), before)


def _alter_table(action: AlterTable, before: Snapshot) -> Iterator[Check]:
    """Part by part, each against the catalog that those before it leave."""
    if action.object not in ("table", "foreign table", "index", "materialized view"):
        return
    world = before
    for part in ordered(action):
        table = maybe_relation(world, action.name)
        if table is None or maybe_index(world, action.name) is not None:
            return
        if has_rows(table) or isinstance(part, AttachPartition):
            yield from _part(part, table, world, only=action.only)
        try:
            world = apply_alter_table(replace(action, parts=(part,)), world)
        except (ServerWouldReject, NotUnderstood):
            return


def _part(part: Part, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    match part:
        case AddColumn(spec=spec):
            if table.column(spec.name) is None:
                yield from _added_column(part, table, world, only=only)
        case AddConstraint(spec=spec):
            yield from _constraint(spec, table, world, only=only)
        case NamedPart(what="SetNotNull", column=column):
            yield from not_null(column, table, world, only=only)
        case NamedPart(what="ValidateConstraint", name=name):
            found = table.constraint(name or "")
            if found is not None and not found.is_valid and found.is_enforced:
                yield from _stored(found, table, world, only=only)
        case NamedPart(what="AlterConstraint", name=name, options=options) if "enforced" in options:
            found = table.constraint(name or "")
            if found is not None and not found.is_enforced:
                yield from _stored(found, table, world, only=only)
        case SetType():
            yield from cast_checks(part, table, world, only=only)
            yield from _made_anew(part, table, world, only=only)
        case SetExpression():
            yield from _made_anew(part, table, world, only=only)
        case AttachPartition():
            yield from _attached(part, table, world)
        case _:
            return


# --- NOT NULL ---------------------------------------------------------------------------------------------------------


def not_null(name: str, table: Relation, world: Snapshot, *, only: bool = False) -> Iterator[Check]:
    """Rows without a value, unless the column is NOT NULL already or a valid check proves it."""
    column = table.column(name)
    if column is None or proves_not_null(table, name):
        return
    invalid = any(
        item.kind == "n" and not item.is_valid and column.number in item.columns for item in table.constraints
    )
    if column.is_not_null and not invalid:
        return
    try:
        fills = fills_of(table, (name,), world)
    except NotEvaluable as error:
        if column.identity or column.generated or (column.volatility == "v" and _is_never_null(column.default or "")):
            return
        yield unasked(table, f"NULLs in {name}", str(error))
        return
    yield NullsIn(
        relations=(table.oid,),
        table=table.full_name,
        fields=fields_of(table, (name,)),
        fills=fills,
        only=only,
        column=name,
    )


_NEVER_NULL = frozenset(
    {
        "clock_timestamp", "gen_random_bytes", "gen_random_uuid", "lower", "nextval", "random", "replace", "substr",
        "substring", "timeofday", "upper", "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4", "uuidv4",
        "uuidv7", "md5", "now", "left", "right", "floor", "round", "trunc", "to_char", "encode",
    }
)  # fmt: skip


def _is_never_null(default: str) -> bool:
    """Whether a default that is drawn for each row is made by functions that are known to draw a value."""
    if default == "nextval":
        return True
    try:
        return all(call.name.name in _NEVER_NULL for call in expression_of_text(default).calls)
    except DoesNotParse:
        return False


# --- ADD COLUMN -------------------------------------------------------------------------------------------------------


def _added_column(part: AddColumn, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    """The column as it will be, filled, held against what is written beside it."""
    spec = part.spec
    bare = replace(part, spec=replace(spec, constraints=(), is_not_null=False))
    name = Name(table.name, table.schema)
    after = apply_alter_table(AlterTable(name=name, object="table", parts=(bare,), only=only), world)
    added = after.relations[table.oid]
    kind = shape_of(spec.type, after).type if spec.type is not None and not spec.serial else None
    if spec.serial or spec.identity:
        return
    if kind is not None and spec.generated is not None:
        yield from computed_column(spec, added, after, only=only)
    if kind is not None and has_domain_constraints(kind, after):
        yield from added_of_domain(spec, kind, added, after, only=only)
    elif _must_have_value(spec):
        yield from not_null(spec.name, added, after, only=only)
    for constraint in spec.constraints:
        key = replace(constraint, kind="u") if constraint.kind == "p" else constraint
        if key.kind != "n" and not (key.kind in "fu" and _is_all_null(added, spec.name)):
            yield from _constraint(key, added, after, only=only)


def _must_have_value(spec: ColumnSpec) -> bool:
    return spec.is_not_null or any(item.kind in "np" for item in spec.constraints)


def _is_all_null(table: Relation, name: str) -> bool:
    column = table.column(name)
    return column is not None and column.filled == "NULL"


# --- constraints ------------------------------------------------------------------------------------------------------


def _constraint(spec: ConstraintSpec, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    match spec.kind:
        case "n":
            if spec.is_valid:
                yield from not_null(spec.columns[0], table, world, only=only or spec.no_inherit)
        case "c":
            if spec.is_valid and spec.expression is not None:
                yield from _condition(spec.expression.text, spec.name or "", table, world, only=only or spec.no_inherit)
        case "f":
            if spec.is_valid and spec.is_enforced:
                yield from foreign_key(spec, table, world)
        case "p" | "u":
            yield from _key(spec, table, world, only=only)
        case "x":
            yield unasked(
                table,
                f"rows that conflict under {spec.name or 'the exclusion constraint'}",
                "gate does not compare rows by the operators of an exclusion constraint",
            )
        case _:
            return


def _stored(constraint: Constraint, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    """A constraint that the catalog holds, to be validated."""
    match constraint.kind:
        case "n":
            column = table.column_number(constraint.columns[0]) if constraint.columns else None
            if column is not None:
                yield from not_null(column.name, table, world, only=only or constraint.no_inherit)
        case "c" if constraint.expression is not None:
            only = only or constraint.no_inherit
            yield from _condition(constraint.expression, constraint.name, table, world, only=only, is_stored=True)
        case "f":
            yield from stored_foreign_key(constraint, table, world)
        case _:
            yield unasked(table, f"violators of {constraint.name}", "its definition could not be read")


def _condition(
    text: str, name: str, table: Relation, world: Snapshot, *, only: bool, is_stored: bool = False
) -> Iterator[Check]:
    columns = names_in(text)
    try:
        yield ViolatorsOf(
            relations=(table.oid,),
            table=table.full_name,
            fields=fields_of(table, columns),
            fills=fills_of(table, columns, world),
            only=only,
            condition=term_of(text, world),
            name=name,
            is_stored=is_stored,
        )
    except NotEvaluable as error:
        yield unasked(table, f"violators of {name or f'CHECK ({text})'}", str(error))


# --- unique -----------------------------------------------------------------------------------------------------------


def _key(spec: ConstraintSpec, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    names = spec.columns
    if spec.index is not None:
        oid = maybe_index(world, Name(spec.index, table.schema))
        index = next((item for item in table.indexes if item.oid == oid), None)
        found = (table.column_number(key.column) for key in index.keys) if index else ()
        names = tuple(column.name for column in found if column is not None)
    if spec.kind == "p":
        for name in names:
            yield from not_null(name, table, world, only=only)
    if spec.index is not None:
        return
    if spec.without_overlaps:
        yield unasked(table, f"rows of {', '.join(names)} that overlap", "gate does not compare ranges")
        return
    if any(_is_all_null(table, name) for name in names) and not spec.are_nulls_equal:
        return
    yield from duplicates(
        table, tuple(Key(column=name) for name in names), world, name=spec.name or "", equal=spec.are_nulls_equal
    )


_PLAIN_CLASSES = frozenset(
    f"{name}_ops"
    for name in (
        "bool", "bpchar", "bpchar_pattern", "bytea", "date", "enum", "inet", "int2", "int4", "int8", "jsonb", "name",
        "numeric", "text", "text_pattern", "time", "timestamp", "timestamptz", "uuid", "varchar", "varchar_pattern",
    )
)  # fmt: skip
"""Whose equality is the type's own."""


def _unique_index(action: CreateIndex, world: Snapshot) -> Iterator[Check]:
    table = maybe_relation(world, action.table)
    if not action.is_unique or table is None or not has_rows(table):
        return
    if any(name and name not in _PLAIN_CLASSES for name in action.opclasses):
        yield unasked(table, f"duplicates under {action.name or 'the unique index'}", "its operator class is not known")
        return
    if action.if_not_exists and action.name and (table.schema, action.name) in world.names:
        return
    if action.only and table.kind == "p":
        return
    yield from _index_keys(action, table, world)


def _index_keys(action: CreateIndex, table: Relation, world: Snapshot) -> Iterator[Check]:
    """Duplicates under an index as it is written, or stored."""
    expressions = iter(action.expressions)
    collations = action.collations or (None,) * len(action.columns)
    written = [name or next(expressions) for name in action.columns]
    where = action.where.text if action.where is not None else None
    try:
        keys = tuple(
            Key(column=item, collation=_collation(collation, world))
            if isinstance(item, str)
            else Key(term=term_of(item.text, world), collation=_collation(collation, world))
            for item, collation in zip(written, collations, strict=True)
        )
        yield from duplicates(table, keys, world, where=where, name=action.name or "", equal=action.are_nulls_equal)
    except NotEvaluable as error:
        yield unasked(table, f"duplicates under {action.name or 'the unique index'}", str(error))


def _collation(name: Name | None, world: Snapshot) -> str:
    """As SQL, with its schema; those of pg_catalog need none."""
    if name is None or name.schema is not None:
        return str(name or "")
    known = (item for item in world.others if item.catalog == "pg_collation" and item.name == name.name)
    found = next((item.schema for item in known if item.schema in world.server.search_path), None)
    return str(Name(name.name, found))


def duplicates(
    table: Relation, keys: tuple[Key, ...], world: Snapshot, *, where: str | None = None, name: str, equal: bool
) -> Iterator[Check]:
    """Rows that share a key; a table's children have indexes of their own, partitions share the key."""
    names = [
        name for key in keys for name in ((key.column,) if key.column else names_in(key.term.text if key.term else ""))
    ]
    names += names_in(where) if where else ()
    try:
        yield DuplicatesOf(
            relations=(table.oid,),
            table=table.full_name,
            fields=fields_of(table, names),
            fills=fills_of(table, names, world),
            only=table.kind != "p",
            keys=keys,
            where=term_of(where, world) if where else None,
            are_nulls_equal=equal,
            name=name,
        )
    except NotEvaluable as error:
        drawn = (table.column(item) for item in names)
        if not any(item is not None and item.is_new and item.volatility == "v" for item in drawn):
            yield unasked(table, f"duplicates under {name or 'the unique key'}", str(error))


# --- values that become others ----------------------------------------------------------------------------------------


def _made_anew(part: SetType | SetExpression, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    """What holds for a column is held against its new values."""
    try:
        found = with_new_values(part, table, world)
    except (DoesNotParse, NotUnderstood, ServerWouldReject):
        return
    if found is None:
        return
    before, after, both, then = found
    if isinstance(part, SetExpression):
        yield from recomputed_column(after, both, then, only=only)
    if may_become_null(part, before, world):
        yield from not_null(after.name, both, then, only=only)
    for index in both.indexes:
        if index.is_unique and index.is_valid and before.number in index.columns:
            yield from _unique_anew(index, part, before, after, both, then)
    for constraint in both.constraints:
        if before.number in constraint.columns and constraint.is_valid and constraint.is_enforced:
            if constraint.kind == "c" and constraint.expression is not None:
                kept = only or constraint.no_inherit
                yield from _condition(constraint.expression, constraint.name, both, then, only=kept)
            elif constraint.kind == "f":
                yield from stored_foreign_key(moved(constraint, before, after), both, then)


def _unique_anew(
    index: Index, part: SetType | SetExpression, before: Column, after: Column, table: Relation, world: Snapshot
) -> Iterator[Check]:
    if index.definition is not None:
        action = stored_action(index.definition)
        if isinstance(action, CreateIndex):
            yield from _index_keys(replace(action, name=index.name), table, world)
            return
    if index.has_expressions or index.has_predicate:
        yield unasked(table, f"duplicates under {index.name}", "its definition could not be read")
        return
    written = part.collation if isinstance(part, SetType) else None
    keys = (
        Key(column=name, collation=_collation(written, world) if name == after.name else "")
        for name in key_names(index, table, before, after)
    )
    yield from duplicates(table, tuple(keys), world, name=index.name, equal=False)


# --- ATTACH -----------------------------------------------------------------------------------------------------------


def _attached(part: AttachPartition, parent: Relation, world: Snapshot) -> Iterator[Check]:
    child = maybe_relation(world, part.child)
    if child is None or maybe_index(world, part.child) is not None:
        return
    yield from attached(part, parent, child, world)
    if not has_rows(child):
        return
    for index in parent.indexes:
        if not index.is_unique or not index.is_valid:
            continue
        action = stored_action(index.definition) if index.definition is not None else None
        if not isinstance(action, CreateIndex) or None in action.columns or action.where is not None:
            yield unasked(child, f"duplicates under {index.name}", "it has expressions or a condition")
            continue
        names = tuple(name for name in action.columns if name is not None)
        alike = [
            tuple(item.name for item in map(child.column_number, (k.column for k in mine.keys)) if item)
            for mine in child.indexes
            if mine.is_unique and mine.is_valid and not mine.has_predicate
        ]
        if names not in alike:
            yield from _index_keys(replace(action, name=index.name), child, world)
    for constraint in parent.constraints:
        if constraint.kind == "f" and constraint.is_valid and constraint.is_enforced:
            yield from stored_foreign_key(constraint, parent, world, on=child)


CHECKS = {
    AlterTable: _alter_table,
    AlterDomain: domain_checks,
    CreateIndex: _unique_index,
    CreateTable: _new_partition,
}
