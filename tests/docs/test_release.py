"""docs/release.md is written by hand: what it says in numbers, names and examples is held against the code."""

from __future__ import annotations

import json
import re

import pytest

from gate.cli.live import PREFIX, PROGRESS_EVERY_S
from gate.model.errors import Exit
from gate.model.units import lasting
from gate.platforms.known import platform_of
from gate.platforms.preset import Platform
from gate.policy.policy import Release
from gate.report.run.prose.events import lines
from gate.run.deadlines import LONGEST_RESERVE
from gate.run.draining import DRAIN_S
from gate.run.guarding import FAST_S
from gate.run.limits import dead_man
from gate.run.site import TELL_EVERY_S
from tests.docs.pages import FOLDER
from tests.golden import runs

PAGE = (FOLDER / "release.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())
POLICY = (FOLDER / "policy.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize(
    "environment",
    [{"DYNO": "release.1234"}, {"FLY_APP_NAME": "shop"}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, {}],
    ids=["heroku", "fly", "kubernetes", "elsewhere"],
)
def test_the_budget_of_each_platform(environment: dict[str, str]) -> None:
    platform: Platform = platform_of(environment)
    named = next(iter(environment), "anything else")
    row = next(line for line in section("Time").splitlines() if line.startswith("| ") and named in line)
    assert row.endswith(f"| {lasting(platform.budget_s)} | {lasting(platform.grace_s)} |")
    assert row in POLICY


def test_the_command_for_long_work_is_the_one_that_a_refusal_prints() -> None:
    assert platform_of({"DYNO": "release.1"}).detached() in section("Time")


def test_the_defaults() -> None:
    release = Release()
    assert f"`release.stall` ({lasting(release.stall_s).replace('0.2 s', '200 ms')})" in WORDS
    assert f"`release.lock_wait` ({lasting(release.lock_wait_s)})" in WORDS
    assert (release.runner_wait_s, LONGEST_RESERVE) == (60, 0.25)
    assert f"looks {1 / FAST_S:.0f} times a second" in WORDS
    assert f"every {TELL_EVERY_S:.0f} s" in WORDS
    assert f"a line every {PROGRESS_EVERY_S:.0f} s" in WORDS
    assert f"within {DRAIN_S:.0f} s is named" in WORDS
    assert {"client_connection_check_interval"} <= {name for name, _ in dead_man(18)}


def test_the_line_of_the_log_is_one_that_is_written() -> None:
    (line,) = lines(runs.EVENTS["waiting for ten seconds"])
    assert f"{PREFIX}{line.text}" in WORDS


def test_every_exit_code_is_explained_but_that_of_a_bug() -> None:
    named = [int(code) for code in re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)]
    assert named == [code.value for code in Exit if code is not Exit.INTERNAL]
    (retried,) = re.findall(r"makes sense for ([\d, and]+),", WORDS)
    (failed,) = re.findall(r"values: (\[.*?\])", PAGE)
    again = {int(code) for code in re.findall(r"\d+", retried)}
    assert again == {code.value for code in Exit if "retry" in code.meaning or code in (21, 30)}
    assert set(json.loads(failed)) == {code.value for code in Exit} - again - {Exit.DONE.value}


def test_every_setting_that_is_named_is_one() -> None:
    for name in re.findall(r"`(release\.[a-z_.]+)", PAGE):
        assert f"`{name}`" in POLICY, name


def test_every_link_within_the_pages_leads_somewhere() -> None:
    for page, anchor in re.findall(r"\]\((\w[\w-]*\.md)(?:#([\w-]+))?\)", PAGE):
        text = (FOLDER / page).read_text(encoding="utf-8")
        headings = [re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in text.splitlines()]
        assert not anchor or anchor in headings, (page, anchor)
