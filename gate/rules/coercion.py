"""Whether a type change rewrites the table, as the server decides it.

Source: PostgreSQL 18 `tablecmds.c` ATColumnChangeRequiresRewrite; `parse_coerce.c` (find_coercion_pathway,
find_typmod_coercion_function); the support functions `varchar_support`, `numeric_support`, `varbit_support`,
`timestamp_support`, `time_support`, `interval_support`, which drop a length coercion that cannot change a value.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.catalog import Cast, Column, Type
from gate.model.effects import NotUnderstood, ServerWouldReject
from gate.model.expressions import TypeName
from gate.model.snapshot import Snapshot
from gate.rules.lookup import named_type

_UNLIMITED = -1
_FIRST_USER_OID = 16384
_UTC_NAMES = frozenset(
    {"utc", "gmt", "etc/utc", "etc/gmt", "zulu", "uct", "universal", "greenwich", "etc/zulu", "gmt0", "etc/uct"}
)
_HEADER = 4  # VARHDRSZ: varchar, bpchar and numeric store their typmod plus four


@dataclass(frozen=True)
class Shape:
    """A type with its modifier as the catalog stores it (-1 without one)."""

    type: Type
    typmod: int = _UNLIMITED


def shape_of(written: TypeName, world: Snapshot) -> Shape:
    """The type that was written. Raises ServerWouldReject (42704), NotUnderstood for odd modifiers."""
    kind = named_type(world, written)
    if written.has_odd_modifiers:
        raise NotUnderstood(f"the modifier of type {written.name} is known to its extension only")
    return Shape(kind, typmod_of(kind, written))


def typmod_of(kind: Type, written: TypeName) -> int:
    """The modifier as `pg_attribute.atttypmod` holds it."""
    base = kind.name.removeprefix("_") if kind.element else kind.name
    numbers = written.modifiers
    match base:
        case "varchar" | "bpchar" if numbers:
            return numbers[0] + _HEADER
        case "bpchar" if written.name.name == "bpchar" and written.name.schema == "pg_catalog" and not numbers:
            return _UNLIMITED
        case "numeric" if numbers:
            scale = numbers[1] if len(numbers) > 1 else 0
            return ((numbers[0] << 16) | (scale & 0x7FF)) + _HEADER
        case "interval" if written.fields is not None:
            precision = numbers[0] if numbers else 0xFFFF
            return (precision & 0xFFFF) | ((written.fields & 0x7FFF) << 16)
        case _:
            return numbers[0] if numbers else _UNLIMITED


def rewrites(old: Shape, new: Shape, world: Snapshot) -> bool:
    """Whether values of the old shape must be computed anew to become the new one; 42804 where no cast exists."""
    if new.type.kind == "d":
        return _domain_rewrites(old, new, world)
    source, source_typmod = base_of(old, world)
    if source.oid == new.type.oid:
        return not _is_free_length(source, source_typmod, new.typmod)
    if _is_array(source) and _is_array(new.type):
        _require_elements(source, new.type, world)
        return True
    found = _cast(source, new.type, world)
    if found is None:
        _require_conversion(new.type)
        return True
    if found.method == "b":
        return new.typmod != _UNLIMITED and not _is_free_length(
            new.type, _carried(source, new.type, source_typmod), new.typmod
        )
    if {source.name, new.type.name} == {"timestamp", "timestamptz"}:
        return not is_utc(world.server.time_zone) or not _is_free_length(new.type, source_typmod, new.typmod)
    return True


def _carried(source: Type, target: Type, typmod: int) -> int:
    """A binary-coercible cast keeps the modifier only within varchar's own family; text has none."""
    return typmod if source.name == target.name else _UNLIMITED


def _domain_rewrites(old: Shape, new: Shape, world: Snapshot) -> bool:
    if old.type.oid == new.type.oid:
        return False
    chain = _domain_chain(new.type, world)
    if any(item.constraints or item.is_not_null for item in chain):
        return True
    last = chain[-1]
    return rewrites(old, Shape(world.types[last.base], last.base_typmod), world)


def _domain_chain(kind: Type, world: Snapshot) -> list[Type]:
    chain = [kind]
    while (below := world.types.get(chain[-1].base)) is not None and below.kind == "d":
        chain.append(below)
    return chain


def has_domain_constraints(kind: Type, world: Snapshot) -> bool:
    """Whether a value of this domain is checked anywhere down its chain."""
    return kind.kind == "d" and any(item.constraints or item.is_not_null for item in _domain_chain(kind, world))


def holds_checked(kind: Type, world: Snapshot) -> bool:
    """Whether making a value of this type checks a domain's constraint: its own, or that of what it is made of.

    Of a user's array or range whose element was not read nobody knows.
    """
    if has_domain_constraints(kind, world):
        return True
    below = kind.base if kind.kind == "d" else kind.element
    if not below:
        return False
    inner = world.types.get(below)
    return kind.oid >= _FIRST_USER_OID if inner is None else holds_checked(inner, world)


def base_of(shape: Shape, world: Snapshot) -> tuple[Type, int]:
    """The type below all domains, with the modifier that holds there."""
    kind, typmod = shape.type, shape.typmod
    while kind.kind == "d":
        if kind.base not in world.types:
            raise NotUnderstood(f"the base type of domain {kind.full_name} was not read")
        kind, typmod = world.types[kind.base], kind.base_typmod
    return kind, typmod


def _is_array(kind: Type) -> bool:
    return kind.element != 0 and kind.length == -1


def _cast(source: Type, target: Type, world: Snapshot) -> Cast | None:
    found = next((item for item in world.casts if item.source == source.oid and item.target == target.oid), None)
    if found is not None:
        return found
    if target.name in ("anyelement", "anyarray", "any"):
        return Cast(source=source.oid, target=target.oid, method="b", context="i")
    return None


def _require_conversion(target: Type) -> None:
    """Without a cast only conversion to a string type is automatic (an assignment through text output)."""
    if target.category != "S":
        raise ServerWouldReject(
            f'column cannot be cast automatically to type "{target.name}"',
            sqlstate="42804",
            remedy="write USING with the conversion that is meant",
        )


def _require_elements(source: Type, target: Type, world: Snapshot) -> None:
    left, right = world.types.get(source.element), world.types.get(target.element)
    if left is None or right is None or left.oid == right.oid:
        return
    found = _cast(left, right, world)
    if found is None and right.category != "S":
        raise ServerWouldReject(f'column cannot be cast automatically to type "{target.name}"', sqlstate="42804")


def assignment_exists(source: Type, target: Type, world: Snapshot) -> bool:
    """Whether a value may be assigned without USING (`pg_cast.castcontext` i or a)."""
    found = _cast(source, target, world)
    return found is None or found.context in ("i", "a")


def is_utc(time_zone: str) -> bool:
    """Whether timestamp and timestamptz hold the same numbers in this session (TimestampTimestampTzRequiresRewrite)."""
    return time_zone.lower() in _UTC_NAMES


# --- length coercions -------------------------------------------------------------------------------------------------


def _is_free_length(kind: Type, old: int, new: int) -> bool:
    """Whether a value under modifier `old` is always unchanged under `new`."""
    if new in (old, _UNLIMITED):
        return True
    if _is_array(kind):
        return False
    match kind.name:
        case "varchar" | "varbit":
            return old != _UNLIMITED and new >= old
        case "numeric":
            return old != _UNLIMITED and _numeric_is_free(old - _HEADER, new - _HEADER)
        case "timestamp" | "timestamptz" | "time" | "timetz":
            return new >= 6 or (old != _UNLIMITED and new >= old)
        case "interval":
            return _interval_is_free(old, new)
        case _:
            return False


def _numeric_is_free(old: int, new: int) -> bool:
    old_scale, new_scale = _scale(old), _scale(new)
    if new_scale != old_scale:
        return False
    return (new >> 16) & 0xFFFF >= (old >> 16) & 0xFFFF


def _scale(packed: int) -> int:
    return ((packed & 0x7FF) ^ 1024) - 1024


_INTERVAL_FULL_RANGE = 0x7FFF
_INTERVAL_FULL_PRECISION = 0xFFFF
_SECOND = 1 << 12
# datetime.h: YEAR 2, MONTH 1, DAY 3, HOUR 10, MINUTE 11, SECOND 12
_FIELDS = {(1 << 1): 1, (1 << 2): 2, (1 << 3): 3, (1 << 10): 4, (1 << 11): 5, _SECOND: 6}


def _interval_is_free(old: int, new: int) -> bool:
    old_range, old_precision = _interval_parts(old)
    new_range, new_precision = _interval_parts(new)
    new_least, old_least = _least_field(new_range), _least_field(old_range)
    precise = new_least < 6 or new_precision >= 6 or (new_precision >= old_precision and old != _UNLIMITED)
    return new_least >= old_least and precise


def _interval_parts(typmod: int) -> tuple[int, int]:
    if typmod == _UNLIMITED:
        return _INTERVAL_FULL_RANGE, _INTERVAL_FULL_PRECISION
    return (typmod >> 16) & 0x7FFF, typmod & 0xFFFF


def _least_field(fields: int) -> int:
    """The smallest unit kept, as a rank: seconds 6, years 1."""
    if fields == _INTERVAL_FULL_RANGE:
        return 6
    return max((rank for bit, rank in _FIELDS.items() if fields & bit), default=6)


def column_shape(column: Column, world: Snapshot) -> Shape:
    """A column's type and modifier. Raises NotUnderstood where the type was not read."""
    kind = world.types.get(column.type)
    if kind is None:
        raise NotUnderstood(f"the type of column {column.name} was not read")
    return Shape(kind, column.typmod)
