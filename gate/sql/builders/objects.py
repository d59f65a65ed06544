"""DROP, RENAME, SET SCHEMA, OWNER, COMMENT, GRANT: statements that name an object of any kind."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from gate.model.actions import Action, Drop, DropOwned, Grant, Inert, ObjectName, OnObject, Rename, SetSchema, Statement
from gate.model.names import Name
from gate.sql.terms import list_name, name_of, range_name, role_name, strings, type_name
from gate.sql.tree import Tree, content, object_words, which

_TAGS = {
    "matview": "MATERIALIZED VIEW",
    "opclass": "OPERATOR CLASS",
    "opfamily": "OPERATOR FAMILY",
    "tsconfiguration": "TEXT SEARCH CONFIGURATION",
    "tsdictionary": "TEXT SEARCH DICTIONARY",
    "tsparser": "TEXT SEARCH PARSER",
    "tstemplate": "TEXT SEARCH TEMPLATE",
    "statistic ext": "STATISTICS",
    "fdw": "FOREIGN DATA WRAPPER",
    "foreign server": "SERVER",
    "largeobject": "LARGE OBJECT",
    "tabconstraint": "TABLE",
    "domconstraint": "DOMAIN",
    "column": "TABLE",
    "attribute": "TYPE",
}
_PARTS = frozenset({"trigger", "rule", "policy", "tabconstraint"})


def tag(word: str) -> str:
    """An object kind as command tags spell it."""
    return _TAGS.get(word, word.upper())


def object_name(word: str, node: Tree) -> ObjectName:
    """The object that a Node names, for an object of that kind."""
    kind, inner = which(node)
    if kind == "object_with_args":
        arguments = (
            None
            if inner.args_unspecified
            else tuple(type_name(content(item)) for item in inner.objargs if item.HasField("type_name"))
        )
        return ObjectName(name=name_of(strings(inner.objname)), arguments=arguments)
    if kind == "list" and word in _PARTS:
        *relation, last = strings(inner.items)
        return ObjectName(name=Name(last), part_of=name_of(relation))
    if kind == "list" and word == "column":
        *relation, last = strings(inner.items)
        return ObjectName(name=Name(last), part_of=name_of(relation) if relation else None)
    if kind == "list" and word == "domconstraint":
        return ObjectName(name=Name(strings(inner.items)[-1]), part_of=list_name(inner.items[0]))
    if kind == "list" and word in ("opclass", "opfamily"):
        method, *name = strings(inner.items)
        return ObjectName(name=name_of(name), method=method)
    if kind == "list" and not strings(inner.items):
        return ObjectName(name=Name(", ".join(str(list_name(item)) for item in inner.items)))
    if kind in ("", "integer", "float"):
        return ObjectName(name=Name(""))
    return ObjectName(name=list_name(node))


def drop(node: Tree) -> Statement:
    """DropStmt."""
    word = object_words(node.remove_type)
    action = Drop(
        object=word,
        names=tuple(object_name(word, item) for item in node.objects),
        cascade=node.behavior == pb.DROP_CASCADE,
        missing_ok=node.missing_ok,
        is_concurrent=node.concurrent,
    )
    return Statement(kind=f"DROP {tag(word)}", action=action, forbids_transaction=node.concurrent)


def drop_owned(node: Tree) -> Statement:
    """DropOwnedStmt."""
    roles = tuple(role_name(content(item)) for item in node.roles)
    return Statement(kind="DROP OWNED", action=DropOwned(roles=roles, cascade=node.behavior == pb.DROP_CASCADE))


def reassign_owned(node: Tree) -> Statement:
    """ReassignOwnedStmt."""
    roles = tuple(role_name(content(item)) for item in node.roles)
    return Statement(kind="REASSIGN OWNED", action=DropOwned(roles=roles, reassigns=True))


def rename(node: Tree) -> Statement:
    """RenameStmt."""
    word, of = object_words(node.rename_type), object_words(node.relation_type)
    has_relation = node.HasField("relation")
    kind = f"ALTER {tag(of if word in ('column', 'attribute') and of != 'access method' else word)}"
    if has_relation:
        action = Rename(
            object=word,
            name=range_name(node.relation),
            to=node.newname,
            part=node.subname,
            of=of,
            only=not node.relation.inh,
            missing_ok=node.missing_ok,
            cascade=node.behavior == pb.DROP_CASCADE,
        )
        return Statement(kind=kind, action=action)
    named = object_name(word, node.object) if node.HasField("object") else ObjectName(name=Name(node.subname))
    return Statement(kind=kind, action=OnObject(what="rename", object=word, name=named, to=node.newname))


def set_schema(node: Tree) -> Statement:
    """AlterObjectSchemaStmt."""
    word = object_words(node.object_type)
    if node.HasField("relation"):
        action: Action = SetSchema(
            object=word, name=range_name(node.relation), to=node.newschema, missing_ok=node.missing_ok
        )
    else:
        action = OnObject(what="set schema", object=word, name=object_name(word, node.object), to=node.newschema)
    return Statement(kind=f"ALTER {tag(word)}", action=action)


def owner(node: Tree) -> Statement:
    """AlterOwnerStmt; a relation's owner comes as ALTER TABLE."""
    word = object_words(node.object_type)
    action = OnObject(what="owner", object=word, name=object_name(word, node.object), role=role_name(node.newowner))
    return Statement(kind=f"ALTER {tag(word)}", action=action)


def depends(node: Tree) -> Statement:
    """AlterObjectDependsStmt."""
    word = object_words(node.object_type)
    if node.HasField("relation"):
        part = strings(content(node.object).items)[-1:] if node.HasField("object") else ()
        name = (
            ObjectName(name=Name(part[0]), part_of=range_name(node.relation))
            if part
            else ObjectName(name=range_name(node.relation))
        )
    else:
        name = object_name(word, node.object)
    return Statement(kind=f"ALTER {tag(word)}", action=OnObject(what="depends", object=word, name=name))


def comment(node: Tree) -> Statement:
    """CommentStmt."""
    word = object_words(node.objtype)
    name = object_name(word, node.object)
    return Statement(kind="COMMENT", action=OnObject(what="comment", object=word, name=name, text=node.comment))


def security_label(node: Tree) -> Statement:
    """SecLabelStmt."""
    word = object_words(node.objtype)
    return Statement(
        kind="SECURITY LABEL", action=OnObject(what="label", object=word, name=object_name(word, node.object))
    )


def grant(node: Tree) -> Statement:
    """GrantStmt; only relations matter."""
    kind = "GRANT" if node.is_grant else "REVOKE"
    word = object_words(node.objtype)
    if word not in ("table", "sequence"):
        return Statement(kind=kind, action=Inert(what=kind.lower()))
    in_schema = node.targtype == pb.ACL_TARGET_ALL_IN_SCHEMA
    action = Grant(
        tables=() if in_schema else tuple(range_name(content(item)) for item in node.objects),
        in_schemas=strings(node.objects) if in_schema else (),
        object=word,
        is_grant=node.is_grant,
        has_columns=any(content(item).cols for item in node.privileges),
        privileges=tuple(content(item).priv_name for item in node.privileges),
        roles=tuple(role_name(content(item)) for item in node.grantees),
    )
    return Statement(kind=kind, action=action)


BUILDERS = {
    "drop_stmt": drop,
    "drop_owned_stmt": drop_owned,
    "reassign_owned_stmt": reassign_owned,
    "rename_stmt": rename,
    "alter_object_schema_stmt": set_schema,
    "alter_owner_stmt": owner,
    "alter_object_depends_stmt": depends,
    "comment_stmt": comment,
    "sec_label_stmt": security_label,
    "grant_stmt": grant,
}
