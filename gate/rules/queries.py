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
from gate.rules.expanding import AS, query_touches, read
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
            Column(
                number=number,
                name=name or "?column?",
                type=like.type if like else 0,
                typmod=like.typmod if like else -1,
            )
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
            name=action.table,
            mode=RX,
            event="insert",
            events=frozenset({"insert"}),
            columns=action.columns,
            width=width,
        )
        yield from write(scope, use, replace(table, rules=()))
        return
    if table.kind in "pvfS" or (table.kind == "m" and scope.world.server.major < 18):
        raise ServerWouldReject(f'cannot copy from "{table.name}"', sqlstate="42809", remedy="COPY (SELECT ...) TO ...")
    yield from read(scope, table, only=True)


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
    """The catalog after all statements of a DO block; a procedure's changes are folded in by its own statements
    only.
    """
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
_LOCKING = "https://www.postgresql.org/docs/18/explicit-locking.html#LOCKING-TABLES"
_RI = "src/backend/utils/adt/ri_triggers.c"
_RS = LockMode.ROW_SHARE
_READ, _WRITE = frozenset({Work.READ}), frozenset({Work.WRITE})
_PLAIN = frozenset({Work.CATALOG_ONLY})
_T = "CREATE TABLE t (id int PRIMARY KEY, b int); INSERT INTO t SELECT g, g FROM generate_series(1, 10) g"
_VIEW = _T + "; CREATE VIEW v AS SELECT id, b FROM t"
_KEY = _T + "; CREATE TABLE r (id int REFERENCES t ON DELETE {action}); INSERT INTO r SELECT 1"
_PARTS = (
    "CREATE TABLE p (a int, b int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); "
    "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20); INSERT INTO p SELECT g, g FROM generate_series(0, "
    "19) g"
)
_TRIGGER = (
    _T + "; CREATE TABLE l (id int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN INSERT INTO l VALUES (new.id); RETURN NULL; END$$; "
    "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"
)


def _at(name: str, lock: LockMode, work: frozenset[Work] = _PLAIN) -> Expect:
    return Expect(relation=f"public.{name}", lock=lock, work=work)


def _fact(form: str, source: str, setup: str, statement: str, *expects: Expect) -> Fact:
    return Fact(form=form, source=source, proof=Proof(setup=setup, statement=statement, expects=expects))


FACTS = (
    _fact("SELECT", _LOCKING, _T, "SELECT * FROM t", _at("t", AS, _READ)),
    _fact("SELECT FOR UPDATE", _LOCKING, _T, "SELECT * FROM t FOR UPDATE", _at("t", _RS, _READ)),
    _fact("SELECT from a view", _LOCKING, _VIEW, "SELECT * FROM v", _at("v", AS), _at("t", AS, _READ)),
    _fact(
        "SELECT FOR UPDATE of a view",
        _LOCKING,
        _VIEW,
        "SELECT * FROM v FOR UPDATE",
        _at("v", _RS),
        _at("t", _RS, _READ),
    ),
    _fact("SELECT, pruned", _LOCKING, _PARTS, "SELECT * FROM p WHERE a = 3", _at("p", AS), _at("p1", AS, _READ)),
    _fact("UPDATE", _LOCKING, _T, "UPDATE t SET b = 0", _at("t", RX, _WRITE)),
    _fact("UPDATE of a view", _LOCKING, _VIEW, "UPDATE v SET b = 0", _at("v", RX), _at("t", RX, _WRITE)),
    _fact(
        "DELETE, partitions",
        _LOCKING,
        _PARTS,
        "DELETE FROM p",
        _at("p", RX),
        _at("p1", RX, _WRITE),
        _at("p2", RX, _WRITE),
    ),
    _fact("INSERT, routed", _LOCKING, _PARTS, "INSERT INTO p VALUES (3, 3)", _at("p", RX), _at("p1", RX, _WRITE)),
    _fact(
        "INSERT into a partition",
        "src/backend/utils/cache/partcache.c, generate_partition_qual",
        _PARTS,
        "INSERT INTO p1 VALUES (3, 3)",
        _at("p1", RX, _WRITE),
        _at("p", AS),
    ),
    _fact(
        "INSERT, foreign key",
        _RI,
        _KEY.format(action="NO ACTION"),
        "INSERT INTO r VALUES (2)",
        _at("r", RX, _WRITE),
        _at("t", _RS),
    ),
    _fact(
        "DELETE, referenced",
        _RI,
        _KEY.format(action="NO ACTION"),
        "DELETE FROM t WHERE id = 2",
        _at("t", RX, _WRITE),
        _at("r", _RS),
    ),
    _fact(
        "DELETE, referenced, ON DELETE CASCADE",
        _RI,
        _KEY.format(action="CASCADE"),
        "DELETE FROM t",
        _at("t", RX, _WRITE),
        _at("r", RX, _WRITE),
    ),
    _fact(
        "INSERT, a default moves a sequence",
        "src/backend/commands/sequence.c, lock_and_open_sequence",
        "CREATE TABLE t (id serial, b int)",
        "INSERT INTO t (b) VALUES (1)",
        _at("t", RX, _WRITE),
        _at("t_id_seq", RX),
    ),
    _fact(
        "INSERT, a trigger's function writes",
        "https://www.postgresql.org/docs/18/plpgsql-trigger.html",
        _TRIGGER,
        "INSERT INTO t VALUES (11, 1)",
        _at("t", RX, _WRITE),
        _at("l", RX, _WRITE),
    ),
    _fact(
        "CREATE TABLE AS",
        "https://www.postgresql.org/docs/18/sql-createtableas.html",
        _VIEW,
        "CREATE TABLE n AS SELECT * FROM v",
        _at("v", AS),
        _at("t", AS, _READ),
    ),
    _fact(
        "COPY ... TO",
        "https://www.postgresql.org/docs/18/sql-copy.html",
        _T,
        "COPY t TO '/dev/null'",
        _at("t", AS, _READ),
    ),
    _fact(
        "DO, static",
        "https://www.postgresql.org/docs/18/sql-do.html",
        _T,
        "DO $$BEGIN IF false THEN RETURN; END IF; UPDATE t SET b = 1; ALTER TABLE t ADD c int; END$$",
        _at("t", LockMode.ACCESS_EXCLUSIVE, _WRITE),
    ),
)
