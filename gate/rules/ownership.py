"""Owners, privileges, comments, labels, and what else is said of an object by its name.

Source: PostgreSQL 18 `tablecmds.c` (ATExecChangeOwner, change_owner_recurse_to_sequences), `comment.c` CommentObject,
`aclchk.c` objectNamesToOids, `alter.c` (ExecRenameStmt, ExecAlterObjectSchemaStmt, ExecAlterOwnerStmt).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

from gate.model.actions import Grant, NamedPart, ObjectName, OnObject, Part
from gate.model.catalog import Function, Publication, Ref, Relation, Schema, Type
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Fact, Proof, Versions, expected
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.rules.alter_table import At, PartRule, always
from gate.rules.lookup import maybe_index, relation, require_owner, role_named
from gate.rules.named import PART_CATALOGS as ON_RELATIONS
from gate.rules.named import RELATIONS, ROUTINES, holder, not_found, refs
from gate.rules.renames import owned_sequences
from gate.sql.naming import CATALOGS

AS, SUE, AE = LockMode.ACCESS_SHARE, LockMode.SHARE_UPDATE_EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE
_FOUND = frozenset({*RELATIONS, *ON_RELATIONS, *ROUTINES, *CATALOGS, "type", "domain", "schema"})


# --- OWNER TO of a relation -------------------------------------------------------------------------------------------


def _owner(part: Part, at: At) -> Iterator[Touch]:
    """A new owner takes the owned sequences and the indexes along; the same owner changes nothing."""
    yield Touch(at.table.oid, at.lock)
    if role_named(at.world, cast(NamedPart, part).name or "") == at.table.owner:
        return
    if at.table.sequence is not None and at.table.sequence.owner_table:
        raise ServerWouldReject(
            f'cannot change owner of sequence "{at.table.name}"', sqlstate="0A000", remedy="change that of its table"
        )
    yield from (Touch(item.oid, at.lock) for item in owned_sequences(at.world, at.table))


def _apply_owner(part: Part, at: At) -> Snapshot:
    owner = role_named(at.world, cast(NamedPart, part).name or "")
    indexes = tuple(replace(item, owner=owner) for item in at.table.indexes)
    sequences = [replace(item, owner=owner) for item in owned_sequences(at.world, at.table)]
    return at.world.put(replace(at.table, owner=owner, indexes=indexes), *sequences)


# --- COMMENT, SECURITY LABEL, OWNER, SET SCHEMA, RENAME, DEPENDS ------------------------------------------------------


def derive_on(action: OnObject, world: Snapshot) -> Iterator[Touch]:
    """What naming the object locks; nothing for objects that are no part of a relation."""
    kind = action.object
    if action.what in ("comment", "label", "depends") and kind in ON_RELATIONS:
        _require(action, world)
        yield from (Touch(item.oid, AS) for item in _holders(world, action.name))
    elif action.what in ("comment", "label") and kind == "column":
        yield from _column(action, world)
    elif kind in RELATIONS:
        yield from _relation(action, world)
    elif kind == "extension" and action.what == "set schema":
        yield from _members(action, world)
    elif kind in _FOUND:
        _require(action, world)
        if action.what in ("owner", "rename", "set schema"):
            _require_ownership(action, world)


def _require(action: OnObject, world: Snapshot) -> None:
    if not action.missing_ok and not refs(world, action.object, action.name):
        raise not_found(world, action.object, action.name)


def _require_ownership(action: OnObject, world: Snapshot) -> None:
    server = world.server
    for ref in refs(world, action.object, action.name):
        owner = _owner_of(ref, world)
        if owner and not server.is_superuser and owner not in {server.role, *server.memberships}:
            raise ServerWouldReject(
                f"must be owner of {action.object} {action.name.name}",
                sqlstate="42501",
                remedy=f"run the release as {owner} or a member of it; plan for it with --release-role {owner}",
            )


def _owner_of(ref: Ref, world: Snapshot) -> str:
    items: dict[str, Iterable[Type | Function | Schema | Publication]] = {
        "pg_type": world.types.values(),
        "pg_proc": world.functions.values(),
        "pg_namespace": world.schemas.values(),
        "pg_publication": world.publications,
    }
    named = (item for item in world.others if item.catalog == ref.catalog)
    return next((item.owner for item in items.get(ref.catalog, named) if item.oid == ref.oid), "")


def _holders(world: Snapshot, name: ObjectName) -> Iterator[Relation]:
    found = holder(world, name)
    if found is not None:
        yield found


def _column(action: OnObject, world: Snapshot) -> Iterator[Touch]:
    name = action.name.part_of
    if name is None:
        raise ServerWouldReject("column name must be qualified", sqlstate="42601")
    table = relation(world, name)
    if table.kind not in "rpvmfc":
        raise ServerWouldReject(f'cannot set comment on relation "{table.name}"', sqlstate="42809")
    if table.column(action.name.name.name) is None:
        raise ServerWouldReject(
            f'column "{action.name.name}" of relation "{table.name}" does not exist', sqlstate="42703"
        )
    yield Touch(table.oid, SUE)


def _relation(action: OnObject, world: Snapshot) -> Iterator[Touch]:
    """An index is locked by itself, its table is not."""
    _require(action, world)
    table = relation(world, action.name.name)
    require_owner(world, table)
    if maybe_index(world, action.name.name) is None:
        yield Touch(table.oid, AE if action.what == "depends" else SUE)


def _members(action: OnObject, world: Snapshot) -> Iterator[Touch]:
    """ALTER EXTENSION ... SET SCHEMA moves each member, a relation under ACCESS EXCLUSIVE."""
    for ref in refs(world, "extension", action.name):
        for edge in world.dependents.get(ref, ()):
            if edge.kind == "e" and edge.dependent.catalog == "pg_class" and edge.dependent.oid in world.relations:
                yield Touch(edge.dependent.oid, AE)


def apply_on(action: OnObject, snapshot: Snapshot) -> Snapshot:
    """New names, schemas and comments, where a later statement may meet them."""
    if action.what == "comment":
        return _commented(action, snapshot)
    if action.what not in ("rename", "set schema", "owner"):
        return snapshot
    fields = {
        "rename": {"name": action.to},
        "set schema": {"schema": action.to},
        "owner": {"owner": role_named(snapshot, action.role)},
    }[action.what]
    world = snapshot
    for ref in refs(snapshot, action.object, action.name):
        world = _changed(ref, fields, world)
    return world


def _commented(action: OnObject, world: Snapshot) -> Snapshot:
    """What a change of a column's type has to keep; other comments are nobody's concern."""
    text, name = action.text or None, action.name.name.name
    if action.object in ("column", "tabconstraint") and action.name.part_of is not None:
        table = relation(world, action.name.part_of)
        field = "columns" if action.object == "column" else "constraints"
        return world.put(_said(table, field, name, text))
    if action.object not in ("index", "sequence", "statistic ext"):
        return world
    for ref in refs(world, action.object, action.name):
        for holding in _holding(ref, world):
            if action.object == "sequence" and holding.sequence is not None:
                world = world.put(replace(holding, sequence=replace(holding.sequence, comment=text)))
            elif action.object != "sequence":
                world = world.put(_said(holding, "indexes" if action.object == "index" else "statistics", name, text))
    return world


def _holding(ref: Ref, world: Snapshot) -> Iterator[Relation]:
    if ref.catalog == "pg_statistic_ext":
        yield from _with_statistics(ref, world)
    elif (found := world.relation_of(ref.oid)) is not None:
        yield found


def _said(table: Relation, field: str, name: str, text: str | None) -> Relation:
    items = tuple(replace(item, comment=text) if item.name == name else item for item in getattr(table, field))
    changed: dict[str, Any] = {field: items}
    return replace(table, **changed)


def _changed(ref: Ref, fields: dict[str, str], world: Snapshot) -> Snapshot:
    match ref.catalog:
        case "pg_type":
            kind = world.types[ref.oid]
            row = world.relations.get(kind.relation)
            world = world.put_type(replace(kind, **fields))  # type: ignore[arg-type]
            return world.put(replace(row, **fields)) if row else world  # type: ignore[arg-type]
        case "pg_proc":
            return world.put_function(replace(world.functions[ref.oid], **fields))  # type: ignore[arg-type]
        case "pg_namespace":
            return _changed_schema(ref, fields, world)
        case "pg_publication":
            changed = tuple(replace(item, **fields) if item.oid == ref.oid else item for item in world.publications)  # type: ignore[arg-type]
            return replace(world, publications=changed)
        case "pg_statistic_ext":
            return world.put(*(_restated(item, ref, fields) for item in _with_statistics(ref, world)))
        case _:
            others = tuple(replace(item, **fields) if item.oid == ref.oid else item for item in world.others)  # type: ignore[arg-type]
            return replace(world, others=others)


def _with_statistics(ref: Ref, world: Snapshot) -> Iterator[Relation]:
    return (item for item in world.relations.values() if any(own.oid == ref.oid for own in item.statistics))


def _restated(table: Relation, ref: Ref, fields: dict[str, str]) -> Relation:
    own = tuple(replace(item, **fields) if item.oid == ref.oid else item for item in table.statistics)  # type: ignore[arg-type]
    return replace(table, statistics=own)


def _changed_schema(ref: Ref, fields: dict[str, str], world: Snapshot) -> Snapshot:
    old = next(item for item in world.schemas.values() if item.oid == ref.oid)
    new: Schema = replace(old, **fields)  # type: ignore[arg-type]
    schemas = {**{name: item for name, item in world.schemas.items() if name != old.name}, new.name: new}
    world = replace(world, schemas=schemas)
    if new.name == old.name:
        return world
    moved = [_moved(item, new.name) for item in world.relations.values() if item.schema == old.name]
    types = [replace(item, schema=new.name) for item in world.types.values() if item.schema == old.name]
    functions = [replace(item, schema=new.name) for item in world.functions.values() if item.schema == old.name]
    return world.put(*moved).put_type(*types).put_function(*functions)


def _moved(item: Relation, schema: str) -> Relation:
    return replace(item, schema=schema, indexes=tuple(replace(index, schema=schema) for index in item.indexes))


# --- privileges -------------------------------------------------------------------------------------------------------


def derive_grant(action: Grant, world: Snapshot) -> Iterator[Touch]:
    """18 locks each named relation ACCESS SHARE; ALL ... IN SCHEMA, and 14 to 17, nothing."""
    for schema in action.in_schemas:
        if schema not in world.schemas:
            raise ServerWouldReject(f'schema "{schema}" does not exist', sqlstate="3F000")
    for name in action.tables:
        table = relation(world, name)
        if action.object == "sequence" and table.kind != "S":
            raise ServerWouldReject(f'"{name}" is not a sequence', sqlstate="42809")
        if maybe_index(world, name) is not None:
            raise ServerWouldReject(f'"{name}" is an index', sqlstate="42809")
        if world.server.major >= 18:
            yield Touch(table.oid, AS)


DERIVES = {OnObject: derive_on, Grant: derive_grant}
APPLIES = {OnObject: apply_on}
PARTS = {"ChangeOwner": PartRule(always(AE), _owner, _apply_owner, kinds="rpfvmSic")}

_DOC = "https://www.postgresql.org/docs/18/explicit-locking.html; src/backend/commands/comment.c, aclchk.c, alter.c"
_TABLE = (
    "CREATE TABLE t (a serial, b int CONSTRAINT k CHECK (b > 0)); CREATE INDEX i ON t (b); "
    "CREATE RULE g AS ON INSERT TO t DO NOTHING; "
    "CREATE POLICY g ON t; CREATE STATISTICS z ON a, b FROM t; CREATE TYPE y AS (a int)"
)


def _fact(form: str, statement: str, versions: Versions | None = None, **locks: LockMode) -> Fact:
    return Fact(
        form=form,
        source=_DOC,
        versions=versions or Versions(),
        proof=Proof(setup=_TABLE, statement=statement, expects=expected(locks)),
    )


FACTS = (
    _fact("OWNER TO another role", "ALTER TABLE t OWNER TO pg_monitor", t=AE, t_a_seq=AE),
    _fact("OWNER TO the same role", "ALTER TABLE t OWNER TO CURRENT_USER", t=AE),
    _fact("COMMENT ON TABLE", "COMMENT ON TABLE t IS 'x'", t=SUE),
    _fact("COMMENT ON COLUMN", "COMMENT ON COLUMN t.a IS 'x'", t=SUE),
    _fact("COMMENT ON INDEX", "COMMENT ON INDEX i IS 'x'"),
    _fact("COMMENT ON CONSTRAINT", "COMMENT ON CONSTRAINT k ON t IS 'x'", t=AS),
    _fact("COMMENT ON RULE", "COMMENT ON RULE g ON t IS 'x'", t=AS),
    _fact("COMMENT ON POLICY", "COMMENT ON POLICY g ON t IS 'x'", t=AS),
    _fact("COMMENT ON STATISTICS", "COMMENT ON STATISTICS z IS 'x'"),
    _fact("COMMENT ON TYPE", "COMMENT ON TYPE y IS 'x'"),
    _fact("ALTER STATISTICS ... SET STATISTICS", "ALTER STATISTICS z SET STATISTICS 10"),
    _fact("GRANT", "GRANT SELECT ON t TO pg_monitor", Versions(since=18), t=AS),
    _fact("GRANT, before 18", "GRANT SELECT ON t TO pg_monitor", Versions(until=17)),
    _fact("GRANT ... ON ALL TABLES IN SCHEMA", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO pg_monitor"),
)
