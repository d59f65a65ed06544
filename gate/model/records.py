"""Values as JSON and back, made from their types: for what a later or an earlier gate has to read.

Every field is written, also one that has its default, so that a default may change. Reading leaves out what it does not
know and takes the default for what is missing; a value that it does not understand raises ValueError.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")
Reader = Callable[[Any], Any]


def to_record(value: Any) -> Any:
    """Dataclasses, enums and collections of plain values, as `json` takes them; a number without end is its name."""
    if dataclasses.is_dataclass(value):
        return {item.name: to_record(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [to_record(item) for item in value]
    if isinstance(value, Mapping):
        return {name: to_record(item) for name, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def from_record(kind: type[Kind], record: Mapping[str, Any]) -> Kind:
    """The value of that dataclass; ValueError where the record is none."""
    try:
        found: Kind = _reader(cast("Any", kind))(record)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"this is no {kind.__name__}: {error}") from error
    return found


@cache
def _reader(hint: Any) -> Reader:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not types.NoneType)
        return _or_none(_reader(inner))
    if origin is Mapping:
        return _checked(dict)
    if origin is tuple:
        return _tuple_reader(arguments)
    if dataclasses.is_dataclass(hint):
        return _record_reader(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return float if hint is float else _checked(hint)


def _or_none(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


def _tuple_reader(arguments: tuple[Any, ...]) -> Reader:
    if arguments[1:] == (Ellipsis,):
        inner = _reader(arguments[0])
        return lambda value: tuple(inner(item) for item in _list(value))
    readers = [_reader(argument) for argument in arguments]
    return lambda value: tuple(reader(item) for reader, item in zip(readers, _list(value), strict=True))


def _record_reader(hint: Any) -> Reader:
    readers = {name: _reader(inner) for name, inner in get_type_hints(hint).items()}
    return lambda value: hint(**{name: readers[name](item) for name, item in value.items() if name in readers})


def _checked(hint: Any) -> Reader:
    def read(value: Any) -> Any:
        # True is an int to Python, and never one to us.
        if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
            raise ValueError(f"{value!r} is no {hint.__name__}")
        return value

    return read


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")  # noqa: TRY004 - as above
    return value
