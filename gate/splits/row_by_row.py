"""Whether an UPDATE or DELETE may be done a part at a time: what else the table, its keys and its triggers ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gate.model.actions import Change, Query
from gate.model.catalog import Constraint, Function, Relation, Trigger
from gate.model.expressions import Call
from gate.model.names import Name, quoted
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit
from gate.model.work import Work
from gate.splits.backfilling import can_see_all, owns
from gate.splits.case import Case
from gate.sql.rewriting.batches import PINNED_CALLS

_QUIET = (
    "run the plain statement at a quiet hour, with a short lock_timeout, or take what is named out of the way first"
)


def require_alone(change: Change, table: Relation, parts: tuple[Relation, ...], case: Case) -> None:
    """Raises CannotSplit, with the reason. `parts` are the relations that hold the rows."""
    tables = tuple({item.oid: item for item in (table, *parts)}.values())
    for reason in _reasons(change, table, tables, case):
        raise CannotSplit(reason, remedy=_QUIET)


def _reasons(change: Change, table: Relation, tables: tuple[Relation, ...], case: Case) -> Iterator[str]:
    assert isinstance(case.action, Query)
    yield from _calls(case.action, case.before)
    yield from _operators(case.action, case.before)
    yield from _reads(tables, case)
    keys = {name for item in tables for name in _key_columns(item)}
    for item in tables:
        yield from _rules(change, item)
        yield from _triggers(change, item, case.before, keys)
        yield from _hidden_rows(item, case.before)
        yield from _deferred(item)
    for item in tables[1:]:
        yield from _privileges(change, item, case.before)
    if change.event == "update":
        for item in tables:
            yield from _defaults(change, item)
            yield from _unique(change, item)
            yield from _moves(change, item, case.before)
    else:
        yield from _references(table, tables, case)


# --- functions --------------------------------------------------------------------------------------------------------

# Of the server's own stable functions those whose answer hangs on their arguments and on settings alone; the others
# read the catalog, tables, or the moment.
_SETTINGS_ONLY = frozenset(
    {
        "array_to_json", "array_to_string", "concat", "concat_ws", "convert", "convert_from", "convert_to",
        "current_database", "current_schema", "current_schemas", "current_setting", "current_user", "date", "date_add",
        "date_part", "date_subtract", "date_trunc", "enum_first", "enum_last", "enum_range", "extract", "format",
        "get_current_ts_config", "json_build_array", "json_build_object", "json_populate_record", "json_to_tsvector",
        "jsonb_build_array", "jsonb_build_object", "jsonb_path_exists_tz", "jsonb_path_match_tz",
        "jsonb_path_query_array_tz", "jsonb_path_query_first_tz", "jsonb_populate_record", "jsonb_to_tsvector",
        "length", "make_timestamptz", "overlaps", "pg_column_size", "pg_typeof", "phraseto_tsquery", "plainto_tsquery",
        "quote_literal", "quote_nullable", "row_to_json", "session_user", "time", "timestamp", "timestamptz", "timetz",
        "timezone", "to_char", "to_date", "to_json", "to_jsonb", "to_number", "to_timestamp", "to_tsquery",
        "to_tsvector", "ts_headline", "websearch_to_tsquery",
    }
)  # fmt: skip


def _calls(query: Query, before: Snapshot) -> Iterator[str]:
    for call in query.calls:
        reason = _of_call(call, before)
        if reason:
            yield reason


def _of_call(call: Call, before: Snapshot) -> str:
    path = (call.name.schema,) if call.name.schema is not None else ("pg_catalog", *before.server.search_path)
    alike = [item for item in before.functions.values() if item.name == call.name.name and item.schema in path]
    found = [item for item in alike if _takes(item, call.arguments)]
    own = [item for item in found if item.schema == "pg_catalog"]
    if own and not call.arguments and call.name.name in PINNED_CALLS:
        return ""
    if not found:
        return f"what {call.name}() does is not known"
    worst = max((item.volatility for item in found), key="isv".index)
    if worst == "v":
        return f"{call.name}() is volatile: it may give something else for each row, or see what was changed before"
    if worst == "s" and (len(own) < len(found) or call.name.name not in _SETTINGS_ONLY):
        return f"{call.name}() is STABLE, not IMMUTABLE: it may give something else in each batch"
    return ""


def _takes(function: Function, arguments: int) -> bool:
    count = len(function.arguments)
    if function.is_variadic:
        return arguments >= count - 1
    return count - function.argument_defaults <= arguments <= count


def _operators(query: Query, before: Snapshot) -> Iterator[str]:
    """Users' own: none of the server's is volatile, and what its stable ones hang on are settings."""
    for name in dict.fromkeys(query.operators):
        for item in before.operators:
            if item.name == name and item.volatility != "i":
                yield f"the operator {name} of schema {quoted(item.schema)} is not IMMUTABLE"


def _reads(tables: Iterable[Relation], case: Case) -> Iterator[str]:
    """A trigger's or a function's query, as the statement has none of its own."""
    written = {item.oid for item in tables}
    for effect in case.effects:
        if effect.oid in written and Work.READ in effect.work:
            yield f"a trigger or a function reads other rows of {effect.relation}, and would see it half done"


# --- triggers and rules -----------------------------------------------------------------------------------------------


def _rules(change: Change, table: Relation) -> Iterator[str]:
    for rule in table.rules:
        if rule.is_enabled and rule.event == change.event:
            yield f"rule {quoted(rule.name)} on {table.full_name} makes another statement of it"


def _triggers(change: Change, table: Relation, before: Snapshot, keys: set[str]) -> Iterator[str]:
    for trigger in table.triggers:
        if not trigger.is_enabled or trigger.is_internal or change.event not in trigger.events:
            continue
        name = f"trigger {quoted(trigger.name)} on {table.full_name}"
        if not trigger.is_row:
            yield f"{name} fires once a statement, and would fire once a batch"
        elif trigger.constraint:
            yield f"constraint {name} may be checked at the commit, and each batch has its own"
        elif trigger.has_transition:
            yield f"{name} sees all rows of the statement (REFERENCING), and would see those of a batch"
        elif trigger.oid < 0 and trigger.timing == "after":
            yield f"{name} is made by this release, and may see all rows of the statement"
        elif trigger.timing == "before" and change.event == "update":
            yield from _moving(trigger, name, before, keys)


_SETS_ROW = re.compile(r"\bnew\s*:?=|\binto\s+(?:strict\s+)?new\b|\breturn\s+(?!new\b|null\b|old\b)", re.IGNORECASE)
# `=` assigns where a statement begins; elsewhere it compares.
_SETS_COLUMN = re.compile(
    r"(?P<start>(?:;|>>|\*/|--[^\n]*\n|\b(?:begin|then|else|loop))\s*)?"
    r"\bnew\s*\.\s*(?:\"(?P<quoted>(?:[^\"]|\"\")+)\"|(?P<plain>[^\W\d]\w*))\s*(?::=|(?(start)=|(?!)))",
    re.IGNORECASE,
)


def _moving(trigger: Trigger, name: str, before: Snapshot, keys: set[str]) -> Iterator[str]:
    """A BEFORE trigger may give the row another key, and the walk would meet it again."""
    function = before.functions.get(trigger.function)
    if function is not None and function.schema == "pg_catalog":
        return
    if function is None or function.source is None or function.language != "plpgsql":
        yield f"{name} may change the key that is walked"
        return
    if _SETS_ROW.search(function.source):
        yield f"{name} may put another row in the row's place"
    for found in _SETS_COLUMN.finditer(function.source):
        column = found["quoted"].replace('""', '"') if found["quoted"] else found["plain"].lower()
        if column in keys:
            yield f"{name} may change {quoted(column)}, by which the rows are told apart"


def _key_columns(table: Relation) -> set[str]:
    """Columns of unique indexes, and what steers a row to its partition."""
    numbers = {number for index in table.indexes if index.is_unique for number in index.columns}
    return {column.name for column in table.columns if column.number in numbers | set(table.partition_columns)}


# --- who sees which rows ----------------------------------------------------------------------------------------------


def _hidden_rows(table: Relation, before: Snapshot) -> Iterator[str]:
    if not can_see_all(table, before):
        yield f"row security hides rows of {table.full_name} from the role that runs it"


def _privileges(change: Change, part: Relation, before: Snapshot) -> Iterator[str]:
    needed = {"SELECT", change.event.upper()}
    if not owns(part, before) and not needed <= part.privileges:
        yield f"the role may change {part.full_name} through its parent only"


def _deferred(table: Relation) -> Iterator[str]:
    for constraint in table.constraints:
        if constraint.kind == "f" and constraint.is_deferred:
            yield f"{_named(constraint, table)} is checked at the commit, and each batch has its own"


def _named(constraint: Constraint, table: Relation) -> str:
    return f"foreign key {quoted(constraint.name)} of {table.full_name}"


# --- UPDATE -----------------------------------------------------------------------------------------------------------


def _assigned(change: Change) -> set[str]:
    return {item.column for item in change.assignments}


def _defaults(change: Change, table: Relation) -> Iterator[str]:
    for item in change.assignments:
        column = table.column(item.column)
        if not item.is_default or column is None:
            continue
        if column.identity or column.volatility in ("v", "s"):
            yield f"the default of {quoted(column.name)} is not the same in each batch: write what it shall be"


def _unique(change: Change, table: Relation) -> Iterator[str]:
    """Rows may be alike half way that are not at the end, or the other way round."""
    names = {column.number: column for column in table.columns}
    for index in table.indexes:
        if not (index.is_unique or index.is_exclusion):
            continue
        for column in (names[number] for number in index.columns if number in names):
            if column.name in _assigned(change) or column.generated:
                yield f"{quoted(column.name)} must stay unique ({index.name}), row by row and not only at the end"


def _moves(change: Change, table: Relation, before: Snapshot) -> Iterator[str]:
    for item in (table, *_above(table, before)):
        steering = {column.name for column in item.columns if column.number in item.partition_columns}
        for name in sorted(steering & _assigned(change)):
            yield f"{quoted(name)} steers rows to their partition, and a row that moves is met again or not at all"


def _above(table: Relation, before: Snapshot) -> Iterator[Relation]:
    seen, pending = {table.oid}, list(table.parents)
    while pending:
        oid = pending.pop()
        found = before.relations.get(oid)
        if found is None or oid in seen:
            continue
        seen.add(oid)
        yield found
        pending.extend(found.parents)


# --- DELETE -----------------------------------------------------------------------------------------------------------


def _references(table: Relation, tables: tuple[Relation, ...], case: Case) -> Iterator[str]:
    """Foreign keys that hold for all deleted rows together, or that change rows which are still to come."""
    own = {item.oid for item in (*tables, *_above(table, case.before))}
    written = {effect.oid for effect in case.effects if Work.WRITE in effect.work} | own
    for item in tables:
        for oid, number in item.referenced_by:
            other = case.before.relations.get(oid)
            constraint = next((one for one in other.constraints if one.oid == number), None) if other else None
            if other is None or constraint is None:
                yield f"what references {item.full_name} was not read"
            elif constraint.on_delete in "ar" and oid in written:
                yield f"{_named(constraint, other)} holds among the rows that go, and may only hold once all are gone"
            elif constraint.on_delete in "ar" and constraint.is_deferred:
                yield f"{_named(constraint, other)} is checked at the commit, and each batch has its own"
            elif constraint.on_delete in "nd" and oid in own:
                yield f"{_named(constraint, other)} changes rows of the table itself as others go"
        for constraint in item.constraints:
            if constraint.kind == "f" and constraint.on_delete in "nd" and constraint.referenced in written - own:
                name = _referenced(constraint, case.before)
                yield f"rows of {name} go too, and {_named(constraint, item)} then changes rows of the table itself"


def _referenced(constraint: Constraint, before: Snapshot) -> Name | str:
    found = before.relations.get(constraint.referenced)
    return Name(found.name, found.schema) if found else "another table"
