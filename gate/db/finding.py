"""Round one: from names to oids, under the search path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gate.db.asking import Ask, Row
from gate.model.catalog import NamedObject, Operator
from gate.model.names import Name
from gate.model.wants import Wants

SYSTEM = ("pg_catalog", "information_schema", "pg_toast")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the names mean. `system` are relations of the server itself, `objects` (catalog, oid) pairs."""

    relations: tuple[int, ...] = ()
    system: tuple[int, ...] = ()
    cascades: tuple[int, ...] = ()
    types: tuple[int, ...] = ()
    functions: tuple[int, ...] = ()
    objects: tuple[tuple[str, int], ...] = ()
    operators: tuple[Operator, ...] = ()
    others: tuple[NamedObject, ...] = ()


def asks(wants: Wants) -> dict[str, Ask]:
    """The queries that `wants` needs, by the query's name."""
    names = {
        "find_relations": wants.relations | wants.cascades,
        "find_types": wants.types,
        "find_functions": wants.functions,
    }
    needed = {query: _named(query, items) for query, items in names.items() if items}
    if wants.operators or wants.needs_database:
        needed["operators"] = ("operators", {"names": sorted(wants.operators), "all": wants.needs_database})
    if catalogued := _catalogued(wants):
        needed["others"] = ("others", _columns(catalogued))
    if wants.whole_schemas or wants.owners or wants.needs_database:
        members = {
            "schemas": sorted(wants.whole_schemas),
            "owners": sorted(wants.owners),
            "database": wants.needs_database,
        }
        needed["find_members"] = ("find_members", members)
    if wants.needs_database:
        needed["find_objects"] = ("find_objects", {})
    if wants.owners:
        needed["find_owned"] = ("find_owned", {"owners": sorted(wants.owners)})
    return needed


def found(wants: Wants, path: Iterable[str], answers: dict[str, list[Row]]) -> Found:
    """The answers to `asks`; a name without a schema means what the path, or a schema that is named too, holds."""
    schemas = {*path, *wants.schemas, *wants.whole_schemas, "pg_catalog"}
    seen = {
        query: [
            row for row in rows if not row.get("is_unqualified") or row["schema"] is None or row["schema"] in schemas
        ]
        for query, rows in answers.items()
    }
    named = seen.get("find_relations", [])
    members = [row["oid"] for row in seen.get("find_members", [])]
    types, functions = seen.get("find_types", []), seen.get("find_functions", [])
    composite = [row["relation"] for row in types if row["relation"] and row["schema"] not in SYSTEM]
    seeds = {(row["catalog"], row["oid"]) for row in seen.get("others", []) if _is_seed(row, wants)}
    seeds |= {(row["catalog"], row["oid"]) for row in seen.get("find_owned", [])}
    seeds |= {("pg_type", row["oid"]) for row in types if row["schema"] not in SYSTEM}
    seeds |= {("pg_proc", row["oid"]) for row in functions if row["schema"] not in SYSTEM}
    return Found(
        relations=_unique([*(row["oid"] for row in named if row["schema"] not in SYSTEM), *members, *composite]),
        system=_unique(row["table"] for row in named if row["schema"] in SYSTEM),
        cascades=_unique(row["table"] for row in named if _is_among(row, wants.cascades)),
        types=_unique([*(row["oid"] for row in types), *_of(seen, "pg_type")]),
        functions=_unique([*(row["oid"] for row in functions), *_of(seen, "pg_proc")]),
        objects=tuple(sorted(seeds)),
        operators=tuple(Operator(**row) for row in seen.get("operators", [])),
        others=tuple(_other(row) for row in seen.get("others", []) if _is_other(row, wants)),
    )


def _of(seen: dict[str, list[Row]], catalog: str) -> list[int]:
    """All user-made types or functions, where the whole database is wanted."""
    return [row["oid"] for row in seen.get("find_objects", []) if row["catalog"] == catalog]


def _catalogued(wants: Wants) -> list[tuple[str, Name]]:
    """(catalog, name) pairs to look up; a whole schema is one whose dependents are wanted."""
    schemas = {("pg_namespace", Name(schema)) for schema in wants.whole_schemas}
    return sorted(wants.others | wants.dependents_of | schemas, key=str)


def _columns(pairs: Iterable[tuple[str, Name]]) -> dict[str, list[str | None]]:
    items = list(pairs)
    return {
        "catalogs": [catalog for catalog, _ in items],
        "schemas": [name.schema for _, name in items],
        "names": [name.name for _, name in items],
    }


def _named(query: str, names: Iterable[Name]) -> Ask:
    ordered = sorted(names, key=str)
    return query, {"schemas": [name.schema for name in ordered], "names": [name.name for name in ordered]}


def _is_among(row: Row, names: Iterable[Name]) -> bool:
    return any(row["name"] == name.name and name.schema in (None, row["schema"]) for name in names)


def _is_seed(row: Row, wants: Wants) -> bool:
    if row["catalog"] == "pg_namespace" and row["name"] in wants.whole_schemas:
        return True
    return _is_among(row, (name for catalog, name in wants.dependents_of if catalog == row["catalog"]))


def _is_other(row: Row, wants: Wants) -> bool:
    pairs = wants.others | wants.dependents_of
    return any(row["catalog"] == catalog and row["name"] == name.name for catalog, name in pairs)


def _other(row: Row) -> NamedObject:
    return NamedObject(
        oid=row["oid"], catalog=row["catalog"], name=row["name"], schema=row["schema"], owner=row["owner"] or ""
    )


def _unique(oids: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(oids))
