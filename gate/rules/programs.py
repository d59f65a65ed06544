"""Views, rules, triggers, policies, statistics objects, functions: what hangs on relations and what reads them.

Source: PostgreSQL 18 `view.c` (DefineView, DefineVirtualRelation), `rewriteDefine.c` (DefineRule), `trigger.c` (CreateTriggerFiringOn),
`policy.c` (CreatePolicy, AlterPolicy), `statscmds.c` (CreateStatistics), `pg_proc.c` (fmgr_sql_validator).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import CreateFunction, CreateRule, CreateStatistics, CreateTrigger, CreateView, PolicyAction, Query
from gate.model.catalog import Column, Depend, Function, Policy, Ref, Relation, Rule, Statistics, Trigger
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof
from gate.model.locks import LockMode
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.rules.analysis import analysed, read_by, uses
from gate.rules.lookup import descendants, find_type, functions, maybe_index, maybe_relation, relation, require_owner, word

AE, SRE, SUE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.SHARE_UPDATE_EXCLUSIVE
CLASS = "pg_class"


def own(world: Snapshot, name: Name, kinds: str, what: str) -> Relation:
    """The relation of one of these kinds, owned by the role; the server's answer where it is not."""
    found = relation(world, name)
    if found.kind not in kinds or maybe_index(world, name) is not None:
        raise ServerWouldReject(f'"{name}" cannot have {what}: it is a {word(found.kind)}', sqlstate="42809")
    require_owner(world, found)
    if found.is_system:
        raise ServerWouldReject(f'permission denied: "{found.name}" is a system catalog', sqlstate="42501")
    return found


def created_in(world: Snapshot, name: Name) -> str:
    """The schema in which an object of that name is created."""
    schema = name.schema if name.schema is not None else next((item for item in world.server.search_path if item in world.schemas), "public")
    if schema.startswith("pg_temp"):
        return "pg_temp"
    if schema not in world.schemas:
        raise ServerWouldReject(f'schema "{schema}" does not exist', sqlstate="3F000")
    return schema


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
    yield Touch(existing.oid, AE)


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
    return world.put(view).depends(*_view_edges(action, view, world))


def _without_reads(world: Snapshot, view: int) -> Snapshot:
    left = {ref: tuple(edge for edge in edges if not (edge.dependent.catalog == "pg_rewrite" and edge.relation == view)) for ref, edges in world.dependents.items()}
    return replace(world, dependents=left)


def _view_columns(action: CreateView, world: Snapshot) -> tuple[Column, ...]:
    """Names as far as they can be told; a type only where one column of that name is read."""
    names = [*action.columns, *action.query.output_columns[len(action.columns) :]]
    types = {column.name: (column.type, column.typmod) for found, _ in uses(action.query, world) for column in found.columns}
    made = []
    for number, name in enumerate(names, start=1):
        kind, typmod = types.get(name or "", (0, -1))
        made.append(Column(number=number, name=name or f"?column{number}?", type=kind, typmod=typmod))
    return tuple(made)


def _view_edges(action: CreateView, view: Relation, world: Snapshot) -> Iterator[Depend]:
    rule = Ref("pg_rewrite", view.oid)
    for found, _ in uses(action.query, world):
        wanted = [column.number for column in found.columns if action.query.has_star or column.name in action.query.columns]
        for number in (0, *wanted):
            yield Depend(dependent=rule, on=Ref(CLASS, found.oid, number), kind="n", relation=view.oid, name=f"view {view.full_name}")
    for call in action.query.calls:
        for function in functions(world, call.name, call.arguments):
            yield Depend(dependent=rule, on=Ref("pg_proc", function.oid), kind="n", relation=view.oid, name=f"view {view.full_name}")


# --- rules ------------------------------------------------------------------------------------------------------------

_ROWS = ("new", "old")


def derive_rule(action: CreateRule, world: Snapshot) -> Iterator[Touch]:
    """The table ACCESS EXCLUSIVE; what the actions name, as their parse analysis locks it."""
    table = own(world, action.table, "rpvf" if world.server.major >= 14 else "rv", "rules")
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
    rule = Rule(oid=oid, name=action.name, relation=table.oid, event=action.event, is_instead=action.is_instead, relations=touched)
    kept = tuple(item for item in table.rules if item.name != action.name)
    edges = (Depend(dependent=Ref("pg_rewrite", oid), on=Ref(CLASS, item), kind="n", relation=table.oid, name=f"rule {action.name}") for item in touched)
    return world.put(replace(table, rules=(*kept, rule))).depends(*edges)


# --- triggers ---------------------------------------------------------------------------------------------------------


def derive_trigger(action: CreateTrigger, world: Snapshot) -> Iterator[Touch]:
    """SHARE ROW EXCLUSIVE on the table, and for a row trigger on its partitions; ACCESS SHARE on the table after FROM."""
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
        raise ServerWouldReject(f'"{table.name}" is a {word(table.kind)}, which cannot have that kind of trigger', sqlstate="42809")
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


def _trigger_edges(trigger: Trigger, parent: int) -> Iterator[Depend]:
    ref = Ref("pg_trigger", trigger.oid)
    yield Depend(dependent=ref, on=Ref("pg_proc", trigger.function), kind="n", relation=trigger.relation, name=f"trigger {trigger.name}")
    if parent:
        yield Depend(dependent=ref, on=Ref("pg_trigger", parent), kind="P", relation=trigger.relation, name=f"trigger {trigger.name}")


# --- policies and statistics ------------------------------------------------------------------------------------------


def derive_policy(action: PolicyAction, world: Snapshot) -> Iterator[Touch]:
    """ACCESS EXCLUSIVE on the table, ACCESS SHARE on what its expressions read."""
    table = own(world, action.table, "rp", "row security policies")
    known = any(item.name == action.name for item in table.policies)
    if action.creates == known:
        state = "already exists" if known else "does not exist"
        raise ServerWouldReject(f'policy "{action.name}" for table "{table.name}" {state}', sqlstate="42710" if known else "42704")
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
    edges = (Depend(dependent=Ref("pg_policy", oid), on=Ref(CLASS, item), kind="n", relation=table.oid, name=f"policy {action.name}") for item in read)
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
    found = (table.column(column) for column in action.columns)
    columns = tuple(column.number for column in found if column)
    made = Statistics(oid=oid, schema=name.schema or created_in(world, name), name=name.name, relation=table.oid, columns=columns)
    return world.put(replace(table, statistics=(*table.statistics, made)))


# --- functions --------------------------------------------------------------------------------------------------------

_POLYMORPHIC = frozenset(
    {"anyelement", "anyarray", "anynonarray", "anyenum", "anyrange", "anymultirange", "anycompatible", "anycompatiblearray",
     "anycompatiblenonarray", "anycompatiblerange", "anycompatiblemultirange"}
)  # fmt: skip


def derive_function(action: CreateFunction, world: Snapshot) -> Iterator[Touch]:
    """A body in SQL is analysed and rewritten when the function is made, unless its arguments are polymorphic."""
    for query in _checked(action, world):
        if query.uses:
            yield from _rewritten(query, world)


def _checked(action: CreateFunction, world: Snapshot) -> tuple[Query, ...]:
    if action.body:
        return action.body
    if world.server.settings.get("check_function_bodies", "on") == "off":
        return ()
    if any(item.name.name in _POLYMORPHIC for item in action.arguments):
        return ()
    return action.checked


def _rewritten(query: Query, world: Snapshot) -> Iterator[Touch]:
    from gate.rules import derive

    yield from derive(query, world)


def apply_function(action: CreateFunction, snapshot: Snapshot) -> Snapshot:
    """The function, so that a later call or trigger finds it; types that it does not know stand as 0."""
    schema = created_in(snapshot, action.name)
    arguments = tuple(_type_oid(snapshot, item) for item in action.arguments)
    known = next((item for item in snapshot.functions.values() if (item.schema, item.name, item.arguments) == (schema, action.name.name, arguments)), None)
    oid, world = (known.oid, snapshot) if known else snapshot.fresh_oid()
    function = Function(
        oid=oid,
        schema=schema,
        name=action.name.name,
        kind="p" if action.is_procedure else "f",
        arguments=arguments,
        argument_defaults=action.argument_defaults,
        returns=_type_oid(world, action.returns) if action.returns else 0,
        volatility=action.volatility,
        language=action.language,
        source=action.source,
        owner=world.server.role,
        is_security_definer=action.is_security_definer,
    )
    return world.put_function(function)


def _type_oid(world: Snapshot, written: object) -> int:
    from gate.model.expressions import TypeName

    assert isinstance(written, TypeName)
    found = find_type(world, written.name)
    if found is None:
        return 0
    return found.array if written.dimensions else found.oid


DERIVES = {
    CreateView: derive_view,
    CreateRule: derive_rule,
    CreateTrigger: derive_trigger,
    PolicyAction: derive_policy,
    CreateStatistics: derive_statistics,
    CreateFunction: derive_function,
}
APPLIES = {
    CreateView: apply_view,
    CreateRule: apply_rule,
    CreateTrigger: apply_trigger,
    PolicyAction: apply_policy,
    CreateStatistics: apply_statistics,
    CreateFunction: apply_function,
}

_DOC = "https://www.postgresql.org/docs/18/explicit-locking.html#LOCKING-TABLES"
_TABLES = "CREATE TABLE t (a int, b int); CREATE TABLE r (a int); CREATE VIEW v AS SELECT a FROM r"
_FUNCTION = "; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
_PARTITIONED = "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p DEFAULT" + _FUNCTION
_AS, _RX = LockMode.ACCESS_SHARE, LockMode.ROW_EXCLUSIVE


def _fact(form: str, setup: str, statement: str, **locks: LockMode) -> Fact:
    expects = tuple(Expect(relation=f"public.{name}", lock=mode) for name, mode in locks.items())
    return Fact(form=form, source=_DOC, proof=Proof(setup=setup, statement=statement, expects=expects))


FACTS = (
    _fact("CREATE VIEW; views inside are not expanded", _TABLES, "CREATE VIEW w AS SELECT t.* FROM v, t", v=_AS, t=_AS),
    _fact("CREATE OR REPLACE VIEW", _TABLES, "CREATE OR REPLACE VIEW v AS SELECT a FROM r WHERE a > 0", v=AE, r=_AS),
    _fact("CREATE RULE", _TABLES, "CREATE RULE g AS ON INSERT TO t DO ALSO INSERT INTO r VALUES (new.a)", t=AE, r=_RX),
    _fact("CREATE TRIGGER", _TABLES + _FUNCTION, "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", t=SRE),
    _fact("CREATE TRIGGER ... FOR EACH ROW, partitioned", _PARTITIONED, "CREATE TRIGGER g AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f()", p=SRE, p1=SRE),
    _fact("CREATE TRIGGER ... FOR EACH STATEMENT, partitioned", _PARTITIONED, "CREATE TRIGGER g AFTER INSERT ON p EXECUTE FUNCTION f()", p=SRE),
    _fact(
        "CREATE CONSTRAINT TRIGGER ... FROM",
        _TABLES + _FUNCTION,
        "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FROM r FOR EACH ROW EXECUTE FUNCTION f()",
        t=SRE,
        r=_AS,
    ),
    _fact("CREATE POLICY", _TABLES, "CREATE POLICY g ON t USING (a IN (SELECT a FROM r))", t=AE, r=_AS),
    _fact("ALTER POLICY", _TABLES + "; CREATE POLICY g ON t", "ALTER POLICY g ON t USING (a IN (SELECT a FROM r))", t=AE, r=_AS),
    _fact("CREATE STATISTICS", _TABLES, "CREATE STATISTICS g ON a, b FROM t", t=SUE),
    _fact("CREATE FUNCTION ... LANGUAGE sql", _TABLES, "CREATE FUNCTION g() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM v'", v=_AS, r=_AS),
    _fact("CREATE FUNCTION ... BEGIN ATOMIC", _TABLES, "CREATE FUNCTION g() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM v; END", v=_AS, r=_AS),
    _fact("CREATE FUNCTION ... LANGUAGE plpgsql", _TABLES, "CREATE FUNCTION g() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM v); END'"),
    _fact(
        "CREATE FUNCTION ... LANGUAGE sql, polymorphic",
        _TABLES,
        "CREATE FUNCTION g(x anyelement) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM v'",
    ),
)
