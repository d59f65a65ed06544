"""The two readers of a `gate plan` or `gate release` line agree."""

from __future__ import annotations

from dataclasses import fields

import pytest
from typer.main import get_command

from gate.app.request import Request
from gate.cli.app import app
from gate.cli.printing import Printing
from gate.cli.quick import FLAGS, TEXTS, read_line, request_of


@pytest.mark.parametrize("name", list(TEXTS))
def test_they_know_the_same_options(name: str) -> None:
    command = get_command(app).commands[name]  # type: ignore[attr-defined]  # a group
    options = {flag: item for item in command.params for flag in item.opts if flag.startswith("-")}
    assert set(options) == {*TEXTS[name], *FLAGS[name]}
    assert {flag for flag, item in options.items() if item.is_flag} == set(FLAGS[name])


@pytest.mark.parametrize("name", list(TEXTS))
def test_they_call_them_the_same(name: str) -> None:
    names = {item.name for kind in (Request, Printing) for item in fields(kind)}
    assert {*TEXTS[name].values(), *(meant for meant, _ in FLAGS[name].values())} <= names


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("plan", {}),
        ("plan db", {"source": "db"}),
        ("plan --sample 0 db --first-run", {"sample_s": 0.0, "source": "db", "is_first_run": True}),
        ("plan --format=json -o x", {"format_name": "json", "output": "x"}),
        ("plan --database-url postgresql://h/d?sslmode=require", {"database_url": "postgresql://h/d?sslmode=require"}),
        ("plan --search-path=", {"search_path": ""}),
        ("plan --database shop --show-rows", {"database": "shop", "shows_rows": True}),
        ("release", {}),
        ("release db --budget 8h --grace=4s", {"source": "db", "budget_s": 28800.0, "grace_s": 4.0}),
        ("release --no-hooks --expect p.json", {"calls_hooks": False, "expect": "p.json"}),
    ],
)
def test_a_usual_line_is_read(line: str, values: dict[str, object]) -> None:
    assert read_line(line.split()) == (line.split(maxsplit=1)[0], values)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "snapshot -o x",
        "--help",
        "plan --help",
        "plan -h",
        "plan a b",
        "plan --sample",
        "plan --sample soon",
        "plan --samp 0",
        "plan --first-run=yes",
        "plan -ox",
        "plan --bogus",
        "plan --budget 8h",
        "release --budget soon",
        "release --snapshot x",
    ],
)
def test_whatever_else_is_left_to_typer(line: str) -> None:
    assert read_line(line.split()) is None


def test_a_request_is_made_of_it() -> None:
    request, printing = request_of({"source": "db", "format_name": "json", "shows_rows": True})
    assert request == Request(source="db")
    assert printing == Printing(format_name="json", shows_rows=True)
