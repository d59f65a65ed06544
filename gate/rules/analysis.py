"""Parse analysis of a query that is stored, not run: the relations that it names, and nothing behind them.

Source: PostgreSQL 18 `parse_clause.c` (setTargetTable), `parse_relation.c` (addRangeTableEntry), `rewriteDefine.c`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.actions import Query
from gate.model.catalog import Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.expressions import Expression
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.rules.lookup import maybe_index, relation
from gate.rules.scope import NO_RANGE


def named_relation(world: Snapshot, name: Name) -> Relation:
    """The relation that a query names; an index or a composite type is none (42809)."""
    found = relation(world, name)
    if maybe_index(world, name) is not None:
        raise ServerWouldReject(f'cannot open relation "{name}": it is an index', sqlstate="42809")
    return found


def uses(query: Query, world: Snapshot, hidden: Iterable[str] = ()) -> Iterator[tuple[Relation, LockMode]]:
    """Each relation that the query names, with the lock of parse analysis; `hidden` are names that mean no relation."""
    without = set(hidden)
    for use in query.uses:
        if use.event not in NO_RANGE and not (use.name.schema is None and use.name.name in without):
            yield named_relation(world, use.name), use.mode


def analysed(query: Query, world: Snapshot, hidden: Iterable[str] = ()) -> Iterator[Touch]:
    """The locks of parse analysis."""
    for found, mode in uses(query, world, hidden):
        yield Touch(found.oid, mode)


def read_by(expressions: Iterable[Expression], world: Snapshot) -> Iterator[Touch]:
    """Relations that subqueries in these expressions name."""
    for expression in expressions:
        for name in expression.relations:
            yield Touch(named_relation(world, name).oid, LockMode.ACCESS_SHARE)
