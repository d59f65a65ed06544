"""Types, domains, sequences, schemas, extensions, publications."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from gate.model.actions import (
    AlterDomain,
    AlterEnum,
    CreateSchema,
    CreateType,
    ExtensionAction,
    Inert,
    PublicationAction,
    RelationUse,
    SequenceAction,
    Statement,
)
from gate.model.names import Name
from gate.sql.builders.objects import object_name
from gate.sql.builders.tables import KINDS, column, constraint
from gate.sql.terms import expression, list_name, name_of, range_name, strings, type_name
from gate.sql.tree import Tree, content, object_words, words


def composite_type(node: Tree) -> Statement:
    """CompositeTypeStmt."""
    columns = tuple(column(content(item)) for item in node.coldeflist)
    return Statement(kind="CREATE TYPE", action=CreateType(name=range_name(node.typevar), kind="c", columns=columns))


def enum_type(node: Tree) -> Statement:
    """CreateEnumStmt."""
    action = CreateType(name=name_of(strings(node.type_name)), kind="e", labels=strings(node.vals))
    return Statement(kind="CREATE TYPE", action=action)


def range_type(node: Tree) -> Statement:
    """CreateRangeStmt."""
    return Statement(kind="CREATE TYPE", action=CreateType(name=name_of(strings(node.type_name)), kind="r"))


def domain(node: Tree) -> Statement:
    """CreateDomainStmt."""
    inline = [content(item) for item in node.constraints]
    default = next((item for item in inline if item.contype == pb.CONSTR_DEFAULT), None)
    action = CreateType(
        name=name_of(strings(node.domainname)),
        kind="d",
        base=type_name(node.type_name),
        constraints=tuple(constraint(item) for item in inline if item.contype in KINDS),
        default=expression(default.raw_expr) if default is not None and default.HasField("raw_expr") else None,
    )
    return Statement(kind="CREATE DOMAIN", action=action)


def define(node: Tree) -> Statement:
    """DefineStmt: CREATE TYPE (base), AGGREGATE, OPERATOR, COLLATION, text search objects."""
    from gate.sql.builders.objects import tag

    word = object_words(node.kind)
    name = name_of(strings(node.defnames))
    if word == "type":
        return Statement(kind="CREATE TYPE", action=CreateType(name=name, kind="b"))
    return Statement(kind=f"CREATE {tag(word)}", action=Inert(what=f"create {word}", names=((word, name),)))


_DOMAIN_WORDS = {
    "T": "set default",
    "N": "drop not null",
    "O": "set not null",
    "C": "add constraint",
    "X": "drop constraint",
    "V": "validate",
}


def alter_domain(node: Tree) -> Statement:
    """AlterDomainStmt."""
    what = _DOMAIN_WORDS[node.subtype]
    action = AlterDomain(
        name=name_of(strings(node.type_name)),
        what=what,
        constraint=constraint(content(getattr(node, "def"))) if what == "add constraint" else None,
        constraint_name=node.name,
        cascade=node.behavior == pb.DROP_CASCADE,
        missing_ok=node.missing_ok,
    )
    return Statement(kind="ALTER DOMAIN", action=action)


def alter_enum(node: Tree) -> Statement:
    """AlterEnumStmt."""
    action = AlterEnum(
        name=name_of(strings(node.type_name)),
        adds=not node.old_val,
        label=node.new_val,
        old_label=node.old_val,
        if_not_exists=node.skip_if_new_val_exists,
    )
    return Statement(kind="ALTER TYPE", action=action)


def create_sequence(node: Tree) -> Statement:
    """CreateSeqStmt."""
    return _sequence(node, creates=True)


def alter_sequence(node: Tree) -> Statement:
    """AlterSeqStmt."""
    return _sequence(node, creates=False)


def _sequence(node: Tree, *, creates: bool) -> Statement:
    options = {content(item).defname: content(item) for item in node.options}
    owned = strings(content(options["owned_by"].arg).items) if "owned_by" in options else None
    action = SequenceAction(
        name=range_name(node.sequence),
        creates=creates,
        persistence=node.sequence.relpersistence or "p",
        exists_ok=node.if_not_exists if creates else node.missing_ok,
        owned_by=() if owned == ("none",) else owned,
        type=type_name(content(options["as"].arg)) if "as" in options else None,
        restarts="restart" in options,
        sets=frozenset(options),
    )
    return Statement(kind="CREATE SEQUENCE" if creates else "ALTER SEQUENCE", action=action)


def create_schema(node: Tree) -> Statement:
    """CreateSchemaStmt, with its elements."""
    from gate.sql.parse import built
    from gate.sql.terms import role_name

    name = node.schemaname or role_name(node.authrole)
    elements = tuple(built(item).action for item in node.schema_elts)
    return Statement(
        kind="CREATE SCHEMA", action=CreateSchema(name=name, if_not_exists=node.if_not_exists, elements=elements)
    )


def create_extension(node: Tree) -> Statement:
    """CreateExtensionStmt."""
    action = ExtensionAction(name=node.extname, what="create", if_not_exists=node.if_not_exists)
    return Statement(kind="CREATE EXTENSION", action=action)


def alter_extension(node: Tree) -> Statement:
    """AlterExtensionStmt: UPDATE."""
    return Statement(kind="ALTER EXTENSION", action=ExtensionAction(name=node.extname, what="update"))


def alter_extension_contents(node: Tree) -> Statement:
    """AlterExtensionContentsStmt: ADD or DROP a member."""
    word = object_words(node.objtype)
    action = ExtensionAction(
        name=node.extname,
        what="add" if node.action > 0 else "drop",
        member=object_name(word, node.object),
        member_object=word,
    )
    return Statement(kind="ALTER EXTENSION", action=action)


def create_publication(node: Tree) -> Statement:
    """CreatePublicationStmt."""
    return Statement(kind="CREATE PUBLICATION", action=_publication(node, "create"))


def alter_publication(node: Tree) -> Statement:
    """AlterPublicationStmt."""
    what = "options" if node.options else words(pb.AlterPublicationAction, node.action, "AP_").removesuffix("objects")
    return Statement(kind="ALTER PUBLICATION", action=_publication(node, what))


def _publication(node: Tree, what: str) -> PublicationAction:
    members = [content(item) for item in node.pubobjects]
    tables = [item.pubtable for item in members if item.HasField("pubtable")]
    return PublicationAction(
        name=node.pubname,
        what=what,
        tables=tuple(RelationUse(name=range_name(item.relation), only=not item.relation.inh) for item in tables),
        schemas=tuple(item.name for item in members if not item.HasField("pubtable")),
        is_for_all_tables=node.for_all_tables,
    )


def type_options(node: Tree) -> Statement:
    """AlterTypeStmt: ALTER TYPE ... SET (...)."""
    del node
    return Statement(kind="ALTER TYPE", action=Inert(what="alter type set"))


def names_in(node: Tree) -> Name:
    """A name as a Node."""
    return list_name(node)


BUILDERS = {
    "composite_type_stmt": composite_type,
    "create_enum_stmt": enum_type,
    "create_range_stmt": range_type,
    "create_domain_stmt": domain,
    "define_stmt": define,
    "alter_domain_stmt": alter_domain,
    "alter_enum_stmt": alter_enum,
    "create_seq_stmt": create_sequence,
    "alter_seq_stmt": alter_sequence,
    "create_schema_stmt": create_schema,
    "create_extension_stmt": create_extension,
    "alter_extension_stmt": alter_extension,
    "alter_extension_contents_stmt": alter_extension_contents,
    "create_publication_stmt": create_publication,
    "alter_publication_stmt": alter_publication,
    "alter_type_stmt": type_options,
}
