"""What a query reads, through views and policies, down to partitions and children.

Source: PostgreSQL 18 `rewriteHandler.c` (AcquireRewriteLocks, fireRIRrules, ApplyRetrieveRule), `rowsecurity.c`,
`inherit.c` (expand_inherited_rtentry: children get the parent's lock mode).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.actions import Qual, Query, RelationUse
from gate.model.catalog import Relation
from gate.model.effects import Touch
from gate.model.locks import LockMode
from gate.model.work import Work
from gate.rules.lookup import descendants
from gate.rules.pruning import by_column, live
from gate.rules.scope import Scope
from gate.sql.embedded import stored_query

AS, RS = LockMode.ACCESS_SHARE, LockMode.ROW_SHARE
_READ = frozenset({Work.READ})
_NOTHING = frozenset[Work]()


def read(
    scope: Scope, table: Relation, mode: LockMode = AS, *, only: bool = False, quals: Iterable[Qual] = ()
) -> Iterator[Touch]:
    """The lock on the relation and on all that reading it reaches."""
    yield Touch(table.oid, mode, _READ if scope.runs and (table.has_storage or table.kind == "f") else _NOTHING)
    if table.is_system:
        return  # the server's own views read its own catalogs
    if table.kind == "v":
        yield from expanded(scope, table, mode)
        return
    yield from policies(scope, table)
    if scope.plans and not only:
        for child in live(scope.world, table, by_column(quals)):
            yield Touch(child.oid, mode, _READ if scope.runs and child.has_storage else _NOTHING)


def expanded(scope: Scope, view: Relation, mode: LockMode = AS) -> Iterator[Touch]:
    """What the view's query reads; FOR UPDATE goes down to it."""
    if view.oid in scope.inside:
        return
    scope = scope.within(view.oid)
    query = view_query(view)
    if query is None:
        for oid in view.reads:
            table = scope.world.relations.get(oid)
            if table is not None:
                yield from read(scope, table, max(mode, AS))
        return
    yield from query_touches(scope.stored, query, at_least=RS if mode >= RS else AS)


def view_query(view: Relation) -> Query | None:
    """The view's query, where it is known as text."""
    return stored_query(view.definition) if view.definition else None


def query_touches(scope: Scope, query: Query, at_least: LockMode = AS) -> Iterator[Touch]:
    """Everything that the query does; `at_least` is FOR UPDATE's push into a view."""
    from gate.rules.code import calls
    from gate.rules.writing import moved, write

    for use in query.uses:
        if scope.depth and not _is_there(scope, use):
            continue
        if use.event in ("sequence", "serial"):
            yield from moved(scope, use)
        elif use.event in ("tree", "definition"):
            yield from _described(scope, use)
        elif use.event:
            yield from write(scope, use, scope.named(use.name))
        else:
            yield from read(scope, scope.named(use.name), max(use.mode, at_least), only=use.only, quals=use.quals)
    yield from calls(scope, query)


def _described(scope: Scope, use: RelationUse) -> Iterator[Touch]:
    """A function that tells of a partition tree or prints a view opens what is below, or what the view names."""
    oid = scope.world.find(use.name)
    table = scope.world.relations.get(oid) if oid is not None else None
    if table is None or not scope.runs:
        return
    if use.event == "definition":
        yield from (Touch(item, AS) for item in table.reads)
    elif table.kind == "p":
        yield from (Touch(item.oid, AS) for item in descendants(scope.world, table.oid))


def _is_there(scope: Scope, use: RelationUse) -> bool:
    """Code names transition tables too, and what it makes itself: the catalog has none of them."""
    oid = scope.world.find(use.name)
    return oid in scope.world.relations


def policies(scope: Scope, table: Relation) -> Iterator[Touch]:
    """What row-security policies read, for a role that they hold for."""
    server = scope.world.server
    if not table.has_row_security or server.is_superuser or server.settings.get("row_security") == "off":
        return
    if table.owner in (server.role, *server.memberships) and not table.forces_row_security:
        return
    for policy in table.policies:
        if policy.oid in scope.inside:
            continue
        for oid in policy.relations:
            found = scope.world.relations.get(oid)
            if found is not None:
                yield from read(scope.within(policy.oid), found)
