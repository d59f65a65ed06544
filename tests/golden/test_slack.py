"""Every word of a message in Slack."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gate.model.run import Outcome
from gate.model.run_document import document
from gate.platforms.slack_message import message
from tests.golden import runs

EVENTS = {Outcome.DONE: "on_success", Outcome.REFUSED: "on_refused"}


@pytest.mark.parametrize("name", ["run-done", "run-refused", "run-lock", "run-failed", "run-person", "run-unreachable"])
def test_every_word(name: str, golden: Callable[[str, str], None]) -> None:
    run = runs.ALL[name]
    told = message(EVENTS.get(run.outcome, "on_failure"), document(run))
    golden(f"slack-{name}.json", json.dumps(told, indent=2, ensure_ascii=False) + "\n")
