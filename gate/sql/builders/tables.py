"""CREATE TABLE and what stands inside it."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from gate.model.actions import Bound, ColumnSpec, ConstraintSpec, CreateTable, CreateTableAs, Like, Statement
from gate.model.names import Name
from gate.sql.queries import query
from gate.sql.terms import SERIALS, constant, expression, list_name, range_name, strings, type_name
from gate.sql.tree import Tree, content, deparsed_statement, which, words

KINDS = {
    pb.CONSTR_CHECK: "c",
    pb.CONSTR_FOREIGN: "f",
    pb.CONSTR_PRIMARY: "p",
    pb.CONSTR_UNIQUE: "u",
    pb.CONSTR_EXCLUSION: "x",
    pb.CONSTR_NOTNULL: "n",
}
_LIKE_BITS = {
    "comments": 1,
    "compression": 2,
    "constraints": 4,
    "defaults": 8,
    "generated": 16,
    "identity": 32,
    "indexes": 64,
    "statistics": 128,
    "storage": 256,
}
_STRATEGIES = {"list": "l", "range": "r", "hash": "h"}


def create_table(node: Tree) -> Statement:
    """CreateStmt."""
    return Statement(kind="CREATE TABLE", action=_create_table(node))


def create_foreign_table(node: Tree) -> Statement:
    """CreateForeignTableStmt."""
    return Statement(kind="CREATE FOREIGN TABLE", action=_create_table(node.base_stmt, is_foreign=True))


def _create_table(node: Tree, *, is_foreign: bool = False) -> CreateTable:
    elements = [which(item) for item in (*node.table_elts, *node.constraints)]
    columns = tuple(column(inner) for kind, inner in elements if kind == "column_def")
    inherited = tuple(range_name(content(item)) for item in node.inh_relations)
    is_partition = node.HasField("partbound")
    keys = [content(item) for item in node.partspec.part_params]
    return CreateTable(
        name=range_name(node.relation),
        columns=columns,
        constraints=tuple(constraint(inner) for kind, inner in elements if kind == "constraint"),
        inherits=() if is_partition else inherited,
        partition_of=inherited[0] if is_partition else None,
        bound=bound(node.partbound) if is_partition else None,
        of_type=type_name(node.of_typename).name if node.HasField("of_typename") else None,
        likes=tuple(_like(inner) for kind, inner in elements if kind == "table_like_clause"),
        partition_strategy=_strategy(node),
        partition_columns=tuple(key.name for key in keys),
        partition_expressions=tuple(expression(key.expr) for key in keys if key.HasField("expr")),
        persistence=node.relation.relpersistence or "p",
        if_not_exists=node.if_not_exists,
        is_foreign=is_foreign,
        access_method=node.access_method,
        tablespace=node.tablespacename,
        options=tuple(content(item).defname for item in node.options),
    )


def _strategy(node: Tree) -> str:
    if not node.HasField("partspec"):
        return ""
    return _STRATEGIES[words(pb.PartitionStrategy, node.partspec.strategy, "PARTITION_STRATEGY_")]


def _like(inner: Tree) -> Like:
    included = frozenset(word for word, bit in _LIKE_BITS.items() if inner.options & bit)
    return Like(source=range_name(inner.relation), includes=included)


def bound(node: Tree) -> Bound:
    """A PartitionBoundSpec."""
    return Bound(
        is_default=node.is_default,
        strategy=node.strategy,
        lower=tuple(_datum(item) for item in node.lowerdatums),
        upper=tuple(_datum(item) for item in node.upperdatums),
        values=tuple(_datum(item) for item in node.listdatums),
        modulus=node.modulus,
        remainder=node.remainder,
        text=_bound_text(node),
    )


def _bound_text(node: Tree) -> str:
    alone = pb.Node()
    statement = alone.create_stmt
    statement.relation.relname = "p"
    statement.relation.inh = True
    statement.relation.relpersistence = "p"
    statement.inh_relations.add().range_var.CopyFrom(pb.RangeVar(relname="t", inh=True, relpersistence="p"))
    statement.partbound.CopyFrom(node)
    statement.oncommit = pb.ONCOMMIT_NOOP
    return deparsed_statement(alone).removeprefix("CREATE TABLE p PARTITION OF t ")


def _datum(node: Tree) -> str | None:
    kind, inner = which(node)
    if kind == "column_ref":  # MINVALUE, MAXVALUE
        return strings(inner.fields)[-1]
    return constant(node)


def column(node: Tree) -> ColumnSpec:
    """A ColumnDef with its inline constraints."""
    inline = [content(item) for item in node.constraints]
    by_kind = {item.contype: item for item in inline}
    kind = type_name(node.type_name) if node.HasField("type_name") else None
    default = by_kind.get(pb.CONSTR_DEFAULT)
    generated = by_kind.get(pb.CONSTR_GENERATED)
    identity = by_kind.get(pb.CONSTR_IDENTITY)
    raw = default.raw_expr if default is not None else node.raw_default if node.HasField("raw_default") else None
    serial = SERIALS.get(kind.name.name, 0) if kind and kind.name.schema is None and not kind.dimensions else 0
    return ColumnSpec(
        name=node.colname,
        type=kind,
        collation=list_collation(node) if node.HasField("coll_clause") else None,
        default=expression(raw) if raw is not None else None,
        generated=expression(generated.raw_expr) if generated is not None else None,
        is_virtual=generated is not None and generated.generated_kind == "v",
        identity=identity.generated_when if identity is not None else "",
        sequence=sequence_of(identity) if identity is not None else None,
        is_not_null=node.is_not_null or pb.CONSTR_NOTNULL in by_kind or serial > 0 or identity is not None,
        is_null=pb.CONSTR_NULL in by_kind,
        serial=serial,
        storage=node.storage_name,
        compression=node.compression,
        constraints=_inline(node.colname, inline),
    )


def sequence_of(identity: Tree) -> Name | None:
    """SEQUENCE NAME of an identity's options."""
    written = (content(item) for item in identity.options)
    return next((list_name(option.arg) for option in written if option.defname == "sequence_name"), None)


def list_collation(node: Tree) -> Name:
    """The collation of a ColumnDef."""
    from gate.sql.terms import name_of

    return name_of(strings(node.coll_clause.collname))


def _inline(name: str, inline: list[Tree]) -> tuple[ConstraintSpec, ...]:
    specs = []
    for item in inline:
        if item.contype in KINDS:
            specs.append(constraint(item, inline_column=name))
        elif specs and item.contype in (
            pb.CONSTR_ATTR_NOT_ENFORCED,
            pb.CONSTR_ATTR_DEFERRABLE,
            pb.CONSTR_ATTR_DEFERRED,
        ):
            specs[-1] = _with_attribute(specs[-1], item.contype)
    return tuple(specs)


def _with_attribute(spec: ConstraintSpec, attribute: int) -> ConstraintSpec:
    from dataclasses import replace

    if attribute == pb.CONSTR_ATTR_NOT_ENFORCED:
        return replace(spec, is_enforced=False, is_valid=False)
    return replace(spec, is_deferrable=True, is_deferred=attribute == pb.CONSTR_ATTR_DEFERRED)


def constraint(node: Tree, *, inline_column: str = "") -> ConstraintSpec:
    """A Constraint; for an inline one the column is the one it stands at."""
    kind = KINDS[node.contype]
    keys = strings(node.fk_attrs) if kind == "f" else strings(node.keys)
    elements = [content(content(pair).items[0]) for pair in node.exclusions]
    if kind == "x":
        keys = tuple(element.name for element in elements)
    is_enforced = node.is_enforced or kind not in ("c", "f")
    return ConstraintSpec(
        kind=kind,
        name=node.conname or None,
        columns=keys or ((inline_column,) if inline_column else ()),
        expression=expression(node.raw_expr) if kind == "c" else None,
        is_valid=not node.skip_validation and is_enforced,
        is_enforced=is_enforced,
        no_inherit=node.is_no_inherit,
        is_deferrable=node.deferrable,
        is_deferred=node.initdeferred,
        referenced=range_name(node.pktable) if kind == "f" else None,
        referenced_columns=strings(node.pk_attrs),
        on_delete=node.fk_del_action or "a",
        on_update=node.fk_upd_action or "a",
        set_columns=strings(node.fk_del_set_cols),
        match=node.fk_matchtype or "s",
        index=node.indexname or None,
        method=node.access_method or ("gist" if node.without_overlaps else "btree"),
        include=strings(node.including),
        without_overlaps=node.without_overlaps,
        has_expressions=any(element.HasField("expr") for element in elements) or node.HasField("where_clause"),
        are_nulls_equal=node.nulls_not_distinct,
        tablespace=node.indexspace,
    )


def create_table_as(node: Tree) -> Statement:
    """CreateTableAsStmt, for tables and materialized views."""
    is_matview = node.objtype == pb.OBJECT_MATVIEW
    with_data = not node.into.skip_data
    action = CreateTableAs(
        name=range_name(node.into.rel),
        query=query(node.query, runs=with_data, plans=with_data, rewrites=with_data),
        is_matview=is_matview,
        if_not_exists=node.if_not_exists,
        with_data=with_data,
        persistence=node.into.rel.relpersistence or "p",
        columns=strings(node.into.col_names),
    )
    tag = "CREATE MATERIALIZED VIEW" if is_matview else "SELECT INTO" if node.is_select_into else "CREATE TABLE AS"
    return Statement(kind=tag, action=action)


BUILDERS = {
    "create_stmt": create_table,
    "create_foreign_table_stmt": create_foreign_table,
    "create_table_as_stmt": create_table_as,
}
