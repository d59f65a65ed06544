"""Views and rules: what reads relations by itself.

Source: PostgreSQL 18 `view.c` (DefineView, DefineVirtualRelation), `rewriteDefine.c` (DefineRule).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from gate.model.actions import CreateRule, CreateView, Query
from gate.model.catalog import Column, Depend, Ref, Relation, Rule
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import fact
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.rules.analysis import analysed, uses
from gate.rules.lookup import functions, maybe_relation, relation, require_owner, word
from gate.rules.named import created_in, own

AE, SRE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE
CLASS = "pg_class"


# --- views ------------------------------------------------------------------------------------------------------------


def derive_view(action: CreateView, world: Snapshot) -> Iterator[Touch]:
    """The relations named in the query, once each; a view that is replaced, ACCESS EXCLUSIVE."""
    yield from analysed(action.query, world)
    existing = _existing(action, world)
    if existing is None:
        return
    if not action.replaces:
        raise ServerWouldReject(f'relation "{action.name}" already exists', sqlstate="42P07")
    if existing.kind != "v":
        raise ServerWouldReject(f'"{action.name}" is not a view', sqlstate="42809")
    require_owner(world, existing)
    if _loses_columns(action, existing):
        raise ServerWouldReject(
            "cannot drop columns from view", sqlstate="42P16", remedy="DROP VIEW and CREATE VIEW, in one transaction"
        )
    yield Touch(existing.oid, AE)


def _loses_columns(action: CreateView, existing: Relation) -> bool:
    """Whether the new query has fewer columns; where it has a star that is not known."""
    return not action.query.has_star and 0 < len(action.query.output_columns) < len(existing.columns)


def _existing(action: CreateView, world: Snapshot) -> Relation | None:
    if action.persistence == "t":
        return maybe_relation(world, replace(action.name, schema="pg_temp"))
    return maybe_relation(world, replace(action.name, schema=created_in(world, action.name)))


def apply_view(action: CreateView, snapshot: Snapshot) -> Snapshot:
    """A relation of kind `v` that reads what its query names, and whose columns need those that the query writes."""
    existing = _existing(action, snapshot)
    schema = "pg_temp" if action.persistence == "t" else created_in(snapshot, action.name)
    if existing is None:
        oid, world = snapshot.fresh_oid()
    else:
        oid, world = existing.oid, _without_reads(snapshot, existing.oid)
    reads = tuple(dict.fromkeys(found.oid for found, _ in uses(action.query, world)))
    view = Relation(
        oid=oid,
        schema=schema,
        name=action.name.name,
        kind="v",
        owner=world.server.role,
        persistence="t" if any(world.relations[item].is_temporary for item in reads) else action.persistence,
        columns=_view_columns(action, world),
        reads=reads,
    )
    return world.put(view).depends(*reading_edges(action.query, view, world))


def _without_reads(world: Snapshot, view: int) -> Snapshot:
    left = {
        ref: tuple(edge for edge in edges if not (edge.dependent.catalog == "pg_rewrite" and edge.relation == view))
        for ref, edges in world.dependents.items()
    }
    return replace(world, dependents=left)


def _view_columns(action: CreateView, world: Snapshot) -> tuple[Column, ...]:
    """Names as far as they can be told; a type only where one column of that name is read."""
    names = [*action.columns, *action.query.output_columns[len(action.columns) :]]
    types = {
        column.name: (column.type, column.typmod) for found, _ in uses(action.query, world) for column in found.columns
    }
    made = []
    for number, name in enumerate(names, start=1):
        kind, typmod = types.get(name or "", (0, -1))
        made.append(Column(number=number, name=name or f"?column{number}?", type=kind, typmod=typmod))
    return tuple(made)


def reading_edges(query: Query, reader: Relation, world: Snapshot) -> Iterator[Depend]:
    """What a view or materialized view needs: its relations, the columns it writes, the functions it calls."""
    rule, name = Ref("pg_rewrite", reader.oid), f"{word(reader.kind)} {reader.full_name}"
    for found, _ in uses(query, world):
        wanted = [column.number for column in found.columns if query.has_star or column.name in query.columns]
        for number in (0, *wanted):
            yield Depend(dependent=rule, on=Ref(CLASS, found.oid, number), kind="n", relation=reader.oid, name=name)
    for call in query.calls:
        for function in functions(world, call.name, call.arguments):
            yield Depend(dependent=rule, on=Ref("pg_proc", function.oid), kind="n", relation=reader.oid, name=name)


# --- rules ------------------------------------------------------------------------------------------------------------

_ROWS = ("new", "old")


def derive_rule(action: CreateRule, world: Snapshot) -> Iterator[Touch]:
    """The table ACCESS EXCLUSIVE; what the actions name, as their parse analysis locks it."""
    table = own(world, action.table, "rpvf" if world.server.major >= 14 else "rv", "rules")
    if action.event == "select" and table.kind != "v" and world.server.major >= 16:
        raise ServerWouldReject(f'relation "{table.name}" cannot have ON SELECT rules', sqlstate="42809")
    yield Touch(table.oid, AE)
    for query in action.queries:
        yield from analysed(query, world, _ROWS)
    if not action.replaces and any(item.name == action.name for item in table.rules):
        raise ServerWouldReject(f'rule "{action.name}" for relation "{table.name}" already exists', sqlstate="42710")


def apply_rule(action: CreateRule, snapshot: Snapshot) -> Snapshot:
    """The table with the rule."""
    table = relation(snapshot, action.table)
    oid, world = snapshot.fresh_oid()
    touched = tuple(dict.fromkeys(found.oid for query in action.queries for found, _ in uses(query, world, _ROWS)))
    rule = Rule(
        oid=oid,
        name=action.name,
        relation=table.oid,
        event=action.event,
        is_instead=action.is_instead,
        relations=touched,
    )
    kept = tuple(item for item in table.rules if item.name != action.name)
    edges = (
        Depend(
            dependent=Ref("pg_rewrite", oid),
            on=Ref(CLASS, item),
            kind="n",
            relation=table.oid,
            name=f"rule {action.name}",
        )
        for item in touched
    )
    return world.put(replace(table, rules=(*kept, rule))).depends(*edges)


DERIVES = {CreateView: derive_view, CreateRule: derive_rule}
APPLIES = {CreateView: apply_view, CreateRule: apply_rule}

_DOC = "https://www.postgresql.org/docs/18/explicit-locking.html#LOCKING-TABLES"
_TABLES = "CREATE TABLE t (a int, b int); CREATE TABLE r (a int); CREATE VIEW v AS SELECT a FROM r"
_FUNCTION = "; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
_PARTITIONED = "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p DEFAULT" + _FUNCTION
_AS, _RX = LockMode.ACCESS_SHARE, LockMode.ROW_EXCLUSIVE


_fact = partial(fact, source=_DOC)

FACTS = (
    _fact("CREATE VIEW; views inside are not expanded", _TABLES, "CREATE VIEW w AS SELECT t.* FROM v, t", v=_AS, t=_AS),
    _fact("CREATE OR REPLACE VIEW", _TABLES, "CREATE OR REPLACE VIEW v AS SELECT a FROM r WHERE a > 0", v=AE, r=_AS),
    _fact("CREATE RULE", _TABLES, "CREATE RULE g AS ON INSERT TO t DO ALSO INSERT INTO r VALUES (new.a)", t=AE, r=_RX),
)
