"""Options that are times: read as gate.toml reads them."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from gate.cli import options
from gate.model.errors import UsageError

app = typer.Typer()


@app.command()
def release(budget: options.Budget = None, grace: options.Grace = None) -> None:
    typer.echo(f"{budget} {grace}")


@pytest.mark.parametrize(
    ("line", "said"),
    [((), "None None"), (("--budget", "8h"), "28800.0 None"), (("--grace=250ms", "--budget", "90"), "90.0 0.25")],
)
def test_a_time(line: tuple[str, ...], said: str) -> None:
    assert CliRunner().invoke(app, line).output.strip() == said


@pytest.mark.parametrize("line", [("--budget", "soon"), ("--grace", "-1s")])
def test_what_is_no_time_names_its_option(line: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(app, line)
    assert isinstance(answer.exception, UsageError)
    assert answer.exception.problem.startswith(f"{line[0]} {line[1]}: ")
    assert line[0] in answer.exception.remedy
