"""Migrations that only work as one transaction, or in one session: they are never split.

Source: https://www.postgresql.org/docs/18/sql-createtable.html (ON COMMIT), "SET" (LOCAL), "DECLARE", "LOCK",
https://www.postgresql.org/docs/18/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS, functions-sequence.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gate.model.actions import (
    Action,
    CreateTable,
    CreateTableAs,
    CreateView,
    LockTable,
    Query,
    Run,
    SequenceAction,
    SetSetting,
    Statement,
    TransactionControl,
)
from gate.model.names import Name
from gate.sql.wants import read_body

_KINDS = {
    "PREPARE": "PREPARE: a prepared statement lives in one session",
    "EXECUTE": "EXECUTE: a prepared statement lives in one session",
    "DECLARE CURSOR": "a cursor, which lives in one transaction",
    "FETCH": "a cursor, which lives in one transaction",
    "MOVE": "a cursor, which lives in one transaction",
    "CLOSE CURSOR": "a cursor, which lives in one transaction",
    "SET CONSTRAINTS": "SET CONSTRAINTS, which holds until the transaction ends",
}
_CONTROLS = {
    "savepoint": "SAVEPOINT, which lives in one transaction",
    "release": "RELEASE SAVEPOINT, which lives in one transaction",
    "rollback to": "ROLLBACK TO SAVEPOINT: what is taken back must not have been committed",
    "rollback": "ROLLBACK: what is taken back must not have been committed",
    "prepare": "PREPARE TRANSACTION, which is one transaction by its nature",
}
_CALLS = {
    "currval": "currval(), which remembers what this session took from a sequence",
    "lastval": "lastval(), which remembers what this session took from a sequence",
    "txid_current": "txid_current(), which is another one in each transaction",
    "pg_current_xact_id": "pg_current_xact_id(), which is another one in each transaction",
    "pg_export_snapshot": "pg_export_snapshot(), which is gone with its transaction",
}
# What a statement means does not change with these: how long it may take, how much memory it has, what is logged.
_HARMLESS = re.compile(
    r"\A(lock_timeout|statement_timeout|idle_.*timeout|transaction_timeout|deadlock_timeout|maintenance_work_mem"
    r"|work_mem|max_parallel.*|client_min_messages|log_.*|application_name|synchronous_commit|jit.*|enable_.*"
    r"|vacuum_.*|.*_io_concurrency)\Z"
)
_TEMPORARY = re.compile(r"\b(temp|temporary|pg_temp)\b", re.IGNORECASE)


def forbids_splitting(statements: Iterable[Statement]) -> str | None:
    """Why the migration must stay whole, to be read after `it uses`; None where it may be split."""
    return next((reason for statement in statements for reason in _reasons(statement)), None)


def _reasons(statement: Statement) -> Iterator[str]:
    action = statement.action
    if statement.kind in _KINDS:
        yield _KINDS[statement.kind]
    match action:
        case TransactionControl(what=what) if what in _CONTROLS:
            yield _CONTROLS[what]
        case LockTable():
            yield "LOCK TABLE, which holds until the transaction ends"
        case SetSetting(name="transaction"):
            yield "SET TRANSACTION, which holds for one transaction"
        case SetSetting(name=name, is_local=True) if not _HARMLESS.match(name):
            yield f"SET LOCAL {name}, which holds until the transaction ends"
        case Run(body=str() as body) if _TEMPORARY.search(body):
            yield "a temporary table in a DO block, which lives in one session"
        case _:
            pass
    if _is_temporary(action):
        yield "a temporary table, which lives in one session"
    yield from _in_queries(action)


def _is_temporary(action: Action) -> bool:
    match action:
        case CreateTable() | CreateTableAs() | CreateView() | SequenceAction():
            return action.persistence == "t" or (action.name.schema or "").startswith("pg_temp")
        case Query(uses=uses):
            return any((use.name.schema or "").startswith("pg_temp") for use in uses)
        case _:
            return False


def _in_queries(action: Action) -> Iterator[str]:
    if isinstance(action, Run) and action.body is not None:
        for called in sorted(read_body(action.language, action.body).functions, key=str):
            yield from _call(called)
    for query in _queries(action):
        for call in query.calls:
            yield from _call(call.name)
        for name, _, is_local in query.settings:
            if is_local and not _HARMLESS.match(name):
                yield f"set_config of {name} for one transaction"


def _queries(action: Action) -> Iterator[Query]:
    match action:
        case Query():
            yield action
        case CreateTableAs(query=query) | Run(query=Query() as query):
            yield query
        case _:
            pass


def _call(name: Name) -> Iterator[str]:
    if name.name in _CALLS:
        yield _CALLS[name.name]
    if "advisory" in name.name and name.name.startswith("pg_"):
        yield f"{name.name}(), an advisory lock, which lives in one session or transaction"
