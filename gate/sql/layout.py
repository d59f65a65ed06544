"""A statement's text laid out within a width: a terminal and a log keep it whole, and pasted it is the same SQL.

Lines break at blanks between tokens; where that is not enough, behind a comma, a parenthesis, a schema's dot; and a
string goes on in the next line, which the server joins ('a' newline 'b').

Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html, "String Constants".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Columns = Callable[[str], int]
"""How many columns of a terminal a text needs."""

_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_TOKEN = re.compile(
    rf"""
      (?P<comment>--[^\r\n]*)
    | (?P<block>/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<special>(?:[bBxXnN]|[uU]&)'(?:[^']|'')*'|(?:[uU]&)?"(?:[^"]|"")*")
    | (?P<string>'(?:[^']|'')*')
    | (?P<dollar>\$(?P<tag>(?:{_LETTER}(?:{_LETTER}|[0-9])*)?)\$.*?\$(?P=tag)\$)
    | (?P<space>\s+)
    | (?P<word>(?:{_LETTER}|[0-9])(?:{_LETTER}|[0-9$])*)
    | (?P<joint>[,(])
    | (?P<other>\.\.|.)
    """,
    re.DOTALL | re.VERBOSE,
)
_DO = re.compile(r"\s*do\b", re.IGNORECASE)


def laid_out(sql: str, width: int, columns: Columns = len) -> list[str]:
    """The text as lines of at most `width` columns; its own line breaks stay where they are."""
    return _Lines(width, columns, is_block=bool(_DO.match(sql))).of(sql)


class _Lines:
    """Fills lines; `line` is the one at work, `margin` what the next ones begin with."""

    def __init__(self, width: int, columns: Columns, *, is_block: bool) -> None:
        self.width, self.columns, self.is_block = width, columns, is_block
        self.done: list[str] = []
        self.line, self.margin = "", "  "

    def of(self, sql: str) -> list[str]:
        for gap, tokens in _chunks(sql):
            self._gap(gap)
            self._chunk(tokens)
        return [*self.done, self.line] if self.line else self.done

    def _gap(self, gap: str) -> None:
        before, breaks, indent = gap.rpartition("\n")
        if breaks:
            self._end()
            self.done += [""] * before.count("\n")
            self.line = indent.expandtabs(4)
            self.margin = self.line + "  "
        elif gap:
            self.line += " "

    def _end(self) -> None:
        self.done.append(self.line.rstrip())
        self.line = ""

    def _room(self) -> int:
        return self.width - self.columns(self.line)

    def _chunk(self, tokens: list[tuple[str, str]]) -> None:
        """Tokens without a blank between them: together where they fit into a line, else item by item of a list."""
        if self._first(tokens) <= self.width - self.columns(self.margin):
            return self._together(tokens)
        item: list[tuple[str, str]] = []
        for token in tokens:
            item.append(token)
            if token[0] == "joint":
                self._together(item)
                item = []
        return self._together(item)

    def _first(self, tokens: list[tuple[str, str]]) -> int:
        return self.columns("".join(text for _, text in tokens).partition("\n")[0])

    def _together(self, tokens: list[tuple[str, str]]) -> None:
        if self._first(tokens) > self._room():
            self._next()
        for kind, text in tokens:
            self._token(kind, text)

    def _next(self) -> None:
        """Goes on in a new line, unless nothing stands in this one."""
        if self.line.strip():
            self._end()
            self.line = self.margin

    def _token(self, kind: str, text: str) -> None:
        widest = max(map(self.columns, text.split("\n")))
        if kind == "dollar" and self.is_block and widest > self.width:
            self._body(text)
        elif kind in {"string", "escaped", "dollar"} and self._is_too_wide(text):
            self._string(kind, text)
        elif kind == "comment" and self._is_too_wide(text):
            self._comment(text)
        else:
            if kind in {"word", "special", "other"} and self._is_too_wide(text):
                self._next()
            self._add(text)

    def _is_too_wide(self, text: str) -> bool:
        first, *others = text.split("\n")
        return self.columns(first) > self._room() or any(self.columns(other) > self.width for other in others)

    def _add(self, text: str) -> None:
        """Text with its own line breaks, which belong to it."""
        first, *others = text.split("\n")
        self.line += first
        for other in others:
            self.done.append(self.line)
            self.line = other

    def _body(self, text: str) -> None:
        """A DO block's body is code too."""
        tag = text[: text.index("$", 1) + 1]
        inner = _Lines(self.width, self.columns, is_block=True)
        body = "\n".join(inner.of(text[len(tag) : -len(tag)].strip("\n")))
        self._add(f"{tag}\n{body}\n{tag}")

    def _string(self, kind: str, text: str) -> None:
        """Cut into strings that go on: one a line."""
        if kind == "dollar":
            tag = text[: text.index("$", 1) + 1]
            text = "'" + text[len(tag) : -len(tag)].replace("'", "''") + "'"
        opening = text[: text.index("'") + 1]
        # An escape and a doubled quote are one letter each.
        units = re.findall(r"\\.|''|." if opening != "'" else r"''|.", text[len(opening) : -1], re.DOTALL)
        self.line += opening
        for unit in units:
            if unit == "\n":
                self._add(unit)
            elif self.columns(self.line + unit) + 1 > self.width:
                self._add("'\n'" + unit)
            else:
                self.line += unit
        self.line += "'"

    def _comment(self, text: str) -> None:
        for word in text.split(" "):
            if self.columns(word) + 1 > self._room() and self.line.strip(" -"):
                self._end()
                self.line = self.margin + "--"
            self.line += ("" if self.line == self.margin or not self.line else " ") + word


def _is_name(kind: str, text: str) -> bool:
    return kind == "special" or (kind == "word" and not text[0].isdigit())


def _chunks(sql: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Blanks, and the tokens up to the next blanks."""
    gap, tokens = "", list[tuple[str, str]]()
    for match in _TOKEN.finditer(sql):
        kind, text = match.lastgroup or "", match.group()
        if kind == "tag":
            kind = "dollar"
        if kind == "space":
            if tokens or gap:
                yield gap, tokens
            gap, tokens = text, []
            continue
        if text == "." and tokens and _is_name(*tokens[-1]):
            kind = "joint"
        tokens.append((kind, text))
    yield gap, tokens
