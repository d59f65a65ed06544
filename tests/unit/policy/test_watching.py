"""`[watch]` of gate.toml: what it says, and what it cannot mean."""

from __future__ import annotations

import tomllib

import pytest

from gate.model.errors import UsageError
from gate.policy.file import validated
from gate.policy.policy import DEFAULT, Health, HookSetting, Watch
from gate.policy.settling import policy_of


def watch(text: str) -> Watch:
    return policy_of(validated(tomllib.loads(text), "gate.toml"), "gate.toml", lambda: ()).watch


def test_without_a_table_there_are_the_defaults() -> None:
    assert watch("") == watch("[watch]") == DEFAULT.watch


def test_all_of_it() -> None:
    told = watch(
        '[watch]\nfor = "15min"\nevery = 10\nstart_after = "30s"\nfailures = 5\nrelease = "v42"\n'
        'command = ["bin/smoke", "-x"]\ncommand_timeout = "9s"\nblocked = "20s"\nblocked_sessions = 3\n'
        '[watch.health]\nurl = "https://shop.example/health"\nstatus = "200, 300-302"\ntimeout = "2s"\ntext = "ok"\n'
        '[[watch.on_failure]]\nhook = "heroku.rollback"\ntimeout = "5min"\nto = "v41"'
    )
    assert told == Watch(
        for_s=900,
        every_s=10,
        start_after_s=30,
        failures=5,
        release="v42",
        command=("bin/smoke", "-x"),
        command_timeout_s=9,
        blocked_s=20,
        blocked_sessions=3,
        health=Health(url="https://shop.example/health", statuses=((200, 200), (300, 302)), timeout_s=2, text="ok"),
        on_failure=(HookSetting(kind="heroku.rollback", timeout_s=300, options={"to": "v41"}),),
    )


@pytest.mark.parametrize("status", ["204", '"204"'])
def test_a_url_and_a_status_may_stand_alone(status: str) -> None:
    assert watch('[watch]\nhealth = "http://127.0.0.1/"').health == Health(url="http://127.0.0.1/")
    assert watch(f'[watch.health]\nurl = "env:HEALTH_URL"\nstatus = {status}').health == Health(
        url="env:HEALTH_URL", statuses=((204, 204),)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[watch]\nhealt = 1", "unknown key 'watch.healt', did you mean health?"),
        ('[watch.health]\nurl = "http://a"\nstatus = "600"', "is no HTTP status"),
        ('[watch.health]\nurl = "http://a"\nstatus = "399-200"', "is no HTTP status"),
        ('[watch.health]\nurl = "http://a"\nstatus = true', 'write the statuses as "200-399"'),
        ("[watch.health]\nstatus = 200", "watch.health.url is missing"),
        ('[watch]\nhealth = "shop.example"', "neither an http(s) URL, nor env:NAME"),
        ('[watch]\nhealth = "https://u:hunter2@shop.example"', "holds a user or a password"),
        ('[watch.health]\nurl = "http://a"\ntimeout = 0', "watch.health.timeout is 0"),
        ('[watch]\ncommand = "bin/smoke"', "write a list"),
        ("[watch]\ncommand = []", "watch.command names no program"),
        ('[watch]\ncommand = ["a"]\ncommand_timeout = 0', "no program could run in it"),
        ("[watch]\nfailures = 0", "watch.failures"),
        ("[watch]\nblocked_sessions = 0", "watch.blocked_sessions"),
        ("[watch]\nevery = 0", "watch.every is below 100 ms"),
        ('[watch]\nfor = "10s"', "too short for 3 samples in a row"),
        ('[watch]\nblocked = "1h"', "longer than the watch itself"),
        ("[watch]\non_failure = {}", "write [[watch.on_failure]]"),
        ("[[watch.on_failure]]\ntimeout = 1", "watch.on_failure.0 has neither command nor hook"),
        ('[[watch.on_failure]]\nhook = "webhook"\nrequired = true', "required is for on_begin"),
    ],
)
def test_what_it_cannot_mean(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        watch(text)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)
