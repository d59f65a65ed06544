"""What a statement needs looked up: all that its tree names, and what its kind needs besides."""

from __future__ import annotations

from dataclasses import replace

from gate.model.actions import (
    Action,
    AddColumn,
    AddConstraint,
    AlterTable,
    AttachPartition,
    Cluster,
    CreateFunction,
    CreateIndex,
    DetachPartition,
    Drop,
    DropOwned,
    ExtensionAction,
    Grant,
    MoveAll,
    NamedPart,
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
from gate.sql.naming import CATALOGS, named
from gate.sql.tree import Tree


def wants_of(node: Tree, statement: Statement) -> Wants:
    """Everything named in the tree, and what the statement's kind needs besides."""
    action = statement.action
    return _besides(named(node), action) | _whole(action) | _for_splits(action)


def _for_splits(action: Action) -> Wants:
    """What a split of it names: the names that are taken, and what a numbered column takes its numbers with."""
    parts = action.parts if isinstance(action, AlterTable) else ()
    is_numbered = any(
        isinstance(part, SetType) or (isinstance(part, AddColumn) and (part.spec.serial or part.spec.identity))
        for part in parts
    )
    return Wants(
        needs_names=_adds_without_name(action),
        functions=frozenset({Name("nextval"), Name("setval")}) if is_numbered else frozenset(),
        types=frozenset(Name(name, "pg_catalog") for name in ("int2", "int4", "int8")) if is_numbered else frozenset(),
    )


def _adds_without_name(action: Action) -> bool:
    """Whether the server, or a split, has to choose a name for a constraint, an index or a sequence of a table."""
    if isinstance(action, CreateIndex):
        return True
    parts = action.parts if isinstance(action, AlterTable) else ()
    return any(
        isinstance(part, AddColumn | AddConstraint | AttachPartition | DetachPartition | SetType)
        or (isinstance(part, NamedPart) and part.what == "SetNotNull")
        for part in parts
    )


def _besides(wants: Wants, action: Action) -> Wants:
    match action:
        case Run(body=str() as body, language=language):
            return wants | read_body(language, body)
        case AlterTable(parts=parts) if any(isinstance(part, SetType) for part in parts):
            return replace(wants, needs_casts=True)
        case Truncate(cascade=True, tables=tables):
            return replace(wants, cascades=frozenset(item.name for item in tables))
        case OnObject(object="schema", name=about):
            return replace(wants, schemas=wants.schemas | {about.name.name})
        case Drop(object=word, names=names) if word in CATALOGS:
            return replace(wants, dependents_of=frozenset((CATALOGS[word], item.name) for item in names))
        case PublicationAction(name=name):
            return replace(wants, dependents_of=frozenset({("pg_publication", Name(name))}))
        case CreateFunction(name=name):
            return replace(wants, functions=wants.functions | {name})
        case ExtensionAction(name=name, what="drop" | "update"):
            return replace(wants, dependents_of=frozenset({("pg_extension", Name(name))}))
        case _:
            return wants


def _whole(action: Action) -> Wants:
    """Of some every relation there is: of a schema, of a role, of the database."""
    match action:
        case Drop(object="schema", names=names):
            return Wants(whole_schemas=frozenset(item.name.name for item in names))
        case Reindex(object="schema", name=Name(name=name)):
            return Wants(whole_schemas=frozenset({name}))
        case Grant(in_schemas=schemas) if schemas:
            return Wants(whole_schemas=frozenset(schemas))
        case DropOwned(roles=roles):
            return Wants(owners=frozenset(roles))
        case Reindex(object="database" | "system") | Cluster(table=None) | MoveAll():
            return Wants(needs_database=True)
        case Vacuum(tables=(), only_database_stats=False):
            return Wants(needs_database=True)
        case _:
            return Wants()


def read_body(language: str, body: str) -> Wants:
    """What a DO block's own text names."""
    from gate.sql.plpgsql import Routine, read_code

    return read_code(Routine(language=language, source=body, kind="do")).wants
