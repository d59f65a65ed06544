"""Finding what a statement names, as the server would, and walking from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.catalog import Constraint, Function, Relation, Type
from gate.model.effects import NotUnderstood, ServerWouldReject, Touch
from gate.model.expressions import TypeName
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.work import Work

_WORDS = {
    "r": "table",
    "p": "table",
    "f": "foreign table",
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
    "c": "composite type",
}


def relation(world: Snapshot, name: Name) -> Relation:
    """The relation of that name, or the table of the index of that name; 42P01 without one."""
    found = maybe_relation(world, name)
    if found is None:
        raise missing(world, name)
    return found


def missing(world: Snapshot, name: Name) -> ServerWouldReject:
    """The server's answer to a name that it does not find."""
    if name.schema is not None and name.schema not in world.schemas:
        return ServerWouldReject(f'schema "{name.schema}" does not exist', sqlstate="3F000")
    return ServerWouldReject(
        f'relation "{name}" does not exist',
        sqlstate="42P01",
        remedy="create it in an earlier migration, or correct the name or the search_path",
    )


def maybe_relation(world: Snapshot, name: Name) -> Relation | None:
    """Like `relation`, None without one."""
    oid = world.find(name)
    return None if oid is None else world.relations.get(world.index_tables.get(oid, oid))


def maybe_index(world: Snapshot, name: Name) -> int | None:
    """The oid of the index of that name; None for none and for what is no index."""
    oid = world.find(name)
    return oid if oid in world.index_tables else None


def word(kind: str) -> str:
    """A relkind in words."""
    return _WORDS.get(kind, "relation")


def descendants(world: Snapshot, oid: int) -> Iterator[Relation]:
    """The relations that inherit from it, directly or not, each once, itself left out."""
    seen, pending = {oid}, list(_children(world, oid))
    while pending:
        child = pending.pop(0)
        if child.oid in seen:
            continue
        seen.add(child.oid)
        yield child
        pending.extend(_children(world, child.oid))


def _children(world: Snapshot, oid: int) -> Iterator[Relation]:
    parent = world.relations.get(oid)
    for child in parent.children if parent else ():
        found = world.relations.get(child)
        if found is not None:
            yield found


def ancestors(world: Snapshot, table: Relation) -> Iterator[Relation]:
    """Its parents, their parents, and so on, each once."""
    seen, pending = {table.oid}, list(table.parents)
    while pending:
        oid = pending.pop(0)
        found = world.relations.get(oid)
        if found is None or oid in seen:
            continue
        seen.add(oid)
        yield found
        pending.extend(found.parents)


def direct_children(world: Snapshot, table: Relation) -> tuple[Relation, ...]:
    """The relations one link below."""
    return tuple(_children(world, table.oid))


def family(world: Snapshot, table: Relation, *, only: bool = False) -> tuple[Relation, ...]:
    """The table and, unless ONLY was written, all that inherits from it."""
    return (table,) if only else (table, *descendants(world, table.oid))


def find_type(world: Snapshot, name: Name) -> Type | None:
    """The type of that name: in its schema, else in pg_catalog, else along the search path."""
    schemas = (name.schema,) if name.schema is not None else ("pg_catalog", *world.server.search_path)
    by_name = {(item.schema, item.name): item for item in world.types.values() if item.name == name.name}
    return next((by_name[schema, name.name] for schema in schemas if (schema, name.name) in by_name), None)


def named_type(world: Snapshot, type_name: TypeName) -> Type:
    """The type that was written, its array type where brackets were; 42704 without one."""
    found = _column_type(world, type_name) if type_name.of_column else find_type(world, type_name.name)
    if found is not None and type_name.dimensions:
        found = world.types.get(found.array)
    if found is None:
        raise ServerWouldReject(f'type "{type_name.name}" does not exist', sqlstate="42704")
    return found


def _column_type(world: Snapshot, type_name: TypeName) -> Type | None:
    *before, column_name = type_name.of_column
    table = relation(world, Name(before[-1], before[-2] if len(before) > 1 else None))
    column = table.column(column_name)
    return world.types.get(column.type) if column else None


def functions(world: Snapshot, name: Name, arguments: int | None = None) -> tuple[Function, ...]:
    """Functions of that name that the search path reaches and that take that many arguments, the likeliest first."""
    schemas = (name.schema,) if name.schema is not None else ("pg_catalog", *world.server.search_path)
    alike = [item for item in world.functions.values() if item.name == name.name]
    found = [item for schema in schemas for item in alike if item.schema == schema]
    return tuple(item for item in found if arguments is None or _takes(item, arguments))


def _takes(item: Function, arguments: int) -> bool:
    count = len(item.arguments)
    if item.is_variadic:
        return arguments >= count - 1
    return count - item.argument_defaults <= arguments <= count


def referencing(world: Snapshot, table: Relation) -> Iterator[tuple[Relation, Constraint]]:
    """The foreign keys that point at the table, each with the table that it stands on."""
    for oid, constraint in table.referenced_by:
        other = world.relations.get(oid)
        found = next((item for item in other.constraints if item.oid == constraint), None) if other else None
        if other is not None and found is not None:
            yield other, found


def locks(relations: Iterable[Relation], mode: LockMode, work: Work | None = None) -> Iterator[Touch]:
    """The same lock, and the same work, on each."""
    for item in relations:
        yield Touch(item.oid, mode, frozenset({work}) if work else frozenset())


def scans(relations: Iterable[Relation], mode: LockMode, work: Work) -> Iterator[Touch]:
    """The lock on each, the work only where there are rows of its own."""
    for item in relations:
        yield Touch(item.oid, mode, frozenset({work}) if item.has_storage else frozenset())


def require_owner(world: Snapshot, table: Relation) -> None:
    """42501 where the role that will run it owns neither the relation nor its owner's privileges."""
    server = world.server
    if server.is_superuser or table.oid < 0 or not table.owner or not server.role:
        return
    if table.owner != server.role and table.owner not in server.memberships:
        raise ServerWouldReject(
            f"must be owner of {word(table.kind)} {table.name}",
            sqlstate="42501",
            remedy=f"run the release as {table.owner} or a member of it; plan for it with --release-role {table.owner}",
        )


def role_named(world: Snapshot, written: str) -> str:
    """CURRENT_USER and its like are the role that runs it."""
    return world.server.role if written in ("CURRENT_USER", "CURRENT_ROLE", "SESSION_USER") else written


def incomplete(what: str) -> NotUnderstood:
    """What the snapshot does not hold."""
    return NotUnderstood(f"{what} was not read")
