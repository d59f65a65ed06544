"""CREATE TYPE and CREATE DOMAIN, ALTER DOMAIN, enum labels.

Source: PostgreSQL 18 `typecmds.c` (get_rels_with_domain, validateDomainCheckConstraint, AlterEnum).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from gate.model.actions import (
    AlterDomain,
    AlterEnum,
    CreateType,
)
from gate.model.catalog import Column, DomainConstraint, Ref, Relation, Type
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import fact
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.dependents import Dependents
from gate.rules.lookup import (
    find_type,
    named_type,
    scans,
)
from gate.rules.named import created_in

AS, S, SUE, SRE = LockMode.ACCESS_SHARE, LockMode.SHARE, LockMode.SHARE_UPDATE_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE
_INT8 = 20


# --- types ------------------------------------------------------------------------------------------------------------


def derive_type(action: CreateType, world: Snapshot) -> Iterator[Touch]:
    """A new type touches no relation."""
    schema = created_in(world, action.name)
    known = find_type(world, Name(action.name.name, schema))
    # A shell type is filled by a second CREATE TYPE; an array type that the server named makes room.
    moves = known is not None and known.element != 0 and known.name.startswith("_")
    if known is not None and action.kind != "b" and known.schema == schema and not moves:
        raise ServerWouldReject(f'type "{action.name}" already exists', sqlstate="42710")
    return iter(())


def apply_type(action: CreateType, snapshot: Snapshot) -> Snapshot:
    """The type and its array; a composite one with its relation."""
    schema = created_in(snapshot, action.name)
    oid, world = snapshot.fresh_oid()
    array, world = world.fresh_oid()
    table = 0
    if action.kind == "c":
        table, world = world.fresh_oid()
        world = world.put(_composite(action, schema, table, oid, world))
    base = named_type(world, action.base) if action.base else None
    kind = Type(
        oid=oid,
        schema=schema,
        name=action.name.name,
        kind=action.kind,
        category={"e": "E", "c": "C", "r": "R"}.get(action.kind, base.category if base else "U"),
        owner=world.server.role,
        relation=table,
        base=base.oid if base else 0,
        array=array,
        length=base.length if base else 4 if action.kind == "e" else -1,
        collation=base.collation if base else 0,
        is_not_null=any(item.kind == "n" for item in action.constraints),
        has_default=action.default is not None,
        labels=action.labels,
        constraints=_domain_constraints(action),
    )
    return world.put_type(
        kind, Type(oid=array, schema=schema, name=f"_{action.name.name}", category="A", owner=kind.owner, element=oid)
    )


def _composite(action: CreateType, schema: str, oid: int, row_type: int, world: Snapshot) -> Relation:
    columns = tuple(
        Column(number=number, name=item.name, type=named_type(world, item.type).oid if item.type else 0)
        for number, item in enumerate(action.columns, start=1)
    )
    return Relation(
        oid=oid,
        schema=schema,
        name=action.name.name,
        kind="c",
        owner=world.server.role,
        row_type=row_type,
        columns=columns,
    )


def _domain_constraints(action: CreateType) -> tuple[DomainConstraint, ...]:
    checks = [item for item in action.constraints if item.kind == "c"]
    return tuple(
        DomainConstraint(
            oid=0,
            name=item.name or f"{action.name.name}_check{number or ''}",
            expression=item.expression.text if item.expression else None,
        )
        for number, item in enumerate(checks)
    )


# --- domains ----------------------------------------------------------------------------------------------------------


def _domain(action: AlterDomain, world: Snapshot) -> Type:
    found = find_type(world, action.name)
    if found is None:
        raise ServerWouldReject(f'type "{action.name}" does not exist', sqlstate="42704")
    if found.kind != "d":
        raise ServerWouldReject(f"{action.name} is not a domain", sqlstate="42809")
    return found


def derive_domain(action: AlterDomain, world: Snapshot) -> Iterator[Touch]:
    """A new or validated constraint reads every table that holds the domain, under SHARE."""
    domain = _domain(action, world)
    if _reads_tables(action, domain):
        yield from scans(holders(world, domain), S, Work.VALIDATION_SCAN)


def _reads_tables(action: AlterDomain, domain: Type) -> bool:
    constraint = action.constraint
    known = next((item for item in domain.constraints if item.name == action.constraint_name), None)
    match action.what:
        case "set not null":
            return not domain.is_not_null
        case "add constraint" if constraint is not None:
            _check_new(constraint.name, domain)
            return constraint.is_valid and not (constraint.kind == "n" and domain.is_not_null)
        case "validate":
            if known is None:
                raise _no_constraint(action)
            return not known.is_valid
        case "drop constraint":
            if known is None and not action.missing_ok:
                raise _no_constraint(action)
            return False
        case _:
            return False


def _check_new(name: str | None, domain: Type) -> None:
    if name is not None and any(item.name == name for item in domain.constraints):
        raise ServerWouldReject(f'constraint "{name}" for domain "{domain.name}" already exists', sqlstate="42710")


def _no_constraint(action: AlterDomain) -> ServerWouldReject:
    return ServerWouldReject(
        f'constraint "{action.constraint_name}" of domain "{action.name}" does not exist', sqlstate="42704"
    )


def holders(world: Snapshot, domain: Type) -> tuple[Relation, ...]:
    """Tables and materialized views with a column of the domain, or one over it; 0A000 where a value holds it."""
    found: dict[int, Relation] = {}
    for edge in Dependents(world).of(Ref("pg_type", domain.oid)):
        table = (
            world.relations.get(edge.dependent.oid)
            if edge.dependent.catalog == "pg_class" and edge.dependent.sub
            else None
        )
        over = world.types.get(edge.dependent.oid) if edge.dependent.catalog == "pg_type" else None
        if over is not None and over.kind == "d":
            found.update((item.oid, item) for item in holders(world, over))
        elif over is not None:
            _refuse_inside(world, over, domain)
        elif table is not None:
            row = world.types.get(table.row_type)
            if row is not None:
                _refuse_inside(world, row, domain)
            if table.has_storage:
                found[table.oid] = table
    return tuple(found.values())


def _refuse_inside(world: Snapshot, kind: Type, domain: Type) -> None:
    """find_composite_type_dependencies: a stored column of an array, a range or a row type that holds the domain."""
    waiting, seen = [kind.oid], {kind.oid}
    while waiting:
        for edge in world.dependents.get(Ref("pg_type", waiting.pop()), ()):
            further = edge.dependent.oid
            if edge.dependent.catalog == "pg_class" and edge.dependent.sub:
                table = world.relations.get(edge.dependent.oid)
                if table is None or table.kind in "rmp":
                    raise ServerWouldReject(
                        f'cannot alter type "{domain.name}" because column of table "{edge.name}" uses it',
                        sqlstate="0A000",
                    )
                further = table.row_type
            elif edge.dependent.catalog != "pg_type":
                continue
            if further and further not in seen:
                seen.add(further)
                waiting.append(further)


def apply_domain(action: AlterDomain, snapshot: Snapshot) -> Snapshot:
    """The domain after it."""
    domain = _domain(action, snapshot)
    constraint = action.constraint
    match action.what:
        case "set not null" | "drop not null":
            return snapshot.put_type(replace(domain, is_not_null=action.what == "set not null"))
        case "add constraint" if constraint is not None and constraint.kind == "n":
            return snapshot.put_type(replace(domain, is_not_null=True))
        case "add constraint" if constraint is not None:
            name = constraint.name or f"{domain.name}_check{len(domain.constraints) or ''}"
            text = constraint.expression.text if constraint.expression is not None else None
            added = DomainConstraint(oid=0, name=name, is_valid=constraint.is_valid, expression=text)
            return snapshot.put_type(replace(domain, constraints=(*domain.constraints, added)))
        case "drop constraint":
            left = tuple(item for item in domain.constraints if item.name != action.constraint_name)
            return snapshot.put_type(replace(domain, constraints=left))
        case "validate":
            valid = tuple(
                replace(item, is_valid=True) if item.name == action.constraint_name else item
                for item in domain.constraints
            )
            return snapshot.put_type(replace(domain, constraints=valid))
        case _:
            return snapshot


def derive_enum(action: AlterEnum, world: Snapshot) -> Iterator[Touch]:
    """A new or renamed label touches no relation."""
    kind = _enum(action, world)
    if action.adds and action.label in kind.labels and not action.if_not_exists:
        raise ServerWouldReject(f'enum label "{action.label}" already exists', sqlstate="42710")
    if not action.adds and action.old_label not in kind.labels:
        raise ServerWouldReject(f'"{action.old_label}" is not an existing enum label', sqlstate="22023")
    return iter(())


def _enum(action: AlterEnum, world: Snapshot) -> Type:
    kind = find_type(world, action.name)
    if kind is None:
        raise ServerWouldReject(f'type "{action.name}" does not exist', sqlstate="42704")
    if kind.kind != "e":
        raise ServerWouldReject(f"{action.name} is not an enum", sqlstate="42809")
    return kind


def apply_enum(action: AlterEnum, snapshot: Snapshot) -> Snapshot:
    """The labels after it; their order matters to no rule."""
    kind = _enum(action, snapshot)
    labels = tuple(action.label if label == action.old_label else label for label in kind.labels)
    if action.adds and action.label not in labels:
        labels = (*labels, action.label)
    return snapshot.put_type(replace(kind, labels=labels))


DERIVES = {CreateType: derive_type, AlterDomain: derive_domain, AlterEnum: derive_enum}
APPLIES = {CreateType: apply_type, AlterDomain: apply_domain, AlterEnum: apply_enum}

_DOC = "https://www.postgresql.org/docs/18/explicit-locking.html; src/backend/commands/typecmds.c"
_DOMAIN = "CREATE DOMAIN d AS int; CREATE TABLE t (a d); INSERT INTO t VALUES (1); CREATE TABLE u (a int)"
_SCAN = frozenset({Work.VALIDATION_SCAN})


_fact = partial(fact, source=_DOC)

FACTS = (
    _fact("ALTER DOMAIN ... ADD CHECK", _DOMAIN, "ALTER DOMAIN d ADD CHECK (value > 0)", work=_SCAN, t=S),
    _fact("ALTER DOMAIN ... ADD CHECK NOT VALID", _DOMAIN, "ALTER DOMAIN d ADD CHECK (value > 0) NOT VALID"),
    _fact("ALTER DOMAIN ... SET NOT NULL", _DOMAIN, "ALTER DOMAIN d SET NOT NULL", work=_SCAN, t=S),
    _fact(
        "ALTER DOMAIN ... VALIDATE CONSTRAINT",
        _DOMAIN + "; ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0) NOT VALID",
        "ALTER DOMAIN d VALIDATE CONSTRAINT c",
        work=_SCAN,
        t=S,
    ),
    _fact("ALTER DOMAIN ... SET DEFAULT", _DOMAIN, "ALTER DOMAIN d SET DEFAULT 3"),
    _fact(
        "ALTER TYPE ... ADD VALUE", "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (a e)", "ALTER TYPE e ADD VALUE 'b'"
    ),
)
