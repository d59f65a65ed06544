"""What a CREATE INDEX makes, part by part, so that it can be held against an index that is there.

Expressions are compared by the server: `expressions_query` asks for those of two texts as it understands them.

Source: PostgreSQL 18, `src/backend/commands/indexcmds.c` (ComputeIndexAttrs), `ruleutils.c` (pg_get_indexdef_worker).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.rewriting.indexes import range_var
from gate.sql.terms import name_of, range_name, strings
from gate.sql.tree import Tree, content, deparsed, deparsed_statement, parsed, which


@dataclass(frozen=True, kw_only=True)
class KeyShape:
    """One key. `expression` is a column's name, quoted, or SQL; `collation` and `opclass` are None where not written.

    A COLLATE around the whole expression is that of the key, as for the server.
    """

    expression: str
    is_column: bool
    collation: Name | None = None
    opclass: Name | None = None
    opclass_options: tuple[tuple[str, str], ...] = ()
    is_descending: bool = False
    is_nulls_first: bool = False


@dataclass(frozen=True, kw_only=True)
class IndexShape:
    """All of a CREATE INDEX but its name; `where` is SQL; it and `tablespace` are empty where not written."""

    table: Name
    method: str
    is_unique: bool
    is_nulls_not_distinct: bool
    keys: tuple[KeyShape, ...]
    include: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    tablespace: str
    where: str


def index_shape(sql: str) -> IndexShape | None:
    """That of one CREATE INDEX, None for any other text. Raises DoesNotParse."""
    nodes = parsed(sql)
    if len(nodes) != 1 or which(nodes[0])[0] != "index_stmt":
        return None
    statement = nodes[0].index_stmt
    method = statement.access_method or "btree"
    return IndexShape(
        table=range_name(statement.relation),
        method="gist" if method == "rtree" else method,
        is_unique=statement.unique,
        is_nulls_not_distinct=statement.nulls_not_distinct,
        keys=tuple(_key(item.index_elem) for item in statement.index_params),
        include=tuple(item.index_elem.name for item in statement.index_including_params),
        options=_options(statement.options),
        tablespace=statement.table_space,
        where=deparsed(statement.where_clause) if statement.HasField("where_clause") else "",
    )


def _key(element: Tree) -> KeyShape:
    collation = name_of(strings(element.collation)) if element.collation else None
    if element.name:
        expression, is_column = _column(element.name), True
    else:
        node = element.expr
        while which(node)[0] == "collate_clause":
            # The outermost one wins.
            collation = collation or name_of(strings(node.collate_clause.collname))
            node = node.collate_clause.arg
        is_column = which(node)[0] == "column_ref" and len(strings(node.column_ref.fields)) == len(
            node.column_ref.fields
        )
        expression = _column(strings(node.column_ref.fields)[-1]) if is_column else deparsed(node)
    is_descending = element.ordering == pb.SORTBY_DESC
    nulls = element.nulls_ordering
    return KeyShape(
        expression=expression,
        is_column=is_column,
        collation=collation,
        opclass=name_of(strings(element.opclass)) if element.opclass else None,
        opclass_options=_options(element.opclassopts),
        is_descending=is_descending,
        is_nulls_first=is_descending if nulls == pb.SORTBY_NULLS_DEFAULT else nulls == pb.SORTBY_NULLS_FIRST,
    )


def _column(name: str) -> str:
    node = pb.Node()
    node.column_ref.fields.add().string.sval = name
    return deparsed(node)


def _options(items: Iterable[Tree]) -> tuple[tuple[str, str], ...]:
    """Storage options by name, as the catalog keeps them: text."""
    return tuple(sorted((item.def_elem.defname, _value(item.def_elem)) for item in items))


def _value(option: Tree) -> str:
    if not option.HasField("arg"):
        return "true"
    kind, inner = which(option.arg)
    match kind:
        case "integer":
            return str(inner.ival)
        case "float":
            return str(inner.fval)
        case "type_name":
            return ".".join(strings(inner.names))
        case "boolean":
            return "true" if inner.boolval else "false"
        case _:
            return str(inner.sval) if kind == "string" else str(inner)


def expressions_query(table: Name, expressions: Sequence[str]) -> str:
    """An EXPLAIN that names each as the server understands it, as JSON; it runs nothing, and only reads the catalog."""
    select = pb.SelectStmt(limit_option=pb.LIMIT_OPTION_DEFAULT, op=pb.SETOP_NONE)
    for text in expressions:
        (node,) = parsed(f"SELECT ({text})")
        select.target_list.add().res_target.val.CopyFrom(content(node.select_stmt.target_list[0]).val)
    relation = range_var(table)
    relation.inh = False
    select.from_clause.add().range_var.CopyFrom(relation)
    return f"EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) {deparsed_statement(pb.Node(select_stmt=select))}"
