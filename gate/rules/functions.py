"""CREATE FUNCTION and CREATE PROCEDURE: a body in SQL is analysed when it is made.

Source: PostgreSQL 18 `pg_proc.c` (fmgr_sql_validator), `functioncmds.c` (interpret_AS_clause).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gate.model.actions import (
    CreateFunction,
    Query,
)
from gate.model.catalog import Function
from gate.model.effects import Touch
from gate.model.facts import fact
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.rules.lookup import (
    find_type,
)
from gate.rules.named import created_in

# --- functions --------------------------------------------------------------------------------------------------------

_POLYMORPHIC = frozenset(
    {"anyelement", "anyarray", "anynonarray", "anyenum", "anyrange", "anymultirange", "anycompatible",
     "anycompatiblearray",
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
    known = next(
        (
            item
            for item in snapshot.functions.values()
            if (item.schema, item.name, item.arguments) == (schema, action.name.name, arguments)
        ),
        None,
    )
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


DERIVES = {CreateFunction: derive_function}
APPLIES = {CreateFunction: apply_function}

_DOC = "https://www.postgresql.org/docs/18/explicit-locking.html#LOCKING-TABLES"
_TABLES = "CREATE TABLE t (a int, b int); CREATE TABLE r (a int); CREATE VIEW v AS SELECT a FROM r"
_FUNCTION = "; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
_PARTITIONED = "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p DEFAULT" + _FUNCTION
_AS, _RX = LockMode.ACCESS_SHARE, LockMode.ROW_EXCLUSIVE


_fact = partial(fact, source=_DOC)

FACTS = (
    _fact(
        "CREATE FUNCTION ... LANGUAGE sql",
        _TABLES,
        "CREATE FUNCTION g() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM v'",
        v=_AS,
        r=_AS,
    ),
    _fact(
        "CREATE FUNCTION ... BEGIN ATOMIC",
        _TABLES,
        "CREATE FUNCTION g() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM v; END",
        v=_AS,
        r=_AS,
    ),
    _fact(
        "CREATE FUNCTION ... LANGUAGE plpgsql",
        _TABLES,
        "CREATE FUNCTION g() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM v); END'",
    ),
    _fact(
        "CREATE FUNCTION ... LANGUAGE sql, polymorphic",
        _TABLES,
        "CREATE FUNCTION g(x anyelement) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM v'",
    ),
)
