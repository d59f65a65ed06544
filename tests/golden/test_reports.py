"""Every word of the reports."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gate.report import Look, render
from tests.golden import samples

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("name", samples.ALL)
def test_text_at_80_columns(name: str, golden: Golden) -> None:
    golden(f"{name}.txt", render("text", samples.ALL[name], Look(width=80)))


def test_text_at_120_columns(golden: Golden) -> None:
    golden("refused-wide.txt", render("text", samples.REFUSED, Look(width=200)))


def test_text_in_colour(golden: Golden) -> None:
    golden("passed-coloured.txt", render("text", samples.PASSED, Look(is_coloured=True)))


@pytest.mark.parametrize("name", ["passed", "nothing-pending", "dirty"])
def test_json(name: str, golden: Golden) -> None:
    golden(f"{name}.json", render("json", samples.ALL[name], Look()))


@pytest.mark.parametrize("name", samples.ALL)
@pytest.mark.parametrize("width", [40, 80, 100, 300])
def test_no_line_is_wider_than_the_terminal_or_120_columns(name: str, width: int) -> None:
    lines = render("text", samples.ALL[name], Look(width=width)).splitlines()
    assert max(map(len, lines)) <= max(60, min(width, 120))


@pytest.mark.parametrize("name", samples.ALL)
def test_nothing_can_steer_the_terminal(name: str) -> None:
    assert "\x1b" not in render("text", samples.ALL[name], Look())
