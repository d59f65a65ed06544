"""The root of all actions, and how statements name objects."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.expressions import TypeName
from gate.model.names import Name


class Action:
    """One thing that a statement does."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class ObjectName:
    """An object as DROP, COMMENT, ALTER ... OWNER and their like name it.

    `part_of` is the relation (or domain, type) of a trigger, rule, policy, column or constraint. `arguments` are a
    function's argument types, None where none were written.
    """

    name: Name
    part_of: Name | None = None
    arguments: tuple[TypeName, ...] | None = None
    method: str = ""


@dataclass(frozen=True, kw_only=True)
class Inert(Action):
    """A statement that locks no relation, as its proof shows; `creates` is an object to remember, if any."""

    what: str
    names: tuple[tuple[str, Name], ...] = ()
    forbids_transaction: bool = False


@dataclass(frozen=True, kw_only=True)
class Unknown(Action):
    """A statement that gate does not know; `why` says what would make it known."""

    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A parsed statement: `kind` is the server's command tag; `forbids_transaction` the form refuses a block."""

    kind: str
    action: Action
    forbids_transaction: bool = False
    options: tuple[str, ...] = ()
