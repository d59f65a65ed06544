"""gate.toml's `[platform.KEY]`: which there are, and what may stand in them.

A platform that is asked something has its keys in `KEYS` of its module `reach`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from gate import platforms
from gate.model.errors import UsageError

_ROOM = platforms.__name__


def check(tables: Mapping[str, Mapping[str, Any]], origin: str) -> None:
    """Raises UsageError for a table or a key that nothing reads: what was meant by it would silently not be done."""
    if not tables:
        return
    keys = _keys()
    _check_names(tables, tuple(keys), "platform", origin)
    for key, table in tables.items():
        _check_names(table, keys[key], f"platform.{key}", origin)


def _keys() -> dict[str, tuple[str, ...]]:
    names = (f"{_ROOM}.{module.name}" for module in iter_modules(platforms.__path__) if module.ispkg)
    asked = [name for name in names if find_spec(f"{name}.reach") is not None]
    return {name.removeprefix(f"{_ROOM}."): import_module(f"{name}.reach").KEYS for name in asked}


def _check_names(table: Mapping[str, Any], known: Sequence[str], where: str, origin: str) -> None:
    for name in table:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise UsageError(
                f"{origin}: unknown key '{where}.{name}'" + (f", did you mean {near[0]}?" if near else ""),
                remedy=f"the keys under [{where}] are {', '.join(known)}",
            )
