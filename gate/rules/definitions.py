"""Sequences, schemas with what is created in them, extensions, publications.

Source: PostgreSQL 18 `sequence.c` (AlterSequence, process_owned_by), `schemacmds.c`, `extension.c`, `publicationcmds.c`
(OpenTableList).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from gate.model.actions import (
    Action,
    CreateIndex,
    CreateSchema,
    CreateTable,
    CreateTrigger,
    CreateView,
    ExtensionAction,
    Grant,
    PublicationAction,
    SequenceAction,
)
from gate.model.catalog import Depend, Publication, Ref, Relation, Schema, Sequence
from gate.model.effects import NotUnderstood, ServerWouldReject, Touch
from gate.model.facts import fact
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.lookup import (
    family,
    maybe_relation,
    named_type,
    relation,
    require_owner,
    role_named,
    word,
)
from gate.rules.named import RELATIONS, created_in, refs

AS, S, SUE, SRE = LockMode.ACCESS_SHARE, LockMode.SHARE, LockMode.SHARE_UPDATE_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE
_INT8 = 20


# --- sequences --------------------------------------------------------------------------------------------------------


def derive_sequence(action: SequenceAction, world: Snapshot) -> Iterator[Touch]:
    """ALTER SEQUENCE: SHARE ROW EXCLUSIVE on it; the table of OWNED BY, ACCESS SHARE."""
    if action.creates:
        if maybe_relation(world, Name(action.name.name, created_in(world, action.name))) is not None:
            if action.exists_ok:
                return
            raise ServerWouldReject(f'relation "{action.name}" already exists', sqlstate="42P07")
    else:
        sequence = maybe_relation(world, action.name)
        if sequence is None and action.exists_ok:
            return
        sequence = relation(world, action.name)
        _check_sequence(sequence, world)
        yield Touch(sequence.oid, SRE)
    if action.owned_by:
        yield Touch(_owner(action, world).oid, AS)


def _check_sequence(sequence: Relation, world: Snapshot) -> None:
    if sequence.kind != "S":
        raise ServerWouldReject(f'"{sequence.name}" is not a sequence', sqlstate="42809")
    require_owner(world, sequence)


def _owner(action: SequenceAction, world: Snapshot) -> Relation:
    *names, column = action.owned_by or ("", "")
    if not names:
        raise ServerWouldReject(
            "invalid OWNED BY option", sqlstate="42601", remedy="write OWNED BY table.column or OWNED BY NONE"
        )
    table = relation(world, Name(names[-1], names[-2] if len(names) > 1 else None))
    if table.kind not in "rpvf":
        raise ServerWouldReject(
            f'sequence cannot be owned by relation "{table.name}": it is a {word(table.kind)}', sqlstate="42809"
        )
    if table.column(column) is None:
        raise ServerWouldReject(f'column "{column}" of relation "{table.name}" does not exist', sqlstate="42703")
    return table


def apply_sequence(action: SequenceAction, snapshot: Snapshot) -> Snapshot:
    """The sequence, with its owner."""
    world = snapshot
    found = maybe_relation(world, action.name)
    if action.creates:
        if found is not None and action.exists_ok:
            return snapshot
        schema = "pg_temp" if action.persistence == "t" else created_in(world, action.name)
        oid, world = world.fresh_oid()
        kind = named_type(world, action.type).oid if action.type else _INT8
        made = Sequence(oid=oid, type=kind, maximum=0)
        found = Relation(
            oid=oid,
            schema=schema,
            name=action.name.name,
            kind="S",
            owner=world.server.role,
            persistence=action.persistence,
            sequence=made,
        )
    if found is None or found.sequence is None:
        return snapshot
    sequence = _owned(action, found.sequence, world)
    if action.owned_by is not None:
        world = _with_owner(world, found, sequence)
    return world.put(replace(found, sequence=sequence))


def _with_owner(world: Snapshot, found: Relation, sequence: Sequence) -> Snapshot:
    """Only the column that owns it takes the sequence along when it goes."""
    own = Ref("pg_class", found.oid)
    kept = {
        on: tuple(edge for edge in edges if (edge.dependent, edge.kind, on.catalog) != (own, "a", own.catalog))
        for on, edges in world.dependents.items()
    }
    world = replace(world, dependents=kept)
    if not sequence.owner_table:
        return world
    owner = Ref("pg_class", sequence.owner_table, sequence.owner_column)
    return world.depends(Depend(dependent=own, on=owner, kind="a", relation=found.oid))


def _owned(action: SequenceAction, sequence: Sequence, world: Snapshot) -> Sequence:
    if action.owned_by is None:
        return sequence
    if not action.owned_by:
        return replace(sequence, owner_table=0, owner_column=0)
    table = _owner(action, world)
    column = table.column(action.owned_by[-1])
    return replace(sequence, owner_table=table.oid, owner_column=column.number if column else 0)


# --- schemas and extensions -------------------------------------------------------------------------------------------


def derive_schema(action: CreateSchema, world: Snapshot) -> Iterator[Touch]:
    """What the statements inside do, each after the one before it."""
    from gate.rules import apply, derive

    name = role_named(world, action.name)
    if name in world.schemas:
        if action.if_not_exists:
            return
        raise ServerWouldReject(f'schema "{name}" already exists', sqlstate="42P06")
    world = _with_schema(action, world)
    for element in in_order(action):
        yield from derive(element, world)
        world = apply(element, world)


_ORDER = (SequenceAction, CreateTable, CreateView, CreateIndex, CreateTrigger, Grant)


def in_order(action: CreateSchema) -> list[Action]:
    """The elements as the server does them, kind by kind (transformCreateSchemaStmtElements)."""

    def place(element: Action) -> int:
        return next((number for number, kind in enumerate(_ORDER) if isinstance(element, kind)), len(_ORDER))

    return sorted(action.elements, key=place)


def _with_schema(action: CreateSchema, world: Snapshot) -> Snapshot:
    """With the schema, which comes first in the search path while the elements are done."""
    oid, world = world.fresh_oid()
    name = role_named(world, action.name)
    schemas = {**world.schemas, name: Schema(oid=oid, name=name, owner=world.server.role)}
    return replace(world, schemas=schemas, server=replace(world.server, search_path=(name, *world.server.search_path)))


def apply_schema(action: CreateSchema, snapshot: Snapshot) -> Snapshot:
    """The schema with what was created in it."""
    from gate.rules import apply

    if role_named(snapshot, action.name) in snapshot.schemas:
        return snapshot
    world = _with_schema(action, snapshot)
    for element in in_order(action):
        world = apply(element, world)
    return replace(world, server=snapshot.server)


def derive_extension(action: ExtensionAction, world: Snapshot) -> Iterator[Touch]:
    """A member relation is locked SHARE UPDATE EXCLUSIVE; what an update script does is not known."""
    if action.what == "update":
        raise NotUnderstood(
            f"the update script of extension {action.name} may change any of its objects",
            remedy=f"read the script {action.name}--*--*.sql, and run it at a quiet time",
        )
    if action.what == "create" and action.name in world.server.extensions and not action.if_not_exists:
        raise ServerWouldReject(f'extension "{action.name}" already exists', sqlstate="42710")
    if action.member is not None and action.member_object in RELATIONS:
        for ref in refs(world, action.member_object, action.member):
            yield Touch(ref.oid, SUE)


def apply_extension(action: ExtensionAction, snapshot: Snapshot) -> Snapshot:
    """CREATE EXTENSION: known from now on."""
    if action.what != "create":
        return snapshot
    extensions = {**snapshot.server.extensions, action.name: ""}
    return replace(snapshot, server=replace(snapshot.server, extensions=extensions))


# --- publications -----------------------------------------------------------------------------------------------------


def derive_publication(action: PublicationAction, world: Snapshot) -> Iterator[Touch]:
    """SHARE UPDATE EXCLUSIVE on each table that joins, stays or leaves; its children too unless ONLY or partitioned."""
    known = next((item for item in world.publications if item.name == action.name), None)
    _check_publication(action, known)
    for table in _members(action, world):
        _check_member(action, known, table)
        yield Touch(table.oid, SUE)
    if action.what == "set" and known is not None:
        yield from (Touch(oid, SUE) for oid in known.relations)


def _check_publication(action: PublicationAction, known: Publication | None) -> None:
    if action.what == "create" and known is not None:
        raise ServerWouldReject(f'publication "{action.name}" already exists', sqlstate="42710")
    if action.what != "create" and known is None:
        raise ServerWouldReject(f'publication "{action.name}" does not exist', sqlstate="42704")
    if known is not None and known.is_for_all_tables and action.what in ("add", "drop", "set"):
        raise ServerWouldReject(f'publication "{action.name}" is defined as FOR ALL TABLES', sqlstate="55000")


def _check_member(action: PublicationAction, known: Publication | None, table: Relation) -> None:
    is_member = known is not None and table.oid in known.relations
    is_named = any(use.name.name == table.name for use in action.tables)
    if is_named and action.what == "add" and is_member:
        raise ServerWouldReject(
            f'relation "{table.name}" is already member of publication "{action.name}"', sqlstate="42710"
        )
    if is_named and action.what == "drop" and not is_member:
        raise ServerWouldReject(f'relation "{table.name}" is not part of the publication', sqlstate="42704")


def _members(action: PublicationAction, world: Snapshot) -> Iterator[Relation]:
    for use in action.tables:
        table = relation(world, use.name)
        if table.kind not in "rp":
            raise ServerWouldReject(
                f'cannot add relation "{table.name}" to publication: it is a {word(table.kind)}', sqlstate="22023"
            )
        yield from family(world, table, only=use.only or table.kind == "p")


def apply_publication(action: PublicationAction, snapshot: Snapshot) -> Snapshot:
    """The publication with its members after it."""
    known = next((item for item in snapshot.publications if item.name == action.name), None)
    named = tuple(table.oid for table in _members(action, snapshot))
    world = snapshot
    if known is None:
        oid, world = world.fresh_oid()
        known = Publication(
            oid=oid, name=action.name, owner=world.server.role, is_for_all_tables=action.is_for_all_tables
        )
    before = known.relations
    members = {
        "add": (*before, *named),
        "drop": tuple(oid for oid in before if oid not in named),
        "options": before,
    }.get(action.what, named)
    changed = replace(known, relations=tuple(dict.fromkeys(members)), schemas=action.schemas or known.schemas)
    return replace(world, publications=(*(item for item in world.publications if item.name != action.name), changed))


DERIVES = {
    SequenceAction: derive_sequence,
    CreateSchema: derive_schema,
    ExtensionAction: derive_extension,
    PublicationAction: derive_publication,
}
APPLIES = {
    SequenceAction: apply_sequence,
    CreateSchema: apply_schema,
    ExtensionAction: apply_extension,
    PublicationAction: apply_publication,
}

_DOC = "https://www.postgresql.org/docs/18/explicit-locking.html; src/backend/commands/sequence.c"
_TABLES = (
    "CREATE TABLE t (a int); CREATE TABLE c () INHERITS (t); CREATE SEQUENCE s; CREATE TABLE o (a int); "
    "CREATE PUBLICATION p FOR TABLE o"
)
_SCAN = frozenset({Work.VALIDATION_SCAN})


_fact = partial(fact, source=_DOC)

FACTS = (
    _fact("ALTER SEQUENCE", _TABLES, "ALTER SEQUENCE s RESTART", s=SRE),
    _fact("ALTER SEQUENCE ... OWNED BY", _TABLES, "ALTER SEQUENCE s OWNED BY t.a", s=SRE, t=AS),
    _fact("CREATE SEQUENCE ... OWNED BY", _TABLES, "CREATE SEQUENCE n OWNED BY t.a", t=AS),
    _fact("CREATE SCHEMA with elements", _TABLES, "CREATE SCHEMA n CREATE VIEW v AS SELECT * FROM public.t", t=AS),
    _fact("CREATE PUBLICATION ... FOR TABLE, children", _TABLES, "CREATE PUBLICATION n FOR TABLE t", t=SUE, c=SUE),
    _fact("CREATE PUBLICATION ... FOR TABLE ONLY", _TABLES, "CREATE PUBLICATION n FOR TABLE ONLY t", t=SUE),
    _fact("CREATE PUBLICATION ... FOR ALL TABLES", _TABLES, "CREATE PUBLICATION n FOR ALL TABLES"),
    _fact("ALTER PUBLICATION ... SET TABLE, one leaves", _TABLES, "ALTER PUBLICATION p SET TABLE ONLY t", t=SUE, o=SUE),
    _fact("ALTER PUBLICATION ... DROP TABLE", _TABLES, "ALTER PUBLICATION p DROP TABLE o", o=SUE),
)
