"""What DROP, COMMENT, ALTER ... OWNER and their like name: from written names to object addresses.

Source: PostgreSQL 18 `objectaddress.c` (get_object_address), `namespace.c`.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import ObjectName
from gate.model.catalog import Constraint, Function, NamedObject, Policy, Ref, Relation, Rule, Trigger, Type
from gate.model.effects import ServerWouldReject
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.rules.lookup import find_type, maybe_index, maybe_relation, missing, named_type, relation, require_owner, word
from gate.sql.naming import CATALOGS

CLASS = "pg_class"
RELATIONS = {
    "table": "rp",
    "view": "v",
    "matview": "m",
    "materialized view": "m",
    "sequence": "S",
    "foreign table": "f",
    "index": "iI",
}
ROUTINES = {"function": "fw", "procedure": "p", "aggregate": "a", "routine": "fpaw"}
PART_CATALOGS = {"trigger": "pg_trigger", "rule": "pg_rewrite", "policy": "pg_policy", "tabconstraint": "pg_constraint"}


def refs(world: Snapshot, kind: str, name: ObjectName) -> tuple[Ref, ...]:
    """The object's address; none where it does not exist. ServerWouldReject where the name is of another kind."""
    if kind in RELATIONS:
        return _relation(world, kind, name.name)
    if kind in PART_CATALOGS:
        return tuple(part_of(world, kind, name))
    if kind in ("type", "domain"):
        return tuple(Ref("pg_type", item.oid) for item in _type(world, kind, name.name))
    if kind in ROUTINES:
        return tuple(Ref("pg_proc", item.oid) for item in routines(world, kind, name))
    if kind == "schema":
        found = world.schemas.get(name.name.name)
        return (Ref("pg_namespace", found.oid),) if found else ()
    if kind == "statistic ext":
        return tuple(_statistics(world, name)) or _others(world, kind, name)
    if kind == "publication":
        return tuple(Ref(CATALOGS[kind], item.oid) for item in world.publications if item.name == name.name.name)
    return _others(world, kind, name)


def _statistics(world: Snapshot, name: ObjectName) -> Iterator[Ref]:
    schemas = (name.name.schema,) if name.name.schema is not None else world.server.search_path
    for table in world.relations.values():
        for item in table.statistics:
            if item.name == name.name.name and item.schema in schemas:
                yield Ref("pg_statistic_ext", item.oid)


def _others(world: Snapshot, kind: str, name: ObjectName) -> tuple[Ref, ...]:
    if kind in CATALOGS:
        return tuple(Ref(item.catalog, item.oid) for item in others(world, kind, name))
    return ()


def _relation(world: Snapshot, kind: str, name: Name) -> tuple[Ref, ...]:
    oid = world.find(name)
    if oid is None:
        return ()
    found = world.relations.get(oid)
    relkind = "i" if found is None else found.kind
    if relkind not in RELATIONS[kind]:
        raise wrong_kind(name, kind)
    return (Ref(CLASS, oid),)


def wrong_kind(name: Name, kind: str) -> ServerWouldReject:
    """The server's answer where the name is that of a relation of another kind."""
    words = {"matview": "materialized view"}.get(kind, kind)
    return ServerWouldReject(f'"{name}" is not {"an" if words[0] in "aeio" else "a"} {words}', sqlstate="42809")


def _type(world: Snapshot, kind: str, name: Name) -> Iterator[Type]:
    found = find_type(world, name)
    if found is None:
        return
    if kind == "domain" and found.kind != "d":
        raise ServerWouldReject(f'"{name}" is not a domain', sqlstate="42809")
    yield found


def part_of(world: Snapshot, kind: str, name: ObjectName) -> Iterator[Ref]:
    """A trigger, rule, policy or constraint of a relation, by its name."""
    table = holder(world, name)
    if table is None:
        return
    parts: dict[str, tuple[Trigger, ...] | tuple[Rule, ...] | tuple[Policy, ...] | tuple[Constraint, ...]] = {
        "trigger": table.triggers,
        "rule": table.rules,
        "policy": table.policies,
        "tabconstraint": table.constraints,
    }
    for item in parts[kind]:
        if item.name == name.name.name and not getattr(item, "is_internal", False):
            yield Ref(PART_CATALOGS[kind], item.oid)


def holder(world: Snapshot, name: ObjectName) -> Relation | None:
    """The relation that the named part belongs to."""
    return maybe_relation(world, name.part_of) if name.part_of is not None else None


def routines(world: Snapshot, kind: str, name: ObjectName) -> tuple[Function, ...]:
    """The one function that is meant; 42725 where only arguments could tell."""
    wanted = None if name.arguments is None else tuple(named_type(world, item).oid for item in name.arguments)
    schemas = (name.name.schema,) if name.name.schema is not None else ("pg_catalog", *world.server.search_path)
    for schema in schemas:
        found = tuple(item for item in world.functions.values() if (item.schema, item.name) == (schema, name.name.name))
        found = tuple(item for item in found if item.kind in ROUTINES[kind])
        if wanted is not None:
            found = tuple(item for item in found if item.arguments == wanted) or (
                found if len(found) == 1 and kind != "function" else ()
            )
        if len(found) > 1:
            raise ServerWouldReject(
                f'{kind} name "{name.name}" is not unique', sqlstate="42725", remedy="name its argument types"
            )
        if found:
            return found
    return ()


def others(world: Snapshot, kind: str, name: ObjectName) -> tuple[NamedObject, ...]:
    """An object of a kind that the snapshot knows by name only; of operators and their like all that share the name."""
    found = [item for item in world.others if item.catalog == CATALOGS[kind] and item.name == name.name.name]
    if kind == "operator":
        found = _of_these_operands(world, found, name)
    schemas: tuple[str | None, ...] = (
        (name.name.schema,) if name.name.schema is not None else (None, "pg_catalog", *world.server.search_path)
    )
    for schema in schemas:
        here = tuple(item for item in found if item.schema == schema)
        if here:
            return here
    return ()


def _of_these_operands(world: Snapshot, found: list[NamedObject], name: ObjectName) -> list[NamedObject]:
    if name.arguments is None:
        return found
    operands = [named_type(world, item).oid for item in name.arguments]
    left, right = (operands[0], operands[1]) if len(operands) == 2 else (0, operands[-1] if operands else 0)
    exact = {item.oid for item in world.operators if (item.left, item.right) == (left, right)}
    return [item for item in found if item.oid in exact or item.oid < 0]


def not_found(world: Snapshot, kind: str, name: ObjectName) -> ServerWouldReject:
    """The server's answer to an object that does not exist."""
    if kind in PART_CATALOGS or kind == "column":
        if name.part_of is not None and maybe_relation(world, name.part_of) is None:
            return missing(world, name.part_of)
        return ServerWouldReject(
            f'{_word(kind)} "{name.name}" for relation "{name.part_of}" does not exist', sqlstate="42704"
        )
    if kind in RELATIONS:
        return missing(world, name.name)
    return ServerWouldReject(f'{_word(kind)} "{name.name}" does not exist', sqlstate="42704")


def _word(kind: str) -> str:
    special = {
        "tabconstraint": "constraint",
        "statistic ext": "statistics object",
        "opclass": "operator class",
        "opfamily": "operator family",
    }
    return special.get(kind, kind)


def own(world: Snapshot, name: Name, kinds: str, what: str) -> Relation:
    """The relation of one of these kinds, owned by the role; the server's answer where it is not."""
    found = relation(world, name)
    if found.kind not in kinds or maybe_index(world, name) is not None:
        raise ServerWouldReject(f'"{name}" cannot have {what}: it is a {word(found.kind)}', sqlstate="42809")
    require_owner(world, found)
    if found.is_system:
        raise ServerWouldReject(f'permission denied: "{found.name}" is a system catalog', sqlstate="42501")
    return found


def created_in(world: Snapshot, name: Name) -> str:
    """The schema in which an object of that name is created."""
    schema = (
        name.schema
        if name.schema is not None
        else next((item for item in world.server.search_path if item in world.schemas), "public")
    )
    if schema.startswith("pg_temp"):
        return "pg_temp"
    if schema not in world.schemas:
        raise ServerWouldReject(f'schema "{schema}" does not exist', sqlstate="3F000")
    return schema
