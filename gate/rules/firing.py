"""What changed rows set off: triggers, and foreign keys in both directions.

Source: PostgreSQL 18 `ri_triggers.c` (RI_FKey_check: SELECT ... FOR KEY SHARE of the referenced table;
RI_FKey_noaction_del:
the same of the referencing one; cascades are DELETE and UPDATE statements), `trigger.c`
(RI_FKey_fk_upd_check_required).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import Cell, Qual, RelationUse
from gate.model.catalog import Constraint, Relation, Trigger
from gate.model.effects import NotUnderstood, Touch
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.rules.giving import changes, given, may_be_present, resolved
from gate.rules.pruning import Quals, by_column, live
from gate.rules.scope import Scope

RS, RX = LockMode.ROW_SHARE, LockMode.ROW_EXCLUSIVE


def _is_replica(scope: Scope) -> bool:
    return scope.world.server.settings.get("session_replication_role") == "replica"


# --- triggers ---------------------------------------------------------------------------------------------------------


def triggers(
    scope: Scope, table: Relation, root: Relation, events: frozenset[str], sets: frozenset[str] = frozenset()
) -> Iterator[Touch]:
    """The functions of the triggers that fire; those of the statement only at the relation that it names."""
    from gate.rules.code import body

    if _is_replica(scope):
        return
    for trigger in table.triggers:
        if not trigger.is_enabled or trigger.is_internal or not _fires(trigger, table, events, sets):
            continue
        if not trigger.is_row and table.oid != root.oid:
            continue
        function = scope.world.functions.get(trigger.function)
        if function is None:
            raise NotUnderstood(f"the function of trigger {trigger.name} on {table.full_name} was not read")
        yield from body(scope, function)


def _fires(trigger: Trigger, table: Relation, events: frozenset[str], sets: frozenset[str]) -> bool:
    met = trigger.events & events
    if met != {"update"} or not trigger.columns or not sets:
        return bool(met)
    names = {column.name for column in table.columns if column.number in trigger.columns}
    return bool(names & sets)


# --- foreign keys -----------------------------------------------------------------------------------------------------


def foreign_keys(scope: Scope, use: RelationUse, root: Relation, table: Relation) -> Iterator[Touch]:
    """Checks against the tables that this one references, and what happens to those that reference it."""
    if _is_replica(scope):
        return
    own = {item.oid for item in table.constraints}
    for constraint in table.constraints:
        if constraint.kind == "f" and constraint.parent not in own and _is_checked(use, root, table, constraint):
            yield from _check(scope, use, root, table, constraint)
    if use.events & {"update", "delete"}:
        yield from _referencing(scope, use, table)


def _names(table: Relation, numbers: tuple[int, ...]) -> tuple[str, ...]:
    found = (table.column_number(number) for number in numbers)
    return tuple(column.name if column else "" for column in found)


def _is_checked(use: RelationUse, root: Relation, table: Relation, constraint: Constraint) -> bool:
    """Whether a row can get a new, whole key here, and the check is not left for the end of the transaction."""
    if constraint.is_deferred or not constraint.is_enforced:
        return False
    names = _names(table, constraint.columns)
    if "insert" in use.events:
        columns = [root.column(name) for name in names]
        if all(column is None or may_be_present(use, root, column) for column in columns):
            return True
    sets = changes(use)
    changed = [name for name in names if name in sets]
    return "update" in use.events and bool(changed) and any(sets[name].kind != "null" for name in changed)


def _check(scope: Scope, use: RelationUse, root: Relation, table: Relation, constraint: Constraint) -> Iterator[Touch]:
    referenced = scope.world.relations.get(constraint.referenced)
    if referenced is None:
        return
    yield Touch(referenced.oid, RS)
    if referenced.kind == "p":
        for quals in _looked_for(use, root, table, constraint, referenced):
            yield from (Touch(item.oid, RS) for item in live(scope.world, referenced, quals))


_LOOKUPS = 1000
"""More rows than this are not looked up one by one: any partition may hold their keys."""


def _looked_for(
    use: RelationUse, root: Relation, table: Relation, constraint: Constraint, referenced: Relation
) -> Iterator[Quals]:
    """The key values that are looked up, each row's by themselves, where they stand in the statement."""
    pairs = tuple(
        zip(_names(table, constraint.columns), _names(referenced, constraint.referenced_columns), strict=False)
    )
    if use.rows is None or not 0 < len(use.rows) <= _LOOKUPS or "update" in use.events:
        rows: tuple[RelationUse, ...] = (use,)
    else:
        rows = tuple(replace(use, rows=(row,)) for row in use.rows)
    seen = set()
    for one in rows:
        cells = [(key, _cell(one, root, name)) for name, key in pairs]
        if any(cell.kind == "null" for _, cell in cells) or tuple(cells) in seen:
            continue
        seen.add(tuple(cells))
        yield by_column(Qual(key, "=", (cell.text,)) for key, cell in cells if cell.kind == "literal")


def _cell(use: RelationUse, root: Relation, name: str) -> Cell:
    """The one thing that the column is given; `other` where it may be several."""
    column = root.column(name)
    found = (
        set()
        if column is None
        else {resolved(cell, column) for cell in given(use, root, name)}
        if "insert" in use.events
        else set()
    )
    found |= {cell for item, cell in use.sets if item == name}
    return found.pop() if len(found) == 1 else Cell("other")


def _referencing(scope: Scope, use: RelationUse, table: Relation) -> Iterator[Touch]:
    sets = changes(use)
    for oid, number in table.referenced_by:
        other = scope.world.relations.get(oid)
        constraint = next((item for item in other.constraints if item.oid == number), None) if other else None
        if other is None or constraint is None or _is_inherited(scope, constraint) or not constraint.is_enforced:
            continue
        if "delete" in use.events:
            yield from _acted(scope, other, constraint, _cascade(other, constraint, table, use, "delete"))
        if "update" in use.events and set(sets) & set(_names(table, constraint.referenced_columns)):
            yield from _acted(scope, other, constraint, _cascade(other, constraint, table, use, "update"))


def _is_inherited(scope: Scope, constraint: Constraint) -> bool:
    """Whether it is the partition's copy of a key that the partitioned table has: only that one acts."""
    if not constraint.parent:
        return False
    table = scope.world.relations.get(constraint.relation)
    return table is not None and constraint.parent not in {item.oid for item in table.constraints}


def _acted(scope: Scope, other: Relation, constraint: Constraint, change: RelationUse) -> Iterator[Touch]:
    """NO ACTION and RESTRICT look, CASCADE and SET change."""
    from gate.rules.writing import write

    if change.event == "look":
        if constraint.is_deferred and change.mode is RX:
            return
        yield Touch(other.oid, RS)
        if other.kind == "p":
            yield from (Touch(item.oid, RS) for item in live(scope.world, other, by_column(change.quals)))
    elif constraint.oid in scope.inside:
        yield Touch(other.oid, RX)
    else:
        yield from write(scope.within(constraint.oid), change, other)


def _cascade(other: Relation, constraint: Constraint, table: Relation, use: RelationUse, event: str) -> RelationUse:
    """The statement that the constraint runs on the referencing table; a check that may wait has the mode of its
    DELETE.
    """
    action = constraint.on_delete if event == "delete" else constraint.on_update
    pairs = tuple(zip(_names(table, constraint.referenced_columns), _names(other, constraint.columns), strict=False))
    keys = dict(pairs)
    quals = tuple(
        replace(qual, column=keys[qual.column])
        for qual in use.quals
        if qual.column in keys and qual.operator in ("=", "in")
    )
    name, only = Name(other.name, other.schema), other.kind != "p"
    if action in ("a", "r"):
        return RelationUse(name=name, mode=RX if action == "a" else RS, only=only, event="look", quals=quals)
    if action == "c" and event == "delete":
        return RelationUse(name=name, mode=RX, only=only, event="delete", events=frozenset({"delete"}), quals=quals)
    given_to = changes(use)
    sets = tuple((mine, _cell_of(action, given_to.get(key, Cell("same")))) for key, mine in pairs)
    return RelationUse(
        name=name, mode=RX, only=only, event="update", events=frozenset({"update"}), sets=sets, quals=quals
    )


def _cell_of(action: str, cell: Cell) -> Cell:
    return cell if action == "c" else Cell("null") if action == "n" else Cell("default")
