"""One statement's text -> Statement and what it wants looked up."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from gate.model.actions import Statement, Unknown
from gate.model.wants import Wants
from gate.sql import builders
from gate.sql.tree import Tree, parsed, which
from gate.sql.wants import wants_of


@dataclass(frozen=True)
class Parsed:
    """A statement in our nouns, and the names a snapshot must look up for it."""

    statement: Statement
    wants: Wants


def parse_statement(text: str) -> Parsed | None:
    """The one statement in `text`; None where it holds none. Raises DoesNotParse."""
    nodes = parsed(text)
    if not nodes:
        return None
    statement = built(nodes[0])
    return Parsed(statement, wants_of(nodes[0], statement))


@lru_cache(maxsize=1024)
def parse_all(text: str) -> tuple[Parsed, ...]:
    """Every statement in `text`. Raises DoesNotParse.

    The same steps are asked about again and again, for each of many databases too.
    """
    found = []
    for node in parsed(text):
        statement = built(node)
        found.append(Parsed(statement, wants_of(node, statement)))
    return tuple(found)


def built(node: Tree) -> Statement:
    """The statement of a raw Node; a kind without a builder is `Unknown`."""
    name, inner = which(node)
    build = _builders().get(name)
    if build is None:
        tag = name.removesuffix("_stmt").replace("_", " ").upper()
        return Statement(kind=tag, action=Unknown(why=f"gate does not know {tag}"))
    statement: Statement = build(inner)
    return statement


@cache
def _builders() -> dict[str, Callable[[Any], Any]]:
    found: dict[str, Callable[[Any], Any]] = {}
    for module in sorted(pkgutil.iter_modules(builders.__path__), key=lambda item: item.name):
        found.update(importlib.import_module(f"{builders.__name__}.{module.name}").BUILDERS)
    return found
