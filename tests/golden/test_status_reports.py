"""Every word of gate status, and the exit code that goes with it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gate.model.errors import Exit
from gate.report import Look
from gate.report.prose.words import columns
from gate.report.status import formats, render
from tests.golden import stocks

Golden = Callable[[str, str], None]

EXITS = {
    "status-no-journal": Exit.DONE,
    "status-done": Exit.DONE,
    "status-unfinished": Exit.STOPPED_RESUMABLE,
    "status-failed": Exit.STOPPED_RESUMABLE,
    "status-running": Exit.STOPPED_RESUMABLE,
    "status-starting": Exit.STOPPED_RESUMABLE,
    "status-dead": Exit.STOPPED_RESUMABLE,
    "status-person": Exit.STOPPED_NEEDS_PERSON,
    "status-changed": Exit.STOPPED_RESUMABLE,
    "status-stuck": Exit.STOPPED_NEEDS_PERSON,
    "status-unknown": Exit.STOPPED_NEEDS_PERSON,
    "status-newer": Exit.STOPPED_RESUMABLE,
    "status-many": Exit.STOPPED_RESUMABLE,
}


@pytest.mark.parametrize("name", stocks.ALL)
def test_text_at_80_columns(name: str, golden: Golden) -> None:
    golden(f"{name}.txt", render("text", stocks.ALL[name], Look(width=80)))


def test_text_in_colour(golden: Golden) -> None:
    golden("status-person-coloured.txt", render("text", stocks.ALL["status-person"], Look(is_coloured=True)))


@pytest.mark.parametrize("name", ["status-unfinished", "status-person", "status-running", "status-no-journal"])
def test_json(name: str, golden: Golden) -> None:
    golden(f"{name}.json", render("json", stocks.ALL[name], Look()))


@pytest.mark.parametrize("name", stocks.ALL)
def test_the_exit_code(name: str) -> None:
    assert stocks.ALL[name].exit is EXITS[name]
    assert json.loads(render("json", stocks.ALL[name], Look()))["exit_code"] == EXITS[name]


@pytest.mark.parametrize("name", stocks.ALL)
@pytest.mark.parametrize("width", [40, 60, 100, 300])
def test_nothing_but_sql_is_wider_than_the_terminal(name: str, width: int) -> None:
    lines = render("text", stocks.ALL[name], Look(width=width)).splitlines()
    assert [line for line in lines if columns(line) > max(60, min(width, 120)) and "to take it away" not in line] == []


def test_there_are_formats_for_people_and_for_programs() -> None:
    assert formats() == ("json", "text")
