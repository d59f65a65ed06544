"""What a type change is about: the column, the one beside it that takes its place, and names that nothing has yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count

from gate.model.actions import SetType
from gate.model.catalog import Column, Relation, Type
from gate.model.chosen_names import LONGEST, constraint_name, index_name, object_name, sequence_name
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit
from gate.splits.case import Case
from gate.splits.finding import find_type, name_of, part_of, table_of
from gate.sql.rewriting.type_changes import cast_value_of, value_of


@dataclass
class Names:
    """Chooses names, each only once."""

    world: Snapshot
    taken: frozenset[str] = field(default=frozenset())

    def index(self, table: Relation, column: str) -> str:
        """Of an index; it is free for a constraint too."""
        return self._keep(index_name(self.world, table.schema, table.name, (column,), "gate_idx"), table.schema)

    def sequence(self, table: Relation, column: str) -> str:
        """Of a sequence."""
        return self._keep(sequence_name(self.world, table.schema, table.name, column, label="gate_seq"), table.schema)

    def constraint(self, table: Relation, column: str, label: str) -> str:
        """Of a constraint that has no index."""
        name = constraint_name(self.world, table.schema, table.name, (column,), label, others=self.taken)
        self.taken |= {name}
        return name

    def statistics(self, table: Relation, column: str) -> str:
        """Of a statistics object."""
        numbered = (object_name(table.name, column, f"gate_stat{number or ''}") for number in count())
        known = self.taken | {item.name for other in self.world.relations.values() for item in other.statistics}
        name = next(item for item in numbered if item not in known)
        self.taken |= {name}
        return name

    def _keep(self, name: str, schema: str) -> str:
        self.world = replace(self.world, taken_names=self.world.taken_names | {(schema, name)})
        return name


@dataclass(frozen=True, kw_only=True)
class Retyping:
    """`beside` is the column that takes the place of `column`; `value` is what it becomes, `cast` the same as its type.

    `function` and `trigger` keep it equal until then.
    """

    case: Case
    change: SetType
    table: Relation
    column: Column
    beside: str
    value: str
    cast: str
    function: Name
    trigger: str
    names: Names

    @property
    def on(self) -> Name:
        """The table's name."""
        return name_of(self.table)

    @property
    def before(self) -> Snapshot:
        """The catalog that the statement meets."""
        return self.case.before

    def named(self, number: int) -> str:
        """The column of that number, by the name that it has while both are there."""
        if number == self.column.number:
            return self.beside
        found = self.table.column_number(number)
        if found is None:
            raise CannotSplit(f"a column of {self.on} was not read")
        return found.name


def retyping(case: Case) -> Retyping:
    """Of a statement whose column is there."""
    change, table = part_of(case, SetType), table_of(case)
    column = table.column(change.column)
    if column is None:
        raise CannotSplit(f"{name_of(table)} has no column {Name(change.column)}")
    return Retyping(
        case=case,
        change=change,
        table=table,
        column=column,
        beside=_free(column.name, "gate_new", {item.name for item in table.columns}),
        value=value_of(case.sql),
        cast=cast_value_of(case.sql),
        function=Name(_free_function(case.before, table, column), table.schema),
        trigger=_last_of(table),
        names=Names(case.before),
    )


def base_of(oid: int, world: Snapshot) -> Type | None:
    """The type, or what it is a domain over."""
    found = world.types.get(oid)
    while found is not None and found.kind == "d":
        found = world.types.get(found.base)
    return found


def new_type(of: Retyping) -> Type | None:
    """The type that the column gets; of an array its element's."""
    return find_type(of.before, of.change.type.name)


def _free(name: str, label: str, taken: Iterable[str]) -> str:
    known = frozenset(taken)
    numbered = (object_name(name, None, f"{label}{number or ''}") for number in count())
    return next(item for item in numbered if item not in known)


def _free_function(world: Snapshot, table: Relation, column: Column) -> str:
    known = {item.name for item in world.functions.values() if item.schema == table.schema}
    numbered = (object_name(table.name, column.name, f"gate_keep{number or ''}") for number in count())
    return next(item for item in numbered if item not in known)


def _last_of(table: Relation) -> str:
    """A name behind those of all triggers: they fire by name, byte by byte, and it must see what the others made."""
    known = max((item.name.encode() for item in table.triggers), default=b"")
    last = known.decode(errors="ignore")
    choices = ("zz_gate_keep", "~~_gate_keep", f"{last[: LONGEST - len('_gate')]}_gate", f"{last}~")
    found = next((item for item in choices if item.encode() > known and len(item.encode()) <= LONGEST), None)
    if found is None:
        raise CannotSplit(
            f"no trigger of {name_of(table)} can fire after {last}", remedy="give that trigger a shorter name first"
        )
    return found
