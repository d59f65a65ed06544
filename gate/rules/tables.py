"""CREATE TABLE: what a new table locks of the old ones, and what it is afterwards.

Source: PostgreSQL 18 `tablecmds.c` (DefineRelation, MergeAttributes, CloneForeignKeyConstraints), `parse_utilcmd.c`
(transformTableLikeClause).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import ColumnSpec, ConstraintSpec, CreateTable
from gate.model.catalog import Column, Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.rules.alter_table import At
from gate.rules.columns import add_column
from gate.rules.hanging import with_parents_triggers
from gate.rules.lookup import find_type, referencing, relation
from gate.rules.making import with_constraint
from gate.rules.partitions import default_scans, linked, partitions_of

AE, SRE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE
AS = LockMode.ACCESS_SHARE


def target_schema(world: Snapshot, name: Name, persistence: str = "p") -> str:
    """The schema in which an object of that name is made; 3F000 where none fits."""
    if persistence == "t":
        return "pg_temp"
    if name.schema is not None:
        if name.schema not in world.schemas and not name.schema.startswith("pg_temp"):
            raise ServerWouldReject(f'schema "{name.schema}" does not exist', sqlstate="3F000")
        return name.schema
    for schema in world.server.search_path:
        if schema in world.schemas:
            return schema
    raise ServerWouldReject("no schema has been selected to create in", sqlstate="3F000")


def _exists(action: CreateTable, world: Snapshot) -> bool:
    schema = target_schema(world, action.name, action.persistence)
    if (schema, action.name.name) not in world.names:
        _check_create(world, schema)
        return False
    if action.if_not_exists:
        return True
    raise ServerWouldReject(f'relation "{action.name.name}" already exists', sqlstate="42P07")


def _check_create(world: Snapshot, schema: str) -> None:
    found = world.schemas.get(schema)
    if found is not None and not found.may_create and not world.server.is_superuser:
        raise ServerWouldReject(
            f"permission denied for schema {schema}",
            sqlstate="42501",
            remedy=f"GRANT CREATE ON SCHEMA {schema} TO {world.server.role}",
        )


def derive_create_table(action: CreateTable, world: Snapshot) -> Iterator[Touch]:
    """Parents, LIKE sources, referenced tables."""
    if _exists(action, world):
        return
    for parent in action.inherits:
        yield Touch(relation(world, parent).oid, SUE)
    for like in action.likes:
        yield Touch(relation(world, like.source).oid, AS)
    if action.partition_of is not None:
        yield from _partition(action, world)
    for spec in _foreign_keys(action):
        yield from _referenced(spec, action, world)


def _foreign_keys(action: CreateTable) -> Iterator[ConstraintSpec]:
    for spec in (*action.constraints, *(item for column in action.columns for item in column.constraints)):
        if spec.kind == "f":
            yield spec


def _referenced(spec: ConstraintSpec, action: CreateTable, world: Snapshot) -> Iterator[Touch]:
    assert spec.referenced is not None
    schema = target_schema(world, action.name, action.persistence)
    if spec.referenced.name == action.name.name and spec.referenced.schema in (None, schema):
        return
    table = relation(world, spec.referenced)
    if not spec.referenced_columns and table.primary_key is None:
        raise ServerWouldReject(f'there is no primary key for referenced table "{table.name}"', sqlstate="42704")
    for item in partitions_of(world, table):
        yield Touch(item.oid, SRE)


def _partition(action: CreateTable, world: Snapshot) -> Iterator[Touch]:
    assert action.partition_of is not None
    assert action.bound is not None
    parent = relation(world, action.partition_of)
    if parent.kind != "p":
        raise ServerWouldReject(f'"{parent.name}" is not partitioned', sqlstate="42809")
    yield Touch(parent.oid, AE)
    yield from default_scans(world, parent, action.bound)
    for constraint in parent.constraints:
        referenced = world.relations.get(constraint.referenced)
        if constraint.kind == "f" and referenced is not None:
            for table in partitions_of(world, referenced):
                yield Touch(table.oid, SRE)
    for table, found in referencing(world, parent):
        if not found.parent and table.oid != parent.oid:
            yield Touch(table.oid, SRE)


# --- the catalog after it ---------------------------------------------------------------------------------------------


def apply_create_table(action: CreateTable, snapshot: Snapshot) -> Snapshot:
    """The new table with its columns, constraints, indexes and links."""
    if _exists(action, snapshot):
        return snapshot
    oid, world = snapshot.fresh_oid()
    table = _bare(action, oid, world)
    world = world.put(table)
    world = _columns(action, table.oid, world)
    for spec in _all_constraints(action):
        world = with_constraint(spec, At(world, world.relations[oid], AE))
    world = _likes(action, oid, world)
    return _links(action, oid, world)


def _bare(action: CreateTable, oid: int, world: Snapshot) -> Relation:
    kind = "f" if action.is_foreign else "p" if action.partition_strategy else "r"
    return Relation(
        oid=oid,
        schema=target_schema(world, action.name, action.persistence),
        name=action.name.name,
        kind=kind,
        owner=world.server.role,
        persistence=action.persistence,
        access_method=action.access_method,
        tablespace=action.tablespace,
        rows=None if kind == "f" else 0.0,
        total_bytes=None if kind == "f" else 0,
        is_partition=action.partition_of is not None,
        is_default_partition=action.bound is not None and action.bound.is_default,
        partition_bound=action.bound.text if action.bound else None,
        partition_strategy=action.partition_strategy,
        is_known_empty=kind != "f",
    )


def _columns(action: CreateTable, oid: int, world: Snapshot) -> Snapshot:
    parents = [
        relation(world, name) for name in (*action.inherits, *([action.partition_of] if action.partition_of else []))
    ]
    for parent in parents:
        world = _inherited(parent.columns, oid, world)
    for like in action.likes:
        world = _copied(relation(world, like.source), oid, world, like.includes)
    if action.of_type is not None:
        kind = find_type(world, action.of_type)
        source = world.relations.get(kind.relation) if kind else None
        world = _copied(source, oid, world, frozenset()) if source else world
    for spec in action.columns:
        world = _own(spec, oid, world)
    table = world.relations[oid]
    numbers = tuple(
        column.number if column else 0
        for column in (table.column(name) if name else None for name in action.partition_columns)
    )
    return world.put(replace(table, partition_columns=numbers, partition_keys=numbers))


def _own(spec: ColumnSpec, oid: int, world: Snapshot) -> Snapshot:
    table = world.relations[oid]
    present = table.column(spec.name)
    if present is None:
        return add_column(spec, table, world)
    merged = replace(present, is_not_null=present.is_not_null or spec.is_not_null, is_local=True)
    return world.put(
        replace(table, columns=tuple(merged if item.name == spec.name else item for item in table.columns))
    )


def _inherited(columns: tuple[Column, ...], oid: int, world: Snapshot) -> Snapshot:
    table = world.relations[oid]
    known = {item.name for item in table.columns}
    number = max((item.number for item in table.columns), default=0)
    added = []
    for column in columns:
        if column.name not in known:
            number += 1
            added.append(replace(column, number=number, is_local=False, inherit_count=0, has_statistics=False))
    return world.put(replace(table, columns=(*table.columns, *added)))


def _copied(source: Relation, oid: int, world: Snapshot, includes: frozenset[str]) -> Snapshot:
    table = world.relations[oid]
    number = max((item.number for item in table.columns), default=0)
    added = []
    for place, column in enumerate(source.columns, start=number + 1):
        keeps = "defaults" in includes or (column.generated and "generated" in includes)
        added.append(
            replace(
                column,
                number=place,
                default=column.default if keeps else None,
                volatility=column.volatility if keeps else None,
                identity=column.identity if "identity" in includes else "",
                generated=column.generated if "generated" in includes else "",
                is_local=True,
                inherit_count=0,
                has_statistics=False,
            )
        )
    return world.put(replace(table, columns=(*table.columns, *added)))


def _all_constraints(action: CreateTable) -> Iterator[ConstraintSpec]:
    yield from action.constraints
    for column in action.columns:
        yield from (item for item in column.constraints if item.kind != "n")


def _likes(action: CreateTable, oid: int, world: Snapshot) -> Snapshot:
    """Constraints always keep NOT NULL; checks and indexes follow INCLUDING."""
    for like in action.likes:
        source, table = relation(world, like.source), world.relations[oid]
        if "constraints" in like.includes:
            checks = tuple(
                replace(item, relation=oid, oid=world.next_oid - place)
                for place, item in enumerate(source.constraints)
                if item.kind == "c"
            )
            world = replace(world, next_oid=world.next_oid - len(source.constraints) - 1)
            table = replace(table, constraints=(*table.constraints, *checks))
        if "indexes" in like.includes:
            copies = tuple(
                replace(
                    item,
                    relation=oid,
                    schema=table.schema,
                    oid=world.next_oid - place,
                    name=item.name.replace(source.name, table.name, 1),
                    constraint=0,
                    parent=0,
                )
                for place, item in enumerate(source.indexes)
            )
            world = replace(world, next_oid=world.next_oid - len(copies) - 1)
            taken = {name for _, name in world.names}
            table = replace(table, indexes=(*table.indexes, *(item for item in copies if item.name not in taken)))
        world = world.put(table)
    return world


def _links(action: CreateTable, oid: int, world: Snapshot) -> Snapshot:
    for name in (*action.inherits, *([action.partition_of] if action.partition_of else [])):
        world = linked(world, relation(world, name), world.relations[oid])
    if action.partition_of is not None:
        world = with_parents_triggers(world, relation(world, action.partition_of), world.relations[oid])
    return world


DERIVES = {CreateTable: derive_create_table}
APPLIES = {CreateTable: apply_create_table}

_DOC = "https://www.postgresql.org/docs/18/sql-createtable.html"
_SETUP = (
    "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE p (a int) PARTITION BY RANGE (a); "
    "CREATE TABLE d PARTITION OF p DEFAULT; INSERT INTO p VALUES (100)"
)


def _fact(form: str, statement: str, *expects: Expect) -> Fact:
    return Fact(form=form, source=_DOC, proof=Proof(setup=_SETUP, statement=statement, expects=expects))


FACTS = (
    _fact("CREATE TABLE ... REFERENCES", "CREATE TABLE n (r int REFERENCES r)", Expect(relation="public.r", lock=SRE)),
    _fact("CREATE TABLE ... INHERITS", "CREATE TABLE n (b int) INHERITS (r)", Expect(relation="public.r", lock=SUE)),
    _fact("CREATE TABLE ... LIKE", "CREATE TABLE n (LIKE r INCLUDING ALL)", Expect(relation="public.r", lock=AS)),
)
