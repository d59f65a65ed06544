"""What an error of the server means for a step: try again, settle by the mark, or the statement is rejected."""

from __future__ import annotations

from gate.run.world import ServerError

LOCK_NOT_AVAILABLE, DEADLOCK, SERIALIZATION = "55P03", "40P01", "40001"
CANCELED = "57014"
_RETRIED = frozenset({LOCK_NOT_AVAILABLE, DEADLOCK, SERIALIZATION})
_NOT_LOCKABLE = frozenset({"42501", "42809", "42P01", "3F000"})


def is_retried(error: ServerError) -> bool:
    """Somebody else was in the way, and nothing of the step is there."""
    return error.sqlstate in _RETRIED


def cannot_be_locked(error: ServerError) -> bool:
    """LOCK TABLE is not permitted, not for such a relation, or the relation is made by an earlier command."""
    return error.sqlstate in _NOT_LOCKABLE


def in_words(error: ServerError) -> str:
    """The server's own words with its detail, and how it calls them.

    Of class 22 (data) and 23 (constraints) the detail quotes values of rows, which belong into no log.
    """
    is_told = error.detail and error.sqlstate[:2] not in ("22", "23")
    said = f"{error.problem} ({error.detail})" if is_told else error.problem
    return f"{said} [{error.sqlstate}]" if error.sqlstate else said
