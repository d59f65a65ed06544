"""What `gate release` prints, and with which code it exits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gate.app.request import Request
from gate.cli import running
from gate.cli.printing import Printing
from gate.model.errors import Exit, Unreachable, UsageError
from gate.model.plan import Mode
from gate.model.run import Run
from gate.run.telling import Said, Tell
from tests.golden import runs, samples


class Releases:
    """Answers with these runs, by the database's name; an error is raised."""

    def __init__(self, **found: Run | Exception) -> None:
        self.found = found

    def __call__(self, request: Request, tell: Tell) -> Run:
        tell(Said(text="it is at work"))
        request.warn("the password stands on the command line")
        answer = self.found[request.database or "only"]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def several(**found: Run | Exception) -> Releases:
    """With a gate.toml that names them."""
    tables = (f'[databases.{name}]\nurl_variable = "{name.upper()}_URL"\nsource = "{name}"\n' for name in found)
    Path("gate.toml").write_text("".join(tables), encoding="utf-8")
    return Releases(**found)


@pytest.mark.parametrize("name", runs.ALL)
def test_the_exit_code_is_that_of_the_run(name: str) -> None:
    assert running.run(Request(), Printing(), Releases(only=runs.ALL[name])) is runs.ALL[name].exit


def test_json_has_standard_output_for_itself(capfd: pytest.CaptureFixture[str]) -> None:
    running.run(Request(), Printing(format_name="json"), Releases(only=runs.LOCK))
    out, err = capfd.readouterr()
    assert json.loads(out)["exit_code"] == Exit.LOCK_NOT_ACQUIRED
    assert err == "gate: it is at work\ngate: warning: the password stands on the command line\n"


def test_a_report_can_go_to_a_file(tmp_path: Path) -> None:
    running.run(Request(), Printing(format_name="markdown", output="summary.md"), Releases(only=runs.DONE))
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("## DONE")


def test_a_file_that_cannot_be_written_is_found_out_before_anything_is_done(tmp_path: Path) -> None:
    for output in ("nowhere/summary.md", str(tmp_path)):
        with pytest.raises(UsageError, match="cannot write"):
            running.run(Request(), Printing(output=output), Releases(only=AssertionError("it was released")))


def test_what_was_done_is_printed_where_the_file_can_no_longer_be_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Removes(Releases):
        def __call__(self, request: Request, tell: Tell) -> Run:
            (tmp_path / "reports").rmdir()
            return super().__call__(request, tell)

    (tmp_path / "reports").mkdir()
    releases = Removes(only=runs.LOCK)
    assert running.run(Request(), Printing(output="reports/summary.txt"), releases) is Exit.LOCK_NOT_ACQUIRED
    out, err = capfd.readouterr()
    assert out.startswith("LOCK NOT ACQUIRED")
    assert "warning: cannot write reports/summary.txt" in err


def test_a_format_of_plans_alone_is_told() -> None:
    with pytest.raises(UsageError) as error:
        running.run(Request(), Printing(format_name="sarif"), Releases(only=runs.DONE))
    assert error.value.remedy == "--format takes one of: json, markdown, text"


def test_what_was_let_pass_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    observed = replace(runs.DONE, plan=replace(samples.REFUSED, mode=Mode.OBSERVE))
    assert running.run(Request(), Printing(), Releases(only=observed)) is Exit.DONE
    assert "gate: OBSERVE: would be refused, and was let pass" in capfd.readouterr().err


# --- several databases ------------------------------------------------------------------------------------------------


def test_several_are_released_in_order_up_to_the_first_that_does_not_end_well(
    capfd: pytest.CaptureFixture[str],
) -> None:
    releases = several(shop=runs.DONE, billing=runs.STOPPED, audit=runs.DONE)
    assert running.run(Request(), Printing(), releases) is Exit.STOPPED_RESUMABLE
    out, err = capfd.readouterr()
    assert [line for line in out.splitlines() if line.startswith("== ")] == ["== shop ==", "== billing =="]
    assert out.endswith("\nnot released, for the one before did not end well: audit\n")
    assert err.splitlines()[:2] == ["gate: database shop:", "gate: it is at work"]


def test_several_are_one_document(capfd: pytest.CaptureFixture[str]) -> None:
    releases = several(shop=runs.DONE, billing=runs.NOTHING_PENDING)
    assert running.run(Request(), Printing(format_name="json"), releases) is Exit.DONE
    document = json.loads(capfd.readouterr().out)
    assert [(item["name"], item["outcome"]) for item in document["databases"]] == [
        ("shop", "done"),
        ("billing", "nothing pending"),
    ]
    assert document["not_released"] == []


def test_an_error_hides_nothing_of_what_was_done_before(capfd: pytest.CaptureFixture[str]) -> None:
    releases = several(shop=runs.DONE, billing=Unreachable("no answer"))
    with pytest.raises(Unreachable):
        running.run(Request(), Printing(format_name="json"), releases)
    document = json.loads(capfd.readouterr().out)
    assert [item["name"] for item in document["databases"]] == ["shop"]
    assert document["not_released"] == ["billing"]
