"""Every word of the reports."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gate.report import Look, formats, render
from gate.report.prose.words import columns
from tests.golden import samples

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("name", samples.ALL)
def test_text_at_80_columns(name: str, golden: Golden) -> None:
    golden(f"{name}.txt", render("text", samples.ALL[name], Look(width=80)))


@pytest.mark.parametrize("name", ["refused", "split"])
def test_text_at_120_columns(name: str, golden: Golden) -> None:
    golden(f"{name}-wide.txt", render("text", samples.ALL[name], Look(width=200)))


@pytest.mark.parametrize("name", ["passed", "split"])
def test_text_in_colour(name: str, golden: Golden) -> None:
    golden(f"{name}-coloured.txt", render("text", samples.ALL[name], Look(is_coloured=True, shows_rows=True)))


@pytest.mark.parametrize("name", ["data", "refused"])
def test_rows_are_shown_to_the_person_at_the_terminal(name: str, golden: Golden) -> None:
    golden(f"{name}-shown.txt", render("text", samples.ALL[name], Look(shows_rows=True)))


@pytest.mark.parametrize("format_name", formats())
@pytest.mark.parametrize("name", ["data", "refused", "split"])
def test_rows_and_queries_of_others_are_shown_nowhere_else(name: str, format_name: str) -> None:
    report = render(format_name, samples.ALL[name], Look(width=120))
    assert not [secret for secret in ("5150", "90210", "paid", "0171") if secret in report]


@pytest.mark.parametrize("name", ["passed", "nothing-pending", "dirty", "split"])
def test_json(name: str, golden: Golden) -> None:
    golden(f"{name}.json", render("json", samples.ALL[name], Look()))


@pytest.mark.parametrize("name", ["split", "data", "dirty", "nothing-pending", "hundred"])
@pytest.mark.parametrize(("format_name", "ending"), [("markdown", "md"), ("github", "log")])
def test_for_a_pull_request(name: str, format_name: str, ending: str, golden: Golden) -> None:
    golden(f"{name}.{ending}", render(format_name, samples.ALL[name], Look()))


@pytest.mark.parametrize("name", ["split", "dirty"])
def test_sarif(name: str, golden: Golden) -> None:
    golden(f"{name}.sarif", render("sarif", samples.ALL[name], Look()))


@pytest.mark.parametrize("name", ["split", "data", "dirty", "nothing-pending"])
def test_for_a_merge_request(name: str, golden: Golden) -> None:
    golden(f"{name}.gitlab", render("gitlab", samples.ALL[name], Look()))


@pytest.mark.parametrize("name", samples.ALL)
@pytest.mark.parametrize("width", [40, 80, 100, 300])
def test_no_line_is_wider_than_the_terminal_or_120_columns(name: str, width: int) -> None:
    lines = render("text", samples.ALL[name], Look(width=width)).splitlines()
    assert max(map(columns, lines)) <= max(60, min(width, 120))


@pytest.mark.parametrize("name", samples.ALL)
def test_nothing_can_steer_the_terminal(name: str) -> None:
    assert "\x1b" not in render("text", samples.ALL[name], Look())
