"""Triggers, policies and statistics objects: what hangs on a relation.

Source: PostgreSQL 18 `trigger.c` (CreateTriggerFiringOn), `policy.c` (CreatePolicy, AlterPolicy), `statscmds.c`
(CreateStatistics).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from gate.model.actions import (
    CreateStatistics,
    CreateTrigger,
    PolicyAction,
)
from gate.model.catalog import Depend, Policy, Ref, Relation, Statistics, Trigger
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import fact
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.rules.analysis import read_by
from gate.rules.lookup import (
    descendants,
    functions,
    relation,
    word,
)
from gate.rules.named import created_in, own

AE, SRE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE
CLASS = "pg_class"


# --- triggers ---------------------------------------------------------------------------------------------------------


def derive_trigger(action: CreateTrigger, world: Snapshot) -> Iterator[Touch]:
    """SHARE ROW EXCLUSIVE on the table, and for a row trigger on its partitions; FROM: ACCESS SHARE."""
    table = own(world, action.table, "rpvf", "triggers")
    _check_trigger(action, table, world)
    yield Touch(table.oid, SRE)
    if action.is_row and table.kind == "p":
        yield from (Touch(item.oid, SRE) for item in descendants(world, table.oid))
    if action.referenced is not None:
        yield Touch(relation(world, action.referenced).oid, LockMode.ACCESS_SHARE)


def _check_trigger(action: CreateTrigger, table: Relation, world: Snapshot) -> None:
    if not action.replaces and any(item.name == action.name and not item.is_internal for item in table.triggers):
        raise ServerWouldReject(f'trigger "{action.name}" for relation "{table.name}" already exists', sqlstate="42710")
    if (action.timing == "instead") != (table.kind == "v") and (action.is_row or action.timing == "instead"):
        raise ServerWouldReject(
            f'"{table.name}" is a {word(table.kind)}, which cannot have that kind of trigger', sqlstate="42809"
        )
    if not functions(world, action.function, 0):
        raise ServerWouldReject(f"function {action.function}() does not exist", sqlstate="42883")


def apply_trigger(action: CreateTrigger, snapshot: Snapshot) -> Snapshot:
    """The table, and its partitions, with the trigger."""
    table = relation(snapshot, action.table)
    targets = (table, *descendants(snapshot, table.oid)) if action.is_row and table.kind == "p" else (table,)
    function = functions(snapshot, action.function, 0)[0]
    world, parent = snapshot, 0
    for target in targets:
        oid, world = world.fresh_oid()
        trigger = Trigger(
            oid=oid,
            name=action.name,
            relation=target.oid,
            function=function.oid,
            events=action.events,
            timing=action.timing,
            is_row=action.is_row,
            parent=parent,
        )
        kept = tuple(item for item in target.triggers if item.name != action.name)
        world = world.put(replace(target, triggers=(*kept, trigger)))
        world = world.depends(*_trigger_edges(trigger, parent))
        parent = parent or oid
    return world


def with_parents_triggers(world: Snapshot, parent: Relation, child: Relation) -> Snapshot:
    """A new or attached partition has a copy of each row trigger (CloneRowTriggersToPartition)."""
    for trigger in parent.triggers:
        if trigger.is_row and not trigger.is_internal:
            oid, world = world.fresh_oid()
            copy = replace(trigger, oid=oid, relation=child.oid, parent=trigger.oid)
            child = replace(child, triggers=(*child.triggers, copy))
            world = world.put(child).depends(*_trigger_edges(copy, trigger.oid))
    return world


def _trigger_edges(trigger: Trigger, parent: int) -> Iterator[Depend]:
    ref = Ref("pg_trigger", trigger.oid)
    yield Depend(
        dependent=ref,
        on=Ref("pg_proc", trigger.function),
        kind="n",
        relation=trigger.relation,
        name=f"trigger {trigger.name}",
    )
    if parent:
        yield Depend(
            dependent=ref,
            on=Ref("pg_trigger", parent),
            kind="P",
            relation=trigger.relation,
            name=f"trigger {trigger.name}",
        )


# --- policies and statistics ------------------------------------------------------------------------------------------


def derive_policy(action: PolicyAction, world: Snapshot) -> Iterator[Touch]:
    """ACCESS EXCLUSIVE on the table, ACCESS SHARE on what its expressions read."""
    table = own(world, action.table, "rp", "row security policies")
    known = any(item.name == action.name for item in table.policies)
    if action.creates == known:
        state = "already exists" if known else "does not exist"
        raise ServerWouldReject(
            f'policy "{action.name}" for table "{table.name}" {state}', sqlstate="42710" if known else "42704"
        )
    yield Touch(table.oid, AE)
    yield from read_by(action.expressions, world)


def apply_policy(action: PolicyAction, snapshot: Snapshot) -> Snapshot:
    """The table with the policy."""
    table = relation(snapshot, action.table)
    read = tuple(dict.fromkeys(touch.relation for touch in read_by(action.expressions, snapshot)))
    known = next((item for item in table.policies if item.name == action.name), None)
    oid, world = (known.oid, snapshot) if known else snapshot.fresh_oid()
    policy = Policy(oid=oid, name=action.name, relation=table.oid, relations=read)
    kept = tuple(item for item in table.policies if item.oid != oid)
    edges = (
        Depend(
            dependent=Ref("pg_policy", oid),
            on=Ref(CLASS, item),
            kind="n",
            relation=table.oid,
            name=f"policy {action.name}",
        )
        for item in read
    )
    return world.put(replace(table, policies=(*kept, policy))).depends(*edges)


def derive_statistics(action: CreateStatistics, world: Snapshot) -> Iterator[Touch]:
    """SHARE UPDATE EXCLUSIVE on the table, kept even where IF NOT EXISTS finds it."""
    table = own(world, action.table, "rpmf", "extended statistics")
    for name in action.columns:
        if table.column(name) is None:
            raise ServerWouldReject(f'column "{name}" does not exist', sqlstate="42703")
    yield Touch(table.oid, SUE)


def apply_statistics(action: CreateStatistics, snapshot: Snapshot) -> Snapshot:
    """The table with the statistics object."""
    table = relation(snapshot, action.table)
    name = action.name or Name("_".join((table.name, *action.columns, "stat")), table.schema)
    if any(item.name == name.name for item in table.statistics):
        return snapshot
    oid, world = snapshot.fresh_oid()
    found = (table.column(column) for column in action.used)
    made = Statistics(
        oid=oid,
        schema=name.schema or created_in(world, name),
        name=name.name,
        relation=table.oid,
        columns=tuple(sorted(column.number for column in found if column)),
        owner=world.server.role,
        written=action.text,
    )
    return world.put(replace(table, statistics=(*table.statistics, made)))


DERIVES = {CreateTrigger: derive_trigger, PolicyAction: derive_policy, CreateStatistics: derive_statistics}
APPLIES = {CreateTrigger: apply_trigger, PolicyAction: apply_policy, CreateStatistics: apply_statistics}

_DOC = "https://www.postgresql.org/docs/18/explicit-locking.html#LOCKING-TABLES"
_TABLES = "CREATE TABLE t (a int, b int); CREATE TABLE r (a int); CREATE VIEW v AS SELECT a FROM r"
_FUNCTION = "; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
_PARTITIONED = "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p DEFAULT" + _FUNCTION
_AS, _RX = LockMode.ACCESS_SHARE, LockMode.ROW_EXCLUSIVE


_fact = partial(fact, source=_DOC)

FACTS = (
    _fact(
        "CREATE TRIGGER",
        _TABLES + _FUNCTION,
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        t=SRE,
    ),
    _fact(
        "CREATE TRIGGER ... FOR EACH ROW, partitioned",
        _PARTITIONED,
        "CREATE TRIGGER g AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f()",
        p=SRE,
        p1=SRE,
    ),
    _fact(
        "CREATE TRIGGER ... FOR EACH STATEMENT, partitioned",
        _PARTITIONED,
        "CREATE TRIGGER g AFTER INSERT ON p EXECUTE FUNCTION f()",
        p=SRE,
    ),
    _fact(
        "CREATE CONSTRAINT TRIGGER ... FROM",
        _TABLES + _FUNCTION,
        "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FROM r FOR EACH ROW EXECUTE FUNCTION f()",
        t=SRE,
        r=_AS,
    ),
    _fact("CREATE POLICY", _TABLES, "CREATE POLICY g ON t USING (a IN (SELECT a FROM r))", t=AE, r=_AS),
    _fact(
        "ALTER POLICY",
        _TABLES + "; CREATE POLICY g ON t",
        "ALTER POLICY g ON t USING (a IN (SELECT a FROM r))",
        t=AE,
        r=_AS,
    ),
    _fact("CREATE STATISTICS", _TABLES, "CREATE STATISTICS g ON a, b FROM t", t=SUE),
)
