"""A text's tokens without a parser: enough to tell comments and literals from everything else, whatever the text is.

The rules are those of the server's scanner with `standard_conforming_strings` on. Nothing is ever wrong with a text:
what is never closed (a query that `pg_stat_activity` cut off) goes on to the end.

Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a token is."""

    SPACE = "space"
    COMMENT = "comment"
    STRING = "string"  # quoted, of any prefix
    DOLLAR = "dollar"  # a dollar quoted string
    NAME = "name"  # in double quotes
    PARAMETER = "parameter"  # $1
    NUMBER = "number"
    WORD = "word"
    OTHER = "other"


@dataclass(frozen=True)
class Token:
    """`text` as it stands at `start`."""

    kind: Kind
    start: int
    text: str

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.start + len(self.text)


_E_QUOTE = r"'(?:[^'\\]|\\.|'')*+'"
# Whatever is not ASCII is a letter to the server.
_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_IN_WORD = r"[^\x00-#%-/:-@\[-^`{-\x7f]"
_DOLLAR_TAG = rf"\$(?:{_LETTER}(?:{_LETTER}|[0-9])*+)?\$"
_TOKEN = re.compile(
    rf"""(?P<space>\s++)
    |(?P<comment>--[^\r\n]*+)
    |(?P<block>/\*)
    |(?P<string>[eE]{_E_QUOTE}(?:[ \t\f\v]*+[\r\n]\s*+{_E_QUOTE})*+
        |[eE]'(?:[^'\\]|\\.|'')*+\\?\Z
        |(?:[uU]&|[bBxXnN])?'(?:[^']|'')*+(?:'|\Z))
    |(?P<name>(?:[uU]&)?"(?:[^"]|"")*+(?:"|\Z))
    |(?P<dollar>{_DOLLAR_TAG})
    |(?P<parameter>\$[0-9]++)
    |(?P<number>(?:[0-9][0-9_]*+(?:\.[0-9_]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++|[xXoObB][0-9a-fA-F_]++)?)
    |(?P<word>{_LETTER}{_IN_WORD}*+)
    |(?P<other>.)""",
    re.ASCII | re.DOTALL | re.VERBOSE,
)
_EDGE = re.compile(r"/\*|\*/")


def tokens(text: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """Every token of `text[start:end]`, white space included; their texts put together are that part."""
    stop = len(text) if end is None else end
    position = start
    while position < stop:
        found = _TOKEN.match(text, position, stop)
        assert found is not None
        kind, last = found.lastgroup, found.end()
        if kind == "block":
            kind, last = "comment", _comment_end(text, position, stop)
        elif kind == "dollar":
            close = text.find(found.group(), last, stop)
            last = stop if close < 0 else close + len(found.group())
        yield Token(Kind(kind), position, text[position:last])
        position = last


def _comment_end(text: str, position: int, stop: int) -> int:
    """Comments nest."""
    depth = 0
    for edge in _EDGE.finditer(text, position, stop):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return stop
