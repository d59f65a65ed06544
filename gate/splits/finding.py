"""What a statement means in the catalog that it will meet."""

from __future__ import annotations

from typing import TypeVar, cast

from gate.model.actions import AlterTable, Part
from gate.model.catalog import Relation, Type
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit
from gate.splits.case import Case

P = TypeVar("P", bound=Part)


def part_of(case: Case, kind: type[P]) -> P:
    """The only part of an ALTER TABLE."""
    (part,) = cast("AlterTable", case.action).parts
    assert isinstance(part, kind)
    return part


def is_only(case: Case) -> bool:
    """Whether ONLY was written."""
    return cast("AlterTable", case.action).only


def table_of(case: Case) -> Relation:
    """The table that an ALTER TABLE is about."""
    return relation(case.before, cast("AlterTable", case.action).name)


def relation(world: Snapshot, name: Name) -> Relation:
    """The relation of that name; CannotSplit where the catalog that was read has none."""
    oid = world.find(name)
    found = None if oid is None else world.relation_of(oid)
    if found is None:
        raise CannotSplit(f"{name} was not found in the catalog that was read")
    return found


def find_type(world: Snapshot, name: Name) -> Type | None:
    """The type of that name: in its schema, else in pg_catalog, else along the search path."""
    schemas = (name.schema,) if name.schema is not None else ("pg_catalog", *world.server.search_path)
    alike = {item.schema: item for item in world.types.values() if item.name == name.name}
    return next((alike[schema] for schema in schemas if schema in alike), None)


def name_of(table: Relation) -> Name:
    """Its name with its schema: a step means the same whatever the search path."""
    return Name(table.name, table.schema)


def family(world: Snapshot, table: Relation) -> tuple[Relation, ...]:
    """The table and all that inherits from it, each once, parents first."""
    found: dict[int, Relation] = {}
    pending = [table.oid]
    while pending:
        oid = pending.pop(0)
        item = world.relations.get(oid)
        if item is not None and oid not in found:
            found[oid] = item
            pending.extend(item.children)
    return tuple(found.values())
