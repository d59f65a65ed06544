"""A partition's bound from the text that the server prints for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from gate.model.actions import Cell
from gate.sql.targets import cell
from gate.sql.terms import strings
from gate.sql.tree import DoesNotParse, Tree, content, parsed, which


@dataclass(frozen=True, kw_only=True)
class StoredBound:
    """FOR VALUES ... or DEFAULT. The kinds of cells are those of `Cell`, and `minvalue` and `maxvalue`."""

    strategy: str = ""
    is_default: bool = False
    lower: tuple[Cell, ...] = ()
    upper: tuple[Cell, ...] = ()
    values: tuple[Cell, ...] = ()
    modulus: int = 0
    remainder: int = 0


@lru_cache(maxsize=8192)
def stored_bound(text: str) -> StoredBound | None:
    """The bound; None where the text is none."""
    try:
        (node,) = parsed(f"CREATE TABLE p PARTITION OF t {text}")
    except (DoesNotParse, ValueError):
        return None
    spec = content(node).partbound
    return StoredBound(
        strategy=spec.strategy,
        is_default=spec.is_default,
        lower=_cells(spec.lowerdatums),
        upper=_cells(spec.upperdatums),
        values=_cells(spec.listdatums),
        modulus=spec.modulus,
        remainder=spec.remainder,
    )


def _cells(nodes: Iterable[Tree]) -> tuple[Cell, ...]:
    return tuple(_cell(item) for item in nodes)


def _cell(node: Tree) -> Cell:
    kind, inner = which(node)
    if kind == "column_ref":
        return Cell(strings(inner.fields)[-1].lower())
    return cell(node)
