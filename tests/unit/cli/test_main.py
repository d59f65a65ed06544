"""The command line without a database."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gate.cli.main import run
from gate.model.errors import Exit
from gate.model.version import VERSION
from gate.plan.known import all_rules
from gate.report.schema import plan_schema, run_schema

ROOT = Path(__file__).parents[3]
COMMANDS = (
    "plan",
    "release",
    "status",
    "kill",
    "wait",
    "watch",
    "snapshot",
    "baseline",
    "calibrate",
    "explain",
    "schema",
)


@pytest.fixture(autouse=True)
def _signals() -> object:
    """The command line sets handlers, as the owner of its process; tests share one."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def gate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gate", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_version_needs_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['gate', '--version']; from gate.__main__ import main; main();"
        "print(sorted({'typer', 'psycopg', 'postgast', 'httpx', 'pydantic', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"gate {VERSION}\n[]\n"


def test_a_help_text_needs_no_driver_and_no_parser() -> None:
    code = (
        "import sys; from gate.cli.main import run; run(['plan', '--help']);"
        "sys.exit(len({'psycopg', 'postgast', 'httpx', 'rich'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_help_lists_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == Exit.DONE
    text = capsys.readouterr().out
    assert all(re.search(rf"^  {command} +[A-Z]", text, re.MULTILINE) for command in COMMANDS)
    assert all(re.search(rf"^ +{code.value}  {re.escape(code.meaning)}$", text, re.MULTILINE) for code in Exit)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == Exit.DONE
    assert f"  gate {command}" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["doctor"])
def test_commands_of_later_releases_are_not_there(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command]) == Exit.USAGE
    assert "No such command" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["plan", "release"])
def test_a_framework_is_told_what_to_do_instead(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--", "python", "manage.py", "migrate"]) == Exit.USAGE
    assert f"gate {command} DIRECTORY" in capsys.readouterr().err


def test_an_unknown_format_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--format", "xml"]) == Exit.USAGE
    assert "json, " in capsys.readouterr().err


def test_schema_prints_the_schema_of_each_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "plan"]) == Exit.DONE
    assert capsys.readouterr().out == plan_schema()
    assert json.loads(plan_schema())["title"]
    assert run(["schema", "run"]) == Exit.DONE
    assert capsys.readouterr().out == run_schema()


def test_explain_knows_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    for rule in all_rules():
        assert run(["explain", rule.name]) == Exit.DONE
        assert rule.name in capsys.readouterr().out


def test_explain_offers_what_may_have_been_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "work-under-blocking-lock"]) == Exit.USAGE
    assert "did you mean works-under-blocking-lock?" in capsys.readouterr().err


def test_every_rule_that_the_code_names_can_be_explained() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "gate").rglob("*.py")]
    named = {name for text in sources for name in re.findall(r'\brule="([a-z-]+)"', text)}
    assert named <= {rule.name for rule in all_rules()}


def test_shell_completion_names_the_rules() -> None:
    done = gate(_GATE_COMPLETE="complete_bash", COMP_WORDS="gate explain works", COMP_CWORD="2")
    assert done.stdout.split() == ["works-under-blocking-lock"]


def test_no_database_is_usage(tmp_path: Path) -> None:
    done = gate("plan", str(tmp_path))
    assert done.returncode == Exit.USAGE
    assert "DATABASE_URL" in done.stderr or "migrations" in done.stderr


def test_a_bug_is_one_line_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(_text: str) -> str:
        raise RuntimeError("lost postgresql://u:secret@h/d")

    monkeypatch.setattr("gate.cli.main._run", broken)
    assert run(["plan"]) == Exit.INTERNAL
    error = capsys.readouterr().err
    assert "internal error: RuntimeError" in error
    assert "please report" in error
    assert "secret" not in error
    assert "Traceback" not in error
