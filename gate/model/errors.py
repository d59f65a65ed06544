"""The errors of gate: few, each with a remedy and an exit code.

GateError
 +- UsageError            2   settings, arguments, files
 |   +- InvalidSql        2   text that no PostgreSQL parses: file, line, column
 +- Unreachable          50   no connection; a retry makes sense
 +- MissingPrivilege     51   names the GRANT that is missing
"""

from __future__ import annotations

from enum import IntEnum


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
        return _MEANINGS[self]


_MEANINGS = {
    Exit.DONE: "done, or nothing to do",
    Exit.INTERNAL: "internal error: a bug in gate",
    Exit.USAGE: "usage or configuration is wrong; text that is not SQL",
    Exit.REFUSED: "refused: the plan says why and what to do instead",
    Exit.LOCK_NOT_ACQUIRED: "a lock was not acquired in time; a retry makes sense",
    Exit.ANOTHER_GATE: "another gate, or the migration tool itself, is at work on this database",
    Exit.STOPPED_RESUMABLE: "stopped by a deadline or a signal; the next run takes up what is left",
    Exit.STOPPED_NEEDS_PERSON: "stopped, and what is left needs a person",
    Exit.MIGRATION_FAILED: "a migration or the child command failed",
    Exit.UNREACHABLE: "cannot connect; a retry makes sense",
    Exit.MISSING_PRIVILEGE: "a privilege is missing; the message names the GRANT",
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
