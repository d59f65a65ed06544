"""Types, sequences, schemas, extensions, publications."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.actions.action import Action, ObjectName
from gate.model.actions.queries import RelationUse
from gate.model.actions.tables import ColumnSpec, ConstraintSpec
from gate.model.expressions import Expression, TypeName
from gate.model.names import Name


@dataclass(frozen=True, kw_only=True)
class SequenceAction(Action):
    """CREATE or ALTER SEQUENCE; `owned_by` is (schema, table, column), empty for NONE, None when not written."""

    name: Name
    creates: bool
    persistence: str = "p"
    exists_ok: bool = False
    owned_by: tuple[str, ...] | None = None
    type: TypeName | None = None
    restarts: bool = False
    sets: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class CreateType(Action):
    """CREATE TYPE or DOMAIN; `kind` is `c e d r b`, `columns` those of a composite type."""

    name: Name
    kind: str
    columns: tuple[ColumnSpec, ...] = ()
    base: TypeName | None = None
    labels: tuple[str, ...] = ()
    constraints: tuple[ConstraintSpec, ...] = ()
    default: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class AlterEnum(Action):
    """ALTER TYPE ... ADD VALUE (`adds`) or RENAME VALUE."""

    name: Name
    adds: bool
    label: str
    old_label: str = ""
    if_not_exists: bool = False


@dataclass(frozen=True, kw_only=True)
class AlterDomain(Action):
    """ALTER DOMAIN; `what` is `set default`, `set not null`, `drop not null`, `add constraint`, `validate`, ..."""

    name: Name
    what: str
    constraint: ConstraintSpec | None = None
    constraint_name: str = ""
    cascade: bool = False
    missing_ok: bool = False


@dataclass(frozen=True, kw_only=True)
class CreateSchema(Action):
    """CREATE SCHEMA with the statements inside."""

    name: str
    if_not_exists: bool = False
    elements: tuple[Action, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExtensionAction(Action):
    """CREATE, UPDATE, or ADD/DROP a member of an extension; `what` is `create`, `update`, `add`, `drop`."""

    name: str
    what: str
    if_not_exists: bool = False
    member: ObjectName | None = None
    member_object: str = ""


@dataclass(frozen=True, kw_only=True)
class PublicationAction(Action):
    """CREATE or ALTER PUBLICATION; `what` is `create`, `add`, `drop`, `set`, `options`."""

    name: str
    what: str
    tables: tuple[RelationUse, ...] = ()
    schemas: tuple[str, ...] = ()
    is_for_all_tables: bool = False
    columns: frozenset[str] = frozenset()
