"""Expressions and columns of a statement, as a data check may hold them."""

from __future__ import annotations

from collections.abc import Iterable

from gate.model.catalog import Column, Relation, Type
from gate.model.checks import Field, Fill, Term
from gate.model.effects import ServerWouldReject
from gate.model.expressions import TypeName
from gate.model.names import Name, quoted
from gate.model.snapshot import Snapshot
from gate.rules.coercion import Shape, holds_checked
from gate.rules.lookup import named_type
from gate.sql.evaluating import NotEvaluable, evaluable
from gate.sql.terms import expression_of_text
from gate.sql.tree import DoesNotParse

_FIRST_USER_OID = 16384
_HEADER = 4


def term_of(text: str, world: Snapshot) -> Term:
    """The expression, its types qualified. Raises NotEvaluable for what may not be evaluated on its own."""
    casts: list[int] = []

    def qualify(written: TypeName) -> Name:
        try:
            kind = named_type(world, written)
        except ServerWouldReject as error:
            raise NotEvaluable(f"it casts to {written.name}, which gate did not read") from error
        if holds_checked(kind, world):
            raise NotEvaluable(f"it casts to {kind.full_name}, and a domain's checks are run by that")
        if kind.name.startswith("reg") and kind.schema == "pg_catalog":
            raise NotEvaluable(f"what {kind.name} finds depends on the search path")
        casts.append(kind.oid)
        if written.dimensions and kind.element:
            kind = world.types.get(kind.element, kind)
        return Name(kind.name, kind.schema)

    text, calls, operators = evaluable(text, qualify)
    return Term(
        text=text,
        calls=calls,
        operators=operators,
        casts=tuple(dict.fromkeys(casts)),
        path=world.server.search_path,
    )


def names_in(text: str) -> tuple[str, ...]:
    """The columns that an expression names; none where this grammar does not read it."""
    if not text:
        return ()
    try:
        return tuple(dict.fromkeys(expression_of_text(text).columns))
    except DoesNotParse:
        return ()


def fields_of(table: Relation, names: Iterable[str]) -> tuple[Field, ...]:
    """The columns of these names that the live catalog has, once each; for a new one those that it is made from."""
    wanted = list(names)
    made = (table.column(name) for name in wanted)
    wanted += [name for item in made if item is not None and item.is_new for name in names_in(item.filled)]
    found = (table.column(name) for name in dict.fromkeys(wanted))
    return tuple(Field(item.number, item.name, item.type) for item in found if item is not None and not item.is_new)


def fills_of(table: Relation, names: Iterable[str], world: Snapshot) -> tuple[Fill, ...]:
    """What the rows hold in those columns that the release adds. Raises NotEvaluable where that is not known."""
    found = (table.column(name) for name in dict.fromkeys(names))
    return tuple(_fill(item, world) for item in found if item is not None and item.is_new)


def _fill(column: Column, world: Snapshot) -> Fill:
    if not column.filled:
        raise NotEvaluable(f"what the rows hold in {quoted(column.name)} is not one value for all of them")
    kind = world.types.get(column.type)
    if kind is None or holds_checked(kind, world):
        raise NotEvaluable(f"{quoted(column.name)} is of a type that checks its values")
    return Fill(
        name=column.name,
        value=term_of(column.filled, world),
        type=type_sql(kind, modifiers(Shape(kind, column.typmod))),
        oid=kind.oid,
    )


def type_sql(kind: Type, modifiers: tuple[int, ...] = ()) -> str:
    """A type as SQL that means the same under every search path."""
    numbers = f"({', '.join(map(str, modifiers))})" if modifiers else ""
    return f"{quoted(kind.schema)}.{_always_quoted(kind.name)}{numbers}"


def modifiers(shape: Shape) -> tuple[int, ...]:
    """The numbers in parentheses behind the type, as they are written; none for what a cast does not need."""
    if shape.typmod == -1:
        return ()
    match shape.type.name:
        case "varchar" | "bpchar":
            return (shape.typmod - _HEADER,)
        case "numeric":
            packed = shape.typmod - _HEADER
            return ((packed >> 16) & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024)
        case "interval":
            return ()
        case _:
            return (shape.typmod,) if not shape.type.element else ()


def _always_quoted(name: str) -> str:
    # "char" and char are two types, and the grammar has words of its own for others.
    return '"' + name.replace('"', '""') + '"'


def is_the_servers(kind: Type) -> bool:
    """Whether it came with the server."""
    return kind.schema == "pg_catalog" and 0 < kind.oid < _FIRST_USER_OID
