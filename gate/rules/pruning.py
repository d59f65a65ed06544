"""Which partitions a query's conditions leave, and which ones a row is put into.

Source: PostgreSQL 18 `partprune.c` (get_matching_list_bounds, get_matching_range_bounds), `execPartition.c`
(get_partition_for_tuple). Where a comparison is not certain, the partition stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from gate.model.actions import Cell, Qual
from gate.model.catalog import Relation
from gate.model.snapshot import Snapshot
from gate.rules.hashing import row_hash
from gate.rules.lookup import descendants, direct_children
from gate.sql.bounds import StoredBound, stored_bound

Quals = Mapping[str, tuple[Qual, ...]]
"""What is known of each column, by its name."""

_INTEGER = re.compile(r"[+-]?\d+\Z")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?\Z")
_INTEGERS, _TEXTS = frozenset({20, 21, 23, 26}), frozenset({19, 25, 1043})
_C_COLLATIONS, _DEFAULT_COLLATION = frozenset({950, 951}), 100
_PADDED = 1042
_HASHED = frozenset({20, 21, 23})
_USER_OIDS = 16384
_TRUE, _FALSE = frozenset({"t", "true", "yes", "on", "1"}), frozenset({"f", "false", "no", "off", "0"})


def by_column(quals: Iterable[Qual]) -> Quals:
    """The conjuncts of each column."""
    found: dict[str, tuple[Qual, ...]] = {}
    for qual in quals:
        found[qual.column] = (*found.get(qual.column, ()), qual)
    return found


def live(world: Snapshot, table: Relation, quals: Quals) -> Iterator[Relation]:
    """The relations below the table that the conditions leave; all where it is no partitioned table."""
    if table.kind != "p":
        yield from descendants(world, table.oid)
        return
    for child in _left(world, table, quals):
        yield child
        yield from live(world, child, quals)


def _left(world: Snapshot, table: Relation, quals: Quals) -> tuple[Relation, ...]:
    """The children that stay: those of the conjuncts that are in some branch of each OR too."""
    whole = quals.get("", ())
    if any(qual.operator == "never" for qual in whole):
        return ()
    left = tuple(_matching(world, table, quals))
    for qual in whole:
        some = {child.oid for branch in qual.branches for child in _left(world, table, by_column(branch))}
        left = tuple(child for child in left if child.oid in some)
    return left


def _matching(world: Snapshot, table: Relation, quals: Quals) -> Iterator[Relation]:
    children = direct_children(world, table)
    key = _Key(world, table, quals)
    if not key.is_known:
        yield from children
        return
    bounds = {child.oid: stored_bound(child.partition_bound or "") for child in children}
    has_home = key.has_home([bound for bound in bounds.values() if bound is not None and not bound.is_default])
    for child in children:
        bound = bounds[child.oid]
        if bound is None or (bound.is_default and not has_home) or (not bound.is_default and key.maybe_in(bound)):
            yield child


class _Key:
    """A partition key and what the conditions say of it."""

    def __init__(self, world: Snapshot, table: Relation, quals: Quals) -> None:
        self.quals: list[tuple[Qual, ...]] = []
        self.reads: list[Callable[[str], Any]] = []
        self.kinds: list[int] = []
        for position, number in enumerate(table.partition_keys):
            column = table.column_number(number)
            classes = table.partition_classes
            odd = position < len(classes) and classes[position] >= _USER_OIDS
            usable = column is not None and not odd
            kind = world.types.get(column.type) if column else None
            collation = column.collation if column else 0
            self.quals.append(quals.get(column.name, ()) if usable and column else ())
            is_enum = kind is not None and kind.kind == "e"
            in_order = collation in _C_COLLATIONS or (collation == _DEFAULT_COLLATION and world.server.sorts_by_bytes)
            self.reads.append(_reader(column.type if column else 0, in_order=in_order, is_enum=is_enum))
            self.kinds.append(column.type if column else 0)
        self.is_known = any(self.quals) and table.partition_strategy in ("l", "r", "h")

    def maybe_in(self, bound: StoredBound) -> bool:
        if bound.strategy == "l":
            return all(self._list_fits(qual, bound) for qual in self.quals[0])
        if bound.strategy == "r":
            return self._range_fits(bound)
        return self._hash_fits(bound)

    def _hash_fits(self, bound: StoredBound) -> bool:
        """All key columns known, integers all of them, and the remainder another one: the row is not there."""
        values: list[tuple[int | None, bool]] = []
        for position, quals in enumerate(self.quals):
            is_null = any(qual.operator == "null" for qual in quals)
            value = None if is_null else self._equal(position)
            if self.kinds[position] not in _HASHED or (value is None and not is_null):
                return True
            values.append((value, self.kinds[position] == 20))
        return bound.modulus == 0 or row_hash(values) % bound.modulus == bound.remainder

    def has_home(self, bounds: Iterable[StoredBound]) -> bool:
        """Whether every row that the conditions leave has its place in one of these, so that none is in the default."""
        bounds = tuple(bounds)
        if len(self.quals) == 1 and bounds and bounds[0].strategy == "r" and self._is_covered(bounds):
            return True
        listed = next((qual for qual in self.quals[0] if qual.operator == "in"), None) if len(self.quals) == 1 else None
        if listed is None:
            return any(self.surely_in(bound) for bound in bounds)
        ones = [self._with((Qual(listed.column, "=", (text,)),)) for text in listed.values]
        return all(any(one.surely_in(bound) for bound in bounds) for one in ones)

    def _is_covered(self, bounds: tuple[StoredBound, ...]) -> bool:
        """One range key between two values (or beyond one) with partitions all the way."""
        low = self._limit((">", ">="), max)
        high = self._limit(("<", "<="), min)
        if (low is None and high is None) or isinstance(low if high is None else high, _Text):
            return False
        includes_high = any(qual.operator == "<=" for qual in self.quals[0])
        ranges = [(self._edge(item.lower[0]), self._edge(item.upper[0])) for item in bounds]
        if any(None in pair for pair in ranges):
            return False
        reached = (-1, 0) if low is None else (0, low)
        end = (1, 0) if high is None else (0, high)
        for start, stop in sorted(cast("list[tuple[tuple[int, Any], tuple[int, Any]]]", ranges)):
            if start <= reached < stop:
                reached = stop
        return reached > end or (reached == end and not includes_high) or reached[0] == 1

    def _limit(self, operators: tuple[str, ...], tightest: Callable[[list[Any]], Any]) -> Any:
        texts = [qual.values[0] for qual in self.quals[0] if qual.operator in operators]
        values = [value for text in texts if text is not None and (value := self.reads[0](text)) is not None]
        return tightest(values) if values else None

    def _edge(self, cell: Cell) -> tuple[int, Any] | None:
        if cell.kind in ("minvalue", "maxvalue"):
            return (-1 if cell.kind == "minvalue" else 1, 0)
        value = self._value(0, cell)
        return None if value is None else (0, value)

    def _with(self, quals: tuple[Qual, ...]) -> _Key:
        other = copy(self)
        other.quals = [quals]
        return other

    def surely_in(self, bound: StoredBound) -> bool:
        """Whether a row of these values has its place there, and nowhere else."""
        if bound.strategy == "h":
            return False
        known = [self._equal(position) for position in range(len(self.quals))]
        if any(item is None for item in known):
            return bound.strategy == "l" and self._is_null() and any(item.kind == "null" for item in bound.values)
        if bound.strategy == "l":
            return any(self._value(0, item) == known[0] for item in bound.values)
        compared = self._compared(bound, known)
        return compared is not None and compared

    def _is_null(self) -> bool:
        return any(qual.operator == "null" for qual in self.quals[0])

    def _value(self, position: int, cell: Cell) -> Any:
        return self.reads[position](cell.text) if cell.kind == "literal" else None

    def _equal(self, position: int) -> Any:
        """The one value that the key's column must have; None where it may be another."""
        for qual in self.quals[position]:
            if qual.operator == "=" and qual.values[0] is not None:
                return self.reads[position](qual.values[0])
        return None

    def _list_fits(self, qual: Qual, bound: StoredBound) -> bool:
        if qual.operator == "null":
            return any(item.kind != "literal" for item in bound.values)
        present = [item for item in bound.values if item.kind != "null"]
        if qual.operator == "not null":
            return bool(present)
        wanted = [None if text is None else self.reads[0](text) for text in qual.values]
        if qual.operator == "not in":
            return any(
                item.kind != "null" and (None in wanted or self._value(0, item) not in wanted) for item in bound.values
            )
        values = [self._value(0, item) for item in present]
        if None in wanted or None in values:
            return True
        if isinstance(next(iter(values), None), _Text) and qual.operator not in ("=", "in"):
            return True
        return any(_holds(value, qual.operator, wanted) for value in values)

    def _range_fits(self, bound: StoredBound) -> bool:
        if any(qual.operator == "null" for quals in self.quals for qual in quals):
            return False
        known = []
        for position in range(len(self.quals)):
            value = self._equal(position)
            if value is None:
                break
            known.append(value)
        if known:
            return self._compared(bound, known) is not False and self._rest_fits(bound, known)
        low, high = self._value(0, bound.lower[0]), self._value(0, bound.upper[0])
        return all(self._overlaps(qual, bound, low, high) for qual in self.quals[0])

    def _rest_fits(self, bound: StoredBound, known: list[Any]) -> bool:
        """Where both limits begin with the known values, the conditions on the next column decide."""
        place = len(known)
        if place >= len(self.quals) or self._against(bound.lower, known) != 0 or self._against(bound.upper, known) != 0:
            return True
        rest = _Bound(bound.lower[place:], bound.upper[place:])
        low, high = self._value(place, rest.lower[0]), self._value(place, rest.upper[0])
        return all(self._overlaps(qual, rest, low, high, place) for qual in self.quals[place])

    def _overlaps(self, qual: Qual, bound: StoredBound | _Bound, low: Any, high: Any, place: int = 0) -> bool:
        wanted = [None if text is None else self.reads[place](text) for text in qual.values]
        if None in wanted or not wanted or any(isinstance(item, _Text) for item in wanted):
            return True
        has_low = bound.lower[0].kind == "literal" and low is not None
        has_high = bound.upper[0].kind == "literal" and high is not None
        several = len(self.quals) > place + 1
        first = wanted[0]
        match qual.operator:
            case "<":
                return not (has_low and low >= first)
            case "<=":
                return not (has_low and low > first)
            case ">":
                return not (has_high and high <= first)
            case ">=":
                return not (has_high and (high < first if several else high <= first))
            case "in":
                return any(
                    not (has_low and value < low) and not (has_high and (value > high if several else value >= high))
                    for value in wanted
                )
            case _:
                return True

    def _compared(self, bound: StoredBound, known: list[Any]) -> bool | None:
        """Whether these leading values lie in the range; None where the rest of the key decides, or nothing is
        certain.
        """
        low = self._against(bound.lower, known)
        high = self._against(bound.upper, known)
        if self._is_elsewhere(bound, known):
            return False
        if low == -1 or high == 1:
            return False
        whole = len(known) == len(bound.lower)
        if high == 0 and whole:
            return False
        if low is None or high is None or not whole:
            return None
        return True

    def _is_elsewhere(self, bound: StoredBound, known: list[Any]) -> bool:
        """Both limits begin alike and the values do not: no order has to be known for that."""
        for place, value in enumerate(known):
            low, high = self._value(place, bound.lower[place]), self._value(place, bound.upper[place])
            if low is None or low != high:
                return False
            if value != low:
                return True
        return False

    def _against(self, limits: tuple[Cell, ...], known: list[Any]) -> int | None:
        """-1, 0 or 1 as the values stand to the limit; None where that is not certain."""
        for position, value in enumerate(known):
            limit = limits[position]
            if limit.kind in ("minvalue", "maxvalue"):
                return 1 if limit.kind == "minvalue" else -1
            other = self._value(position, limit)
            if other is None:
                return None
            if value != other:
                return None if isinstance(value, _Text) else 1 if value > other else -1
        return 0


def _holds(value: Any, operator: str, wanted: list[Any]) -> bool:
    match operator:
        case "=" | "in":
            return value in wanted
        case "<":
            return bool(value < wanted[0])
        case "<=":
            return bool(value <= wanted[0])
        case ">":
            return bool(value > wanted[0])
        case ">=":
            return bool(value >= wanted[0])
        case _:
            return True


@dataclass(frozen=True)
class _Bound:
    """The limits behind those of the leading columns."""

    lower: tuple[Cell, ...]
    upper: tuple[Cell, ...]


def _reader(kind: int, *, in_order: bool, is_enum: bool) -> Callable[[str], Any]:
    """From a literal's text to a value that compares as the server compares the type; None where that is not
    certain.
    """
    if kind in _INTEGERS:
        return lambda text: int(text) if _INTEGER.match(text) else None
    if kind == 1700:
        return lambda text: Decimal(text) if _NUMBER.match(text) else None
    if kind == 16:
        return lambda text: True if text.lower() in _TRUE else False if text.lower() in _FALSE else None
    if kind == 1082:
        return lambda text: text if _DATE.match(text) else None
    if kind == 1114:
        return _timestamp
    if kind in _TEXTS:
        return str if in_order else _Text
    if kind == _PADDED:
        return (lambda text: text.rstrip(" ")) if in_order else (lambda text: _Text(text.rstrip(" ")))
    if is_enum:
        return _Text
    return lambda _text: None


class _Text(str):
    """A text of which only equality is certain: an order would need its collation."""

    __slots__ = ()


def _timestamp(text: str) -> str | None:
    found = _TIME.match(text)
    if found is None:
        return None
    time = found[2] or "00:00:00"
    return f"{found[1]} {time if len(time) == 8 else time + ':00'}"
