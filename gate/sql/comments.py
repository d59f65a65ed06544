"""Which comments belong to which statement of a script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gate.model.migration import ScriptStatement
from gate.sql.tokens import Kind, Token, tokens

# Where a tool's file turns to what takes the migration back.
_WAY_BACK = re.compile(r"--\s*(?:migrate:down|\+goose\s+down|\+migrate\s+down)", re.IGNORECASE)


@dataclass(frozen=True)
class Comment:
    """`text` is without its marks, `line` (1-based) where it begins."""

    text: str
    line: int


@dataclass(frozen=True)
class Commented:
    """`statements` has the comments of each statement, in order; `loose` are those after the last one."""

    statements: tuple[tuple[Comment, ...], ...]
    loose: tuple[Comment, ...] = ()


def comments_of(text: str, statements: Sequence[ScriptStatement]) -> Commented:
    """A comment belongs to the statement that it stands before or in, or behind which it ends a line.

    `text` is the whole script, in which the statements' offsets count. What looks like a comment within a string, a
    dollar quoted body or the data of COPY is none.
    """
    own: list[list[Comment]] = [[] for _ in statements]
    starts = [statement.offset for statement in statements]
    loose: list[Comment] = []
    for place, (begin, stop) in enumerate(pairwise([0, *starts, len(text)])):
        gap = begin
        if place:
            statement = statements[place - 1]
            gap = begin + len(statement.sql)
            own[place - 1] += (_comment(text, found) for found in _comments(tokens(text, begin, gap)))
            gap = _behind_data(text, gap, statement.data)
        trailing, leading = _shared(text, gap, stop, has_first=place > 0)
        if trailing:
            own[place - 1] += (_comment(text, found) for found in trailing)
        target = own[place] if place < len(own) else loose
        target += (_comment(text, found) for found in leading)
    return Commented(tuple(tuple(found) for found in own), tuple(loose))


def _comments(found: Iterable[Token]) -> Iterator[Token]:
    return (token for token in found if token.kind is Kind.COMMENT)


def _behind_data(text: str, position: int, data: str | None) -> int:
    """Where the data of COPY ... FROM STDIN ends: nothing in it is a comment."""
    if not data:
        return position
    return text.index("\n", text.index(data, position) + len(data) - 1) + 1


def _shared(text: str, start: int, end: int, *, has_first: bool) -> tuple[list[Token], list[Token]]:
    """Comments between two statements: those that end the line of the first, and those before the second.

    What stands before anything else than a comment (a part of the file that is not run) belongs to neither.
    """
    trailing: list[Token] = []
    leading: list[Token] = []
    is_same_line, is_last = has_first, end == len(text)
    for token in tokens(text, start, end):
        if token.kind is Kind.COMMENT:
            if is_last and _WAY_BACK.match(token.text):
                break
            (trailing if is_same_line else leading).append(token)
        elif token.kind is not Kind.SPACE and token.text != ";":
            is_same_line = False
            leading.clear()
            if is_last:
                break
        is_same_line = is_same_line and "\n" not in token.text
    if is_same_line and not is_last:
        # The second statement begins on the same line: a comment between the two is meant for it.
        return [], trailing
    return trailing, leading


def _comment(text: str, token: Token) -> Comment:
    line = text.count("\n", 0, token.start) + 1
    if token.text.startswith("--"):
        return Comment(token.text[2:].strip(), line)
    lines = token.text.removeprefix("/*").removesuffix("*/").splitlines()
    return Comment("\n".join(part.strip().lstrip("*").strip() for part in lines), line)
