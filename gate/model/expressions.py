"""Types and expressions as written in a statement, reduced to what facts need to know of them."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.names import Name


@dataclass(frozen=True, kw_only=True)
class TypeName:
    """A type as written: `modifiers` are the numbers in parentheses, `dimensions` the brackets behind it.

    `fields` is an interval's field mask (None without one); `of_column` is set for `table.column%TYPE`.
    """

    name: Name
    modifiers: tuple[int, ...] = ()
    dimensions: int = 0
    is_setof: bool = False
    fields: int | None = None
    of_column: tuple[str, ...] = ()
    has_odd_modifiers: bool = False


@dataclass(frozen=True)
class Call:
    """A function as called: its name and how many arguments it is given."""

    name: Name
    arguments: int


@dataclass(frozen=True)
class NotNullOf:
    """The conjunct `column IS NOT NULL`."""

    column: str


@dataclass(frozen=True)
class Comparison:
    """The conjunct `column operator literal`; `value` is the literal's text."""

    column: str
    operator: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Expression:
    """`text` is deparsed SQL. `column` is set for a bare column, `cast_of` for one under one plain cast to `cast_to`.

    `calls`, `operators`, `columns`, `types` and `relations` name all that stands anywhere in it; `conjuncts` are what
    its truth proves, one by one. `is_stable` tells of CURRENT_USER, now() and the like in their keyword form.
    """

    text: str
    calls: tuple[Call, ...] = ()
    operators: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    types: tuple[TypeName, ...] = ()
    relations: tuple[Name, ...] = ()
    conjuncts: tuple[NotNullOf | Comparison, ...] = ()
    column: str | None = None
    cast_of: str | None = None
    cast_to: TypeName | None = None
    collate: Name | None = None
    is_null: bool = False
    is_constant: bool = False
    is_stable: bool = False
