"""A table of cells that wrap, fitted into a width; rows may be interrupted by lines that span it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gate.report.prose.words import clean, columns, cut, padded

Row = Sequence[str]

GAP = "  "
_NARROWEST = 8


def fitted(rows: Iterable[Row], width: int, gives: Sequence[int] = ()) -> list[int]:
    """As wide as needed; if that is too much, first the columns in `gives` fold at blanks, then the widest shrink."""
    cells = list(zip(*rows, strict=True))
    widths = [max(map(_natural, column)) for column in cells]
    too_wide = sum(widths) + len(GAP) * (len(widths) - 1) - width
    for place in gives:
        spare = max(0, min(too_wide, widths[place] - max(map(_longest_word, cells[place]))))
        widths[place] -= spare
        too_wide -= spare
    while too_wide > 0 and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
        too_wide -= 1
    return widths


def lines(row: Row, widths: Sequence[int], indent: str = "") -> list[str]:
    """One row as lines: a cell that is too long goes on below."""
    cells = [_broken(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, cells))
    filled = [[*cell, *[""] * (height - len(cell))] for cell in cells]
    return [_line(parts, widths, indent) for parts in zip(*filled, strict=True)]


def _line(parts: Sequence[str], widths: Sequence[int], indent: str) -> str:
    return (indent + GAP.join(map(padded, parts, widths))).rstrip()


def _natural(cell: str) -> int:
    return max(map(columns, cell.split("\n")))


def _longest_word(cell: str) -> int:
    return max(map(columns, cell.split()), default=0)


def _broken(cell: str, width: int) -> list[str]:
    return [line for part in cell.split("\n") for line in _folded(clean(part), width)]


def _folded(text: str, width: int) -> list[str]:
    """Folded after a blank, a dot, an underscore or a comma where there is one, else anywhere."""
    if columns(text) <= width:
        return [text.rstrip()]
    folded, line = [], ""
    for piece in re.findall(r"[^ ._,]*[ ._,]?", text):
        if line and columns(line + piece.rstrip()) > width:
            folded.append(line.rstrip())
            line = ""
        line += piece
        while columns(line.rstrip()) > width:
            folded.append(cut(line, width))
            line = line[len(folded[-1]) :]
    return [*folded, line.rstrip()] if line.rstrip() or not folded else folded
