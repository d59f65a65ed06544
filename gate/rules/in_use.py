"""Who a change can harm: relations that others use already, and the words for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.actions import ObjectName
from gate.model.catalog import Column, Function, Ref, Relation
from gate.model.effects import Effect, ServerWouldReject
from gate.model.names import Name, quoted
from gate.model.plan import Finding, Severity
from gate.model.rules import Rule
from gate.model.snapshot import Snapshot
from gate.model.units import about
from gate.rules.dependents import CLASS
from gate.rules.doomed import Doomed
from gate.rules.lookup import descendants, maybe_relation, word
from gate.rules.named import refs


def effect_on(relation: Relation | None, effects: Iterable[Effect], before: Snapshot) -> Effect | None:
    """What is done to a relation that somebody may use; None where nobody does, or nothing is done to it."""
    if relation is None:
        return None
    found = next((effect for effect in effects if effect.oid == relation.oid), None)
    if found is None or found.is_unused or is_unused(relation, effects, before):
        return None
    return found


def is_unused(relation: Relation, effects: Iterable[Effect], before: Snapshot) -> bool:
    """Made by this release, temporary, or empty and never read; a partitioned table with all that it consists of."""
    if relation.oid < 0 or relation.is_temporary:
        return True
    known = {effect.oid: effect for effect in effects}
    if relation.kind != "p":
        return relation.oid in known and known[relation.oid].is_unused
    leaves = [item for item in descendants(before, relation.oid) if item.has_storage]
    return all(item.oid < 0 or (item.oid in known and known[item.oid].is_unused) for item in leaves)


def used(name: Name, effects: Iterable[Effect], before: Snapshot) -> Effect | None:
    """What is done to the relation of that name, if somebody may use it."""
    return effect_on(maybe_relation(before, name), effects, before)


def named_refs(before: Snapshot, kind: str, name: ObjectName) -> tuple[Ref, ...]:
    """The object's address; none where IF EXISTS forgives that the name, or an argument's type, is not there."""
    try:
        return refs(before, kind, name)
    except ServerWouldReject:
        return ()


def old_column(relation: Relation | None, name: str) -> Column | None:
    """A column that running code may know: none that this release adds."""
    column = relation.column(name) if relation is not None else None
    return None if column is None or column.is_new else column


def sql_name(thing: Effect | Relation) -> str:
    """The relation as SQL."""
    return str(Name(thing.name, thing.schema))


def rows_of(effect: Effect) -> str:
    """` (about 3 million rows)`, or nothing where that is not known."""
    return f" (about {about(effect.rows)} rows)" if effect.rows else ""


def traffic_of(effect: Effect) -> str:
    """How much it is used, as far as that was counted: a reason to believe that nobody uses it, or that many do."""
    if effect.scans is None or effect.writes is None:
        return ""
    if effect.scans_per_s or effect.writes_per_s:
        return f"; it is in use: {effect.scans_per_s or 0:.0f} scans and {effect.writes_per_s or 0:.0f} writes a second"
    if effect.scans == 0 and effect.writes == 0:
        return "; nobody has read or written it since the server's counters began"
    return ""


def listed(names: Iterable[str], most: int = 8) -> str:
    """`a, b and c`; after `most` of them how many more there are."""
    found = list(dict.fromkeys(names))
    if len(found) > most:
        return f"{', '.join(found[:most])} and {len(found) - most} more"
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def columns_of(relation: Relation, numbers: Iterable[int]) -> str:
    """The columns of these numbers as SQL, in that order."""
    found = (relation.column_number(number) for number in numbers)
    return ", ".join(quoted(column.name) for column in found if column is not None)


TRIGGER_TYPES = frozenset({2279, 3838})
"""What a function returns that only a trigger can call (`trigger`, `event_trigger`)."""
_SHORT = {"int2": "smallint", "int4": "integer", "int8": "bigint", "bool": "boolean", "float8": "double precision"}


def written_type(column: Column, before: Snapshot) -> str:
    """The column's type as SQL, its length or precision too."""
    return type_text(before, column.type, column.typmod)


def type_text(before: Snapshot, oid: int, typmod: int = -1) -> str:
    """The type as SQL; `?` for one that was not read."""
    kind = before.types.get(oid)
    if kind is None:
        return "?"
    if kind.element and kind.length == -1 and kind.element in before.types:
        return f"{type_text(before, kind.element, typmod)}[]"
    if kind.schema != "pg_catalog":
        return str(Name(kind.name, kind.schema))
    name = _SHORT.get(kind.name, kind.name)
    match kind.name:
        case "varchar" | "bpchar" if typmod >= 0:
            return f"{'char' if kind.name == 'bpchar' else name}({typmod - 4})"
        case "numeric" if typmod >= 0:
            return f"{name}({(typmod - 4) >> 16},{(((typmod - 4) & 0x7FF) ^ 1024) - 1024})"
        case "timestamp" | "timestamptz" | "time" | "timetz" | "bit" | "varbit" if typmod >= 0:
            return f"{name}({typmod})"
        case _:
            return name


def refused(rule: str, problem: str, remedy: str, relation: str | None = None) -> Finding:
    """A finding that refuses."""
    return Finding(rule=rule, severity=Severity.REFUSE, problem=problem, remedy=remedy, relation=relation)


def warned(rule: str, problem: str, remedy: str, relation: str | None = None) -> Finding:
    """A finding that warns."""
    return Finding(rule=rule, severity=Severity.WARN, problem=problem, remedy=remedy, relation=relation)


def noted(rule: str, problem: str, remedy: str, relation: str | None = None) -> Finding:
    """A finding that is worth knowing."""
    return Finding(rule=rule, severity=Severity.NOTE, problem=problem, remedy=remedy, relation=relation)


OVERLAP = (
    "While a release rolls out, the code before it still runs beside the new code, and runs again after a rollback. "
)


def is_about_old_code(rule: Rule) -> bool:
    """Whether what it finds harms code of an earlier release, for as long as that is running."""
    return rule.harm.startswith(OVERLAP)


def signature(function: Function, before: Snapshot) -> str:
    """The function as DROP FUNCTION names it."""
    arguments = ", ".join(type_text(before, oid) for oid in function.arguments)
    return f"{Name(function.name, function.schema)}({arguments})"


def next_release(rule: str, statement: str, why: str = "no release that runs uses it any more") -> str:
    """The second phase: the statement in the next release, with the comment that lets it pass."""
    return f"2. next release: {statement}, under -- gate: allow {rule} because {why}"


# --- what goes with it ------------------------------------------------------------------------------------------------

_INDEX = "index"


def goes_with(world: Snapshot, doomed: Doomed, named: Iterable[Ref]) -> Iterator[str]:
    """In words, what else disappears and is older than this release; parts of something named are left out."""
    roots = set(named)
    seen = {ref for ref in roots if not ref.sub}
    for ref, owner in doomed.refs.items():
        holder = Ref(CLASS, owner) if owner is not None else None
        if ref in roots or ref.oid < 0 or holder in seen or (holder != ref and holder in doomed.refs):
            continue
        text = _word_of(world, ref, owner)
        if text:
            yield text


def _word_of(world: Snapshot, ref: Ref, owner: int | None) -> str:
    table = world.relations.get(owner) if owner is not None else None
    match ref.catalog:
        case "pg_class" if ref.oid in world.index_tables:
            holder = world.relations[world.index_tables[ref.oid]]
            index = next(item for item in holder.indexes if item.oid == ref.oid)
            if index.constraint:
                return ""
            return f"{_INDEX} {quoted(index.name)} ({columns_of(holder, index.columns)})"
        case "pg_class" if ref.oid in world.relations:
            relation = world.relations[ref.oid]
            column = relation.column_number(ref.sub) if ref.sub else None
            if column is not None:
                return f"column {quoted(column.name)} of {sql_name(relation)}"
            return "" if relation.kind in "ct" else f"{word(relation.kind)} {sql_name(relation)}"
        case "pg_constraint" if table is not None:
            constraint = next((item for item in table.constraints if item.oid == ref.oid), None)
            if constraint is None or constraint.kind == "n":
                return ""
            kinds = {"f": "foreign key", "p": "primary key", "u": "unique constraint", "x": "exclusion constraint"}
            return f"{kinds.get(constraint.kind, 'constraint')} {quoted(constraint.name)} of {sql_name(table)}"
        case "pg_attrdef" if table is not None:
            edges = world.dependents
            own = (
                column
                for column in table.columns
                if any(edge.dependent == ref for edge in edges.get(Ref(CLASS, table.oid, column.number), ()))
            )
            column = next(own, None)
            return f"the default of {sql_name(table)}.{quoted(column.name)}" if column is not None else ""
        case "pg_trigger" if table is not None:
            trigger = next((item for item in table.triggers if item.oid == ref.oid), None)
            return (
                "" if trigger is None or trigger.is_internal else f"trigger {quoted(trigger.name)} of {sql_name(table)}"
            )
        case "pg_policy" if table is not None:
            policy = next((item for item in table.policies if item.oid == ref.oid), None)
            return "" if policy is None else f"policy {quoted(policy.name)} of {sql_name(table)}"
        case "pg_proc" if ref.oid in world.functions:
            function = world.functions[ref.oid]
            return f"function {Name(function.name, function.schema)}"
        case "pg_type" if ref.oid in world.types and world.types[ref.oid].kind in "ed":
            kind = world.types[ref.oid]
            return f"type {Name(kind.name, kind.schema)}"
        case _:
            return ""
