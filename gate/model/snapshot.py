"""The catalog as read once, and as it will be after the statements before.

A `Snapshot` is a value: `put`, `without` and their like return a new one that shares what did not change. It holds what
the statements can reach, not the whole database, unless it was taken to be stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gate.model.catalog import (
    Cast,
    Depend,
    EventTrigger,
    Function,
    NamedObject,
    Operator,
    OperatorClass,
    Publication,
    Ref,
    Relation,
    Schema,
    Type,
)
from gate.model.moment import Moment
from gate.model.names import Name
from gate.model.unread import Unread as Unread  # noqa: PLC0414 - known by this place too


@dataclass(frozen=True, kw_only=True)
class Server:
    """The server, the role's session and what both allow.

    `search_path` is the effective one with `pg_catalog` left out and `$user` resolved; `settings` are the values of the
    settings that matter, as `current_setting` gives them; `memberships` the roles whose privileges the role has.
    `printed_path` is the search path under which stored texts were printed, where a statement changed it since.
    """

    major: int
    version: str
    database: str = ""
    role: str = ""
    is_superuser: bool = False
    memberships: frozenset[str] = frozenset()
    search_path: tuple[str, ...] = ("public",)
    printed_path: tuple[str, ...] = ()
    time_zone: str = "UTC"
    is_standby: bool = False
    sorts_by_bytes: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, str] = field(default_factory=dict)
    pooler: str | None = None
    may_create_in_database: bool = True


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """See the module. `names` finds relations and indexes by (schema, name); an index maps to its own oid.

    `index_tables` maps an index's oid to its table's; `dependents` maps an object to what needs it. `taken_names` and
    `taken_constraint_names` are (schema, name) pairs that the server cannot choose for a table that is named.
    """

    server: Server
    relations: Mapping[int, Relation] = field(default_factory=dict)
    names: Mapping[tuple[str, str], int] = field(default_factory=dict)
    index_tables: Mapping[int, int] = field(default_factory=dict)
    taken_names: frozenset[tuple[str, str]] = frozenset()
    taken_constraint_names: frozenset[tuple[str, str]] = frozenset()
    types: Mapping[int, Type] = field(default_factory=dict)
    functions: Mapping[int, Function] = field(default_factory=dict)
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    dependents: Mapping[Ref, tuple[Depend, ...]] = field(default_factory=dict)
    casts: tuple[Cast, ...] = ()
    operators: tuple[Operator, ...] = ()
    operator_classes: tuple[OperatorClass, ...] = ()
    publications: tuple[Publication, ...] = ()
    others: tuple[NamedObject, ...] = ()
    event_triggers: tuple[EventTrigger, ...] = ()
    moment: Moment = field(default_factory=Moment)
    unread: tuple[Unread, ...] = ()
    taken_at: str = ""
    is_whole: bool = False
    is_code_complete: bool = True
    next_oid: int = -1

    def find(self, name: Name) -> int | None:
        """The oid of the relation or index that `name` means under the search path, None without one."""
        schemas = (name.schema,) if name.schema is not None else ("pg_temp", "pg_catalog", *self.server.search_path)
        for schema in schemas:
            found = self.names.get((schema, name.name))
            if found is not None:
                return found
        return None

    def relation_of(self, oid: int) -> Relation | None:
        """The relation itself, or the table of an index."""
        return self.relations.get(self.index_tables.get(oid, oid))

    def put(self, *relations: Relation) -> Snapshot:
        """With these relations in place of those of the same oid; names and indexes follow."""
        return _with_relations(self, relations)

    def without(self, oids: Iterable[int]) -> Snapshot:
        """Without these relations, their indexes and their names."""
        gone = set(oids)
        tables = {oid: relation for oid, relation in self.relations.items() if oid not in gone}
        indexes = {index: table for index, table in self.index_tables.items() if table not in gone}
        names = {name: oid for name, oid in self.names.items() if oid in tables or oid in indexes}
        return replace(self, relations=tables, index_tables=indexes, names=names)

    def fresh_oid(self) -> tuple[int, Snapshot]:
        """An oid for an object that the plan creates, and the snapshot that will not give it again."""
        return self.next_oid, replace(self, next_oid=self.next_oid - 1)

    def depends(self, *edges: Depend) -> Snapshot:
        """With these edges added."""
        known = dict(self.dependents)
        for edge in edges:
            known[edge.on] = (*known.get(edge.on, ()), edge)
        return replace(self, dependents=known)

    def put_type(self, *types: Type) -> Snapshot:
        """With these types."""
        return replace(self, types={**self.types, **{item.oid: item for item in types}})

    def put_function(self, *functions: Function) -> Snapshot:
        """With these functions."""
        return replace(self, functions={**self.functions, **{item.oid: item for item in functions}})


def _with_relations(snapshot: Snapshot, relations: Iterable[Relation]) -> Snapshot:
    changed = {relation.oid: relation for relation in relations}
    tables = {**snapshot.relations, **changed}
    renamed = [
        relation for relation in changed.values() if not _keeps_names(snapshot.relations.get(relation.oid), relation)
    ]
    if not renamed:
        return replace(snapshot, relations=tables)
    names, indexes = dict(snapshot.names), dict(snapshot.index_tables)
    for relation in renamed:
        _rename(snapshot.relations.get(relation.oid), relation, names, indexes)
    return replace(snapshot, relations=tables, names=names, index_tables=indexes)


def _keeps_names(before: Relation | None, after: Relation) -> bool:
    """Whether neither its own name nor any index changed: then only the relation itself is another."""
    return before is not None and (before.schema, before.name, before.indexes) == (
        after.schema,
        after.name,
        after.indexes,
    )


def _rename(
    before: Relation | None, after: Relation, names: dict[tuple[str, str], int], indexes: dict[int, int]
) -> None:
    if before is not None:
        names.pop((before.schema, before.name), None)
        for index in before.indexes:
            names.pop((index.schema, index.name), None)
            indexes.pop(index.oid, None)
    names[after.schema, after.name] = after.oid
    for index in after.indexes:
        names[index.schema, index.name] = index.oid
        indexes[index.oid] = after.oid
