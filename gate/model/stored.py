"""A snapshot as text and back: JSON made from the types of the values, so that a new field needs nothing here.

Fields that have their default are left out. The present moment and the traffic are left out too: they are past when the
text is read, and what other sessions were doing is nobody else's business.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from gate.model.catalog import Relation
from gate.model.errors import UsageError
from gate.model.migration import Bookkeeping
from gate.model.moment import Moment
from gate.model.snapshot import Snapshot

FORMAT = 1

Coder = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A snapshot with what the tools had written down in that database, by the tool's name."""

    snapshot: Snapshot
    bookkeeping: Mapping[str, tuple[Bookkeeping, ...]] = field(default_factory=dict)
    has_user_tables: bool = True
    gate: str = ""


_dump = json.JSONEncoder(ensure_ascii=False, check_circular=False, default=str, separators=(",", ":")).encode


def to_text(stored: Stored, lines: Mapping[int, str] | None = None) -> str:
    """JSON, one relation a line: a difference between two snapshots can be read.

    `lines` are those that `line_of` made already, by the relation's oid.
    """
    return "".join(_pieces(stored, lines or {}))


def line_of(relation: Relation) -> str:
    """A relation as it stands in the text."""
    return _dump(_encoder(Relation)(replace(relation, traffic=None) if relation.traffic else relation))


def _pieces(stored: Stored, lines: Mapping[int, str]) -> Iterator[str]:
    # Names and the way from an index to its table follow from the relations.
    snapshot = replace(stored.snapshot, moment=Moment(), relations={}, names={}, index_tables={})
    bare = replace(stored, snapshot=snapshot)
    yield _dump({"gate_snapshot": FORMAT, **_encoder(Stored)(bare)})[:-1] + ',"relations":['
    before = "\n"
    for oid, relation in stored.snapshot.relations.items():
        yield before + (lines.get(oid) or line_of(relation))
        before = ",\n"
    yield "\n]}\n"


def from_text(text: str, *, name: str) -> Stored:
    """The snapshot that `to_text` wrote; UsageError where it is none, or one that this version cannot read."""
    remedy = "write it anew with gate snapshot -o FILE"
    try:
        document = json.loads(text)
        found = document.pop("gate_snapshot")
        if found != FORMAT:
            raise UsageError(f"{name} is a snapshot of format {found}, this gate reads {FORMAT}", remedy=remedy)
        relations = map(_decoder(Relation), document.pop("relations"))
        stored = cast("Stored", _decoder(Stored)(document))
        return replace(stored, snapshot=stored.snapshot.put(*relations))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{name} is not a snapshot of gate", remedy=remedy) from error


def _same(value: Any) -> Any:
    return value


@cache
def _encoder(hint: Any) -> Coder:
    """How a value of this type becomes JSON."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _optional(_encoder(_without_none(arguments)))
    if dataclasses.is_dataclass(hint):
        return _record_encoder(cast("type", hint))
    if origin in (tuple, frozenset):
        return _sequence_encoder(hint)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_encoder(*arguments)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value: value.value
    if isinstance(hint, type) and issubclass(hint, tuple):
        return list
    return _same


def _record_encoder(kind: type) -> Coder:
    hints = get_type_hints(kind)
    rows = [(item.name, _default(item), _encoder(hints[item.name])) for item in dataclasses.fields(kind)]
    # One call for all fields: a large catalog has millions of them.
    values = attrgetter(*(name for name, _, _ in rows), rows[0][0])

    def encode(value: Any) -> dict[str, Any]:
        return {
            name: own if encoder is _same else encoder(own)
            for (name, default, encoder), own in zip(rows, values(value), strict=False)
            if own is not default and own != default
        }

    return encode


def _sequence_encoder(hint: Any) -> Coder:
    if get_origin(hint) is frozenset:
        return sorted
    arguments = get_args(hint)
    if len(arguments) == 2 and arguments[1] is Ellipsis and _encoder(arguments[0]) is not _same:
        inner = _encoder(arguments[0])
        return lambda value: [inner(item) for item in value]
    return list


def _mapping_encoder(key: Any, kind: Any) -> Coder:
    outer, inner = _encoder(key), _encoder(kind)
    if _is_keyed_by_oid(key, kind):
        return lambda value: [inner(item) for item in value.values()]
    if key is str:
        return lambda value: {name: inner(item) for name, item in value.items()}
    return lambda value: [[outer(name), inner(item)] for name, item in value.items()]


@cache
def _decoder(hint: Any) -> Coder:
    """How JSON becomes a value of this type again."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _optional(_decoder(_without_none(arguments)))
    if dataclasses.is_dataclass(hint):
        return _record_decoder(cast("type", hint))
    if origin in (tuple, frozenset):
        return _sequence_decoder(hint)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_decoder(*arguments)
    if isinstance(hint, type) and issubclass(hint, tuple):
        return lambda value: hint(*value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return _same


def _record_decoder(kind: type) -> Coder:
    decoders = {name: _decoder(hint) for name, hint in get_type_hints(kind).items()}

    def decode(value: Any) -> Any:
        return kind(**{name: decoders[name](item) for name, item in value.items()})

    return decode


def _sequence_decoder(hint: Any) -> Coder:
    arguments = get_args(hint)
    origin = cast("type[tuple[Any, ...]]", get_origin(hint))
    if get_origin(hint) is frozenset or (len(arguments) == 2 and arguments[1] is Ellipsis):
        inner = _decoder(arguments[0])
        return origin if inner is _same else lambda value: origin(inner(item) for item in value)
    return tuple


def _mapping_decoder(key: Any, kind: Any) -> Coder:
    outer, inner = _decoder(key), _decoder(kind)
    if _is_keyed_by_oid(key, kind):
        return lambda value: {item.oid: item for item in map(inner, value)}
    if key is str:
        return lambda value: {name: inner(item) for name, item in value.items()}
    # A key that is a pair is a list in JSON.
    return lambda value: {_hashable(outer(name)): inner(item) for name, item in value}


def _hashable(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) else key


def _optional(coder: Coder) -> Coder:
    return _same if coder is _same else lambda value: None if value is None else coder(value)


def _without_none(arguments: tuple[Any, ...]) -> Any:
    return next((argument for argument in arguments if argument is not types.NoneType), Any)


def _is_keyed_by_oid(key: Any, kind: Any) -> bool:
    return key is int and dataclasses.is_dataclass(kind) and "oid" in {item.name for item in dataclasses.fields(kind)}


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default_factory() if item.default_factory is not dataclasses.MISSING else item.default
