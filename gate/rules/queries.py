"""SELECT, INSERT, UPDATE, DELETE, MERGE and what wraps them; CREATE TABLE AS, COPY, DO and CALL.

Source: PostgreSQL 18 `analyze.c`, `rewriteHandler.c`, `planmain.c`, `execMain.c`, `createas.c`, `copy.c`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import Action, Copy, CreateTableAs, Query, RelationUse, Run
from gate.model.catalog import Column, Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.code import applied, calls, code_of, code_touches
from gate.rules.expanding import AS, policies, query_touches, read
from gate.rules.scope import NO_RANGE, Scope
from gate.rules.session import set_path
from gate.rules.tables import target_schema
from gate.rules.views import reading_edges
from gate.rules.writing import write

RX = LockMode.ROW_EXCLUSIVE


def in_query(scope: Scope, query: Query) -> Iterator[Touch]:
    """The query in its scope: what is only analysed names relations and nothing behind them."""
    if not query.rewrites:
        for use in query.uses:
            if use.event not in NO_RANGE:
                yield Touch(scope.named(use.name).oid, use.mode)
        return
    inner = replace(scope, plans=scope.plans and query.plans, runs=scope.runs and query.runs)
    yield from query_touches(inner, query)


def derive_query(action: Query, world: Snapshot) -> Iterator[Touch]:
    """Everything that the statement locks, reads and writes."""
    yield from in_query(Scope(world), action)


def apply_query(action: Query, snapshot: Snapshot) -> Snapshot:
    """Rows change: what was empty may be so no more. set_config changes the session."""
    world = snapshot
    for name, value, is_local in action.settings:
        if name == "search_path" and action.runs:
            world = set_path(world, tuple(item.strip().strip('"') for item in value.split(",")))
            del is_local
    if not action.modifies or not action.runs:
        return world
    touched = {touch.relation for touch in derive_query(action, snapshot) if Work.WRITE in touch.work}
    return filled(world, touched)


def filled(world: Snapshot, oids: set[int]) -> Snapshot:
    """Without the knowledge that these are empty."""
    known = [item for oid in oids if (item := world.relations.get(oid)) is not None and item.is_known_empty]
    return world.put(*(replace(item, is_known_empty=False) for item in known)) if known else world


# --- CREATE TABLE AS --------------------------------------------------------------------------------------------------


def created_touches(scope: Scope, action: CreateTableAs) -> Iterator[Touch]:
    """The query's own; where the name is taken already, its analysis only."""
    schema = target_schema(scope.world, action.name, action.persistence)
    if (schema, action.name.name) not in scope.world.names:
        yield from in_query(scope, action.query)
        return
    if not action.if_not_exists:
        raise ServerWouldReject(f'relation "{action.name.name}" already exists', sqlstate="42P07")
    yield from in_query(scope, replace(action.query, rewrites=False))


def derive_create_table_as(action: CreateTableAs, world: Snapshot) -> Iterator[Touch]:
    """CREATE TABLE AS, SELECT INTO, CREATE MATERIALIZED VIEW."""
    yield from created_touches(Scope(world), action)


def apply_create_table_as(action: CreateTableAs, snapshot: Snapshot) -> Snapshot:
    """The new relation, with columns as far as the query names them."""
    schema = target_schema(snapshot, action.name, action.persistence)
    if (schema, action.name.name) in snapshot.names:
        return snapshot
    oid, world = snapshot.fresh_oid()
    reads = tuple(dict.fromkeys(item.oid for item in _sources(action.query, world)))
    made = Relation(
        oid=oid,
        schema=schema,
        name=action.name.name,
        kind="m" if action.is_matview else "r",
        owner=world.server.role,
        persistence=action.persistence,
        columns=_columns(action, world),
        reads=reads if action.is_matview else (),
        is_known_empty=not action.with_data,
    )
    edges = reading_edges(action.query, made, world) if action.is_matview else ()
    return world.put(made).depends(*edges)


def _sources(query: Query, world: Snapshot) -> Iterator[Relation]:
    for use in query.uses:
        oid = world.find(use.name)
        found = world.relations.get(oid) if oid is not None else None
        if found is not None and use.event not in NO_RANGE:
            yield found


def _columns(action: CreateTableAs, world: Snapshot) -> tuple[Column, ...]:
    """Names as far as they can be told; a type only where a column of that name is read."""
    known = {column.name: column for item in _sources(action.query, world) for column in item.columns}
    names: list[str | None] = []
    for name in action.query.output_columns:
        if name is None and action.query.has_star:
            names.extend(column.name for item in _sources(action.query, world) for column in item.columns)
        else:
            names.append(name)
    names[: len(action.columns)] = list(action.columns)
    columns = []
    for number, name in enumerate(names, start=1):
        like = known.get(name or "")
        columns.append(
            Column(number=number, name=name or "?column?", type=like.type if like else 0, typmod=like.typmod if like else -1)
        )
    return tuple(columns)


# --- COPY -------------------------------------------------------------------------------------------------------------


def copy_touches(scope: Scope, action: Copy) -> Iterator[Touch]:
    """COPY FROM is an INSERT of rows that nobody has seen, COPY TO reads the one table."""
    if action.table is None:
        assert action.query is not None
        yield from in_query(scope, action.query)
        return
    table = scope.named(action.table)
    if action.is_from:
        width = len(action.columns) or len(table.columns)
        use = RelationUse(
            name=action.table, mode=RX, event="insert", events=frozenset({"insert"}), columns=action.columns, width=width
        )
        yield from write(scope, use, replace(table, rules=()))
        return
    if table.kind in "pvfS" or (table.kind == "m" and scope.world.server.major < 18):
        raise ServerWouldReject(f'cannot copy from "{table.name}"', sqlstate="42809", remedy="COPY (SELECT ...) TO ...")
    yield from read(scope, table, only=True)
    yield from policies(scope, table)


def derive_copy(action: Copy, world: Snapshot) -> Iterator[Touch]:
    """COPY."""
    yield from copy_touches(Scope(world), action)


def apply_copy(action: Copy, snapshot: Snapshot) -> Snapshot:
    """Rows came."""
    if not action.is_from:
        return snapshot
    return filled(snapshot, {touch.relation for touch in derive_copy(action, snapshot) if Work.WRITE in touch.work})


# --- DO and CALL ------------------------------------------------------------------------------------------------------


def run_touches(scope: Scope, action: Run) -> Iterator[Touch]:
    """A DO block's statements, or a procedure's."""
    if action.body is not None:
        yield from code_touches(replace(scope, depth=scope.depth + 1), code_of(action), "the DO block")
    elif action.query is not None:
        yield from calls(scope, action.query)


def derive_run(action: Run, world: Snapshot) -> Iterator[Touch]:
    """DO and CALL."""
    yield from run_touches(Scope(world), action)


def apply_run(action: Run, snapshot: Snapshot) -> Snapshot:
    """The catalog after all statements of a DO block; a procedure's changes are folded in by its own statements only."""
    if action.body is None:
        return snapshot
    world = snapshot
    for item in code_of(action).statements:
        inner: Action = item.statement.action
        try:
            world = applied(inner, world)
        except ServerWouldReject:
            continue
    return world


DERIVES = {
    Query: derive_query,
    CreateTableAs: derive_create_table_as,
    Copy: derive_copy,
    Run: derive_run,
}
APPLIES = {
    Query: apply_query,
    CreateTableAs: apply_create_table_as,
    Copy: apply_copy,
    Run: apply_run,
}
FACTS: tuple[Fact, ...] = ()
_ = (Expect, Proof, AS)
