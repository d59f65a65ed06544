"""Migrations as a tool's directory holds them, and what the tool's own bookkeeping says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ScriptStatement:
    r"""One statement of a file.

    `line` (1-based) is where its first token stands, comments skipped; `sql` is the source text from there to the
    last token, without the semicolon; `offset` counts characters from the file's start. `data` is the text
    between `COPY ... FROM STDIN` and its `\.`, None for any other statement.
    """

    sql: str
    line: int
    offset: int = 0
    data: str | None = None


class Sending(Enum):
    """How a tool sends a file to the server, which decides what may stand in it."""

    EACH = "each statement by itself"
    ONE_MESSAGE = "the whole file as one message, which is one transaction when it holds several statements"
    IN_TRANSACTION = "inside a transaction that the tool opens"


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One unit of a tool.

    `id` is what the tool writes in its bookkeeping, `path` is relative to the working directory (None for text
    that came from no file), `is_transactional` tells whether the tool runs it in one transaction, `first_line`
    is the line on which the "up" part begins. `equal_checksums` are others that the tool takes for the same file.
    """

    id: str | None
    path: str | None
    text: str
    is_transactional: bool = True
    sending: Sending = Sending.IN_TRANSACTION
    statements: tuple[ScriptStatement, ...] = ()
    name: str = ""
    checksum: str | int | None = None
    equal_checksums: tuple[str | int, ...] = ()
    is_repeatable: bool = False


@dataclass(frozen=True)
class Query:
    """SQL with `%s` placeholders and its parameters; a value that somebody else runs."""

    sql: str
    parameters: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StateFinding:
    """What is to be said about the state of the bookkeeping: ahead, out of order, edited, dirty, missing.

    `severity` is `note`, `warn` or `refuse`; `migrations` names the ids it is about.
    """

    rule: str
    severity: str
    problem: str
    remedy: str
    migrations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bookkeeping:
    """A tool's bookkeeping table as found: its quoted-safe name parts and its rows as dictionaries by column."""

    schema: str
    table: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...] = field(default=(), hash=False)
