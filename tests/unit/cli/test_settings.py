"""Where a setting comes from, and what happens to one that is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gate.app.mode import is_off
from gate.app.request import Request
from gate.app.settings import Settings, load
from gate.model.errors import UsageError
from gate.model.plan import Mode
from gate.policy.policy import Limits, Policy, Splits


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


# --- the policy, the mode, several databases --------------------------------------------------------------------------

SEVERAL = """
release_role = "deploy"
[databases.shop]
source = "shop"
url_variable = "SHOP_URL"
[databases.billing]
source = { directory = "billing", tool = "goose", allow-missing = true }
url_variable = "BILLING_URL"
release_role = "billing"
"""


def test_the_policy_is_part_of_them() -> None:
    Path("gate.toml").write_text('splits = "refuse"\n[limits]\nblocked_reads = "1s"')
    assert load(Request(), {}).policy == Policy(limits=Limits(blocked_reads_s=1), splits=Splits.REFUSE)


def test_the_policy_may_stand_in_pyproject() -> None:
    Path("pyproject.toml").write_text('[tool.gate.limits]\nblocked_reads = "1s"')
    assert load(Request(), {}).policy.limits.blocked_reads_s == 1


@pytest.mark.parametrize("written", ["observe", "Observe", " OBSERVE "])
def test_the_variable_goes_before_the_mode_of_the_file(written: str) -> None:
    Path("gate.toml").write_text('mode = "off"')
    assert load(Request(), {}).policy.mode is Mode.OFF
    assert load(Request(), {"GATE_MODE": written}).policy.mode is Mode.OBSERVE
    assert load(Request(), {"GATE_MODE": ""}).policy.mode is Mode.OFF


def test_an_unknown_mode_is_named_with_its_variable() -> None:
    with pytest.raises(UsageError, match=r"the environment: GATE_MODE: .*did you mean observe"):
        load(Request(), {"GATE_MODE": "obsrve"})


def test_several_databases_are_named_in_their_order() -> None:
    Path("gate.toml").write_text(SEVERAL)
    settings = load(Request(), {})
    assert settings.databases == (("shop", "SHOP_URL"), ("billing", "BILLING_URL"))
    assert (settings.database, settings.url_variable, settings.source) == (None, None, None)


def test_the_one_that_is_picked_goes_before_the_file() -> None:
    Path("gate.toml").write_text(SEVERAL)
    shop, billing = (load(Request(database=name), {}) for name in ("shop", "billing"))
    assert (shop.source, shop.tool, shop.release_role, shop.url_variable) == ("shop", None, "deploy", "SHOP_URL")
    assert (billing.source, billing.tool, billing.release_role) == ("billing", "goose", "billing")
    assert billing.options == {"is_out_of_order_allowed": True}


def test_one_that_is_not_there_is_named() -> None:
    Path("gate.toml").write_text(SEVERAL)
    with pytest.raises(UsageError, match="has no database shops") as caught:
        load(Request(database="shops"), {})
    assert caught.value.remedy == "--database takes one of: shop, billing"
    Path("gate.toml").unlink()
    with pytest.raises(UsageError, match=r"gate\.toml has no database shop"):
        load(Request(database="shop"), {})


def test_off_is_known_without_a_file() -> None:
    assert is_off({"GATE_MODE": "OFF "})
    assert not is_off({"GATE_MODE": "observe"})
    assert not is_off({})
