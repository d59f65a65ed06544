"""A data check as SQL: a query of the rows that are wrong, for gate and for a person.

All of it is read under a search path of `pg_catalog` alone, so that functions, operators and types need no schema here;
relations and users' types have theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from psycopg import sql

from gate.model.checks import (
    Check,
    DuplicatesOf,
    FailingCasts,
    Fill,
    Key,
    Limit,
    NullsIn,
    OrphansOf,
    OutsidePartition,
    Slice,
    ViolatorsOf,
)
from gate.model.names import Name

Composed = sql.Composable
SHOWN = 60
"""Characters of a value that is shown."""


@dataclass(frozen=True, kw_only=True)
class LiveColumn:
    """A column as the catalog has it now; `collation` is SQL, None for a type without one."""

    number: int
    name: str
    type: int
    collation: str | None = None
    is_key: bool = False
    is_plain: bool = False


@dataclass(frozen=True, kw_only=True)
class LiveTable:
    """A relation of a check as the catalog has it now."""

    schema: str
    name: str
    columns: tuple[LiveColumn, ...]

    def column(self, number: int) -> LiveColumn | None:
        """The column of that number."""
        return next((column for column in self.columns if column.number == number), None)


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """`text` gives a row for each wrong one, with `labels` for its values; `shown` is the same for a person.

    `is_told_by_error`: a row that is wrong makes the query fail.
    """

    text: sql.Composed
    labels: tuple[str, ...]
    shown: sql.Composed | None
    is_told_by_error: bool = False


def rendered(check: Check, tables: Mapping[int, LiveTable], major: int) -> Rendered:
    """The check as a query. KeyError where a relation is gone."""
    table = tables[check.relations[0]]
    if isinstance(check, DuplicatesOf):
        return _duplicates(check, table)
    if isinstance(check, FailingCasts) and (check.how == "evaluate" or not _can_be_read(check, major)):
        return _evaluated(check, table)
    condition = _condition(check, tables, major)
    columns, labels = _examples(check, table)
    start = _source(check, table)
    return Rendered(
        text=sql.SQL("SELECT {} FROM {} WHERE {}").format(columns, start, condition),
        labels=labels,
        shown=sql.SQL("SELECT * FROM {} WHERE {}").format(start, condition),
    )


# --- FROM -------------------------------------------------------------------------------------------------------------


def _source(check: Check, table: LiveTable) -> sql.Composed:
    """The relation, its columns called as the statement calls them."""
    names = names_of(check, table)
    relation = sql.SQL("{}{}").format(sql.SQL("ONLY " if check.only else ""), sql.Identifier(table.schema, table.name))
    alias = sql.Identifier(_alias(check, table))
    if [names[column.number] for column in table.columns] != [column.name for column in table.columns]:
        listed = sql.SQL(", ").join(sql.Identifier(names[column.number]) for column in table.columns)
        called = sql.SQL("{} AS {} ({})").format(relation, alias, listed)
    elif _alias(check, table) != table.name:
        called = sql.SQL("{} AS {}").format(relation, alias)
    else:
        called = relation
    if not check.fills:
        return called
    added = sql.SQL(", ").join(_filled(check, fill) for fill in check.fills)
    return sql.SQL("(SELECT {}.*, {} FROM {}) AS {}").format(alias, added, called, alias)


def _filled(check: Check, fill: Fill) -> sql.Composed:
    name = "value" if isinstance(check, ViolatorsOf) and check.value == fill.name else fill.name
    return sql.SQL("CAST(({}) AS {}) AS {}").format(_raw(fill.value.text), _raw(fill.type), sql.Identifier(name))


def names_of(check: Check, table: LiveTable) -> dict[int, str]:
    """What each live column is called: as the check calls it, else by its own name unless that is taken by then."""
    value = check.value if isinstance(check, ViolatorsOf) else ""
    called = {field.number: "value" if value and field.name == value else field.name for field in check.fields}
    taken = {*called.values(), *(fill.name for fill in check.fills), *(("value",) if value else ())}
    found = dict(called)
    for column in table.columns:
        if column.number not in found:
            found[column.number] = f"{column.name} ({column.number})" if column.name in taken else column.name
    return found


def _alias(check: Check, table: LiveTable) -> str:
    return check.table.partition(".")[2] or table.name


def _raw(text: str) -> sql.SQL:
    """Text that the parser printed from a tree it knows."""
    return sql.SQL(text)


# --- WHERE ------------------------------------------------------------------------------------------------------------


def _can_be_read(check: FailingCasts, major: int) -> bool:
    """Whether a bad text can be told without an error: 16 has a function for it."""
    return check.how != "input" or major >= 16 or check.target_name in _READS


_READS = {
    **dict.fromkeys(("smallint", "integer", "bigint"), "^[[:space:]]*[-+]?[0-9]+[[:space:]]*$"),
    "numeric": "(?i)^[[:space:]]*([-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[-+]?[0-9]+)?|nan|[-+]?inf(inity)?)[[:space:]]*$",
    "uuid": "^([{]([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}[}]|([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4})$",
    "boolean": "(?i)^[[:space:]]*(t|tr|tru|true|f|fa|fal|fals|false|y|ye|yes|n|no|on|of|off|1|0)[[:space:]]*$",
}
"""What a text looks like that the type reads, before 16 (`numutils.c`, `numeric.c`, `uuid.c`, `bool.c`)."""


def _unread(check: FailingCasts, major: int) -> Composed:
    column = sql.Identifier(check.column)
    if major >= 16:
        own = check.target_name if check.target.startswith("pg_catalog.") else check.target
        return sql.SQL("NOT pg_input_is_valid({}::text, {})").format(column, own)
    looks = _READS[check.target_name]
    if check.low == check.high:
        return sql.SQL("{}::text !~ {}").format(column, looks)
    return sql.SQL(
        "CASE WHEN {0}::text ~ {1} THEN {0}::numeric NOT BETWEEN {2} AND {3} ELSE {0} IS NOT NULL END"
    ).format(column, looks, check.low, check.high)


def _condition(check: Check, tables: Mapping[int, LiveTable], major: int) -> Composed:
    match check:
        case NullsIn():
            return _is_null(check)
        case ViolatorsOf():
            return sql.SQL("NOT ({})").format(_raw(check.condition.text))
        case OrphansOf():
            return _orphans(check, tables)
        case FailingCasts():
            return _unread(check, major) if check.how == "input" else _unfit(check)
        case OutsidePartition():
            return _misplaced(check, tables[check.parent])
        case _:
            raise AssertionError(check)


_BPCHAR = 1042
"""A key of this type is compared by its own equality, which does not see blanks at the end."""

_FIRST_USER_OID = 16384


def _is_null(check: NullsIn) -> Composed:
    """A row of NULLs is a value, though IS NULL is true of it."""
    kinds = {field.name: field.type for field in check.fields}
    test = "{} IS NOT DISTINCT FROM NULL" if kinds.get(check.column, 0) >= _FIRST_USER_OID else "{} IS NULL"
    return sql.SQL(test).format(sql.Identifier(check.column))


def _orphans(check: OrphansOf, tables: Mapping[int, LiveTable]) -> Composed:
    table, other = tables[check.relations[0]], tables[check.relations[1]]
    alias = _alias(check, table)
    found = "key" if alias != "key" else "referenced"
    mine = [sql.Identifier(alias, name) for name in check.columns]
    numbers = {field.name: field.number for field in check.fields}
    equal = []
    for name, column, key in zip(check.columns, mine, check.keys, strict=True):
        live, own = other.column(key.number), table.column(numbers.get(name, 0))
        theirs = sql.Identifier(found, live.name if live else key.name)
        collation = live.collation if live and own and own.collation != live.collation else None
        bare = sql.SQL("{}::bpchar").format(column) if live and live.type == _BPCHAR else column
        coerced = sql.SQL("{} COLLATE {}").format(bare, _raw(collation)) if collation else bare
        equal.append(sql.SQL("{} = {}").format(theirs, coerced))
    lost = sql.SQL("NOT EXISTS (SELECT FROM {}{} AS {} WHERE {})").format(
        sql.SQL("" if check.is_partitioned else "ONLY "),
        sql.Identifier(other.schema, other.name),
        sql.Identifier(found),
        sql.SQL(" AND ").join(equal),
    )
    present = [sql.SQL("{} IS NOT NULL").format(column) for column in mine]
    if check.is_full and len(mine) > 1:
        missing = [sql.SQL("{} IS NULL").format(column) for column in mine]
        return sql.SQL("({}) AND ({} OR {})").format(sql.SQL(" OR ").join(present), sql.SQL(" OR ").join(missing), lost)
    return sql.SQL(" AND ").join([*present, lost])


def _unfit(check: FailingCasts) -> Composed:
    column = sql.Identifier(check.column)
    match check.how:
        case "range":
            return sql.SQL("{} NOT BETWEEN {} AND {}").format(column, check.low, check.high)
        case "rounded":
            return sql.SQL("round({}::numeric) NOT BETWEEN {} AND {}").format(column, check.low, check.high)
        case "float":
            # As the server casts (rint); NaN is above everything.
            within = sql.SQL("round({0}::float8) >= {1} AND round({0}::float8) < {2}")
            return sql.SQL("NOT ({})").format(within.format(column, float(check.low), float(check.high + 1)))
        case "numeric":
            return sql.SQL("{0}::numeric <> 'NaN' AND abs(round({0}::numeric, {1})) >= {2}").format(
                column, check.low, Decimal(10) ** check.high
            )
        case "length":
            return sql.SQL("length(rtrim({}::text)) > {}").format(column, check.high)
        case "bits":
            return sql.SQL("length({}) {} {}").format(column, sql.SQL("<>" if check.low else ">"), check.high)
        case "labels":
            listed = sql.SQL(", ").join(sql.Literal(label) for label in check.labels)
            return sql.SQL("{}::text NOT IN ({})").format(column, listed if check.labels else sql.SQL("NULL"))
        case _:
            raise AssertionError(check.how)


# --- partitions -------------------------------------------------------------------------------------------------------


def _misplaced(check: OutsidePartition, parent: LiveTable) -> Composed:
    if check.bound is not None:
        return sql.SQL("({}) IS NOT TRUE").format(_inside(check, check.bound, parent))
    return sql.SQL(" OR ").join(sql.SQL("({})").format(_inside(check, other, parent)) for other in check.others)


def _inside(check: OutsidePartition, bound: Slice, parent: LiveTable) -> Composed:
    keys = [sql.Identifier(name) for name in check.keys]
    match bound.strategy:
        case "h":
            return sql.SQL("satisfies_hash_partition({}::regclass, {}, {}, {})").format(
                str(Name(parent.name, parent.schema)), bound.modulus, bound.remainder, sql.SQL(", ").join(keys)
            )
        case "l":
            return _listed(keys[0], bound.values)
        case _:
            present = [sql.SQL("{} IS NOT NULL").format(key) for key in keys]
            low, high = _beyond(keys, bound.lower, ">", "="), _beyond(keys, bound.upper, "<", "")
            return sql.SQL(" AND ").join([*present, low, high])


def _listed(key: sql.Identifier, values: Iterable[str | None]) -> Composed:
    found = list(values)
    literals = [sql.Literal(value) for value in found if value is not None]
    parts: list[Composed] = [sql.SQL("{} IS NULL").format(key)] if None in found else []
    if literals:
        parts.append(sql.SQL("{} IN ({})").format(key, sql.SQL(", ").join(literals)))
    return sql.SQL("({})").format(sql.SQL(" OR ").join(parts))


def _beyond(keys: list[sql.Identifier], limits: tuple[Limit, ...], operator: str, last: str) -> Composed:
    """The keys, one after the other, on the inner side of the limits (get_qual_for_range)."""
    limit, key = limits[0], keys[0]
    if limit.infinite:
        return sql.SQL("true" if (limit.infinite < 0) == (operator == ">") else "false")
    if len(limits) == 1:
        return sql.SQL("{} {} {}").format(key, sql.SQL(operator + last), sql.Literal(limit.value))
    rest = _beyond(keys[1:], limits[1:], operator, last)
    return sql.SQL("({0} {1} {2} OR {0} = {2} AND {3})").format(
        key,
        sql.SQL(operator),
        sql.Literal(limit.value),
        rest,
    )


# --- duplicates and evaluation ----------------------------------------------------------------------------------------


def _duplicates(check: DuplicatesOf, table: LiveTable) -> Rendered:
    keys = [_key(key) for key in check.keys]
    conditions = [sql.SQL("({})").format(_raw(check.where.text))] if check.where else []
    if not check.are_nulls_equal:
        conditions += [sql.SQL("{} IS NOT NULL").format(key) for key in keys]
    where = sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(conditions)) if conditions else sql.SQL("")
    grouped = sql.SQL(", ").join(sql.Literal(place) for place in range(1, len(keys) + 1))
    start = _source(check, table)
    told = sql.SQL("SELECT {}, count(*) FROM {}{} GROUP BY {} HAVING count(*) > 1").format(
        sql.SQL(", ").join(keys), start, where, grouped
    )
    values = sql.SQL(", ").join(_shown(sql.Identifier(f"k{place}")) for place in range(len(keys)))
    names = sql.SQL(", ").join(sql.Identifier(f"k{place}") for place in range(len(keys)))
    return Rendered(
        text=sql.SQL("SELECT {} FROM ({}) AS found ({}, n)").format(values, told, names),
        labels=tuple(key.column or (key.term.text if key.term else "") for key in check.keys),
        shown=told,
    )


def _key(key: Key) -> Composed:
    bare = sql.SQL("({})").format(_raw(key.term.text)) if key.term else sql.Identifier(key.column)
    return sql.SQL("{} COLLATE {}").format(bare, _raw(key.collation)) if key.collation else bare


def _evaluated(check: FailingCasts, table: LiveTable) -> Rendered:
    value = _raw(check.using.text) if check.using else sql.Identifier(check.column)
    cast = sql.SQL("CAST(({}) AS {})").format(value, _raw(check.target))
    start = _source(check, table)
    columns, labels = _examples(check, table)
    if check.is_not_null:
        text = sql.SQL("SELECT {} FROM {} WHERE {} IS NULL").format(columns, start, cast)
        return Rendered(text=text, labels=labels, shown=None, is_told_by_error=True)
    text = sql.SQL("SELECT 1 FROM {} HAVING count({}) < 0").format(start, cast)
    return Rendered(text=text, labels=(), shown=None, is_told_by_error=True)


# --- examples ---------------------------------------------------------------------------------------------------------


def _examples(check: Check, table: LiveTable) -> tuple[Composed, tuple[str, ...]]:
    """What tells a row from the others: the columns that are wrong, where they say it, and the primary key."""
    names = names_of(check, table)
    wrong = [] if isinstance(check, (NullsIn, ViolatorsOf)) else [field.number for field in check.fields]
    numbers = [*wrong, *(column.number for column in table.columns if column.is_key)]
    plain = {column.number for column in table.columns if column.is_plain}
    shown = [number for number in dict.fromkeys(numbers) if number in plain]
    if not shown:
        return sql.SQL("1"), ()
    columns = sql.SQL(", ").join(_shown(sql.Identifier(names[number])) for number in shown)
    return columns, tuple(names[number] for number in shown)


def _shown(column: sql.Identifier) -> Composed:
    """The value by its type's own output function, cut short."""
    return sql.SQL("CASE WHEN {0} IS NULL THEN 'NULL' ELSE left(format('%s', {0}), {1}) END").format(column, SHOWN)
