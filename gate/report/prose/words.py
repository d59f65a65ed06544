"""Text for people: cleaned of what a terminal would obey, wrapped, shortened, coloured."""

from __future__ import annotations

import textwrap
import unicodedata

from gate.report import Look

_COLOURS = {"red": "31", "yellow": "33", "green": "32", "bold": "1", "dim": "2"}


def clean(text: str) -> str:
    """Without control characters: a name or a query from the database must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join("?" if _steers(char) else char for char in text)


def one_line(text: str) -> str:
    """All white space folded to single blanks, and clean."""
    return clean(" ".join(text.split()))


def shortened(text: str, width: int) -> str:
    """On one line, at most `width` columns, `...` where something was left out."""
    line = one_line(text)
    if columns(line) <= width:
        return line
    return cut(line, max(width - 3, 1)).rstrip() + "..."


def cut(text: str, width: int) -> str:
    """As much of its beginning as fits."""
    kept = text[:width]
    while columns(kept) > width:
        kept = kept[:-1]
    return kept


def wrapped(text: str, width: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """Paragraphs wrapped to `width`; of lines that begin with blanks (code) the indentation is kept."""
    following = indent if hanging is None else hanging
    lines: list[str] = []
    for paragraph in text.splitlines():
        first = following if lines else indent
        code = paragraph[: len(paragraph) - len(paragraph.lstrip(" "))]
        wrapped_lines = textwrap.wrap(
            _widened(_spaced(paragraph)),
            width,
            initial_indent=first + code,
            subsequent_indent=following + code + ("  " if code else ""),
            break_on_hyphens=False,
        )
        lines += [line.replace(_FILLER, "") for line in wrapped_lines] or [""]
    return lines


# textwrap counts letters: a wide one is made to count twice, by one that `clean` leaves nowhere.
_FILLER = "\0"


def _widened(text: str) -> str:
    return text if text.isascii() else "".join(_FILLER * (_columns_of(char) - 1) + char for char in text)


def _spaced(text: str) -> str:
    # Two blanks between the parts of a line are kept: they are what separates them.
    return clean(text.strip(" \t").replace("\t", " "))


def painted(text: str, colour: str, is_coloured: bool) -> str:  # noqa: FBT001 - reads as English at each call
    """In that colour where colour is welcome."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if is_coloured and text else text


def led(word: tuple[str, str], text: str, look: Look) -> list[str]:
    """The text after a coloured word, wrapped under itself."""
    lines = wrapped(f"{word[0]}  {text}", look.width, hanging="  ")
    return [painted(word[0], word[1], look.is_coloured) + lines[0][len(word[0]) :], *lines[1:]]


def columns(text: str) -> int:
    """How many columns a terminal needs: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(char) for char in text)


def padded(text: str, width: int) -> str:
    """Filled with blanks up to `width` columns."""
    return text + " " * (width - columns(text))


def _columns_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _steers(char: str) -> bool:
    # Cc: control characters; Cf: bidirectional overrides and their like; line and paragraph separators.
    return unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")
