"""What a parse tree names, of every kind, for the snapshot to look up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from postgast import pg_query_pb2 as pb

from gate.model.actions import (
    AlterTable,
    Cluster,
    Drop,
    DropOwned,
    ExtensionAction,
    Grant,
    MoveAll,
    OnObject,
    PublicationAction,
    Reindex,
    Run,
    SetType,
    Statement,
    Truncate,
    Vacuum,
)
from gate.model.names import Name
from gate.model.wants import Wants
from gate.sql.builders.programs import sql_source
from gate.sql.queries import OWNED_SEQUENCE, SEQUENCE_CALLS, regclass_name
from gate.sql.terms import SERIALS, constant, list_name, name_of, range_name, strings, type_name
from gate.sql.tree import Tree, content, object_words, walk, which

_RELATION_WORDS = frozenset({"table", "index", "view", "matview", "sequence", "foreign table", "column", "trigger", "rule", "policy", "tabconstraint"})
_FUNCTION_WORDS = frozenset({"function", "procedure", "routine", "aggregate"})
_CATALOGS = {
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


def wants_of(node: Tree, statement: Statement) -> Wants:
    """Everything named in the tree, and what the statement's kind needs besides."""
    names = _Names()
    for kind, inner in _everything(node):
        _gather(kind, inner, names)
    wants = Wants(
        relations=frozenset(names.relations),
        types=frozenset(names.types),
        functions=frozenset(names.functions),
        operators=frozenset(names.operators),
        schemas=frozenset(names.schemas),
        others=frozenset(names.others),
    )
    return _of_action(wants, statement)


def _everything(node: Tree) -> Iterator[tuple[str, Tree]]:
    """The tree's nodes, and those of the text of a function in SQL."""
    for kind, inner in walk(node):
        yield kind, inner
        if kind == "CreateFunctionStmt":
            for item in sql_source(inner):
                yield from walk(item)


def _gather(kind: str, inner: Tree, names: _Names) -> None:
    match kind:
        case "RangeVar":
            names.relations.add(range_name(inner))
        case "TypeName" if not inner.pct_type and inner.names:
            name = type_name(inner).name
            if name.name not in SERIALS:
                names.types.add(name)
        case "TypeName" if inner.pct_type:
            names.relations.add(name_of(strings(inner.names)[:-1]))
        case "FuncCall":
            _function(inner, names)
        case "A_Expr":
            names.operators.update(strings(inner.name)[-1:])
        case "CreateTrigStmt":
            names.functions.add(name_of(strings(inner.funcname)))
        case "DropStmt":
            for item in inner.objects:
                _object(object_words(inner.remove_type), item, names)
        case "CommentStmt" | "SecLabelStmt" | "AlterExtensionContentsStmt":
            _object(object_words(inner.objtype), inner.object, names)
        case "RenameStmt" if inner.HasField("object"):
            _object(object_words(inner.rename_type), inner.object, names)
        case "AlterObjectSchemaStmt" | "AlterOwnerStmt" | "AlterObjectDependsStmt" if inner.HasField("object"):
            _object(object_words(inner.object_type), inner.object, names)
        case "ObjectWithArgs":
            names.functions.add(name_of(strings(inner.objname)))
        case "AlterDomainStmt" | "AlterEnumStmt" | "CreateDomainStmt" | "CreateEnumStmt":
            parts = inner.domainname if kind == "CreateDomainStmt" else inner.type_name
            names.types.add(name_of(strings(parts)))
        case "AlterStatsStmt":
            names.others.add(("pg_statistic_ext", name_of(strings(inner.defnames))))
        case "AlterSeqStmt" | "CreateSeqStmt":
            _owned_by(inner, names)
        case "CompositeTypeStmt":
            names.types.add(range_name(inner.typevar))
        case "AlterTableStmt":
            _alter(inner, names)
        case "CollateClause":
            names.others.add(("pg_collation", name_of(strings(inner.collname))))
        case _:
            pass


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


def _function(inner: Tree, names: _Names) -> None:
    name = name_of(strings(inner.funcname))
    names.functions.add(name)
    if name.name in (*SEQUENCE_CALLS, OWNED_SEQUENCE, "pg_partition_tree") and inner.args:
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
    elif word in _CATALOGS:
        if word == "operator":
            names.operators.add(list_name(node).name)
        names.others.add((_CATALOGS[word], _other_name(word, node)))


def _other_name(word: str, node: Tree) -> Name:
    kind, inner = which(node)
    if word in ("opclass", "opfamily") and kind == "list":
        return name_of(strings(inner.items)[1:])
    if kind == "list" and not strings(inner.items):
        return Name("")
    return list_name(node)


def _of_action(wants: Wants, statement: Statement) -> Wants:
    match statement.action:
        case Run(body=str() as body, language=language):
            return wants | read_body(language, body)
        case AlterTable(parts=parts) if any(isinstance(part, SetType) for part in parts):
            return replace(wants, needs_casts=True)
        case Truncate(cascade=True, tables=tables):
            return replace(wants, cascades=frozenset(item.name for item in tables))
        case Drop(object="schema", names=names):
            return replace(wants, whole_schemas=frozenset(item.name.name for item in names))
        case Drop(object=word, names=names) if word in _CATALOGS:
            return replace(wants, dependents_of=frozenset((_CATALOGS[word], item.name) for item in names))
        case DropOwned(roles=roles):
            return replace(wants, owners=frozenset(roles))
        case Reindex(object="schema", name=Name(name=name)):
            return replace(wants, whole_schemas=frozenset({name}))
        case Reindex(object="database" | "system"):
            return replace(wants, needs_database=True)
        case Vacuum(tables=(), only_database_stats=False) | Cluster(table=None) | MoveAll():
            return replace(wants, needs_database=True)
        case Grant(in_schemas=schemas) if schemas:
            return replace(wants, whole_schemas=frozenset(schemas))
        case PublicationAction(name=name):
            return replace(wants, dependents_of=frozenset({("pg_publication", Name(name))}))
        case ExtensionAction(name=name, what="drop" | "update"):
            return replace(wants, dependents_of=frozenset({("pg_extension", Name(name))}))
        case OnObject(object="schema", name=named):
            return replace(wants, schemas=wants.schemas | {named.name.name})
        case _:
            return wants


def read_body(language: str, body: str) -> Wants:
    """What a DO block's own text names."""
    from gate.sql.plpgsql import Routine, read_code

    return read_code(Routine(language=language, source=body, kind="do")).wants
