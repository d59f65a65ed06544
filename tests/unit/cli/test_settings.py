"""Where a setting comes from, and what happens to one that is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gate.app.request import Request
from gate.app.settings import Settings, load
from gate.model.errors import UsageError


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_file_there_are_the_defaults() -> None:
    assert load(Request(), {}) == Settings()


def test_gate_toml_is_read() -> None:
    Path("gate.toml").write_text(
        'release_role = "deploy"\nsample = 2.5\n'
        '[source]\ndirectory = "sql"\ntool = "goose"\ntable = "t"\nschema = "s"\nallow-missing = true\n',
    )
    assert load(Request(), {}) == Settings(
        source="sql",
        tool="goose",
        release_role="deploy",
        sample=2.5,
        bookkeeping_table="t",
        bookkeeping_schema="s",
        options={"is_out_of_order_allowed": True},
    )


def test_source_may_be_the_directory_alone() -> None:
    Path("gate.toml").write_text('source = "db/migrations"')
    assert load(Request(), {}).source == "db/migrations"


def test_pyproject_is_read_where_there_is_no_gate_toml() -> None:
    Path("pyproject.toml").write_text('[project]\nname = "x"\n[tool.gate]\nsource = "a"')
    assert load(Request(), {}).source == "a"
    Path("gate.toml").write_text('source = "b"')
    assert load(Request(), {}).source == "b"


def test_the_command_line_wins_over_variables_over_the_file() -> None:
    Path("gate.toml").write_text('source = "file"\nrelease_role = "file"\nsearch_path = "file"')
    variables = {"GATE_SOURCE": "variable", "GATE_RELEASE_ROLE": "variable", "GATE_SAMPLE": "0"}
    settings = load(Request(source="told"), variables)
    assert settings == Settings(source="told", release_role="variable", search_path="file", sample=0)


def test_a_variable_of_another_name_is_not_ours() -> None:
    assert load(Request(), {"GATE_DATABASE_URL": "x", "GATE_KEEPER": "y"}) == Settings()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('sauce = "x"', "gate.toml: unknown key 'sauce'"),
        ('[source]\nplace = "x"', "gate.toml: unknown key 'source.place'"),
        ('sample = "often"', "gate.toml: sample: input should be a valid number"),
        ('[source]\ntool = "rails"', "source.tool: input should be 'dbmate'"),
        ("source = [", "gate.toml is not TOML"),
        ('pooler = "transaction"', "pooler: input should be 'session'"),
    ],
)
def test_what_is_wrong_is_named(text: str, problem: str) -> None:
    Path("gate.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load(Request(), {})
    assert problem in caught.value.problem
    assert caught.value.remedy


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(UsageError, match="the environment: GATE_SAMPLE"):
        load(Request(), {"GATE_SAMPLE": "often"})


@pytest.mark.parametrize("sample_s", [0.5, -1, 61, float("nan")])
def test_a_sample_that_cannot_show_anything_is_refused(sample_s: float) -> None:
    with pytest.raises(UsageError, match="--sample"):
        load(Request(sample_s=sample_s), {})


def test_a_named_file_must_be_there() -> None:
    with pytest.raises(UsageError, match=r"cannot read else\.toml"):
        load(Request(config="else.toml"), {})


def test_pydantic_is_not_imported_without_a_file() -> None:
    code = (
        "import sys; from gate.app.settings import load; from gate.app.request import Request;"
        "load(Request(), {}); sys.exit('pydantic' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(root)}, check=False).returncode == 0
