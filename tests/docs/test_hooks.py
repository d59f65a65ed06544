"""docs/hooks.md and docs/metrics.md are written by hand: what they name is held against the code."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from gate.platforms import slack, webhook
from gate.platforms.making import kinds
from gate.platforms.traces import _of_run, _of_unit
from gate.policy.file import keys_at
from gate.policy.policy import HookSetting, Metrics
from gate.report.metrics import families
from gate.run.hooking_repeats import REPEAT_AFTER_S
from tests.docs.pages import FOLDER
from tests.golden import runs

HOOKS = (FOLDER / "hooks.md").read_text(encoding="utf-8")
METRICS = (FOLDER / "metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind != "command"])
def test_each_kind_has_its_row(kind: str) -> None:
    assert f'| `"{kind}"` |' in HOOKS


@pytest.mark.parametrize("options", [webhook._OPTIONS, slack._OPTIONS])
def test_each_option_is_described(options: tuple[str, ...]) -> None:
    for option in (*options, "timeout"):
        assert re.search(rf"^\|.*`{option}`", HOOKS, re.MULTILINE)


def test_the_defaults_of_hooks() -> None:
    assert (HookSetting().timeout_s, REPEAT_AFTER_S) == (30.0, 3600.0)
    assert '`"1h"` unless told' in HOOKS
    assert '`"30s"` unless told' in HOOKS
    assert f"**{webhook.MOST_BYTES // 1000} kB**" in HOOKS


def test_each_metric_has_its_row_and_no_other() -> None:
    table = [line for line in METRICS.splitlines() if line.startswith("| `gate_release_")]
    named = {name for line in table for name in re.findall(r"`(gate_release_\w+)`", line.split("|")[1])}
    assert named == {family.name for family in families(runs.DONE)}


def test_each_key_of_the_table() -> None:
    for key in keys_at(("metrics",)):
        assert f"`metrics.{key}`" in METRICS
    assert f"`job` is `{Metrics().job}` unless told" in METRICS


@pytest.mark.parametrize("told", [_of_run(runs.DONE), _of_unit(runs.FAILED, runs.FAILED.units[2])])
def test_each_attribute_of_a_span(told: Mapping[str, object]) -> None:
    missing = {name for name in told if f"`{name}`" not in METRICS}
    assert missing <= {"db.system", "gate.server.version", "gate.note"}
