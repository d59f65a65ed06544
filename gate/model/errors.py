"""The errors of gate: few, each with a remedy and an exit code.

GateError
 +- UsageError            2   settings, arguments, files
 |   +- InvalidSql        2   text that no PostgreSQL parses: file, line, column
 +- Unreachable          50   no connection; a retry makes sense
 +- MissingPrivilege     51   names the GRANT that is missing
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Exit(IntEnum):
    """Exit codes, the same for every command; the documentation's table is generated from here."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    REFUSED = 10
    LOCK_NOT_ACQUIRED = 20
    ANOTHER_GATE = 21
    STOPPED_RESUMABLE = 30
    STOPPED_NEEDS_PERSON = 31
    MIGRATION_FAILED = 40
    UNREACHABLE = 50
    MISSING_PRIVILEGE = 51

    @property
    def meaning(self) -> str:
        """One line for the documentation."""
        return _CODES[self].meaning

    @property
    def may_be_retried(self) -> bool:
        """Whether the same program, started again, may end otherwise: a platform may then do so by itself."""
        return _CODES[self].may_be_retried


class _Code(NamedTuple):
    """What a new exit code has to decide."""

    meaning: str
    may_be_retried: bool


_CODES = {
    Exit.DONE: _Code("done, or nothing to do", may_be_retried=False),
    Exit.INTERNAL: _Code("internal error: a bug in gate", may_be_retried=False),
    Exit.USAGE: _Code("usage or configuration is wrong; text that is not SQL", may_be_retried=False),
    Exit.REFUSED: _Code("refused: the plan says why and what to do instead", may_be_retried=False),
    Exit.LOCK_NOT_ACQUIRED: _Code("a lock was not acquired in time; a retry makes sense", may_be_retried=True),
    Exit.ANOTHER_GATE: _Code(
        "another gate, or the migration tool itself, is at work on this database", may_be_retried=True
    ),
    Exit.STOPPED_RESUMABLE: _Code(
        "stopped by a deadline or a signal; the next run takes up what is left", may_be_retried=True
    ),
    Exit.STOPPED_NEEDS_PERSON: _Code("stopped, and what is left needs a person", may_be_retried=False),
    Exit.MIGRATION_FAILED: _Code(
        "a migration, the child command, or a release that was watched failed", may_be_retried=False
    ),
    Exit.UNREACHABLE: _Code(
        "cannot connect, or how a watched release does is unknown; a retry makes sense", may_be_retried=True
    ),
    Exit.MISSING_PRIVILEGE: _Code("a privilege is missing; the message names the GRANT", may_be_retried=False),
}


class GateError(Exception):
    """Anything that ends a command: `problem` says what happened, `remedy` what to do about it."""

    exit_code = Exit.INTERNAL

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class UsageError(GateError):
    """An argument, a setting or a file is not as it must be."""

    exit_code = Exit.USAGE


class InvalidSql(UsageError):
    """Text that does not parse. `line` and `column` are 1-based and count characters; `text` is that line."""

    def __init__(
        self, problem: str, *, line: int, column: int, text: str = "", path: str = "", remedy: str = ""
    ) -> None:
        super().__init__(problem, remedy=remedy)
        self.line = line
        self.column = column
        self.text = text
        self.path = path

    def caret(self) -> str:
        """The line with a caret below the place, tabs kept so that both align."""
        lead = "".join(char if char == "\t" else " " for char in self.text[: self.column - 1])
        return f"{self.text}\n{lead}^"


class Unreachable(GateError):
    """The server does not answer, or does not let us in."""

    exit_code = Exit.UNREACHABLE


class MissingPrivilege(GateError):
    """The role may not read what must be read."""

    exit_code = Exit.MISSING_PRIVILEGE
