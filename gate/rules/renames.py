"""RENAME of a relation or a part of one, and SET SCHEMA.

Source: PostgreSQL 18 `tablecmds.c` (RenameRelation, renameatt_internal, rename_constraint_internal,
AlterTableNamespace, AlterSeqNamespaces), `trigger.c` renametrig, `rewriteDefine.c` RenameRewriteRule, `policy.c`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gate.model.actions import Rename, SetSchema
from gate.model.catalog import Column, Constraint, Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Fact, Proof, Versions, expected
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.rules.lookup import (
    descendants,
    family,
    find_type,
    maybe_index,
    maybe_relation,
    missing,
    require_owner,
)
from gate.rules.named import RELATIONS, wrong_kind
from gate.rules.proven import column_named
from gate.sql.rewriting.renaming import text_with_column

AE = LockMode.ACCESS_EXCLUSIVE


def _target(action: Rename | SetSchema, world: Snapshot, kind: str) -> Relation | None:
    """The relation, or an index's table; None where IF EXISTS finds nothing."""
    found = maybe_relation(world, action.name)
    if found is None:
        if action.missing_ok:
            return None
        raise missing(world, action.name)
    relkind = "i" if maybe_index(world, action.name) is not None else found.kind
    if kind not in ("table", "index") and kind in RELATIONS and relkind not in RELATIONS[kind]:
        raise wrong_kind(action.name, kind)
    if relkind == "c":
        raise ServerWouldReject(f'"{action.name}" is a composite type', sqlstate="42809", remedy="use ALTER TYPE")
    if found.is_system:
        raise ServerWouldReject(f'permission denied: "{found.name}" is a system catalog', sqlstate="42501")
    require_owner(world, found)
    return found


# --- RENAME -----------------------------------------------------------------------------------------------------------


def derive_rename(action: Rename, world: Snapshot) -> Iterator[Touch]:
    """ACCESS EXCLUSIVE on the relation, and on those that inherit what is renamed; an index is locked by itself."""
    if action.object == "attribute":
        yield from _attribute(action, world)
        return
    table = _target(action, world, action.of or action.object)
    if table is None:
        return
    match action.object:
        case "column":
            yield from _column(action, table, world)
        case "tabconstraint":
            yield from _constraint(action, table, world)
        case "trigger":
            yield from _trigger(action, table, world)
        case "rule" | "policy":
            _require_part(action, table)
            yield Touch(table.oid, AE)
        case _:
            _require_free(action.to, table.schema, world)
            if maybe_index(world, action.name) is None:
                yield Touch(table.oid, AE)


def _require_free(name: str, schema: str, world: Snapshot) -> None:
    if (schema, name) in world.names:
        raise ServerWouldReject(f'relation "{name}" already exists in schema "{schema}"', sqlstate="42P07")


def _column(action: Rename, table: Relation, world: Snapshot) -> Iterator[Touch]:
    column = column_named(table, action.part)
    if table.column(action.to) is not None:
        raise ServerWouldReject(f'column "{action.to}" of relation "{table.name}" already exists', sqlstate="42701")
    _check_inherited(action, column, table, world)
    for item in family(world, table, only=action.only):
        yield Touch(item.oid, AE)


def _check_inherited(action: Rename, column: Column, table: Relation, world: Snapshot) -> None:
    if column.inherit_count:
        raise ServerWouldReject(f'cannot rename inherited column "{column.name}"', sqlstate="42P16")
    if action.only and any(True for _ in descendants(world, table.oid)):
        raise ServerWouldReject(
            f'inherited column "{column.name}" must be renamed in child tables too', sqlstate="42P16"
        )
    if table.of_type:
        raise ServerWouldReject("cannot rename column of typed table", sqlstate="42809")


def _attribute(action: Rename, world: Snapshot) -> Iterator[Touch]:
    """A composite type's attribute; under CASCADE the tables of that type follow."""
    table = _composite(action, world)
    if table is None:
        return
    column_named(table, action.part)
    typed = [item for item in world.relations.values() if item.of_type and item.of_type == table.row_type]
    if typed and not action.cascade:
        raise ServerWouldReject(
            f'cannot alter type "{table.name}" because it is the type of a typed table', sqlstate="2BP01"
        )
    for item in typed:
        yield from (Touch(below.oid, AE) for below in family(world, item))


def _composite(action: Rename, world: Snapshot) -> Relation | None:
    kind = find_type(world, action.name)
    table = world.relations.get(kind.relation) if kind else None
    if table is None and not action.missing_ok:
        raise missing(world, action.name)
    return table


def _constraint(action: Rename, table: Relation, world: Snapshot) -> Iterator[Touch]:
    found = _constraint_named(action, table)
    yield Touch(table.oid, AE)
    if _is_inherited(found):
        if found.inherit_count:
            raise ServerWouldReject(f'cannot rename inherited constraint "{found.name}"', sqlstate="42P16")
        if not action.only:
            yield from (Touch(item.oid, AE) for item in descendants(world, table.oid))


def _constraint_named(action: Rename, table: Relation) -> Constraint:
    found = table.constraint(action.part)
    if found is None:
        raise ServerWouldReject(f'constraint "{action.part}" for table "{table.name}" does not exist', sqlstate="42704")
    if any(item.name == action.to for item in table.constraints):
        raise ServerWouldReject(
            f'constraint "{action.to}" for relation "{table.name}" already exists', sqlstate="42710"
        )
    return found


def _is_inherited(constraint: Constraint) -> bool:
    return constraint.kind in "cn" and not constraint.no_inherit


def _trigger(action: Rename, table: Relation, world: Snapshot) -> Iterator[Touch]:
    """15 and later rename the triggers of the partitions too."""
    found = next((item for item in table.triggers if item.name == action.part), None)
    if found is None:
        raise ServerWouldReject(f'trigger "{action.part}" for table "{table.name}" does not exist', sqlstate="42704")
    if found.parent and world.server.major >= 15:
        raise ServerWouldReject(f'cannot rename trigger "{found.name}" on table "{table.name}"', sqlstate="0A000")
    yield Touch(table.oid, AE)
    if table.kind == "p" and world.server.major >= 15:
        yield from (Touch(item.oid, AE) for item in descendants(world, table.oid))


def _require_part(action: Rename, table: Relation) -> None:
    items = table.rules if action.object == "rule" else table.policies
    if not any(item.name == action.part for item in items):
        raise ServerWouldReject(
            f'{action.object} "{action.part}" for table "{table.name}" does not exist', sqlstate="42704"
        )


def apply_rename(action: Rename, snapshot: Snapshot) -> Snapshot:
    """The same under another name."""
    if action.object == "attribute":
        table = _composite(action, snapshot)
        return snapshot.put(_renamed(table, "columns", action)) if table else snapshot
    table = _target(action, snapshot, action.of or action.object)
    if table is None:
        return snapshot
    match action.object:
        case "column":
            return snapshot.put(*(_with_column(item, action) for item in family(snapshot, table)))
        case "tabconstraint":
            return _apply_constraint(action, table, snapshot)
        case "trigger" if snapshot.server.major >= 15:
            below = descendants(snapshot, table.oid) if table.kind == "p" else ()
            return snapshot.put(*(_renamed(item, "triggers", action) for item in (table, *below)))
        case "trigger" | "rule" | "policy":
            return snapshot.put(
                _renamed(table, {"trigger": "triggers", "rule": "rules", "policy": "policies"}[action.object], action)
            )
        case _:
            return _apply_relation(action, table, snapshot)


def _renamed(table: Relation, field: str, action: Rename) -> Relation:
    items: tuple[Any, ...] = getattr(table, field)
    changed: dict[str, Any] = {
        field: tuple(replace(item, name=action.to) if item.name == action.part else item for item in items)
    }
    return replace(table, **changed)


def _with_column(table: Relation, action: Rename) -> Relation:
    """The texts of what uses the column follow it, as the server prints them."""
    old, new = action.part, action.to
    return replace(
        _renamed(table, "columns", action),
        constraints=tuple(replace(item, expression=_in(item.expression, old, new)) for item in table.constraints),
        indexes=tuple(
            replace(item, definition=_in(item.definition, old, new), written=_in(item.written, old, new))
            for item in table.indexes
        ),
        statistics=tuple(replace(item, written=_in(item.written, old, new)) for item in table.statistics),
    )


def _in(text: str | None, old: str, new: str) -> str | None:
    return None if text is None else text_with_column(text, old, new)


def _apply_constraint(action: Rename, table: Relation, world: Snapshot) -> Snapshot:
    found = _constraint_named(action, table)
    targets = family(world, table) if _is_inherited(found) else (table,)
    renamed = [_renamed(item, "constraints", action) for item in targets]
    if found.kind in "pux":
        first = renamed[0]
        indexes = tuple(replace(item, name=action.to) if item.oid == found.index else item for item in first.indexes)
        renamed[0] = replace(first, indexes=indexes)
    return world.put(*renamed)


def _apply_relation(action: Rename, table: Relation, world: Snapshot) -> Snapshot:
    index = maybe_index(world, action.name)
    if index is not None:
        indexes = tuple(replace(item, name=action.to) if item.oid == index else item for item in table.indexes)
        return world.put(replace(table, indexes=indexes))
    world = world.put(replace(table, name=action.to))
    row = world.types.get(table.row_type)
    return world.put_type(replace(row, name=action.to)) if row else world


# --- SET SCHEMA -------------------------------------------------------------------------------------------------------


def derive_set_schema(action: SetSchema, world: Snapshot) -> Iterator[Touch]:
    """ACCESS EXCLUSIVE on the relation and on the sequences that its columns own."""
    table = _target(action, world, action.object)
    if table is None:
        return
    if action.to not in world.schemas and not action.to.startswith("pg_"):
        raise ServerWouldReject(f'schema "{action.to}" does not exist', sqlstate="3F000")
    if table.sequence is not None and table.sequence.owner_table:
        raise ServerWouldReject("cannot move an owned sequence into another schema", sqlstate="0A000")
    if table.schema != action.to:
        _require_free(table.name, action.to, world)
    for item in (table, *owned_sequences(world, table)):
        yield Touch(item.oid, AE)


def owned_sequences(world: Snapshot, table: Relation) -> Iterator[Relation]:
    """Sequences of serial and identity columns."""
    for item in world.relations.values():
        if item.sequence is not None and item.sequence.owner_table == table.oid:
            yield item


def apply_set_schema(action: SetSchema, snapshot: Snapshot) -> Snapshot:
    """The relation, its indexes and its sequences in the other schema."""
    table = _target(action, snapshot, action.object)
    if table is None:
        return snapshot
    indexes = tuple(replace(item, schema=action.to) for item in table.indexes)
    moved = [replace(item, schema=action.to) for item in owned_sequences(snapshot, table)]
    world = snapshot.put(replace(table, schema=action.to, indexes=indexes), *moved)
    row = world.types.get(table.row_type)
    return world.put_type(replace(row, schema=action.to)) if row else world


DERIVES = {Rename: derive_rename, SetSchema: derive_set_schema}
APPLIES = {Rename: apply_rename, SetSchema: apply_set_schema}

_DOC = "https://www.postgresql.org/docs/18/sql-altertable.html; src/backend/commands/tablecmds.c"
_TABLE = (
    "CREATE TABLE t (a serial PRIMARY KEY, b int CHECK (b > 0)); CREATE INDEX i ON t (b); "
    "CREATE TABLE c () INHERITS (t); CREATE SCHEMA n"
)
_PARTITIONED = (
    "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p DEFAULT; "
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
    "CREATE TRIGGER g AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f()"
)


def _fact(form: str, setup: str, statement: str, versions: Versions | None = None, **locks: LockMode) -> Fact:
    return Fact(
        form=form,
        source=_DOC,
        versions=versions or Versions(),
        proof=Proof(setup=setup, statement=statement, expects=expected(locks)),
    )


FACTS = (
    _fact("RENAME TO", _TABLE, "ALTER TABLE t RENAME TO n", t=AE),
    _fact("RENAME COLUMN", _TABLE, "ALTER TABLE t RENAME COLUMN b TO n", t=AE, c=AE),
    _fact("RENAME CONSTRAINT, a check", _TABLE, "ALTER TABLE t RENAME CONSTRAINT t_b_check TO n", t=AE, c=AE),
    _fact("RENAME CONSTRAINT, a key", _TABLE, "ALTER TABLE t RENAME CONSTRAINT t_pkey TO n", t=AE),
    _fact("ALTER INDEX ... RENAME TO", _TABLE, "ALTER INDEX i RENAME TO n"),
    _fact(
        "ALTER TRIGGER ... RENAME TO, partitioned",
        _PARTITIONED,
        "ALTER TRIGGER g ON p RENAME TO n",
        Versions(since=15),
        p=AE,
        p1=AE,
    ),
    _fact(
        "ALTER TRIGGER ... RENAME TO, partitioned, 14",
        _PARTITIONED,
        "ALTER TRIGGER g ON p RENAME TO n",
        Versions(until=14),
        p=AE,
    ),
    _fact("SET SCHEMA", _TABLE, "ALTER TABLE t SET SCHEMA n", t=AE, t_a_seq=AE),
)
