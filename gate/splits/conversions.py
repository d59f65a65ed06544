"""Whether a value becomes the same in a trigger, in a batch and in a check, whoever runs them and when.

Source: `pg_cast` and `pg_proc.provolatile` of PostgreSQL 14 to 18; the pages "CREATE CAST", "Function Volatility
Categories". What is called immutable and yet follows a setting (`extra_float_digits`, `bytea_output`) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from gate.model.catalog import Function, Type
from gate.model.expressions import Call, Expression, TypeName
from gate.model.names import quoted
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit
from gate.splits.finding import find_type
from gate.splits.retyping import Retyping

_INTEGERS = frozenset({"int2", "int4", "int8", "numeric"})
_TEXTS = frozenset({"text", "varchar", "bpchar"})
_ALIKE = (
    _INTEGERS | {"float4", "float8"},
    _INTEGERS | _TEXTS | {"bool"},
    _TEXTS | {"bool", "uuid", "jsonb", "inet", "cidr", "macaddr"},
    frozenset({"json", "jsonb", "text"}),
    frozenset({"date", "timestamp"}),
    frozenset({"timestamptz"}),
    frozenset({"time"}),
    frozenset({"timetz"}),
    frozenset({"interval"}),
    frozenset({"bit", "varbit"}),
    frozenset({"name", "text", "varchar"}),
    frozenset({"oid", "int8"}),
)
"""Types among which a conversion depends on nothing but the value: no time zone, no format, no locale."""

_CLOCKS = frozenset({"timestamp", "timestamptz", "date", "time", "timetz", "interval"})
_INCOMPARABLE = frozenset({"json"})
_POLYMORPHIC = "any"

_BY_HAND = "add the new column yourself, keep it with a trigger, fill it in batches, and let the code read it"
_WINDOW = "do it in a maintenance window, or while the table is small"

_Kind = tuple[Type, bool]
"""A type, and whether it is an array of it."""


def must_be_the_same_for_all(of: Retyping) -> Iterator[CannotSplit]:
    """Why a value may become another one at another time, in another session; nothing where it cannot."""
    chain = _chain(of)
    if chain is None:
        yield from _computed(of)
        return
    for one, other in pairwise(chain):
        if one is None or other is None or not _is_alike(one, other):
            yield _unlike(of, one, other)
            return
    yield from _of_default(of, chain)


def is_strict(of: Retyping) -> bool:
    """Whether NULL becomes NULL, and nothing else does."""
    return _chain(of) is not None


def is_comparable(of: Retyping) -> bool:
    """Whether two values of the new type can be held against each other."""
    return of.change.type.name.name not in _INCOMPARABLE


def has_collation(of: Retyping) -> bool:
    """Whether values of the new type are compared by a collation."""
    new = _written(of.change.type, of.before)
    return new is not None and new[0].collation != 0


# --- a mere change of types -------------------------------------------------------------------------------------------


def _chain(of: Retyping) -> tuple[_Kind | None, ...] | None:
    """The types that a value goes through; None where that is no mere change of types."""
    old = _stored(of.column.type, of.before)
    new = _written(of.change.type, of.before)
    using = of.change.using
    if using is None or using.column == of.column.name:
        return old, new
    if using.cast_of == of.column.name and using.cast_to is not None:
        return old, _written(using.cast_to, of.before), new
    return None


def _stored(oid: int, world: Snapshot) -> _Kind | None:
    found = world.types.get(oid)
    while found is not None and found.kind == "d":
        found = world.types.get(found.base)
    if found is not None and found.element and found.length == -1:
        element = world.types.get(found.element)
        return None if element is None else (element, True)
    return None if found is None else (found, False)


def _written(kind: TypeName, world: Snapshot) -> _Kind | None:
    """A domain is tried on every row that gets it: none is taken here."""
    found = find_type(world, kind.name)
    if found is None or kind.of_column or found.kind == "d":
        return None
    return (found, True) if kind.dimensions else _stored(found.oid, world)


def _is_alike(one: _Kind, other: _Kind) -> bool:
    (old, is_array), (new, is_also) = one, other
    if is_array != is_also:
        return False
    if "e" in (old.kind, new.kind):
        # A label is looked up in the catalog, where it does not change.
        return old.oid == new.oid or _is_text(old) or _is_text(new)
    names = {old.name, new.name}
    return old.schema == new.schema == "pg_catalog" and any(names <= group for group in _ALIKE)


def _is_text(kind: Type) -> bool:
    return kind.schema == "pg_catalog" and kind.name in _TEXTS


def _unlike(of: Retyping, one: _Kind | None, other: _Kind | None) -> CannotSplit:
    name = quoted(of.column.name)
    if one is None or other is None:
        return CannotSplit(
            f"the new type of {name} is a domain, or one that was not read: whether every row of {of.on} fits it is "
            "tried at once",
            remedy=f"give {name} the domain's own type, and its conditions as CHECK constraints of {of.on}",
        )
    (old, _), (new, _) = one, other
    if {old.name, new.name} & _CLOCKS:
        return CannotSplit(
            f"from {old.name} to {new.name} the value of {name} depends on the TimeZone or DateStyle of whoever writes "
            "the row: a trigger and the batches might disagree",
            remedy="say in which zone it is meant, with USING and AT TIME ZONE, in a maintenance window; or "
            f"{_BY_HAND}",
        )
    return CannotSplit(
        f"gate has not proved that {old.name} becomes {new.name} in the same way in any session", remedy=_WINDOW
    )


def _of_default(of: Retyping, chain: tuple[_Kind | None, ...]) -> Iterator[CannotSplit]:
    """The server casts the default as an assignment does, whatever USING says."""
    old, new = chain[0], chain[-1]
    if of.column.default is None or of.case.defaults or old is None or new is None:
        return
    if not _is_assigned(old[0], new[0], of.before):
        name = quoted(of.column.name)
        yield CannotSplit(
            f"the server rejects it: the default of {name} cannot be cast automatically to {new[0].name}",
            remedy=f"ALTER COLUMN {name} DROP DEFAULT, ALTER COLUMN {name} TYPE ..., ALTER COLUMN {name} SET DEFAULT "
            "..., in one statement",
        )


def _is_assigned(old: Type, new: Type, world: Snapshot) -> bool:
    casts = {(item.source, item.target) for item in world.casts if item.context in "ia"}
    return old.oid == new.oid or _is_text(new) or (old.oid, new.oid) in casts


# --- what USING computes ----------------------------------------------------------------------------------------------


def _computed(of: Retyping) -> Iterator[CannotSplit]:
    using = of.change.using
    assert using is not None
    if _is_in_a_zone(of, using):
        yield from _of_default(of, (_stored(of.column.type, of.before), _written(of.change.type, of.before)))
        return
    group = _group_of(of, using)
    if group is None or using.is_stable or using.relations or not _is_immutable(using, group, of.before):
        yield CannotSplit(
            f"what becomes of {quoted(of.column.name)} is computed by {of.value}: gate does not know that it gives the "
            "same value at any time and in any session",
            remedy=_BY_HAND,
        )
    else:
        yield from _of_default(of, (_stored(of.column.type, of.before), _written(of.change.type, of.before)))


def _is_in_a_zone(of: Retyping, using: Expression) -> bool:
    """Column AT TIME ZONE '...': one moment, whoever asks."""
    old, new = _stored(of.column.type, of.before), _written(of.change.type, of.before)
    names = {kind[0].name for kind in (old, new) if kind is not None and not kind[1]}
    calls = [call for call in using.calls if call.name.name == "timezone" and call.arguments == 2]
    is_bare = len(calls) == len(using.calls) == 1 and not (using.operators or using.types)
    return is_bare and using.columns == (of.column.name,) and names == {"timestamp", "timestamptz"}


def _group_of(of: Retyping, using: Expression) -> frozenset[int] | None:
    """The oids of types among which all that stands in the expression lies."""
    columns = [of.table.column(name) for name in using.columns]
    kinds = [
        *(_stored(column.type, of.before) if column else None for column in columns),
        *(_written(kind, of.before) for kind in using.types),
        _written(of.change.type, of.before),
    ]
    found = {kind[0].name for kind in kinds if kind is not None and not kind[1] and kind[0].schema == "pg_catalog"}
    if [kind for kind in kinds if kind is None or kind[1]] or found & _CLOCKS:
        return None
    names = next((group for group in _ALIKE if found <= group), None)
    if names is None:
        return None
    return frozenset(
        item.oid for item in of.before.types.values() if item.schema == "pg_catalog" and item.name in names
    )


def _is_immutable(using: Expression, group: frozenset[int], world: Snapshot) -> bool:
    """The server's own operators on these types are; only `||` takes what it is given by way of text."""
    texts = {item.oid for item in world.types.values() if _is_text(item)}
    if "||" in using.operators and not group <= texts:
        return False
    return all(_is_call_immutable(call, group, world) for call in using.calls) and not any(
        item.volatility != "i" for item in world.operators if item.name in using.operators
    )


def _is_call_immutable(call: Call, group: frozenset[int], world: Snapshot) -> bool:
    found = [item for item in world.functions.values() if _is_meant(call, item, group, world)]
    return bool(found) and all(item.volatility == "i" for item in found)


def _is_meant(call: Call, item: Function, group: frozenset[int], world: Snapshot) -> bool:
    schemas = (call.name.schema,) if call.name.schema is not None else ("pg_catalog", *world.server.search_path)
    if item.name != call.name.name or item.schema not in schemas or item.kind != "f":
        return False
    kinds = [world.types.get(oid) for oid in item.arguments]
    return all(
        oid in group or (kind and kind.name.startswith(_POLYMORPHIC))
        for oid, kind in zip(item.arguments, kinds, strict=True)
    )
