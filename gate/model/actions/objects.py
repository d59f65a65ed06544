"""Statements on an object of any kind, by its name."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.actions.action import Action, ObjectName
from gate.model.names import Name


@dataclass(frozen=True, kw_only=True)
class Rename(Action):
    """RENAME of a relation or a part of one; `object` is what is renamed, `part` its old name, `of` what `name` is."""

    object: str
    name: Name
    to: str
    part: str = ""
    of: str = ""
    only: bool = False
    missing_ok: bool = False
    cascade: bool = False


@dataclass(frozen=True, kw_only=True)
class SetSchema(Action):
    """SET SCHEMA of a relation."""

    object: str
    name: Name
    to: str
    missing_ok: bool = False


@dataclass(frozen=True, kw_only=True)
class Drop(Action):
    """DROP of anything; `object` in lower-case words: `table`, `index`, `trigger`, `function`, ..."""

    object: str
    names: tuple[ObjectName, ...]
    cascade: bool = False
    missing_ok: bool = False
    is_concurrent: bool = False


@dataclass(frozen=True, kw_only=True)
class DropOwned(Action):
    """DROP OWNED BY, or REASSIGN OWNED BY where `reassigns`."""

    roles: tuple[str, ...]
    cascade: bool = False
    reassigns: bool = False


@dataclass(frozen=True, kw_only=True)
class OnObject(Action):
    """COMMENT ON, SECURITY LABEL, ALTER ... OWNER TO, ALTER ... DEPENDS ON and their like; `what` says which.

    `text` is what a comment says, empty where it is taken away.
    """

    what: str
    object: str
    name: ObjectName
    role: str = ""
    to: str = ""
    text: str = ""
    missing_ok: bool = False


@dataclass(frozen=True, kw_only=True)
class Grant(Action):
    """GRANT or REVOKE on relations; `in_schema` for ALL ... IN SCHEMA. Anything else is `Inert`.

    `privileges` are lower-case words, empty for ALL; `roles` whom it gives to or takes from, `public` among them.
    """

    tables: tuple[Name, ...] = ()
    in_schemas: tuple[str, ...] = ()
    object: str = "table"
    is_grant: bool = True
    has_columns: bool = False
    privileges: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
