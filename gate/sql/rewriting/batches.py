"""An UPDATE or DELETE made into batches: one that walks a key, and the loop that a person can paste.

A batch reads the next keys, however many rows the change itself meets, and changes those rows that it is meant for.
The first key and all later ones are two branches, of which only one runs: an OR would keep any plan that is used again
from going straight to the place in the index. Keys are looked up by themselves, never by `ctid`: under READ COMMITTED a
row that somebody else has just changed is looked at again in its new version, as the plain statement does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.rewriting.query_trees import (
    all_of,
    cast_to,
    column,
    compared,
    empty_select,
    expression_node,
    integer,
    into,
    nodes_of,
    null,
    parameter,
    put_limit,
    put_order,
    put_output,
    put_with,
    relation_named,
    row,
)
from gate.sql.rewriting.tid_batches import INT8, TID, Stored, along_tids, unless_done
from gate.sql.terms import strings
from gate.sql.tree import Tree, content, deparsed, deparsed_statement, parsed, walk, which

DEFAULT = "DEFAULT"
_TEXT = Name("text", "pg_catalog")


@dataclass(frozen=True, kw_only=True)
class Key:
    """One column of the key that is walked, with its type; a domain's base type for a domain."""

    column: str
    type: Name
    is_domain: bool = False
    is_array: bool = False

    @property
    def written_type(self) -> str:
        """The type as SQL."""
        return deparsed(cast_to(null(), self.type)).removeprefix("NULL::")


@dataclass(frozen=True, kw_only=True)
class Path:
    """What is walked: one relation without what inherits from it, and a unique key of it in order.

    `prefix` begins every name that a batch gives to something of its own. Where `rows_per_block` is not 0 there is no
    such key: rows are walked by their place in the file (`by_place`).
    """

    name: Name
    keys: tuple[Key, ...]
    prefix: str = "gate"
    rows_per_block: int = 0

    def own(self, name: str) -> str:
        """`gate_walk` for `walk`."""
        return f"{self.prefix}_{name}"

    def key(self, place: int) -> str:
        """What a batch calls the key's column at that place, 1-based."""
        return self.own(f"key_{place}")

    def pin(self, place: int) -> str:
        """What the loop calls a value that is evaluated once, 1-based."""
        return self.own(f"pin_{place}")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """`sql` takes the last key done, the number of rows, and the values of `pins`: expressions to evaluate once.

    It returns the key to go on from as text: what no driver can hold (infinity, a year before Christ) comes back whole.
    It returns none where it met fewer rows than it was given: the walk then ends, however fast others insert behind it.
    `path` is what is walked, with names of the batch's own that nothing in it has.
    """

    sql: str
    path: Path
    pins: tuple[str, ...] = ()


def by_place(name: Name, *, rows_per_block: int) -> Path:
    """Along the rows' places, see `gate.sql.rewriting.tid_batches`: the last one, and the block where the pass ends."""
    keys = (Key(column="ctid", type=TID), Key(column="blocks", type=INT8))
    return Path(name=name, keys=keys, rows_per_block=max(1, rows_per_block))


def fill(name: Name, assignments: Iterable[tuple[str, str]], condition: str) -> str:
    """UPDATE ONLY name SET column = expression, ... WHERE condition; `DEFAULT` is an expression here."""
    statement = pb.UpdateStmt(relation=relation_named(name, only=True))
    for name_set, text in assignments:
        target = statement.target_list.add().res_target
        target.name = name_set
        if text.upper() == DEFAULT:
            target.val.set_to_default.SetInParent()
        else:
            target.val.CopyFrom(expression_node(text))
    statement.where_clause.CopyFrom(expression_node(condition))
    return deparsed_statement(pb.Node(update_stmt=statement))


@lru_cache(maxsize=256)
def batch_of(sql: str, path: Path, *, stored: tuple[Stored, ...] = ()) -> Batch:
    """The UPDATE or DELETE `sql`, as one batch along the path. It names no other relation, and returns nothing.

    `stored` are the assigned columns, where rows that hold the new values already are to be left alone.
    """
    (node,) = parsed(sql)
    change = content(node)
    path = _with_own_names(change, path)
    pins = _pinned(change, first=len(path.keys) + 2)
    _aim(change, path)
    if stored:
        unless_done(change, stored)
    if path.rows_per_block:
        select = along_tids(change, path.name, rows_per_block=path.rows_per_block, prefix=path.prefix)
        return Batch(sql=_laid_out(select), path=path, pins=pins)
    _meet_walked(change, path)
    statement = _last_key(path)
    put_with(statement, path.own("walk"), _next_keys(path, parameter(len(path.keys) + 1)), is_materialized=True)
    put_with(statement, path.own("change"), node)
    return Batch(sql=_laid_out(statement), path=path, pins=pins)


def _with_own_names(change: Tree, path: Path) -> Path:
    """The path with a prefix that no name in the change begins with, nor that of the table or its key."""
    names = {path.name.name, *(key.column for key in path.keys)}
    for kind, inner in walk(change):
        if kind == "RangeVar":
            names.update({inner.relname, inner.alias.aliasname})
        elif kind == "ColumnRef":
            names.update(strings(inner.fields))
        elif kind == "ResTarget":
            names.add(inner.name)
    prefixes = ("gate", *(f"gate{number}" for number in range(1, len(names) + 1)))
    free = (item for item in prefixes if not any(name.startswith(f"{item}_") for name in names))
    return replace(path, prefix=next(free))


def evaluated(expressions: Iterable[str]) -> str:
    """SELECT each of them as text, in order: pins keep the values of their one evaluation."""
    select = empty_select()
    for place, text in enumerate(expressions, start=1):
        put_output(select, cast_to(expression_node(text), _TEXT), f"pin_{place}")
    return deparsed_statement(pb.Node(select_stmt=select))


@lru_cache(maxsize=256)
def loop_of(batch: Batch, *, rows: int) -> str:
    """A DO block that does batch after batch and commits each: for a session in no transaction block."""
    path = batch.path
    last, start = path.own("last"), path.own("start")
    (node,) = parsed(batch.sql)
    select = node.select_stmt
    for target in select.target_list:
        target.res_target.val.CopyFrom(target.res_target.val.type_cast.arg)
        target.res_target.name = ""
    select.into_clause.CopyFrom(into(last))
    _replace_parameters(select, lambda number: _stand_in(number, path, rows))
    keys = enumerate(path.keys, start=1)
    first = {last: _start(last, ((cast_to(null(), key.type), path.key(place)) for place, key in keys))}
    if batch.pins:
        pins = ((expression_node(text), path.pin(place)) for place, text in enumerate(batch.pins, start=1))
        first[start] = _start(start, pins)
    return _do_block(first, _laid_out(select, indent=8))


# --- one batch --------------------------------------------------------------------------------------------------------


def _next_keys(path: Path, count: Tree) -> Tree:
    """SELECT ... FROM (the first keys UNION ALL the keys after the last one)."""
    first, later = _keys_where(path, _is_start(path), count), _keys_where(path, _is_later(path), count)
    either = pb.SelectStmt(op=pb.SETOP_UNION, all=True, larg=first, rarg=later, limit_option=pb.LIMIT_OPTION_DEFAULT)
    select = empty_select()
    for place in _places(path):
        put_output(select, column(path.key(place)))
    source = select.from_clause.add().range_subselect
    source.subquery.select_stmt.CopyFrom(either)
    source.alias.aliasname = path.own("next")
    return pb.Node(select_stmt=select)


def _keys_where(path: Path, condition: Tree, count: Tree) -> Tree:
    select = empty_select()
    for place, key in enumerate(path.keys, start=1):
        value = column(key.column)
        put_output(select, cast_to(value, key.type) if key.is_domain else value, path.key(place))
        put_order(select, column(key.column))
    select.from_clause.add().range_var.CopyFrom(relation_named(path.name, only=True))
    select.where_clause.CopyFrom(condition)
    put_limit(select, count)
    return select


def _is_start(path: Path) -> Tree:
    test = pb.NullTest(arg=_last(1, path.keys[0]), nulltesttype=pb.IS_NULL)
    return pb.Node(null_test=test)


def _is_later(path: Path) -> Tree:
    columns = [column(key.column) for key in path.keys]
    reached = [_last(place, key) for place, key in enumerate(path.keys, start=1)]
    return compared(">", row(columns), row(reached))


def _last_key(path: Path) -> Tree:
    """SELECT the key to go on from, as text, FROM what was walked, if that was as many rows as were asked for.

    It is sorted by its whole name, as what it is; the output column is a text.
    """
    select = empty_select()
    for place in _places(path):
        put_output(select, cast_to(column(path.key(place)), _TEXT), path.key(place))
        put_order(select, column(path.own("walk"), path.key(place)))
    select.from_clause.add().range_var.CopyFrom(relation_named(Name(path.own("walk"))))
    select.limit_offset.CopyFrom(compared("-", parameter(len(path.keys) + 1), integer(1)))
    put_limit(select, integer(1))
    return select


def _aim(change: Tree, path: Path) -> None:
    """The change at the path's relation alone, under the name that it had."""
    known_as = change.relation.alias.aliasname or change.relation.relname
    change.relation.CopyFrom(relation_named(path.name, only=True))
    change.relation.alias.aliasname = known_as
    for kind, inner in walk(change):
        if kind == "ColumnRef" and len(inner.fields) > 2:
            del inner.fields[:-2]


def _meet_walked(change: Tree, path: Path) -> None:
    """Rows of this batch only."""
    known_as = change.relation.alias.aliasname
    keys = [column(known_as, key.column) for key in path.keys]
    if len(keys) == 1 and not path.keys[0].is_array:
        met = [_in_walk(keys[0], path)]
    else:
        walked = [column(path.own("walk"), path.key(place)) for place in _places(path)]
        met = [compared("=", mine, key) for mine, key in zip(keys, walked, strict=True)]
        others = change.from_clause if change.DESCRIPTOR.name == "UpdateStmt" else change.using_clause
        others.add().range_var.CopyFrom(relation_named(Name(path.own("walk"))))
    own = [change.where_clause] if change.HasField("where_clause") else []
    change.where_clause.CopyFrom(all_of([*own, *met]))


def _in_walk(key: Tree, path: Path) -> Tree:
    """Key = ANY (ARRAY(the keys)): looked up in the index whatever the planner believes of the table."""
    select = empty_select()
    put_output(select, column(path.key(1)))
    select.from_clause.add().range_var.CopyFrom(relation_named(Name(path.own("walk"))))
    keys = pb.SubLink(sub_link_type=pb.ARRAY_SUBLINK, subselect=pb.Node(select_stmt=select))
    found = pb.A_Expr(kind=pb.AEXPR_OP_ANY, lexpr=key, rexpr=pb.Node(sub_link=keys))
    found.name.add().string.sval = "="
    return pb.Node(a_expr=found)


def _laid_out(select: Tree, *, indent: int = 0) -> str:
    """The statement with each query in it on lines of its own; what stands inside of one is not touched."""
    rest, edge, made = deparsed_statement(pb.Node(select_stmt=select)), "\n" + " " * indent, " " * indent
    for item in select.with_clause.ctes:
        query = item.common_table_expr.ctequery
        whole = broken = deparsed_statement(query)
        for branch in _branches(query):
            written = deparsed_statement(pb.Node(select_stmt=branch))
            broken = broken.replace(f"({written})", f"({edge}        {written}{edge}    )", 1)
        head, _, rest = rest.partition(f"({whole})")
        made += f"{head}({edge}    {broken}{edge})"
    return made + rest.replace(" ", edge, 1)


def _branches(query: Tree) -> tuple[Tree, ...]:
    """Both sides of the UNION that tells the rows of a batch."""
    kind, select = which(query)
    if kind != "select_stmt":
        return ()
    if select.op == pb.SETOP_UNION:
        return (select.larg, select.rarg)
    inner = select.from_clause[0].range_subselect.subquery if select.from_clause else pb.Node()
    return _branches(inner)


# --- times that hold for the whole change -----------------------------------------------------------------------------

_STARTS = {
    "SVFOP_CURRENT_DATE": "date",
    "SVFOP_CURRENT_TIME": "timetz",
    "SVFOP_CURRENT_TIME_N": "timetz",
    "SVFOP_CURRENT_TIMESTAMP": "timestamptz",
    "SVFOP_CURRENT_TIMESTAMP_N": "timestamptz",
    "SVFOP_LOCALTIME": "time",
    "SVFOP_LOCALTIME_N": "time",
    "SVFOP_LOCALTIMESTAMP": "timestamp",
    "SVFOP_LOCALTIMESTAMP_N": "timestamp",
}
PINNED_CALLS = frozenset({"now", "transaction_timestamp", "statement_timestamp"})
"""Each transaction has its own; a change in batches takes that of its beginning for all rows."""


def _pinned(change: Tree, *, first: int) -> tuple[str, ...]:
    """Put parameters from `first` on in place of the times of the transaction, and say what they were."""
    pins: list[str] = []
    for _, inner in walk(change):
        for node in nodes_of(inner):
            kind = _time_type(node)
            if kind is None:
                continue
            text = deparsed(node)
            if text not in pins:
                pins.append(text)
            node.CopyFrom(cast_to(parameter(first + pins.index(text)), kind))
    return tuple(pins)


def _time_type(node: Tree) -> Name | None:
    kind, inner = which(node)
    found = None
    if kind == "sqlvalue_function":
        found = _STARTS.get(pb.SQLValueFunctionOp.Name(inner.op))
    elif kind == "func_call" and not inner.args:
        *schema, name = strings(inner.funcname)
        found = "timestamptz" if name in PINNED_CALLS and schema in ([], ["pg_catalog"]) else None
    return Name(found, "pg_catalog") if found else None


# --- the loop ---------------------------------------------------------------------------------------------------------


def _replace_parameters(select: Tree, stand_in: Callable[[int], Tree]) -> None:
    for _, inner in walk(select):
        for node in nodes_of(inner):
            kind, cast = which(node)
            if kind == "type_cast" and cast.arg.HasField("param_ref"):
                node.CopyFrom(stand_in(cast.arg.param_ref.number))
            elif kind == "param_ref":
                node.CopyFrom(stand_in(node.param_ref.number))


def _stand_in(number: int, path: Path, rows: int) -> Tree:
    width = len(path.keys)
    if number <= width:
        return column(path.own("last"), path.key(number))
    return integer(rows) if number == width + 1 else column(path.own("start"), path.pin(number - width - 1))


def _start(record: str, values: Iterable[tuple[Tree, str]]) -> str:
    """SELECT value AS name, ... INTO record."""
    select = empty_select()
    for value, name in values:
        put_output(select, value, name)
    select.into_clause.CopyFrom(into(record))
    return deparsed_statement(pb.Node(select_stmt=select))


def _do_block(first: Mapping[str, str], step: str) -> str:
    """PL/pgSQL has no deparser: its frame is written out, around statements that have one, by record first."""
    lines = [
        "#variable_conflict use_column",
        "DECLARE",
        *(f"    {record} record;" for record in first),
        "BEGIN",
        *(f"    {text};" for text in first.values()),
        "    LOOP",
        f"{step};",
        "        EXIT WHEN NOT FOUND;",
        "        COMMIT;",
        "    END LOOP;",
        "END",
    ]
    body = "\n".join(lines)
    tag = next(tag for tag in _tags() if tag not in body)
    return f"DO {tag}\n{body}\n{tag}"


def _tags() -> Iterable[str]:
    yield "$gate$"
    number = 1
    while True:
        yield f"$gate{number}$"
        number += 1


def _places(path: Path) -> range:
    return range(1, len(path.keys) + 1)


def _last(place: int, key: Key) -> Tree:
    return cast_to(parameter(place), key.type)
