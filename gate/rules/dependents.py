"""What needs an object: as `pg_depend` says, and as the nouns show for objects that the plan created.

Source: PostgreSQL 18 `dependency.c`, `heap.c`, `index.c`, `pg_constraint.c` (recordDependencyOn and its callers).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gate.model.catalog import Constraint, Depend, Index, Ref, Relation
from gate.model.snapshot import Snapshot

CLASS = "pg_class"
CONSTRAINT = "pg_constraint"
REWRITE = "pg_rewrite"
STATISTICS = "pg_statistic_ext"
_HOLDS = {
    CONSTRAINT: "constraints",
    REWRITE: "rules",
    "pg_trigger": "triggers",
    "pg_policy": "policies",
    STATISTICS: "statistics",
}


@dataclass(frozen=True)
class Dependents:
    """The snapshot's links the other way round; each direction is made once, when it is first asked for."""

    world: Snapshot

    @cached_property
    def _constraints(self) -> dict[int, tuple[Relation, Constraint]]:
        return {item.oid: (table, item) for table in self.world.relations.values() for item in table.constraints}

    @cached_property
    def _below_constraints(self) -> dict[int, list[Constraint]]:
        found = defaultdict(list)
        for _, item in self._constraints.values():
            if item.parent:
                found[item.parent].append(item)
        return found

    @cached_property
    def _below_indexes(self) -> dict[int, list[Index]]:
        found = defaultdict(list)
        for table in self.world.relations.values():
            for index in table.indexes:
                if index.parent:
                    found[index.parent].append(index)
        return found

    @cached_property
    def _sequences(self) -> dict[int, list[Relation]]:
        found = defaultdict(list)
        for relation in self.world.relations.values():
            if relation.sequence is not None and relation.sequence.owner_table:
                found[relation.sequence.owner_table].append(relation)
        return found

    @cached_property
    def _columns(self) -> dict[int, list[Ref]]:
        found = defaultdict(list)
        for relation in self.world.relations.values():
            for column in relation.columns:
                found[column.type].append(Ref(CLASS, relation.oid, column.number))
        return found

    @cached_property
    def _holders(self) -> dict[Ref, int]:
        relations = self.world.relations.values()
        parts = (
            (catalog, item, table)
            for catalog, field in _HOLDS.items()
            for table in relations
            for item in getattr(table, field)
        )
        return {Ref(catalog, item.oid): table.oid for catalog, item, table in parts}

    def holder(self, ref: Ref) -> int | None:
        """The relation that the object is, or is a part of."""
        return self.world.index_tables.get(ref.oid, ref.oid) if ref.catalog == CLASS else self._holders.get(ref)

    def of(self, ref: Ref) -> Iterator[Depend]:
        """The edges to all that needs it."""
        yield from self.world.dependents.get(ref, ())
        relation = self.world.relations.get(ref.oid) if ref.catalog == CLASS else None
        if relation is not None:
            yield from self._of_relation(relation, ref)
        elif ref.catalog == "pg_namespace":
            yield from self._of_schema(ref)
        elif ref.catalog == CLASS and ref.oid in self.world.index_tables:
            yield from self._of_index(ref)
        elif ref.catalog == CONSTRAINT:
            yield from self._of_constraint(ref)
        elif ref.catalog == "pg_type":
            yield from self._of_type(ref)

    def _of_relation(self, relation: Relation, ref: Ref) -> Iterator[Depend]:
        """The relation, or the column `ref.sub` of it."""
        if not ref.sub:
            for column in relation.columns:
                yield from self.world.dependents.get(Ref(CLASS, ref.oid, column.number), ())
            yield from self._below(relation, ref)
        for index in relation.indexes:
            if not ref.sub or ref.sub in index.columns:
                yield _auto(Ref(CLASS, index.oid), ref, relation.oid, f"index {index.name}")
        for constraint in relation.constraints:
            if not ref.sub or (ref.sub in constraint.columns and constraint.kind != "t"):
                yield _auto(Ref(CONSTRAINT, constraint.oid), ref, relation.oid, f"constraint {constraint.name}")
        for statistics in relation.statistics:
            if not ref.sub or ref.sub in statistics.columns:
                yield _auto(Ref(STATISTICS, statistics.oid), ref, relation.oid, f"statistics object {statistics.name}")
        yield from self._inbound(relation, ref)
        for owned in self._sequences.get(ref.oid, ()):
            if owned.sequence is not None and ref.sub in (0, owned.sequence.owner_column):
                yield _auto(Ref(CLASS, owned.oid), ref, owned.oid, f"sequence {owned.name}")

    def _inbound(self, relation: Relation, ref: Ref) -> Iterator[Depend]:
        for table, oid in relation.referenced_by:
            _, foreign = self._constraints.get(oid, (None, None))
            if foreign is not None and (not ref.sub or ref.sub in foreign.referenced_columns) and not foreign.parent:
                kind = "n" if table != relation.oid else "a"
                yield Depend(
                    dependent=Ref(CONSTRAINT, oid), on=ref, kind=kind, relation=table, name=self._foreign(foreign)
                )

    def _below(self, relation: Relation, ref: Ref) -> Iterator[Depend]:
        for child in relation.children:
            found = self.world.relations.get(child)
            kind = "a" if found is not None and found.is_partition else "n"
            name = f"table {found.full_name}" if found is not None else f"table {child}"
            yield Depend(dependent=Ref(CLASS, child), on=ref, kind=kind, relation=child, name=name)
        if relation.row_type:
            yield Depend(dependent=Ref("pg_type", relation.row_type), on=ref, kind="i")

    def _of_index(self, ref: Ref) -> Iterator[Depend]:
        table = self.world.relations[self.world.index_tables[ref.oid]]
        index = next(item for item in table.indexes if item.oid == ref.oid)
        if index.constraint:
            yield Depend(dependent=Ref(CONSTRAINT, index.constraint), on=ref, kind="i", relation=table.oid)
        for child in self._below_indexes.get(ref.oid, ()):
            yield Depend(dependent=Ref(CLASS, child.oid), on=ref, kind="P", relation=child.relation)
        for relation, oid in table.referenced_by:
            _, foreign = self._constraints.get(oid, (None, None))
            if foreign is not None and foreign.index == ref.oid:
                yield Depend(
                    dependent=Ref(CONSTRAINT, oid), on=ref, kind="n", relation=relation, name=self._foreign(foreign)
                )

    def _foreign(self, constraint: Constraint) -> str:
        table = self.world.relations.get(constraint.relation)
        return f"constraint {constraint.name} on {table.full_name if table else constraint.relation}"

    def _of_constraint(self, ref: Ref) -> Iterator[Depend]:
        table, constraint = self._constraints.get(ref.oid, (None, None))
        if table is not None and constraint is not None and constraint.index and constraint.kind in "pux":
            yield Depend(dependent=Ref(CLASS, constraint.index), on=ref, kind="i", relation=table.oid)
        for child in self._below_constraints.get(ref.oid, ()):
            yield Depend(dependent=Ref(CONSTRAINT, child.oid), on=ref, kind="P", relation=child.relation)

    def _of_type(self, ref: Ref) -> Iterator[Depend]:
        kind = self.world.types.get(ref.oid)
        for column in self._columns.get(ref.oid, ()):
            yield Depend(dependent=column, on=ref, kind="n", relation=column.oid, name=f"column {self._column(column)}")
        if kind is None:
            return
        if kind.array:
            yield Depend(dependent=Ref("pg_type", kind.array), on=ref, kind="i")
        if kind.relation:
            yield Depend(dependent=Ref(CLASS, kind.relation), on=ref, kind="i", relation=kind.relation)
        for other in self.world.types.values():
            if other.oid < 0 and other.base == ref.oid:
                yield Depend(dependent=Ref("pg_type", other.oid), on=ref, kind="n", name=f"type {other.full_name}")

    def _column(self, ref: Ref) -> str:
        table = self.world.relations[ref.oid]
        column = table.column_number(ref.sub)
        return f"{column.name if column else ref.sub} of {table.full_name}"

    def _of_schema(self, ref: Ref) -> Iterator[Depend]:
        """What the plan itself created there; the rest is in the catalog's own edges."""
        name = next((item.name for item in self.world.schemas.values() if item.oid == ref.oid), None)
        for oid, relation in self.world.relations.items():
            if oid < 0 and relation.schema == name:
                yield Depend(
                    dependent=Ref(CLASS, oid), on=ref, kind="n", relation=oid, name=f"table {relation.full_name}"
                )
        for catalog, items in (("pg_type", self.world.types), ("pg_proc", self.world.functions)):
            for oid, item in items.items():
                if oid < 0 and item.schema == name:
                    yield Depend(dependent=Ref(catalog, oid), on=ref, kind="n", name=f"{item.schema}.{item.name}")


def _auto(dependent: Ref, on: Ref, relation: int, name: str) -> Depend:
    return Depend(dependent=dependent, on=on, kind="a", relation=relation, name=name)
