"""What an INSERT, UPDATE, DELETE or MERGE does to its target and, through it, to other relations.

Source: PostgreSQL 18 `rewriteHandler.c` (rewriteTargetView, fireRules), `execPartition.c` (ExecFindPartition),
`ri_triggers.c`,
`trigger.c`. Where data decides (a foreign key of null, a trigger's WHEN), the strongest that can happen counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import CreateRule, Query, RelationUse
from gate.model.catalog import Relation, Rule
from gate.model.effects import ServerWouldReject, Touch
from gate.model.locks import LockMode
from gate.model.work import Work
from gate.rules.expanding import policies, query_touches, read, view_query
from gate.rules.firing import foreign_keys, triggers
from gate.rules.giving import changes, defaults, destination
from gate.rules.lookup import ancestors
from gate.rules.pruning import by_column, live
from gate.rules.scope import Scope
from gate.sql.embedded import stored_action

AS, RX = LockMode.ACCESS_SHARE, LockMode.ROW_EXCLUSIVE
_WRITE = frozenset({Work.WRITE})
_NOTHING = frozenset[Work]()


def moved(scope: Scope, use: RelationUse) -> Iterator[Touch]:
    """nextval, currval, setval: ROW EXCLUSIVE on the sequence, kept to the end of the transaction (`sequence.c`
    lock_and_open_sequence).
    """
    if not scope.runs:
        return
    found = scope.named(use.name)
    if use.event == "serial":
        column = found.column(use.columns[0])
        for item in scope.world.relations.values():
            sequence = item.sequence
            if (
                column is not None
                and sequence
                and (sequence.owner_table, sequence.owner_column) == (found.oid, column.number)
            ):
                yield Touch(item.oid, RX)
    elif found.kind != "S":
        raise ServerWouldReject(f'"{found.name}" is not a sequence', sqlstate="42809")
    else:
        yield Touch(found.oid, RX)


def write(scope: Scope, use: RelationUse, table: Relation) -> Iterator[Touch]:
    """The target's lock, its rules, and then a table or a view."""
    if table.kind not in "rpfv":
        raise ServerWouldReject(f'cannot change "{table.name}"', sqlstate="42809")
    yield Touch(table.oid, RX)
    yield from policies(scope, table)
    rules = [
        item for item in table.rules if item.is_enabled and item.event in use.events and item.oid not in scope.inside
    ]
    for rule in rules:
        yield from _fired(scope, rule)
    replaced = frozenset(item.event for item in rules if item.is_instead)
    if replaced:
        yield from _seen_by_rules(scope, use, table)
        use = replace(use, events=use.events - replaced if not _is_conditional(rules) else use.events)
    if not use.events:
        return
    yield from _view(scope, use, table, has_instead=bool(replaced)) if table.kind == "v" else _table(scope, use, table)


def _fired(scope: Scope, rule: Rule) -> Iterator[Touch]:
    """A rule's actions and condition, as if they had been written."""
    inside = scope.within(rule.oid)
    action = stored_action(rule.definition) if rule.definition else None
    if not isinstance(action, CreateRule):
        for oid in rule.relations:
            if oid in scope.world.relations:
                yield Touch(oid, RX, _WRITE)
        return
    for query in action.queries:
        yield from query_touches(inside.stored, replace(query, runs=scope.runs, plans=scope.plans))


def _is_conditional(rules: list[Rule]) -> bool:
    """Whether an INSTEAD rule has a condition, so that the statement itself is left for the other rows."""
    for rule in rules:
        text = (rule.definition or "").upper()
        if rule.is_instead and " WHERE " in text.split(" DO ", 1)[0]:
            return True
    return False


def _seen_by_rules(scope: Scope, use: RelationUse, table: Relation) -> Iterator[Touch]:
    """The rows that an UPDATE or DELETE would have met feed the rule's actions."""
    if use.events == {"insert"}:
        return
    if table.kind == "v":
        yield from read(scope, table)
    elif scope.plans and not use.only:
        yield from (Touch(child.oid, RX) for child in live(scope.world, table, by_column(use.quals)))


# --- views ------------------------------------------------------------------------------------------------------------


def _view(scope: Scope, use: RelationUse, view: Relation, *, has_instead: bool) -> Iterator[Touch]:
    """INSTEAD OF triggers take the rows, else the one relation that the view shows is changed in its place."""
    instead = frozenset(
        event for item in view.triggers if item.timing == "instead" and item.is_enabled for event in item.events
    )
    if use.events & instead:
        if scope.runs:
            yield from triggers(scope, view, view, use.events)
        if use.events - {"insert"}:
            yield from read(scope, view)
        return
    query = view_query(view)
    if query is None or query.source is None or view.oid in scope.inside:
        if has_instead:
            return
        raise ServerWouldReject(
            f'view "{view.name}" cannot be changed: it does not show one relation as it is', sqlstate="55000"
        )
    yield from _base(scope.within(view.oid).stored, use, view, query)


def _base(scope: Scope, use: RelationUse, view: Relation, query: Query) -> Iterator[Touch]:
    assert query.source is not None
    yield from write(scope, _through(use, view, query), scope.named(query.source))
    for other in query.uses:
        if other.name != query.source and not other.event:
            yield from read(scope, scope.named(other.name), other.mode)


def _through(use: RelationUse, view: Relation, query: Query) -> RelationUse:
    """The same change with the base's columns; a column that the base does not have as it is falls away."""
    names = {column.name: source for column, source in zip(view.columns, query.column_sources, strict=False) if source}
    columns = use.columns or tuple(column.name for column in view.columns[: use.width or 0])
    fits = all(name in names for name in columns)
    return replace(
        use,
        name=query.source or use.name,
        only=any(item.only for item in query.uses if item.name == query.source),
        columns=tuple(names.get(name, name) for name in columns) if fits else (),
        rows=use.rows if fits else None,
        width=use.width if fits else None,
        sets=tuple((names.get(name, name), cell) for name, cell in use.sets),
        quals=tuple(replace(qual, column=names[qual.column]) for qual in use.quals if qual.column in names),
    )


# --- tables -----------------------------------------------------------------------------------------------------------


def _table(scope: Scope, use: RelationUse, table: Relation) -> Iterator[Touch]:
    yield from _above(scope, use, table)
    changed = list(_changed(scope, use, table))
    for item in changed:
        yield Touch(item.oid, RX, _WRITE if scope.runs and (item.has_storage or item.kind == "f") else _NOTHING)
    if not scope.runs:
        return
    yield from defaults(scope, use, table)
    events = use.events
    if _moves_rows(use, table, changed):
        events |= {"insert", "delete"}
    for item in changed:
        yield from triggers(scope, item, table, events, frozenset(name for name, _ in use.sets))
        yield from foreign_keys(scope, use, table, item)


def _above(scope: Scope, use: RelationUse, table: Relation) -> Iterator[Touch]:
    """A row put into a partition by name is held against its bound, for which the tables above are opened
    (generate_partition_qual).
    """
    if scope.runs and table.is_partition and use.events - {"delete"}:
        yield from (Touch(item.oid, AS) for item in ancestors(scope.world, table))


def _changed(scope: Scope, use: RelationUse, table: Relation) -> Iterator[Relation]:
    """The target, what an UPDATE or DELETE finds below it, and what rows are routed to."""
    found = {table.oid: table}
    if scope.plans and not use.only and use.event != "insert":
        found.update((item.oid, item) for item in live(scope.world, table, by_column(use.quals)))
    if scope.runs and table.kind == "p":
        steered = any(_is_steering(item, use) for item in found.values())
        for quals in [{}] if steered else destination(scope.world, use, table):
            found.update((item.oid, item) for item in live(scope.world, table, quals))
    yield from found.values()


def _is_steering(table: Relation, use: RelationUse) -> bool:
    """A BEFORE trigger may give an updated row another partition key."""
    if use.event not in ("update", "merge") or "update" not in use.events:
        return False
    return any(
        item.timing == "before" and item.is_row and item.is_enabled and not item.is_internal and "update" in item.events
        for item in table.triggers
    )


def _moves_rows(use: RelationUse, table: Relation, changed: list[Relation]) -> bool:
    """Whether an UPDATE may take rows to another partition."""
    if table.kind != "p" or not use.sets:
        return False
    keys = {column.name for item in changed for column in item.columns if column.number in item.partition_columns}
    return any(name in keys for name in changes(use))
