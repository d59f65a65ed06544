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
from gate.policy.policy import HookSetting, Limits, Policy, Release, Splits


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


# --- a release --------------------------------------------------------------------------------------------------------


def test_what_a_release_is_told_comes_from_the_line_the_variables_and_the_file() -> None:
    Path("gate.toml").write_text('budget = "1h"\n[release]\ngrace = "30s"\nlock_wait = "1min"\njournal_schema = "a"')
    policy = load(Request(), {}).policy
    assert (policy.budget_s, policy.release.grace_s, load(Request(), {}).journal_schema) == (3600, 30, "a")
    variables = {"GATE_BUDGET": "45min", "GATE_GRACE": "10s", "GATE_JOURNAL_SCHEMA": "b", "GATE_STALL": "100ms"}
    settings = load(Request(), variables)
    assert (settings.policy.budget_s, settings.journal_schema) == (2700, "b")
    assert settings.policy.release == Release(grace_s=10, stall_s=0.1, lock_wait_s=60)
    told = load(Request(budget_s=60, grace_s=4, journal_schema="c"), variables)
    assert (told.policy.budget_s, told.policy.release.grace_s, told.journal_schema) == (60, 4, "c")


def test_an_empty_variable_says_nothing_of_a_release() -> None:
    empty = dict.fromkeys(("GATE_BUDGET", "GATE_GRACE", "GATE_JOURNAL", "GATE_JOURNAL_SCHEMA", "GATE_REPLICA_URL"), " ")
    assert load(Request(), empty) == Settings()


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"GATE_BUDGET": "soon"}, "GATE_BUDGET: write a time such as"),
        ({"GATE_BUDGET": "0"}, "GATE_BUDGET is 0: no release could run"),
        ({"GATE_GRACE": "0"}, "GATE_GRACE is 0"),
        ({"GATE_STALL": "1h"}, "GATE_STALL is 3600 s, longer than GATE_LOCK_WAIT (300 s)"),
        ({"GATE_BUDGET": "1min", "GATE_RUNNER_WAIT": "2min"}, "GATE_RUNNER_WAIT is 120 s, longer than the budget"),
        ({"GATE_JOURNAL": "x"}, "GATE_JOURNAL: write database, or file:PATH"),
        ({"GATE_JOURNAL_SCHEMA": "pg_x"}, "GATE_JOURNAL_SCHEMA is pg_x"),
    ],
)
def test_a_wrong_variable_of_a_release_is_named(variables: dict[str, str], problem: str) -> None:
    with pytest.raises(UsageError, match="the environment: ") as caught:
        load(Request(), variables)
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (Request(budget_s=0), "--budget 0 leaves no time"),
        (Request(grace_s=-1), "--grace -1 leaves no time"),
        (Request(journal="x"), "--journal x: write database, or file:PATH"),
        (Request(journal_schema="pg_x"), "--journal-schema is pg_x"),
    ],
)
def test_a_wrong_option_of_a_release_is_named(request_: Request, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(request_, {})
    assert problem in caught.value.problem
    assert caught.value.remedy


def test_the_last_word_decides_where_the_journal_is() -> None:
    Path("gate.toml").write_text('[release]\njournal = "file:a"')
    assert load(Request(), {}).journal_path == "a"
    assert load(Request(), {"GATE_JOURNAL": "database"}).journal_path is None
    assert load(Request(journal="file:b"), {"GATE_JOURNAL": "database"}).journal_path == "b"
    assert load(Request(journal="database"), {}).journal_path is None


def test_hooks_can_be_left_out() -> None:
    Path("gate.toml").write_text('[[release.on_failure]]\ncommand = ["a"]')
    assert load(Request(), {}).policy.release.on_failure == (HookSetting(command=("a",)),)
    assert load(Request(calls_hooks=False), {}).policy.release == Release()


def test_a_standby_is_given_as_the_database_is() -> None:
    Path("gate.toml").write_text('[release]\nreplica_url = "env:FOLLOWER"')
    variables = {"GATE_REPLICA_URL": "postgres://u:secret@h/d"}
    assert load(Request(), {}).replica_url == "env:FOLLOWER"
    assert load(Request(), variables).replica_url == "env:GATE_REPLICA_URL"
    assert load(Request(replica_url="service=s"), variables).replica_url == "service=s"


def test_each_of_several_databases_has_its_own_standby() -> None:
    Path("gate.toml").write_text(SEVERAL + 'replica_url_variable = "BILLING_FOLLOWER"')
    variables = {"GATE_REPLICA_URL": "postgres://h/d"}
    assert load(Request(database="shop"), variables).replica_url is None
    assert load(Request(database="billing"), variables).replica_url == "env:BILLING_FOLLOWER"


def test_a_password_in_the_file_is_refused_and_not_repeated() -> None:
    Path("gate.toml").write_text('[release]\nreplica_url = "postgres://u:secret@h/d"')
    with pytest.raises(UsageError, match=r"gate\.toml: release\.replica_url holds a password") as caught:
        load(Request(), {})
    assert "secret" not in caught.value.problem + caught.value.remedy
