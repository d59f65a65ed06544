"""What disappears with a dropped object: the closure over dependencies, the locks that take, the catalog after it.

Source: PostgreSQL 18 `dependency.c` (findDependentObjects, doDeletion), `heap.c` (heap_drop_with_catalog), `index.c`
(index_drop), `pg_constraint.c`, `trigger.c`, `rewriteRemove.c`: each opens the relation ACCESS EXCLUSIVE, extended
statistics SHARE UPDATE EXCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gate.model.catalog import Column, Constraint, Depend, Index, Ref, Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.rules.dependents import CLASS, CONSTRAINT, REWRITE, Dependents

_HARMLESS = frozenset({"pg_publication_rel", "pg_publication_namespace", "pg_init_privs", "pg_shdepend"})


@dataclass
class Doomed:
    """Everything that goes, gathered while walking."""

    refs: dict[Ref, int | None] = field(default_factory=dict)

    def relations(self, world: Snapshot) -> frozenset[int]:
        """Oids of relations (not indexes) that go."""
        return frozenset(
            ref.oid for ref in self.refs if ref.catalog == CLASS and not ref.sub and ref.oid in world.relations
        )


def doom(world: Snapshot, roots: Iterable[Ref], *, cascade: bool) -> Doomed:
    """The roots and all that cannot live without them; 2BP01 where that needs CASCADE."""
    doomed, dependents = Doomed(), Dependents(world)
    waiting: list[tuple[Ref, int | None]] = [(root, dependents.holder(root)) for root in roots]
    blocked: list[Depend] = []
    while waiting:
        ref, relation = waiting.pop()
        if ref in doomed.refs or (ref.sub and ref._replace(sub=0) in doomed.refs):
            continue
        doomed.refs[ref] = relation
        for edge in dependents.of(ref):
            dependent = _whole(world, edge)
            if edge.kind == "n" and not cascade:
                blocked.append(edge)
            else:
                waiting.append((dependent, edge.relation))
    _check_blocked(world, doomed, blocked)
    return doomed


def _check_blocked(world: Snapshot, doomed: Doomed, blocked: list[Depend]) -> None:
    for edge in blocked:
        target = _whole(world, edge)
        gone = (
            target in doomed.refs
            or target._replace(sub=0) in doomed.refs
            or (edge.relation is not None and Ref(CLASS, edge.relation) in doomed.refs)
        )
        if not gone:
            raise ServerWouldReject(
                f"other objects depend on it: {edge.name or target.catalog}",
                sqlstate="2BP01",
                remedy="drop what depends on it first, or write CASCADE and mean it",
            )


def _whole(world: Snapshot, edge: Depend) -> Ref:
    """A view's own rule stands for the view (its internal dependency runs the other way)."""
    relation = world.relations.get(edge.relation) if edge.relation is not None else None
    if edge.dependent.catalog == REWRITE and relation is not None and relation.kind in "vm":
        return Ref(CLASS, relation.oid)
    return edge.dependent


def _constraint(world: Snapshot, relation: int, oid: int) -> Constraint | None:
    table = world.relations.get(relation)
    return next((item for item in table.constraints if item.oid == oid), None) if table else None


# --- locks ------------------------------------------------------------------------------------------------------------


def doomed_touches(world: Snapshot, doomed: Doomed, mode: LockMode = LockMode.ACCESS_EXCLUSIVE) -> Iterator[Touch]:
    """The lock on each relation that loses something."""
    for ref, owner in doomed.refs.items():
        relation = _locked(world, ref, owner)
        if relation is None or ref.catalog in _HARMLESS:
            continue
        weaker = LockMode.SHARE_UPDATE_EXCLUSIVE if ref.catalog == "pg_statistic_ext" else mode
        yield Touch(
            relation, weaker, shuts_out_readers=ref.oid in world.index_tables and weaker is LockMode.ACCESS_EXCLUSIVE
        )
        yield from _beside(world, ref, relation)


def _locked(world: Snapshot, ref: Ref, owner: int | None) -> int | None:
    if ref.catalog == CLASS:
        return world.index_tables.get(ref.oid, ref.oid)
    if ref.catalog in ("pg_type", "pg_proc"):
        return None
    return owner


def _beside(world: Snapshot, ref: Ref, relation: int) -> Iterator[Touch]:
    """A foreign key's other table loses triggers; a partition's parent and its default change their bounds."""
    if ref.catalog == CONSTRAINT:
        foreign = _constraint(world, relation, ref.oid)
        if foreign is not None and foreign.referenced and foreign.is_enforced and not _is_clone(world, foreign):
            yield Touch(foreign.referenced, LockMode.ACCESS_EXCLUSIVE)
    if ref.catalog == CLASS and not ref.sub and ref.oid in world.relations:
        yield from parent_touches(world, world.relations[ref.oid])


def _is_clone(world: Snapshot, foreign: Constraint) -> bool:
    """A partition's copy of its parent's foreign key has no triggers on the referenced table."""
    return foreign.parent != 0 and _constraint(world, foreign.relation, foreign.parent) is None


def parent_touches(world: Snapshot, partition: Relation) -> Iterator[Touch]:
    """What dropping or detaching a partition locks above and beside it."""
    if not partition.is_partition:
        return
    for parent in partition.parents:
        yield Touch(parent, LockMode.ACCESS_EXCLUSIVE)
        yield from (Touch(item.oid, LockMode.ACCESS_EXCLUSIVE) for item in default_partition(world, parent))


def default_partition(world: Snapshot, parent: int) -> Iterator[Relation]:
    """The default partition of a partitioned table, if it has one."""
    table = world.relations.get(parent)
    for oid in table.children if table else ():
        child = world.relations.get(oid)
        if child is not None and child.is_default_partition:
            yield child


# --- the catalog after it ---------------------------------------------------------------------------------------------


def without_doomed(world: Snapshot, doomed: Doomed) -> Snapshot:
    """The snapshot without everything that goes."""
    gone = doomed.relations(world)
    touched = {relation for relation in doomed.refs.values() if relation is not None} | _neighbours(world, gone)
    changed = [_pruned(world, world.relations[oid], doomed, gone) for oid in touched - gone if oid in world.relations]
    after = world.put(*changed).without(gone)
    types = {oid: kind for oid, kind in after.types.items() if Ref("pg_type", oid) not in doomed.refs}
    functions = {oid: item for oid, item in after.functions.items() if Ref("pg_proc", oid) not in doomed.refs}
    others = tuple(item for item in after.others if Ref(item.catalog, item.oid) not in doomed.refs)
    schemas = {name: item for name, item in after.schemas.items() if Ref("pg_namespace", item.oid) not in doomed.refs}
    publications = tuple(item for item in after.publications if Ref("pg_publication", item.oid) not in doomed.refs)
    return replace(
        after,
        types=types,
        functions=functions,
        others=others,
        schemas=schemas,
        publications=publications,
        dependents=_left(after, doomed),
    )


def _left(world: Snapshot, doomed: Doomed) -> dict[Ref, tuple[Depend, ...]]:
    left = {}
    for ref, edges in world.dependents.items():
        if ref in doomed.refs:
            continue
        # A view's own rule goes with the view, by whose name it is doomed.
        kept = tuple(
            edge
            for edge in edges
            if edge.dependent not in doomed.refs
            and (edge.relation is None or Ref(CLASS, edge.relation) not in doomed.refs)
        )
        if kept:
            left[ref] = kept
    return left


def _neighbours(world: Snapshot, gone: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for oid in gone:
        relation = world.relations[oid]
        found.update(relation.parents, relation.children)
        found.update(item.referenced for item in relation.constraints if item.referenced)
    return found


def _pruned(world: Snapshot, relation: Relation, doomed: Doomed, gone: frozenset[int]) -> Relation:
    refs = doomed.refs
    columns = tuple(item for item in relation.columns if Ref(CLASS, relation.oid, item.number) not in refs)
    kept = {item.oid for item in relation.constraints if Ref(CONSTRAINT, item.oid) not in refs}
    return replace(
        relation,
        columns=tuple(_without_default(item, relation, world, refs) for item in columns),
        constraints=tuple(item for item in relation.constraints if item.oid in kept),
        indexes=tuple(item for item in relation.indexes if _stays(item, refs)),
        triggers=tuple(item for item in relation.triggers if Ref("pg_trigger", item.oid) not in refs),
        rules=tuple(item for item in relation.rules if Ref(REWRITE, item.oid) not in refs),
        policies=tuple(item for item in relation.policies if Ref("pg_policy", item.oid) not in refs),
        statistics=tuple(item for item in relation.statistics if Ref("pg_statistic_ext", item.oid) not in refs),
        parents=tuple(item for item in relation.parents if item not in gone),
        children=tuple(item for item in relation.children if item not in gone),
        referenced_by=tuple(
            pair for pair in relation.referenced_by if pair[0] not in gone and Ref(CONSTRAINT, pair[1]) not in refs
        ),
    )


def _stays(index: Index, refs: dict[Ref, int | None]) -> bool:
    return Ref(CLASS, index.oid) not in refs


def _without_default(column: Column, relation: Relation, world: Snapshot, refs: Mapping[Ref, int | None]) -> Column:
    for edge in world.dependents.get(Ref(CLASS, relation.oid, column.number), ()):
        if edge.dependent.catalog == "pg_attrdef" and edge.dependent in refs:
            return replace(column, default=None, volatility=None, generated="")
    return column
