"""What is certain of a statement by itself: the server would not take it, or gate cannot know."""

from __future__ import annotations

from gate.model.plan import Finding, Severity


def rejected(problem: str, remedy: str) -> Finding:
    """The server would answer with an error."""
    return Finding(
        rule="server-would-reject",
        severity=Severity.REFUSE,
        problem=f"PostgreSQL would reject it: {problem}",
        remedy=remedy or "correct the statement; as it stands the release fails here",
    )


def not_understood(problem: str, remedy: str) -> Finding:
    """Gate cannot know."""
    return Finding(
        rule="not-understood",
        severity=Severity.REFUSE,
        problem=f"gate cannot tell what it does: {problem}",
        remedy=remedy or "run it by hand at a quiet time, or write it in statements that gate knows",
    )
