"""Who waits for an answer hears what else happens, and is not kept by it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gate.platforms.asking import answered


@pytest.fixture
def silence() -> Iterator[threading.Event]:
    """Nobody answers before the end of the test."""
    ended = threading.Event()
    yield ended
    ended.set()


def test_an_answer_and_an_error_are_handed_on() -> None:
    def fails() -> None:
        raise KeyError("no such app")

    assert answered(lambda: 7, lambda: 10.0) == 7
    with pytest.raises(KeyError, match="no such app"):
        answered(fails, lambda: 10.0)


def test_nobody_waits_when_nothing_is_left(silence: threading.Event) -> None:
    left = iter((10.0, 10.0, 0.0))
    with pytest.raises(TimeoutError):
        answered(silence.wait, lambda: next(left))
    assert next(left, None) is None


def test_a_change_that_is_on_its_way_is_waited_for(silence: threading.Event) -> None:
    """Given up at once it would be made when it has been looked for in vain."""

    def left_s() -> float:
        silence.set()
        return 0.0

    assert answered(silence.wait, left_s, longer_s=5.0)
