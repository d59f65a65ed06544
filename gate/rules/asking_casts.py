"""What ALTER COLUMN TYPE asks of the rows: whether each value becomes one of the new type, whole.

Source: PostgreSQL 18 `tablecmds.c` ATExecAlterColumnType (the assignment cast without USING), `varchar.c`, `numeric.c`,
`varbit.c`: an explicit cast to a shorter string cuts it silently, an assignment refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.model.actions import ColumnSpec, SetType
from gate.model.catalog import Column, Relation, Type
from gate.model.checks import Check, FailingCasts, Term
from gate.model.snapshot import Snapshot
from gate.rules.asking_domains import held_by_domain
from gate.rules.coercion import Shape, column_shape, has_domain_constraints, holds_checked, rewrites, shape_of
from gate.rules.proven import column_named
from gate.rules.rows_of import unasked
from gate.rules.terms_of import fields_of, is_the_servers, modifiers, names_in, term_of, type_sql
from gate.sql.evaluating import NotEvaluable

_WHOLE = {"int2": (-(2**15), 2**15 - 1), "int4": (-(2**31), 2**31 - 1), "int8": (-(2**63), 2**63 - 1)}
_NUMBERS = frozenset({*_WHOLE, "numeric", "float4", "float8"})
_STRINGS = frozenset({"text", "varchar", "bpchar", "name"})
_TIMES = frozenset({"date", "timestamp", "timestamptz", "time", "timetz", "interval"})
_HEADER = 4


@dataclass(frozen=True)
class _Way:
    """How a value can be told that does not fit; see FailingCasts."""

    how: str
    low: int = 0
    high: int = 0
    truncates: bool = False
    labels: tuple[str, ...] = ()


def cast_checks(part: SetType, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    """Nothing where no value is looked at, or where none can fail."""
    column = column_named(table, part.column)
    new = shape_of(part.type, world)
    old = column_shape(column, world)
    if column.is_new or column.generated:
        return
    using = part.using
    explicit = using is not None and using.cast_of == column.name and using.cast_to is not None
    if using is not None and using.column != column.name and not explicit:
        yield from _computed(part, column, new, table, world, only=only)
        return
    if explicit and using is not None and using.cast_to is not None:
        middle = shape_of(using.cast_to, world)
        yield from _one(column, old, middle, part, table, world, only=only, explicit=True, last=new)
    elif rewrites(old, new, world):
        if has_domain_constraints(new.type, world) and _base(new, world) == _base(old, world):
            yield from held_by_domain(column, new.type, table, world, only=only)
            return
        yield from _one(column, old, new, part, table, world, only=only, explicit=False, last=new)


def _one(
    column: Column,
    old: Shape,
    new: Shape,
    part: SetType,
    table: Relation,
    world: Snapshot,
    *,
    only: bool,
    explicit: bool,
    last: Shape,
) -> Iterator[Check]:
    try:
        _require_plain(new, last, world)
        source, target = _base(old, world), _base(new, world)
        way = _way(source, target, explicit=explicit)
        if way is None:
            return
        yield FailingCasts(
            relations=(table.oid,),
            table=table.full_name,
            fields=fields_of(table, (column.name,)),
            only=only,
            column=column.name,
            target=type_sql(target.type, modifiers(target)),
            target_name=_words(target),
            how=way.how,
            low=way.low,
            high=way.high,
            truncates=way.truncates,
            labels=way.labels,
        )
    except NotEvaluable as error:
        yield unasked(table, f"values of {column.name} that do not become {part.type.name}", str(error))


def _computed(
    part: SetType, column: Column, new: Shape, table: Relation, world: Snapshot, *, only: bool
) -> Iterator[Check]:
    """USING of any kind: an error tells."""
    assert part.using is not None
    text = part.using.text
    try:
        _require_plain(new, new, world)
        _require_old(table, names_in(text))
        target = _base(new, world)
        using: Term = term_of(text, world)
        yield FailingCasts(
            relations=(table.oid,),
            table=table.full_name,
            fields=fields_of(table, (column.name, *names_in(text))),
            only=only,
            column=column.name,
            target=type_sql(target.type, modifiers(target)),
            target_name=_words(target),
            how="evaluate",
            using=using,
            is_not_null=column.is_not_null,
        )
    except NotEvaluable as error:
        yield unasked(table, f"values of {column.name} that do not become {part.type.name}", str(error))


def recomputed_column(column: Column, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    """A stored column that gets another expression is computed for every row."""
    kind = world.types.get(column.type)
    if kind is None:
        return
    target = Shape(kind, column.typmod)
    try:
        yield FailingCasts(
            relations=(table.oid,),
            table=table.full_name,
            fields=fields_of(table, names_in(column.filled)),
            only=only,
            column=column.name,
            target=type_sql(kind, modifiers(target)),
            target_name=_words(target),
            how="evaluate",
            using=term_of(column.filled, world),
        )
    except NotEvaluable as error:
        yield unasked(table, f"rows for which {column.name} cannot be computed", str(error))


def computed_column(spec: ColumnSpec, table: Relation, world: Snapshot, *, only: bool) -> Iterator[Check]:
    """A stored generated column is computed for every row: an error tells."""
    if spec.generated is None or spec.type is None or spec.is_virtual:
        return
    target = _base(shape_of(spec.type, world), world)
    try:
        yield FailingCasts(
            relations=(table.oid,),
            table=table.full_name,
            fields=fields_of(table, names_in(spec.generated.text)),
            only=only,
            column=spec.name,
            target=type_sql(target.type, modifiers(target)),
            target_name=_words(target),
            how="evaluate",
            using=term_of(spec.generated.text, world),
        )
    except NotEvaluable as error:
        yield unasked(table, f"rows for which {spec.name} cannot be computed", str(error))


def _require_plain(new: Shape, last: Shape, world: Snapshot) -> None:
    if holds_checked(new.type, world):
        raise NotEvaluable(f"a domain's checks are run by the conversion to {new.type.full_name}")
    if new.type.element and new.typmod != -1:
        raise NotEvaluable(f"the elements of {new.type.full_name} are bounded")
    if last.type.oid != new.type.oid:
        raise NotEvaluable("USING ends in another type than the column's new one")


def _require_old(table: Relation, names: tuple[str, ...]) -> None:
    if any(item is not None and item.is_new for item in map(table.column, names)):
        raise NotEvaluable("it reads a column that the release adds")


def _base(shape: Shape, world: Snapshot) -> Shape:
    kind, typmod = shape.type, shape.typmod
    while kind.kind == "d":
        if kind.base not in world.types:
            raise NotEvaluable(f"the base type of {kind.full_name} was not read")
        kind, typmod = world.types[kind.base], kind.base_typmod
    return Shape(kind, typmod)


def _way(old: Shape, new: Shape, *, explicit: bool) -> _Way | None:
    """How to tell a value that does not fit; None where every value does."""
    source, target = old.type, new.type
    if target.kind == "e":
        return _Way("labels", labels=target.labels) if source.name in _STRINGS else _Way("evaluate")
    if not (is_the_servers(source) or source.kind == "e") or not is_the_servers(target):
        raise NotEvaluable(f"a conversion from {source.full_name} to {target.full_name} is not the server's own")
    _require_alike_here(source, new, explicit=explicit)
    if target.name in ("varchar", "bpchar") and new.typmod != -1:
        return _shorter(old, new, explicit=explicit)
    if target.name in _STRINGS or source.oid == target.oid == 0:
        return None
    if target.name in _WHOLE and source.name in _NUMBERS:
        return _narrower(source, target)
    if target.name == "numeric" and source.name in _NUMBERS:
        return _numeric(old, new)
    if target.name in ("bit", "varbit") and source.name in ("bit", "varbit") and not explicit:
        return _Way("bits", low=int(target.name == "bit"), high=new.typmod) if new.typmod != -1 else None
    if source.name in _STRINGS:
        low, high = _WHOLE.get(target.name, (0, 0))
        return _Way("input", low=low, high=high)
    if (source.name, target.name) in _FAILS_FAR_OUT:
        return _Way("evaluate")
    if (source.name in _TIMES and target.name in _TIMES) or (source.name, target.name) in _NEVER_FAILS:
        return None
    return _Way("evaluate")


def _require_alike_here(source: Type, new: Shape, *, explicit: bool) -> None:
    target = new.type
    if target.name.startswith("reg"):
        raise NotEvaluable(f"what {target.name} finds depends on the search path")
    if explicit and target.name in ("bit", "varbit") and source.name in _STRINGS and new.typmod != -1:
        raise NotEvaluable("an explicit cast to bits cuts and fills what is read")


_FAILS_FAR_OUT = frozenset({("date", "timestamp"), ("date", "timestamptz"), ("interval", "time")})
"""A date goes far beyond a timestamp's last year; an infinite interval (17) has no time of day."""

_NEVER_FAILS = frozenset(
    {
        *((source, target) for source in _WHOLE for target in ("float4", "float8")),
        *((source, "oid") for source in ("int2", "int4")),
        ("float4", "float8"), ("jsonb", "json"), ("cidr", "inet"), ("inet", "cidr"), ("bool", "int4"), ("int4", "bool"),
        ("bit", "bit"), ("varbit", "varbit"), ("bit", "varbit"), ("varbit", "bit"),
    }
)  # fmt: skip


def _shorter(old: Shape, new: Shape, *, explicit: bool) -> _Way | None:
    length = new.typmod - _HEADER
    if old.type.name in ("varchar", "bpchar") and old.typmod != -1 and old.typmod - _HEADER <= length:
        return None
    return _Way("length", high=length, truncates=explicit)


def _narrower(source: Type, target: Type) -> _Way | None:
    low, high = _WHOLE[target.name]
    if source.name in _WHOLE and _WHOLE[source.name][1] <= high:
        return None
    how = "range" if source.name in _WHOLE else "rounded" if source.name == "numeric" else "float"
    return _Way(how, low=low, high=high)


def _numeric(old: Shape, new: Shape) -> _Way | None:
    """Digits before the point: what is too large after rounding is refused, what is behind the scale is rounded."""
    if new.typmod == -1:
        return None
    packed = new.typmod - _HEADER
    precision, scale = (packed >> 16) & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024
    before = precision - scale
    if old.type.name in _WHOLE and before >= len(str(_WHOLE[old.type.name][1])) and scale >= 0:
        return None
    return _Way("numeric", low=scale, high=before)


_PEOPLES = {"int2": "smallint", "int4": "integer", "int8": "bigint", "bpchar": "character", "bool": "boolean",
            "float4": "real", "float8": "double precision"}  # fmt: skip


def _words(shape: Shape) -> str:
    kind = shape.type
    name = _PEOPLES.get(kind.name, kind.name) if kind.schema == "pg_catalog" else kind.full_name
    numbers = modifiers(shape)
    return f"{name}({', '.join(map(str, numbers))})" if numbers else name
