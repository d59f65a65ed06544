"""What the code behind statements names: bodies, views, rules and defaults that a second look at the catalog must
find.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_

from gate.model.actions import Action, Copy, CreateIndex, CreateTableAs, Query, Refresh, Run
from gate.model.catalog import Function, Relation
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.wants import Wants
from gate.rules.code import routine_of
from gate.sql.embedded import stored_wants
from gate.sql.plpgsql import read_code

_RUNS = (Query, CreateTableAs, Copy, Run, Refresh, CreateIndex)
_OWN = frozenset({
        "abs", "array_agg", "avg", "btrim", "char_length", "clock_timestamp", "concat", "concat_ws", "count",
        "current_setting", "currval", "date_part", "date_trunc", "dense_rank", "extract", "first_value", "format",
        "gen_random_uuid", "generate_series", "greatest", "hashint4", "initcap", "json_agg", "json_build_object",
        "jsonb_agg", "jsonb_build_object", "lag", "last_value", "lead", "least", "left", "length", "lower", "lpad",
        "ltrim", "max", "md5", "min", "mod", "nextval", "now", "nullif", "overlay", "position", "random", "rank",
        "regexp_replace", "repeat", "replace", "right", "round", "row_number", "rpad", "rtrim", "setval", "split_part",
        "statement_timestamp", "string_agg", "strpos", "substr", "substring", "sum", "timezone", "to_char", "to_date",
        "to_json", "to_jsonb", "to_timestamp", "to_tsvector", "transaction_timestamp", "translate", "trim", "unnest",
        "upper", "uuid_generate_v4", "row_to_json", "array_length", "cardinality",
})  # fmt: skip
"""Functions of pg_catalog that everybody uses: nothing has to be looked up for them."""


def further_wants(world: Snapshot, actions: Iterable[Action]) -> Wants:
    """What the code that these statements may run names and the catalog as read does not hold; nothing where none
    runs.
    """
    if not world.event_triggers and not any(isinstance(action, _RUNS) for action in actions):
        return Wants()
    return reduce(or_, (_unknown(found, world) for found in _named(world)), Wants())


def _named(world: Snapshot) -> Iterator[Wants]:
    for relation in world.relations.values():
        if not relation.is_system:
            yield from (stored_wants(text) for text in _texts(relation))
    for function in world.functions.values():
        if _is_readable(function):
            yield read_code(routine_of(function)).wants


def _texts(relation: Relation) -> Iterator[str]:
    if relation.kind in "vm" and relation.definition:
        yield relation.definition
    yield from (rule.definition for rule in relation.rules if rule.definition)
    for column in relation.columns:
        if column.default is not None and "(" in column.default:
            yield f"SELECT {column.default}"


def _is_readable(function: Function) -> bool:
    return function.schema != "pg_catalog" and function.source is not None and function.language in ("sql", "plpgsql")


def _unknown(wants: Wants, world: Snapshot) -> Wants:
    known = {function.name for function in world.functions.values()} | _OWN
    return Wants(
        relations=frozenset(name for name in wants.relations if not _is_read(name, world)),
        functions=frozenset(name for name in wants.functions if name.name not in known),
        cascades=wants.cascades,
        whole_schemas=wants.whole_schemas,
        needs_casts=wants.needs_casts and not world.casts,
    )


def _is_read(name: Name, world: Snapshot) -> bool:
    if name.name in ("new", "old"):
        return True
    return world.find(name) is not None
