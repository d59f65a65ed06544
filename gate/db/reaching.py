"""Round two's answer: what the named objects reach, and the edges of `pg_depend` on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import cast

from gate.db.asking import Ask, Row
from gate.db.finding import Found
from gate.model.catalog import Depend, Ref


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Relations to read whole, types and functions that depend on what was named, and why."""

    relations: tuple[int, ...] = ()
    types: tuple[int, ...] = ()
    functions: tuple[int, ...] = ()
    dependents: Mapping[Ref, tuple[Depend, ...]] = field(default_factory=dict)


def reach_ask(found: Found, *, is_whole: bool) -> Ask | None:
    """The query to send, None where nothing was named."""
    if is_whole:
        return "edges", {}
    if not found.relations and not found.objects:
        return None
    return "closure", {
        "relations": list(found.relations),
        "cascades": list(found.cascades),
        "catalogs": [catalog for catalog, _ in found.objects],
        "objects": [oid for _, oid in found.objects],
    }


def reached(found: Found, rows: Iterable[Row], *, is_whole: bool) -> Reach:
    """The answer to `reach_ask`; rows without a catalog are relations."""
    relations = list(found.relations) if is_whole else []
    edges: list[Depend] = []
    known: dict[object, object] = {}
    for row in rows:
        if row["catalog"] is None:
            relations.append(row["objid"])
        else:
            edges.append(_edge(row, known))
    dependents: dict[Ref, list[Depend]] = defaultdict(list)
    for edge in edges:
        dependents[edge.on].append(edge)
    return Reach(
        relations=tuple(relations),
        types=() if is_whole else _of(edges, "pg_type"),
        functions=() if is_whole else _of(edges, "pg_proc"),
        dependents={on: tuple(found_edges) for on, found_edges in dependents.items()},
    )


def _of(edges: Iterable[Depend], catalog: str) -> tuple[int, ...]:
    return tuple({edge.dependent.oid: None for edge in edges if edge.dependent.catalog == catalog})


def _edge(row: Row, known: dict[object, object]) -> Depend:
    """One edge; equal addresses and names are kept once, in `known`."""
    dependent = Ref(intern(row["catalog"]), row["objid"], row["objsubid"])
    on = Ref(intern(row["refcatalog"]), row["refobjid"], row["refobjsubid"])
    name = row["name"] or ""
    return Depend(
        dependent=cast("Ref", known.setdefault(dependent, dependent)),
        on=cast("Ref", known.setdefault(on, on)),
        kind=intern(row["deptype"]),
        relation=row["relation"],
        name=cast("str", known.setdefault(name, name)),
    )
