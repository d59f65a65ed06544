"""The webhook against real servers of this machine: what arrives, what is tried again, and what is said of it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gate.model.errors import UsageError
from gate.model.repeats import dedupe_of
from gate.model.run import HookRun
from gate.model.run_document import document, to_json
from gate.model.version import VERSION
from gate.platforms.making import Around, made
from gate.platforms.secrets import Secrets
from gate.platforms.webhook import MOST_BYTES, body_of, signature
from gate.policy.policy import HookSetting
from gate.run.hooking import Checked, Hook, Left
from gate.run.hooking_repeats import TellsPeople, is_repeat, quieted
from tests.golden import runs
from tests.platforms.receiver import Reply, left, receiving

SECRET = "a-key-that-only-two-know"
ROOT = Path(__file__).parents[2]


def hook(environment: Mapping[str, str], *, timeout_s: float = 20.0, **options: Any) -> Hook:
    around = Around(environment=environment, secrets=Secrets())
    return made(HookSetting(kind="webhook", timeout_s=timeout_s, options={"url": "env:HOOK", **options}), around)


def call(called: Hook, run: str = "", event: str = "on_refused", within: Left | None = None) -> HookRun:
    return called.call(event, run or to_json(runs.REFUSED), within or left(20))


def test_what_arrives() -> None:
    with receiving() as server:
        told = call(
            hook({"HOOK": f"{server.url}/in?team=db", "KEY": SECRET, "T": "Bearer abc"}, secret="env:KEY",
                 headers={"Authorization": "env:T", "X-Team": "db"}), to_json(runs.NO_BUDGET)
        )  # fmt: skip
    (got,) = server.got
    assert (told.problem, told.output, told.event) == ("", "answered 200 ok", "on_refused")
    assert (got.method, got.path) == ("POST", "/in?team=db")
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == f"gate/{VERSION}"
    assert (got.headers["authorization"], got.headers["x-team"]) == ("Bearer abc", "db")
    assert got.headers["x-gate-event"] == "on_refused"
    assert got.headers["idempotency-key"] == f"gate-{runs.NO_BUDGET.id}-on_refused"
    assert got.headers["x-gate-signature"] == signature(SECRET, got.headers["x-gate-timestamp"], got.body)
    assert json.loads(got.body) == {"event": "on_refused", **document(runs.NO_BUDGET)}


def test_without_a_secret_nothing_is_signed() -> None:
    with receiving() as server:
        call(hook({"HOOK": server.url}))
    assert "x-gate-signature" not in server.got[0].headers
    assert "x-gate-timestamp" in server.got[0].headers


def test_the_check_of_the_docs_accepts_it_and_no_other(tmp_path: Path) -> None:
    """The code stands in docs/hooks.md, and is run as it stands there."""
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs/hooks.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    with receiving() as server:
        call(hook({"HOOK": server.url, "KEY": SECRET}, secret="env:KEY"))
    (got,) = server.got
    late = str(int(got.headers["x-gate-timestamp"]) - 3600)
    cases = [
        (got.headers, got.body, SECRET, True),
        (got.headers, got.body + b" ", SECRET, False),
        (got.headers, got.body, "another", False),
        ({**got.headers, "x-gate-timestamp": late}, got.body, SECRET, False),
        ({**got.headers, "x-gate-timestamp": late, "x-gate-signature": signature(SECRET, late, got.body)},
         got.body, SECRET, False),
        ({}, got.body, SECRET, False),
    ]  # fmt: skip
    program = tmp_path / "verify.py"
    asks = f"\nfor headers, body, secret, _ in {cases!r}:\n    print(is_from_gate(secret, headers, body))\n"
    program.write_text(code + asks, encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(case[3]) for case in cases]


# --- what is tried again ----------------------------------------------------------------------------------------------

AT_ONCE = {"Retry-After": "0"}


@pytest.mark.parametrize(
    "first", [Reply(503, b"busy", AT_ONCE), Reply(500, b"", AT_ONCE), Reply(429, b"slow", AT_ONCE), Reply(is_cut=True)]
)
def test_it_is_tried_again_with_the_same_key(first: Reply) -> None:
    with receiving(first, Reply()) as server:
        told = call(hook({"HOOK": server.url}, timeout_s=60), within=left(60))
    one, two = server.got
    assert (told.problem, told.output) == ("", "answered 200 ok at try 2")
    assert one.headers["idempotency-key"] == two.headers["idempotency-key"]
    assert one.body == two.body


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_who_says_no_is_not_asked_again(status: int) -> None:
    with receiving(Reply(status, b"\n  not for you \nmore")) as server:
        told = call(hook({"HOOK": server.url}))
    assert len(server.got) == 1
    assert told.problem == f"answered {status}: not for you"


def test_who_asks_to_wait_for_longer_than_there_is_time_is_not_asked_again() -> None:
    with receiving(Reply(429, b"slow down", {"Retry-After": "3600"})) as server:
        told = call(hook({"HOOK": server.url}))
    assert len(server.got) == 1
    assert told.problem == "answered 429: slow down, and asks to wait for 60 min"


def test_a_date_is_understood_too() -> None:
    with receiving(Reply(503, b"", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), Reply()) as server:
        assert call(hook({"HOOK": server.url})).problem == ""
    assert len(server.got) == 2


def test_nobody_listens() -> None:
    # The port is kept: one that is given back may be another server's a moment later.
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        told = call(hook({"HOOK": f"http://127.0.0.1:{deaf.getsockname()[1]}"}, timeout_s=0.9))
    assert told.problem.startswith("cannot be reached: ")
    assert "refused" in told.problem


def test_who_never_answers_is_left_in_time() -> None:
    with receiving(Reply(lasts_s=60)) as server:
        told = call(hook({"HOOK": server.url}), within=left(0.4))
    assert told.problem.startswith("no answer within ")
    assert told.seconds < 5


def test_a_signal_that_comes_while_it_waits_ends_it() -> None:
    def rest_s() -> float:
        return -1.0 if server.got else 20.0

    with receiving(Reply(503, b"busy", {"Retry-After": "5"})) as server:
        told = call(hook({"HOOK": server.url}), within=rest_s)
    assert len(server.got) == 1
    assert told.problem
    assert "out of range" not in told.problem


# --- where it may go --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "is_followed"), [(307, True), (308, True), (301, False), (302, False), (303, False)]
)
def test_a_redirect_on_the_same_host(status: int, *, is_followed: bool) -> None:
    with receiving(Reply(status, b"", {"Location": "/there"}), Reply()) as server:
        told = call(hook({"HOOK": server.url}))
    assert [request.path for request in server.got] == (["/", "/there"] if is_followed else ["/"])
    assert bool(told.problem) is not is_followed


def test_no_redirect_leads_to_another_host() -> None:
    with receiving() as other, receiving(Reply(307, b"", {"Location": f"{other.url}/steal?token=x"})) as server:
        told = call(hook({"HOOK": server.url}))
    assert other.got == []
    assert told.problem == (
        "answered 307, a redirect to 127.0.0.1, which is not followed: name the address that answers"
    )


def test_a_circle_of_redirects_ends() -> None:
    with receiving(Reply(307, b"", {"Location": "/"})) as server:
        assert "redirect" in call(hook({"HOOK": server.url})).problem
    assert len(server.got) == 4


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_an_answer_that_repeats_the_address_is_masked() -> None:
    with receiving(Reply(404, b"no POST /services/T0AAAAAAA/B0BBBBBBB/hunter2hunter2, key a-key-that-only-two-know")) as server:  # noqa: E501  # fmt: skip
        url = f"{server.url}/services/T0AAAAAAA/B0BBBBBBB/hunter2hunter2"
        told = call(hook({"HOOK": url, "KEY": SECRET}, secret="env:KEY"))
    assert told.problem == "answered 404: no POST ***, key ***"


def test_a_secret_in_the_document_is_not_sent() -> None:
    leaks = replace(runs.FAILED, problem=f"the server said {SECRET}")
    with receiving() as server:
        call(hook({"HOOK": server.url, "KEY": SECRET}, secret="env:KEY"), to_json(leaks), "on_failure")
    assert SECRET.encode() not in server.got[0].body


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@example.com/in",
        "https://example.com/in?token=hunter2",
        "https://example.com/in?x=0f8fad5bd9cb469fa165",
        "https://example.com/0f8fad5b-d9cb-469f-a165-70867728950e",
        "https://hooks.slack.com/services/a/b/c",
        "https://discord.com/api/webhooks/1/c",
        "ftp://example.com/",
        "example.com/in",
        "https://[::1/in",
        "",
        7,
    ],
)
def test_an_address_that_is_a_secret_may_not_stand_in_the_file(url: object) -> None:
    with pytest.raises(UsageError) as raised:
        hook({}, url=url)
    assert "env:NAME" in raised.value.remedy
    assert "hunter2" not in f"{raised.value}{raised.value.remedy}"


@pytest.mark.parametrize(
    "url",
    [
        "https://deploys.example.com/gate",
        "http://10.0.0.7:8080/deploy-events-2026?team=payments",
        "https://[::1]:8443/",
    ],
)
def test_a_plain_address_may(url: str) -> None:
    assert hook({}, url=url).longest_s == 20.0


@pytest.mark.parametrize(
    "options",
    [
        {"secret": "hunter2"},
        {"headers": {"Authorization": "Bearer hunter2"}},
        {"headers": {"Idempotency-Key": "1"}},
        {"headers": "x"},
        {"headers": {"X-Team": 7}},
        {"channel": "#deploys"},
        {"repeat_after": "often"},
    ],
)
def test_options_that_cannot_be_meant(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as raised:
        hook({"HOOK": "https://example.com"}, **options)
    assert raised.value.remedy
    assert "hunter2" not in f"{raised.value}{raised.value.remedy}"


def test_what_is_missing_is_found_at_the_start_and_nothing_is_sent() -> None:
    with receiving() as server:
        there = hook({"HOOK": server.url, "KEY": SECRET}, secret="env:KEY")
        assert isinstance(there, Checked)
        assert there.check(left(1)) == ""
    assert server.got == []
    for environment, word in (({}, "HOOK is not set"), ({"HOOK": "hunter2"}, "no http(s) URL"),
                              ({"HOOK": server.url}, "KEY is not set")):  # fmt: skip
        missing = hook(environment, secret="env:KEY")
        assert isinstance(missing, Checked)
        assert word in missing.check(left(1))
        assert "hunter2" not in missing.check(left(1))


def test_a_header_that_would_begin_another_one() -> None:
    broken = hook({"HOOK": "https://example.com", "T": "a\r\nX-Evil: 1"}, headers={"X-A": "env:T"})
    assert isinstance(broken, Checked)
    assert "is no header" in broken.check(left(1))


# --- what is too long -------------------------------------------------------------------------------------------------


def test_what_is_too_long_goes_without_its_plan_first() -> None:
    told = document(runs.FAILED)
    whole = body_of(told, 10**9)
    less = json.loads(body_of(told, len(whole) - 1))
    assert (less["plan"], less["trimmed"]) == (None, ["plan"])
    assert less["units"] == json.loads(whole)["units"]


def test_however_long_it_is_it_fits() -> None:
    unit = replace(runs.COLUMN, sql="x" * 40_000, in_the_way=())
    long = document(replace(runs.FAILED, units=(unit,) * 3000, notes=("n" * 5000,) * 100))
    body = body_of(long)
    assert len(body) <= MOST_BYTES
    told = json.loads(body)
    assert told["trimmed"] == ["notes", "plan", "texts", "units"]
    assert (told["run"], told["outcome"]) == (runs.FAILED.id, "failed")


# --- the same refusal again -------------------------------------------------------------------------------------------


def ended(run: str, at: str, *, by: str = "webhook env:HOOK", problem: str = "", **more: Any) -> dict[str, Any]:
    """A refusal as the journal keeps it."""
    called = HookRun(event="on_refused", name=by, seconds=0.1, problem=problem)
    told = document(replace(runs.REFUSED, id=run, started_at=at, hooks=(called,), **more))
    return {key: value for key, value in told.items() if key != "plan"}


NOW = ended("now", "2026-01-02T03:30:00Z")
BEFORE = ended("before", "2026-01-02T03:00:00Z")


def repeats(*earlier: dict[str, Any], now: dict[str, Any] = NOW, within_s: float = 3600) -> str:
    return is_repeat(now, earlier, within_s, event="on_refused", name="webhook env:HOOK")


def test_the_same_refusal_is_a_repeat() -> None:
    assert repeats(NOW, {}, BEFORE) == "30 min ago, of run before"


@pytest.mark.parametrize(
    "before",
    [
        ended("before", "2026-01-02T02:00:00Z"),
        ended("before", "2026-01-02T03:00:00Z", problem="answered 500"),
        ended("before", "2026-01-02T03:00:00Z", by="slack env:HOOK"),
        {**BEFORE, "dedupe": "0" * 32},
        {**BEFORE, "started_at": None},
    ],
    ids=["long ago", "it failed then", "another hook", "another refusal", "no time"],
)
def test_anything_else_is_news(before: dict[str, Any]) -> None:
    assert repeats(before) == ""


def test_what_went_well_in_between_makes_it_news() -> None:
    well = {**document(replace(runs.DONE, id="well", started_at="2026-01-02T03:10:00Z")), "plan": None}
    assert repeats(well, BEFORE) == ""


def test_other_databases_of_one_journal_are_no_news() -> None:
    assert repeats({**ended("other", "2026-01-02T03:20:00Z"), "database": "billing"}, BEFORE) != ""


def test_only_a_refusal_is_a_repeat() -> None:
    failed = {**NOW, "outcome": "failed"}
    assert repeats({**failed, "run": "before"}, now=failed) == ""


def test_silence_is_no_telling_and_the_hour_is_counted_from_the_message() -> None:
    silent = ended("silent", "2026-01-02T03:20:00Z")
    (stand_in,) = quieted([hook({"HOOK": "https://example.com"})], "on_refused", json.dumps(NOW), lambda: [BEFORE])
    told = stand_in.call("on_refused", "{}", left(1))
    assert told.output == "not told again: this same refusal was told 30 min ago, of run before"
    silent["hooks"] = [{"event": told.event, "name": told.name, "problem": None, "output": told.output}]
    assert repeats(silent, BEFORE) == "30 min ago, of run before"
    assert repeats(silent, BEFORE, within_s=1500) == ""


def test_who_wants_to_be_told_each_time_is() -> None:
    always = hook({"HOOK": "https://example.com"}, repeat_after=0)
    assert isinstance(always, TellsPeople)
    assert quieted([always], "on_refused", json.dumps(NOW), lambda: [BEFORE]) == (always,)


def test_a_command_is_called_each_time() -> None:
    command = made(HookSetting(command=("true",)), Around(environment={}))
    assert quieted([command], "on_refused", json.dumps(NOW), lambda: [BEFORE]) == (command,)


def test_times_and_pids_are_no_other_reason() -> None:
    def key(problem: str) -> str:
        return dedupe_of({"database": "shop", "outcome": "refused", "problem": problem})

    assert key("takes up to 3 h, and 42 min are left") == key("takes up to 2.9 h, and 41 min are left")
    assert key("pid 17 is at work") == key("pid 18 is at work")
    assert key("20260101 is missing") != key("20260102 is missing")
