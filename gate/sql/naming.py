"""What a parse tree names, of every kind.

Each node kind that names something by itself has its function in `_BY_NODE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.model.wants import Wants
from gate.sql.builders.programs import sql_source
from gate.sql.queries import DESCRIBES, OWNED_SEQUENCE, SEQUENCE_CALLS, regclass_name
from gate.sql.terms import SERIALS, constant, list_name, name_of, range_name, strings, type_name
from gate.sql.tree import Tree, content, object_words, walk, which

_RELATION_WORDS = frozenset(
    {
        "table",
        "index",
        "view",
        "matview",
        "sequence",
        "foreign table",
        "column",
        "trigger",
        "rule",
        "policy",
        "tabconstraint",
    }
)
_FUNCTION_WORDS = frozenset({"function", "procedure", "routine", "aggregate"})
CATALOGS = {
    "collation": "pg_collation",
    "conversion": "pg_conversion",
    "operator": "pg_operator",
    "opclass": "pg_opclass",
    "opfamily": "pg_opfamily",
    "statistic ext": "pg_statistic_ext",
    "tsconfiguration": "pg_ts_config",
    "tsdictionary": "pg_ts_dict",
    "tsparser": "pg_ts_parser",
    "tstemplate": "pg_ts_template",
    "extension": "pg_extension",
    "language": "pg_language",
    "access method": "pg_am",
    "fdw": "pg_foreign_data_wrapper",
    "foreign server": "pg_foreign_server",
    "event trigger": "pg_event_trigger",
    "publication": "pg_publication",
    "cast": "pg_cast",
    "transform": "pg_transform",
}


@dataclass
class _Names:
    relations: set[Name] = field(default_factory=set)
    types: set[Name] = field(default_factory=set)
    functions: set[Name] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    schemas: set[str] = field(default_factory=set)
    others: set[tuple[str, Name]] = field(default_factory=set)


def named(node: Tree) -> Wants:
    """Everything that the tree names, and the text of a function in SQL with it."""
    names = _Names()
    for kind, inner in _everything(node):
        gather = _BY_NODE.get(kind)
        if gather is not None:
            gather(inner, names)
    return Wants(
        relations=frozenset(names.relations),
        types=frozenset(names.types),
        functions=frozenset(names.functions),
        operators=frozenset(names.operators),
        schemas=frozenset(names.schemas),
        others=frozenset(names.others),
    )


def _everything(node: Tree) -> Iterator[tuple[str, Tree]]:
    """The tree's nodes, and those of the text of a function in SQL."""
    for kind, inner in walk(node):
        yield kind, inner
        if kind == "CreateFunctionStmt":
            for item in sql_source(inner):
                yield from walk(item)


def _relation(inner: Tree, names: _Names) -> None:
    names.relations.add(range_name(inner))


def _type(inner: Tree, names: _Names) -> None:
    if inner.pct_type:
        names.relations.add(name_of(strings(inner.names)[:-1]))
    elif inner.names and type_name(inner).name.name not in SERIALS:
        names.types.add(type_name(inner).name)


def _operator(inner: Tree, names: _Names) -> None:
    names.operators.update(strings(inner.name)[-1:])


def _trigger(inner: Tree, names: _Names) -> None:
    names.functions.add(name_of(strings(inner.funcname)))


def _dropped(inner: Tree, names: _Names) -> None:
    for item in inner.objects:
        _object(object_words(inner.remove_type), item, names)


def _about(field_name: str) -> Callable[[Tree, _Names], None]:
    """For statements that hold one object; `field_name` is where its kind stands."""

    def gather(inner: Tree, names: _Names) -> None:
        if inner.HasField("object"):
            _object(object_words(getattr(inner, field_name)), inner.object, names)

    return gather


def _renamed(inner: Tree, names: _Names) -> None:
    if inner.rename_type == pb.OBJECT_ATTRIBUTE:
        names.types.add(range_name(inner.relation))
    elif inner.HasField("object"):
        _object(object_words(inner.rename_type), inner.object, names)


def _with_arguments(inner: Tree, names: _Names) -> None:
    names.functions.add(name_of(strings(inner.objname)))


def _defined_type(inner: Tree, names: _Names) -> None:
    parts = inner.domainname if inner.DESCRIPTOR.name == "CreateDomainStmt" else inner.type_name
    names.types.add(name_of(strings(parts)))


def _statistics(inner: Tree, names: _Names) -> None:
    names.others.add(("pg_statistic_ext", name_of(strings(inner.defnames))))


def _composite(inner: Tree, names: _Names) -> None:
    names.types.add(range_name(inner.typevar))


def _collation(inner: Tree, names: _Names) -> None:
    names.others.add(("pg_collation", name_of(strings(inner.collname))))


def _path(inner: Tree, names: _Names) -> None:
    """SET search_path: names without a schema are looked for there too."""
    if inner.name == "search_path":
        names.schemas.update(text for text in map(constant, inner.args) if text is not None)


def _index_key(inner: Tree, names: _Names) -> None:
    if inner.collation:
        names.others.add(("pg_collation", name_of(strings(inner.collation))))


def _alter(inner: Tree, names: _Names) -> None:
    """What ALTER TABLE names as a bare string: an index in the table's own schema."""
    if inner.objtype == pb.OBJECT_TYPE:
        names.types.add(range_name(inner.relation))
    for item in inner.cmds:
        command = content(item)
        definition = content(getattr(command, "def")) if command.HasField("def") else None
        if command.subtype == pb.AT_ClusterOn:
            names.relations.add(Name(command.name, inner.relation.schemaname or None))
        elif definition is not None and definition.DESCRIPTOR.name == "ReplicaIdentityStmt" and definition.name:
            names.relations.add(Name(definition.name, inner.relation.schemaname or None))
        elif definition is not None and definition.DESCRIPTOR.name == "Constraint" and definition.indexname:
            names.relations.add(Name(definition.indexname, inner.relation.schemaname or None))


def _index(inner: Tree, names: _Names) -> None:
    """What has the new index's name already, on whatever table of the schema."""
    if inner.idxname:
        names.relations.add(Name(inner.idxname, inner.relation.schemaname or None))


def _function(inner: Tree, names: _Names) -> None:
    name = name_of(strings(inner.funcname))
    names.functions.add(name)
    if name.name in (*SEQUENCE_CALLS, OWNED_SEQUENCE, *DESCRIBES) and inner.args:
        sequence = regclass_name(constant(inner.args[0]))
        if sequence is not None:
            names.relations.add(sequence)


def _owned_by(inner: Tree, names: _Names) -> None:
    for item in inner.options:
        option = content(item)
        if option.defname == "owned_by":
            parts = strings(content(option.arg).items)
            if len(parts) > 1:
                names.relations.add(name_of(parts[:-1]))


def _object(word: str, node: Tree, names: _Names) -> None:
    kind, inner = which(node)
    if word in ("column", "trigger", "rule", "policy", "tabconstraint") and kind == "list":
        parts = strings(inner.items)[:-1]
        if parts:
            names.relations.add(name_of(parts))
    elif word in _RELATION_WORDS:
        names.relations.add(list_name(node))
    elif word in ("type", "domain"):
        names.types.add(list_name(node))
    elif word == "domconstraint" and kind == "list":
        names.types.add(list_name(inner.items[0]))
    elif word in _FUNCTION_WORDS:
        names.functions.add(list_name(node))
    elif word == "schema":
        names.schemas.add(list_name(node).name)
    elif word in CATALOGS:
        if word == "operator":
            names.operators.add(list_name(node).name)
        names.others.add((CATALOGS[word], _other_name(word, node)))


def _other_name(word: str, node: Tree) -> Name:
    kind, inner = which(node)
    if word in ("opclass", "opfamily") and kind == "list":
        return name_of(strings(inner.items)[1:])
    if kind == "list" and not strings(inner.items):
        return Name("")
    return list_name(node)


_BY_NODE: dict[str, Callable[[Tree, _Names], None]] = {
    "RangeVar": _relation,
    "TypeName": _type,
    "FuncCall": _function,
    "A_Expr": _operator,
    "CreateTrigStmt": _trigger,
    "DropStmt": _dropped,
    "CommentStmt": _about("objtype"),
    "SecLabelStmt": _about("objtype"),
    "AlterExtensionContentsStmt": _about("objtype"),
    "RenameStmt": _renamed,
    "AlterObjectSchemaStmt": _about("object_type"),
    "AlterOwnerStmt": _about("object_type"),
    "AlterObjectDependsStmt": _about("object_type"),
    "ObjectWithArgs": _with_arguments,
    "AlterDomainStmt": _defined_type,
    "AlterEnumStmt": _defined_type,
    "CreateDomainStmt": _defined_type,
    "CreateEnumStmt": _defined_type,
    "AlterStatsStmt": _statistics,
    "AlterSeqStmt": _owned_by,
    "CreateSeqStmt": _owned_by,
    "CompositeTypeStmt": _composite,
    "AlterTableStmt": _alter,
    "IndexStmt": _index,
    "CollateClause": _collation,
    "IndexElem": _index_key,
    "VariableSetStmt": _path,
}
