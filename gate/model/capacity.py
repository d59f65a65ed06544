"""How full numbers are in the whole database: where sequences stand, which foreign keys are narrower than their key."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.unread import Unread

WHOLE = {21: ("smallint", 2**15 - 1), 23: ("integer", 2**31 - 1), 20: ("bigint", 2**63 - 1)}
"""The whole numbers' types by oid: name, highest value."""

SHARE = 0.8
"""Past this share of what a type holds it is time to do something."""


@dataclass(frozen=True, kw_only=True)
class SequencePosition:
    """A sequence that was used, and the column that owns it, if any; `table` and `name` are `schema.name`, unquoted."""

    name: str
    maximum: int
    minimum: int
    increment: int
    last: int
    is_cyclic: bool = False
    is_identity: bool = False
    table: str = ""
    table_oid: int = 0
    column: str = ""
    column_number: int = 0
    column_type: int = 0


@dataclass(frozen=True, kw_only=True)
class KeyPosition:
    """The highest value that ANALYZE saw in a column of a key."""

    table: str
    column: str
    type: int
    highest: int


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A column of a foreign key and the one that it refers to, of different types; `typmod` as in `pg_attribute`."""

    name: str
    table: str
    column: str
    type: int
    typmod: int
    type_name: str
    key_table: str
    key_column: str
    key_type: int
    key_typmod: int
    key_type_name: str
    key_table_oid: int = 0
    key_number: int = 0


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """All of it; `unread` says what was left out."""

    sequences: tuple[SequencePosition, ...] = ()
    keys: tuple[KeyPosition, ...] = ()
    pairs: tuple[KeyPair, ...] = ()
    unread: tuple[Unread, ...] = ()
