"""docs/watch.md is written by hand: its examples are loaded, its numbers and names held against the code."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from gate.app.wait import TIMEOUT_S
from gate.model.errors import Exit
from gate.model.run import Outcome
from gate.model.units import lasting
from gate.policy.file import validated
from gate.policy.policy import Watch
from gate.policy.settling import policy_of
from gate.run.arriving import FAILED_JOB_STANDS_S, TELL_EVERY_S, Arrival, Look, Waited, wait_document
from gate.run.holding import Progress, Watched, watch_document
from tests.docs.pages import FOLDER

PAGE = (FOLDER / "watch.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())
USUAL = Watch()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_settings_are_taken() -> None:
    (text,) = blocks("toml")
    watch = policy_of(validated(tomllib.loads(text), "docs/watch.md"), "docs/watch.md", lambda: ()).watch
    assert watch.on_failure[0].kind == "heroku.rollback"


def test_the_rules_and_the_container_are_yaml() -> None:
    rules, containers = map(yaml.safe_load, blocks("yaml"))
    assert rules["rules"][0]["verbs"] == ["get", "list"]
    assert containers["initContainers"][0]["command"][:3] == ["gate", "wait", "--schema-at-least"]


@pytest.mark.parametrize(
    "said",
    [
        f"After `--timeout` ({lasting(TIMEOUT_S)} unless told",
        f"at once and then every {lasting(TELL_EVERY_S)}",
        f"once that has stood for {lasting(FAILED_JOB_STANDS_S)}",
        f"Each sample, every {lasting(USUAL.every_s)}",
        "**Three bad samples in a row** (`failures`)",
    ],
)
def test_the_numbers_are_those_of_the_code(said: str) -> None:
    assert said in WORDS
    assert USUAL.failures == 3


def test_each_exit_code_of_a_watch_is_in_the_table() -> None:
    rows = [int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    ends = (Outcome.DONE, Outcome.STOPPED, Outcome.NEEDS_PERSON, Outcome.FAILED, Outcome.UNREACHABLE)
    assert rows == sorted({Exit.USAGE, *(outcome.exit for outcome in ends)})


def test_the_keys_of_the_documents_are_named() -> None:
    watched = Watched(
        run="1",
        gate="0",
        release="v42",
        where="here",
        database="",
        started_at="",
        seconds=1.0,
        outcome=Outcome.DONE,
        progress=Progress(began_s=0.0),
    )
    described = set(re.findall(r"`([a-z_]+)`", PAGE.partition("prints the document")[2]))
    shared = {"migrations", "left", "started_at", "seconds"}
    assert set(watch_document(watched)) - described == shared
    waited = Waited(
        run="wait-1",
        gate="0",
        database="",
        wanted="1",
        source="dbmate",
        started_at="",
        seconds=1.0,
        arrival=Arrival.ARRIVED,
        look=Look(at_s=0.0),
    )
    assert {"run", "dedupe", "command", *shared} <= set(wait_document(waited))
