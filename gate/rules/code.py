"""Functions that a statement runs: their bodies' static statements, all branches at once.

Source: PostgreSQL 18 `functions.c`, `pl_exec.c`. What only a run can tell (EXECUTE of a text that is put together, a
function in C that is not declared stable) is not understood, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gate.model.actions import (
    Action,
    Copy,
    CreateTableAs,
    Inert,
    Query,
    Run,
    SetSetting,
    TransactionControl,
    Unknown,
)
from gate.model.catalog import Function
from gate.model.effects import NotUnderstood, ServerWouldReject, Touch
from gate.model.expressions import Call
from gate.model.snapshot import Snapshot
from gate.rules.lookup import functions
from gate.rules.scope import DEPTH, Scope
from gate.sql.plpgsql import Code, Routine, read_code

_RUNS_TEXT = frozenset(
    {
        "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "cursor_to_xml", "cursor_to_xmlschema",
        "table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema", "schema_to_xml", "schema_to_xmlschema",
        "schema_to_xml_and_xmlschema", "database_to_xml", "database_to_xmlschema", "database_to_xml_and_xmlschema",
        "ts_stat", "pg_restore_relation_stats", "pg_restore_attribute_stats", "pg_clear_relation_stats",
        "pg_clear_attribute_stats", "pg_extension_config_dump", "pg_nextoid",
    }
)  # fmt: skip
_HARMLESS = ("uuid_", "gen_", "pgp_", "armor", "crypt", "digest", "hmac", "encrypt", "decrypt")
"""Volatile functions in C of the extensions that come with PostgreSQL which touch no relation."""


def calls(scope: Scope, query: Query) -> Iterator[Touch]:
    """The functions that the query calls."""
    if not scope.plans:
        return
    if query.unknown_names and scope.runs:
        raise NotUnderstood(
            f"{query.unknown_names[0]} is given a sequence that only a run can name",
            remedy="write the sequence's name as a literal",
        )
    for call in query.calls:
        for function in _meant(scope.world, call):
            yield from called(scope, function)


def _meant(world: Snapshot, call: Call) -> tuple[Function, ...]:
    """All that the call may mean; CALL gives a procedure its output arguments too."""
    found = functions(world, call.name, call.arguments)
    return found or tuple(item for item in functions(world, call.name) if item.kind == "p")


def called(scope: Scope, function: Function) -> Iterator[Touch]:
    """A function that is called: the server's own do nothing to relations, but for a few."""
    if function.schema == "pg_catalog":
        if function.name in _RUNS_TEXT and scope.runs:
            raise NotUnderstood(f"{function.name} works on relations that only a run can name")
        return
    if function.kind in ("f", "p"):
        yield from body(scope, function)


def body(scope: Scope, function: Function) -> Iterator[Touch]:
    """What the function's body does."""
    if (function.oid, scope.runs) in scope.seen or function.schema == "pg_catalog" or function.language == "internal":
        return
    scope.seen.add((function.oid, scope.runs))
    if scope.depth >= DEPTH and not scope.world.is_code_complete:
        raise NotUnderstood(f"{function.schema}.{function.name} is called more than {DEPTH} functions deep")
    if function.source is None:
        yield from _without_source(scope, function)
        return
    inner = _with_settings(scope, function).deeper
    yield from code_touches(inner, read_code(routine_of(function)), f"function {function.schema}.{function.name}")


def routine_of(function: Function) -> Routine:
    """What the reader of bodies must know."""
    return Routine(
        language=function.language,
        source=function.source or "",
        kind="p" if function.kind == "p" else "f",
        names=function.argument_names,
        returns_set=function.returns_set,
    )


def _without_source(scope: Scope, function: Function) -> Iterator[Touch]:
    """A body that the server keeps parsed, or one in another language."""
    from gate.rules.expanding import read

    is_sql = function.language == "sql"
    if function.volatility == "v" and (is_sql or not function.name.startswith(_HARMLESS)):
        raise NotUnderstood(
            f"{function.schema}.{function.name} is a volatile function in {function.language} that gate cannot read",
            remedy="run what it does as statements of their own",
        )
    for oid in function.relations if is_sql else ():
        table = scope.world.relations.get(oid)
        if table is not None:
            yield from read(scope, table)


def _with_settings(scope: Scope, function: Function) -> Scope:
    """SET search_path of the function's own."""
    for setting in function.settings:
        name, _, value = setting.partition("=")
        if name == "search_path":
            parts = tuple(item.strip().strip('"') for item in value.split(","))
            path = tuple(item for item in parts if item and item not in ("pg_catalog", "$user"))
            server = replace(scope.world.server, search_path=path)
            return replace(scope, world=replace(scope.world, server=server))
    return scope


# --- statements inside ------------------------------------------------------------------------------------------------


def code_touches(scope: Scope, code: Code, what: str) -> Iterator[Touch]:
    """The union over all statements; each meets the catalog that those before it leave."""
    if code.unknown:
        raise NotUnderstood(
            f"{what} runs what only a run can tell: {_short(code.unknown[0])}",
            remedy="write the statement out instead of putting its text together",
        )
    for statement in code.statements:
        action = statement.statement.action
        try:
            yield from tuple(action_touches(scope, action))
            scope = replace(scope, world=applied(action, scope.world))
        except ServerWouldReject:
            continue  # its branch may never run, or it names what another statement makes


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def action_touches(scope: Scope, action: Action) -> Iterable[Touch]:
    """A statement inside code."""
    from gate.rules import derive
    from gate.rules.queries import copy_touches, created_touches, in_query, run_touches

    match action:
        case Query():
            return in_query(scope, action)
        case CreateTableAs():
            return created_touches(scope, action)
        case Copy():
            return copy_touches(scope, action)
        case Run():
            return run_touches(scope, action)
        case TransactionControl() | SetSetting() | Inert():
            return ()
        case Unknown(why=why):
            raise NotUnderstood(why)
        case _:
            return derive(action, scope.world)


def applied(action: Action, world: Snapshot) -> Snapshot:
    """The catalog after a statement inside code; rows do not change it."""
    from gate.rules import apply

    if isinstance(action, TransactionControl | Unknown):
        return world
    return apply(action, world)


def code_of(run: Run) -> Code:
    """A DO block's own text."""
    return read_code(Routine(language=run.language, source=run.body or "", kind="do"))
