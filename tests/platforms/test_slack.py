"""Messages in Slack: its limits, and what it answers; every word of them is in tests/golden."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.model.errors import UsageError
from gate.model.run_document import document, to_json
from gate.platforms.making import Around, made
from gate.platforms.secrets import Secrets
from gate.platforms.slack_message import message
from gate.policy.policy import HookSetting
from gate.run.hooking import Checked, Hook
from tests.golden import runs
from tests.platforms.receiver import Reply, left, receiving


def hook(environment: Mapping[str, str], **options: Any) -> Hook:
    around = Around(environment=environment, secrets=Secrets())
    return made(HookSetting(kind="slack", timeout_s=20.0, options={"url": "env:SLACK_URL", **options}), around)


def test_a_release_that_begins_has_no_end() -> None:
    told = message("on_begin", {**document(runs.DONE), "outcome": "running"})
    assert told["blocks"][0]["text"]["text"] == ":hourglass_flowing_sand: shop: release begins"
    assert "exit code" not in json.dumps(told)


def test_what_is_no_release_is_called_by_its_name() -> None:
    told = message("on_watch_failure", {"command": "watch", "database": "shop", "outcome": "failed", "problem": "503"})
    assert told["text"] == "shop: watch failed: 503"
    told = message("on_watch_failure", {"command": "watch", "release": "v42", "outcome": "failed"})
    assert told["text"] == "gate: watch of v42 failed"


# --- limits -----------------------------------------------------------------------------------------------------------


def texts(told: Mapping[str, Any]) -> list[str]:
    parts = [part for block in told["blocks"] for part in block.get("elements", [block.get("text")])]
    return [part["text"] for part in parts]


def check(told: Mapping[str, Any]) -> None:
    """As Slack does, or else it answers invalid_blocks."""
    head, *rest = texts(told)
    assert 0 < len(told["blocks"]) <= 50
    assert 0 < len(head) <= 150
    assert all(0 < len(text) <= 3000 for text in rest)
    for text in rest:
        assert "<" not in text
        assert ">" not in text
        assert text.count("&") == sum(map(text.count, ("&amp;", "&lt;", "&gt;")))


ODD = st.text(st.one_of(st.characters(), st.sampled_from("<>&`*_~!@#\n\u202e")), max_size=4000)


@settings(deadline=None, max_examples=60)
@given(text=ODD, number=st.integers(0, 60), name=st.sampled_from(sorted(runs.ALL)))
def test_whatever_stands_in_a_run_slack_takes_it(text: str, number: int, name: str) -> None:
    run = runs.ALL[name]
    other = replace(runs.IDLE, user=text, application=text, relation=text)
    unit = replace(runs.FAILED.units[2], sql=text, error=text, hint=text, path=text)
    run = replace(
        run, database=text, problem=text * 2, remedy=text, in_the_way=(other,) * number, units=(unit,) * number,
        migrations=(text,) * number,
    )  # fmt: skip
    check(message("on_failure", document(run)))


def test_no_mention_can_be_made_by_what_a_migration_says() -> None:
    told = message("on_failure", document(replace(runs.FAILED, problem="<!channel> & <@U1>")))
    assert "&lt;!channel&gt; &amp; &lt;@U1&gt;" in told["text"]
    assert "<!" not in json.dumps(told)


# --- what Slack answers -----------------------------------------------------------------------------------------------


def test_it_is_posted() -> None:
    with receiving(Reply(200, b"ok")) as server:
        told = hook({"SLACK_URL": f"{server.url}/services/T/B/X"}).call("on_failure", to_json(runs.FAILED), left(20))
    (got,) = server.got
    assert (told.name, told.problem, told.output) == ("slack env:SLACK_URL", "", "answered 200 ok")
    assert got.path == "/services/T/B/X"
    assert json.loads(got.body) == message("on_failure", document(runs.FAILED))


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply(404, b"no_service"), "answered 404: no_service (the webhook was taken away or switched off: make a new"),
        (Reply(400, b"invalid_payload"), "answered 400: invalid_payload (Slack does not understand the message"),
        (Reply(410, b"channel_is_archived"), "answered 410: channel_is_archived (its channel is archived"),
        (Reply(200, b"<html>sign in</html>"), "answered 200, and not as Slack does: <html>sign in</html>"),
        (Reply(429, b"rate_limited", {"Retry-After": "90"}), "answered 429: rate_limited, and asks to wait for 90 s"),
    ],
)
def test_its_answers_are_told_with_what_they_mean(reply: Reply, problem: str) -> None:
    with receiving(reply) as server:
        told = hook({"SLACK_URL": server.url}).call("on_failure", to_json(runs.FAILED), left(20))
    assert len(server.got) == 1
    assert told.problem.startswith(problem)


def test_it_waits_as_slack_asks_it_to() -> None:
    with receiving(Reply(429, b"rate_limited", {"Retry-After": "0"}), Reply(200, b"ok")) as server:
        assert hook({"SLACK_URL": server.url}).call("on_failure", to_json(runs.FAILED), left(20)).problem == ""
    assert len(server.got) == 2


@pytest.mark.parametrize("url", ["https://hooks.slack.com/services/T/B/hunter2", "http://10.0.0.1/x", None])
def test_its_address_never_stands_in_the_file(url: object) -> None:
    with pytest.raises(UsageError) as raised:
        hook({}, url=url)
    assert "hunter2" not in str(raised.value)


def test_a_missing_address_is_found_at_the_start() -> None:
    missing, there = hook({}), hook({"SLACK_URL": "https://hooks.slack.com/services/T/B/X"})
    assert isinstance(missing, Checked)
    assert isinstance(there, Checked)
    assert "the variable SLACK_URL is not set" in missing.check(left(1))
    assert there.check(left(1)) == ""
