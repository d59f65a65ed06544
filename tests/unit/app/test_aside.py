"""A question in a thread of its own: its answer, its error, and the end of the time."""

from __future__ import annotations

import threading

import pytest

from gate.app.aside import aside
from gate.model.errors import Unreachable, UsageError


def test_its_answer_and_its_error_are_those_of_the_question() -> None:
    def refuses() -> None:
        raise UsageError("no")

    assert aside(lambda: 42, 5.0) == 42
    assert aside(lambda: None, 5.0) is None
    with pytest.raises(UsageError, match="no"):
        aside(refuses, 5.0)


def test_who_does_not_answer_is_given_up() -> None:
    never = threading.Event()
    with pytest.raises(Unreachable, match="not reached in time"):
        aside(never.wait, 0.2)
    never.set()
