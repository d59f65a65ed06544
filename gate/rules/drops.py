"""DROP of anything, DROP OWNED and REASSIGN OWNED.

Source: PostgreSQL 18 `tablecmds.c` (RemoveRelations, RangeVarCallbackForDropRelation), `dropcmds.c` (RemoveObjects),
`dependency.c`, `pg_shdepend.c` (shdepDropOwned, shdepReassignOwned).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gate.model.actions import Drop, DropOwned, ObjectName
from gate.model.catalog import Index, Ref, Relation
from gate.model.effects import NotUnderstood, ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof, fact
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.rules.doomed import doom, doomed_touches, parent_touches, without_doomed
from gate.rules.lookup import descendants, require_owner, role_named
from gate.rules.named import CLASS, PART_CATALOGS, RELATIONS, ROUTINES, holder, not_found, refs
from gate.sql.naming import CATALOGS

AE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE

_NEVER_NEEDED = frozenset({"cast", "user mapping", "transform", "subscription"})
"""Nothing but an extension can depend on these: dropping them drops nothing else that is stored in a relation."""


def derive_drop(action: Drop, world: Snapshot) -> Iterator[Touch]:
    """Each named object, then everything that goes with them."""
    if action.object in _NEVER_NEEDED:
        return
    roots: list[Ref] = []
    for name in action.names:
        found = _found(action, world, name)
        roots += found
        for ref in found:
            yield from _named(action, world, ref)
    if action.object == "index" and action.is_concurrent:
        return
    yield from doomed_touches(world, doom(world, roots, cascade=action.cascade))


_KNOWN = frozenset({"type", "domain", "schema", *ROUTINES, *CATALOGS, *RELATIONS, *PART_CATALOGS})


def _found(action: Drop, world: Snapshot, name: ObjectName) -> tuple[Ref, ...]:
    if action.object not in _KNOWN:
        raise NotUnderstood(f"what depends on a {action.object} is not read")
    try:
        found = refs(world, action.object, name)
    except ServerWouldReject as answer:
        # IF EXISTS forgives argument types and schemas that are missing too.
        if action.missing_ok and answer.sqlstate in ("42704", "3F000", "42P01"):
            return ()
        raise
    if not found and not action.missing_ok:
        raise not_found(world, action.object, name)
    return found


def _named(action: Drop, world: Snapshot, ref: Ref) -> Iterator[Touch]:
    """The locks that naming the object takes, and what the server refuses to drop by itself."""
    if ref.catalog == CLASS and ref.oid in world.index_tables:
        yield from _index(action, world, ref.oid)
    elif ref.catalog == CLASS:
        relation = world.relations[ref.oid]
        _check_relation(world, relation)
        yield Touch(ref.oid, AE)
        yield from parent_touches(world, relation)
    elif ref.catalog in PART_CATALOGS.values():
        _check_part(action, world, ref)


def _check_relation(world: Snapshot, relation: Relation) -> None:
    if relation.is_system:
        raise ServerWouldReject(f'permission denied: "{relation.name}" is a system catalog', sqlstate="42501")
    schema = world.schemas.get(relation.schema)
    if schema is None or not schema.owner or schema.owner not in {world.server.role, *world.server.memberships}:
        require_owner(world, relation)
    sequence = relation.sequence
    if sequence is not None and sequence.is_identity:
        raise _required(relation.name, "an identity column", "ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY")
    if relation.extension:
        raise _required(relation.name, f"extension {relation.extension}", "drop the extension instead")


def _required(name: str, by: str, remedy: str) -> ServerWouldReject:
    return ServerWouldReject(f'cannot drop "{name}" because {by} requires it', sqlstate="2BP01", remedy=remedy)


def _check_part(action: Drop, world: Snapshot, ref: Ref) -> None:
    for name in action.names:
        table = holder(world, name)
        if table is None:
            continue
        require_owner(world, table)
        if any(item.oid == ref.oid and item.parent for item in table.triggers):
            raise _required(name.name.name, "the trigger of the partitioned table", "drop that trigger instead")


def _index(action: Drop, world: Snapshot, oid: int) -> Iterator[Touch]:
    """The table, and all its partitions for a partitioned index, even those that have no part of it."""
    table = world.relations[world.index_tables[oid]]
    index = next(item for item in table.indexes if item.oid == oid)
    _check_index(action, world, table, index)
    if action.is_concurrent:
        yield Touch(table.oid, SUE)
        return
    yield Touch(table.oid, AE, shuts_out_readers=True)
    if index.is_partitioned:
        yield from (Touch(item.oid, AE) for item in descendants(world, table.oid))


def _check_index(action: Drop, world: Snapshot, table: Relation, index: Index) -> None:
    require_owner(world, table)
    if index.constraint:
        raise _required(index.name, f"a constraint on table {table.name}", "ALTER TABLE ... DROP CONSTRAINT")
    if index.parent:
        raise _required(index.name, "the index of the partitioned table", "drop that index instead")
    if action.is_concurrent and index.is_partitioned:
        raise ServerWouldReject(f'cannot drop partitioned index "{index.name}" concurrently', sqlstate="0A000")
    if action.is_concurrent and (len(action.names) > 1 or action.cascade):
        raise ServerWouldReject(
            "DROP INDEX CONCURRENTLY does not support dropping multiple objects or CASCADE", sqlstate="0A000"
        )


def apply_drop(action: Drop, snapshot: Snapshot) -> Snapshot:
    """The catalog without them."""
    if action.object not in _KNOWN:
        return snapshot
    roots = [ref for name in action.names for ref in _found(action, snapshot, name)]
    return without_doomed(snapshot, doom(snapshot, roots, cascade=action.cascade)) if roots else snapshot


# --- by owner ---------------------------------------------------------------------------------------------------------


def derive_owned(action: DropOwned, world: Snapshot) -> Iterator[Touch]:
    """Every relation of the roles; policies that name a role are not read."""
    roles = {role_named(world, role) for role in action.roles}
    if action.reassigns:
        for relation in owned_relations(world, roles):
            yield Touch(relation.oid, AE)
        return
    yield from doomed_touches(world, doom(world, _owned(world, roles), cascade=action.cascade))


def owned_relations(world: Snapshot, roles: set[str]) -> Iterator[Relation]:
    """What these roles own, the server's own left out."""
    for relation in world.relations.values():
        if relation.owner in roles and not relation.is_system:
            yield relation


def _owned(world: Snapshot, roles: set[str]) -> list[Ref]:
    found = [Ref(CLASS, relation.oid) for relation in owned_relations(world, roles) if relation.kind != "c"]
    found += [
        Ref("pg_type", item.oid)
        for item in world.types.values()
        if item.owner in roles and _stands_alone(world, item.oid)
    ]
    found += [Ref("pg_proc", item.oid) for item in world.functions.values() if item.owner in roles]
    found += [Ref("pg_namespace", item.oid) for item in world.schemas.values() if item.owner in roles]
    return found + [Ref("pg_publication", item.oid) for item in world.publications if item.owner in roles]


def _stands_alone(world: Snapshot, oid: int) -> bool:
    """A type of its own: no row type of a table, no array of another."""
    kind = world.types[oid]
    relation = world.relations.get(kind.relation)
    return (relation is None or relation.kind == "c") and not any(item.array == oid for item in world.types.values())


def apply_owned(action: DropOwned, snapshot: Snapshot) -> Snapshot:
    """The catalog without them; a new owner changes no lock."""
    if action.reassigns:
        return snapshot
    roles = {role_named(snapshot, role) for role in action.roles}
    return without_doomed(snapshot, doom(snapshot, _owned(snapshot, roles), cascade=action.cascade))


DERIVES = {Drop: derive_drop, DropOwned: derive_owned}
APPLIES = {Drop: apply_drop, DropOwned: apply_owned}

_DOC = "https://www.postgresql.org/docs/18/explicit-locking.html#LOCKING-TABLES; src/backend/catalog/dependency.c"
_TABLE = "CREATE TABLE t (a int PRIMARY KEY, b int)"
_PARTITIONED = (
    "CREATE TABLE p (a int, b int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); "
    "CREATE TABLE d PARTITION OF p DEFAULT"
)


_fact = partial(fact, source=_DOC)

FACTS = (
    _fact("DROP TABLE", _TABLE, "DROP TABLE t", t=AE),
    _fact(
        "DROP TABLE ... of a referencing table",
        _TABLE + "; CREATE TABLE r (a int REFERENCES t)",
        "DROP TABLE r",
        t=AE,
        r=AE,
    ),
    _fact(
        "DROP TABLE ... CASCADE, a view",
        _TABLE + "; CREATE VIEW v AS SELECT a FROM t",
        "DROP TABLE t CASCADE",
        t=AE,
        v=AE,
    ),
    _fact("DROP TABLE ... of a partition", _PARTITIONED, "DROP TABLE p1", p=AE, p1=AE, d=AE),
    _fact("DROP TABLE ... of an owner of a sequence", "CREATE TABLE t (a serial)", "DROP TABLE t", t=AE, t_a_seq=AE),
    _fact("DROP VIEW", _TABLE + "; CREATE VIEW v AS SELECT a FROM t", "DROP VIEW v", v=AE),
    _fact(
        "DROP MATERIALIZED VIEW",
        _TABLE + "; CREATE MATERIALIZED VIEW m AS SELECT a FROM t",
        "DROP MATERIALIZED VIEW m",
        m=AE,
    ),
    _fact("DROP SEQUENCE", "CREATE SEQUENCE s", "DROP SEQUENCE s", s=AE),
    _fact(
        "DROP SEQUENCE ... CASCADE, a default",
        "CREATE TABLE t (a serial)",
        "DROP SEQUENCE t_a_seq CASCADE",
        t=AE,
        t_a_seq=AE,
    ),
    _fact("DROP INDEX", _TABLE + "; CREATE INDEX i ON t (b)", "DROP INDEX i", t=AE),
    _fact(
        "DROP INDEX of a partitioned table",
        _PARTITIONED + "; CREATE INDEX i ON ONLY p (b)",
        "DROP INDEX i",
        p=AE,
        p1=AE,
        d=AE,
    ),
    _fact("DROP STATISTICS", _TABLE + "; CREATE STATISTICS s ON a, b FROM t", "DROP STATISTICS s", t=SUE),
    _fact(
        "DROP TRIGGER",
        _TABLE + "; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "DROP TRIGGER g ON t",
        t=AE,
    ),
    _fact("DROP TRIGGER IF EXISTS of none", _TABLE, "DROP TRIGGER IF EXISTS g ON t"),
    _fact("DROP RULE", _TABLE + "; CREATE RULE g AS ON INSERT TO t DO NOTHING", "DROP RULE g ON t", t=AE),
    _fact("DROP POLICY", _TABLE + "; CREATE POLICY g ON t", "DROP POLICY g ON t", t=AE),
    _fact(
        "DROP TYPE ... CASCADE, a column",
        "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (a e)",
        "DROP TYPE e CASCADE",
        t=AE,
    ),
    _fact(
        "DROP DOMAIN ... CASCADE, a column",
        "CREATE DOMAIN e AS int; CREATE TABLE t (a e)",
        "DROP DOMAIN e CASCADE",
        t=AE,
    ),
    _fact("DROP PUBLICATION", _TABLE + "; CREATE PUBLICATION u FOR TABLE t", "DROP PUBLICATION u"),
    _fact("DROP FUNCTION", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f"),
    Fact(
        form="DROP SCHEMA ... CASCADE",
        source=_DOC,
        proof=Proof(
            setup="CREATE SCHEMA s; CREATE TABLE s.inside (a int); CREATE VIEW public.v AS SELECT a FROM s.inside",
            statement="DROP SCHEMA s CASCADE",
            expects=(Expect(relation="s.inside", lock=AE), Expect(relation="public.v", lock=AE)),
        ),
    ),
)
