"""What the statements name: all that a snapshot has to look up before they can be judged."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from gate.model.names import Name


@dataclass(frozen=True, kw_only=True)
class Wants:
    """Names as written (unqualified ones are looked for in every schema of the search path).

    `relations` holds tables, views, sequences, matviews and indexes alike. `others` holds (catalog, name) pairs such
    as (`pg_collation`, Name). `schemas` are named schemas; `whole_schemas` those of which every relation is wanted
    (DROP SCHEMA, REINDEX SCHEMA, ... IN SCHEMA). `owners` are roles of which every object is wanted (DROP OWNED,
    REASSIGN OWNED). `dependents_of` lists extensions, languages and other (catalog, name) pairs whose dependents are
    wanted. `cascades` are relations that a TRUNCATE ... CASCADE names: all that references them, however far, is
    wanted. `needs_casts` asks for pg_cast and the default operator classes, `needs_database` for every relation,
    `needs_names` for the names that cannot be chosen for what a statement adds without a name.
    """

    relations: frozenset[Name] = frozenset()
    types: frozenset[Name] = frozenset()
    functions: frozenset[Name] = frozenset()
    operators: frozenset[str] = frozenset()
    schemas: frozenset[str] = frozenset()
    whole_schemas: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    others: frozenset[tuple[str, Name]] = frozenset()
    dependents_of: frozenset[tuple[str, Name]] = frozenset()
    cascades: frozenset[Name] = frozenset()
    needs_casts: bool = False
    needs_names: bool = False
    needs_database: bool = False

    def __or__(self, more: Wants) -> Wants:
        merged = {item.name: getattr(self, item.name) | getattr(more, item.name) for item in fields(self)}
        return replace(self, **merged)

    def __bool__(self) -> bool:
        return any(getattr(self, item.name) for item in fields(self))
