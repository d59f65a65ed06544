"""UNIQUE and PRIMARY KEY taken apart: the index by itself, and the constraint that takes it over."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.key_names import key_names
from gate.sql.rewriting.indexes import range_var
from gate.sql.rewriting.trees import alter_table, command, definition, point, sole, sole_command
from gate.sql.tree import Tree, content, deparsed_statement


def index_of(sql: str, table: Name, name: str) -> str:
    """CREATE UNIQUE INDEX CONCURRENTLY with all that the constraint says of its index."""
    constraint = definition(sole_command(sole(sql)))
    node = _index(constraint)
    statement = node.index_stmt
    statement.idxname = name
    statement.relation.CopyFrom(range_var(table))
    statement.concurrent = True
    return deparsed_statement(node)


def column_names(sql: str) -> tuple[str, ...]:
    """The names of the index's columns, from which its own is made."""
    statement = _index(definition(sole_command(sole(sql)))).index_stmt
    return key_names([*statement.index_params, *statement.index_including_params])


def _index(constraint: Tree) -> Tree:
    node = pb.Node()
    statement = node.index_stmt
    statement.unique = True
    statement.access_method = "btree"
    statement.nulls_not_distinct = constraint.nulls_not_distinct
    statement.table_space = constraint.indexspace
    for columns, elements in (
        (constraint.keys, statement.index_params),
        (constraint.including, statement.index_including_params),
    ):
        for column in columns:
            element = elements.add().index_elem
            element.name = column.string.sval
            element.ordering = pb.SORTBY_DEFAULT
            element.nulls_ordering = pb.SORTBY_NULLS_DEFAULT
    for option in constraint.options:
        statement.options.add().CopyFrom(option)
    return node


def using_index(sql: str, table: Name, name: str) -> str:
    """The same constraint on `table`, which takes the index of its own name over."""
    node = sole(sql)
    statement = content(node)
    point(statement.relation, table)
    constraint = definition(sole_command(node))
    constraint.conname = constraint.indexname = name
    for field in ("keys", "including", "options", "indexspace", "nulls_not_distinct"):
        constraint.ClearField(field)
    return deparsed_statement(node)


def named(sql: str, table: Name, name: str, *, only: bool | None = None) -> str:
    """The same constraint on `table` under that name; `only` None leaves ONLY as it was written."""
    node = sole(sql)
    statement = content(node)
    point(statement.relation, table)
    if only is not None:
        statement.relation.inh = not only
    definition(sole_command(node)).conname = name
    return deparsed_statement(node)


def key_like(
    definition_sql: str, table: Name, name: str, *, is_primary: bool, is_deferrable: bool, is_deferred: bool
) -> str:
    """ADD CONSTRAINT ... UNIQUE or PRIMARY KEY on `table` whose index is like the one of that CREATE INDEX."""
    index = sole(definition_sql).index_stmt
    constraint = pb.Constraint(
        contype=pb.CONSTR_PRIMARY if is_primary else pb.CONSTR_UNIQUE,
        conname=name,
        deferrable=is_deferrable,
        initdeferred=is_deferred,
        nulls_not_distinct=index.nulls_not_distinct,
        indexspace=index.table_space,
    )
    for elements, columns in (
        (index.index_params, constraint.keys),
        (index.index_including_params, constraint.including),
    ):
        for element in elements:
            columns.add().string.sval = element.index_elem.name
    for option in index.options:
        constraint.options.add().CopyFrom(option)
    adding = command(pb.AT_AddConstraint)
    getattr(adding, "def").constraint.CopyFrom(constraint)
    return alter_table(table, adding)
