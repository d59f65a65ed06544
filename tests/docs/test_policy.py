"""docs/policy.md is written by hand: its examples are loaded, its defaults compared, its keys counted."""

from __future__ import annotations

import re
import tomllib

import pytest

from gate.app.settings import PREFIX, VARIABLES, Settings
from gate.model.migration import Migration
from gate.plan.known import all_rules
from gate.platforms.known import platform_of
from gate.policy.allowing import allowances
from gate.policy.file import keys_at, validated
from gate.policy.journals import journal_path
from gate.policy.policy import DEFAULT, Policy
from gate.policy.settling import policy_of
from gate.sql.script import split_script
from tests.docs.pages import FOLDER

PAGE = (FOLDER / "policy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PLACES = [
    (),
    ("source",),
    ("limits",),
    ("rules", "x"),
    ("allowed_hours", 0),
    ("wait_for", 0),
    ("checks",),
    ("databases", "x"),
    ("release",),
    ("release", "throttle"),
    ("release", "kill", 0),
    ("release", "on_failure", 0),
    ("watch",),
    ("watch", "health"),
    ("watch", "on_failure", 0),
]
# What a release does not do unless told, and what the platform says.
WITHOUT_DEFAULT = {"on_begin", "grace", "replica_url", "kill", "on_failure", "on_refused", "on_success"}


def load(text: str) -> Policy:
    return policy_of(validated(tomllib.loads(text), "docs/policy.md"), "docs/policy.md", all_rules)


@pytest.mark.parametrize("text", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_is_taken(text: str) -> None:
    assert isinstance(load(text), Policy)


def test_the_defaults_are_the_defaults() -> None:
    (defaults,) = [text for text in BLOCKS if "mode = " in text]
    assert load(defaults) == DEFAULT
    assert set(tomllib.loads(defaults)["limits"]) == set(keys_at(("limits",)))
    assert set(tomllib.loads(defaults)["checks"]) == set(keys_at(("checks",)))
    release = tomllib.loads(defaults)["release"]
    assert set(release) == set(keys_at(("release",))) - WITHOUT_DEFAULT
    assert set(release["throttle"]) == set(keys_at(("release", "throttle")))
    journal = (Settings().journal_path, Settings().journal_schema)
    assert (journal_path(release["journal"]), release["journal_schema"]) == journal


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_every_key_is_described(place: tuple[int | str, ...]) -> None:
    assert [key for key in keys_at(place) if not re.search(rf"\b{re.escape(key)}\b", PAGE)] == []


@pytest.mark.parametrize(
    ("begins", "environment"),
    [
        ("| Heroku", {"DYNO": "release.1"}),
        ("| Fly.io", {"FLY_APP_NAME": "a"}),
        ("| Kubernetes", {"KUBERNETES_SERVICE_HOST": "a"}),
        ("| anything else", {}),
    ],
)
def test_a_platform_gives_what_is_told(begins: str, environment: dict[str, str]) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(begins)]
    found = platform_of(environment)
    assert row.endswith(f"| {found.budget_s / 60:g} min | {found.grace_s:g} s |")
    assert all(f"`{name}`" in row for name in environment)


def test_every_variable_is_named() -> None:
    assert [name for name in VARIABLES if f"`{PREFIX}{name.upper()}`" not in PAGE] == []


def test_the_comments_are_read_as_they_are_told() -> None:
    (text,) = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found = allowances(Migration(id="1", path=None, text=text, statements=split_script(text)))
    known = {rule.name for rule in all_rules()}
    assert [len(allows) for allows in found.statements] == [1, 1, 2]
    for allow in (allow for allows in found.statements for allow in allows):
        assert allow.rule in known
        assert allow.reason
        assert not allow.problem


def test_rules_that_cannot_be_weaker_are_named() -> None:
    assert [rule.name for rule in all_rules() if not rule.may_be_off and f"`{rule.name}`" not in PAGE] == ["rule-off"]
