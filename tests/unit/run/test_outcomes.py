"""What an error of the server means for a step."""

from __future__ import annotations

import pytest

from gate.run.outcomes import cannot_be_locked, in_words, is_retried
from gate.run.world import ServerError


def error(sqlstate: str, detail: str = "") -> ServerError:
    return ServerError(problem="it failed", sqlstate=sqlstate, detail=detail)


@pytest.mark.parametrize(
    ("sqlstate", "retried", "lost", "unlockable"),
    [
        ("55P03", True, False, False),
        ("40P01", True, False, False),
        ("40001", True, False, False),
        ("57014", False, False, False),
        ("23505", False, False, False),
        ("57P01", False, True, False),
        ("57P03", False, True, False),
        ("25P03", False, True, False),
        ("25P04", False, True, False),
        ("", False, True, False),
        ("42501", False, False, True),
        ("42809", False, False, True),
        ("42P01", False, False, True),
    ],
)
def test_an_error_is_tried_again_or_settled_or_final(
    *, sqlstate: str, retried: bool, lost: bool, unlockable: bool
) -> None:
    found = error(sqlstate)
    assert (is_retried(found), found.is_lost, cannot_be_locked(found)) == (retried, lost, unlockable)


@pytest.mark.parametrize("sqlstate", ["22001", "23505", "23514"])
def test_values_of_rows_are_in_no_log(sqlstate: str) -> None:
    assert in_words(error(sqlstate, "Key (email)=(ann@example.com) already exists.")) == f"it failed [{sqlstate}]"


def test_any_other_detail_is_told() -> None:
    assert in_words(error("2BP01", "view v depends on it")) == "it failed (view v depends on it) [2BP01]"
    assert in_words(error("")) == "it failed"
