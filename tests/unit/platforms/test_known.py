"""Platforms are recognised by what they put into the environment."""

from __future__ import annotations

import pytest

from gate.platforms.known import platform_of
from gate.platforms.preset import UNKNOWN

FLY = {"FLY_APP_NAME": "shop", "FLY_MACHINE_ID": "1781", "RELEASE_COMMAND": "1"}


@pytest.mark.parametrize(
    ("environment", "name", "minutes", "grace_s"),
    [
        ({"DYNO": "release.5129"}, "Heroku", 50, 20),
        ({"DYNO": "release-12a34b56d-e78f9"}, "Heroku", 50, 20),
        (FLY, "Fly.io", 4, 4),
        ({"FLY_APP_NAME": "shop"}, "Fly.io", 4, 4),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "Kubernetes", 10, 20),
        ({}, "unknown", 10, 20),
        ({"DYNO": "run.9157"}, "unknown", 10, 20),
        ({"DYNO": "releases.1"}, "unknown", 10, 20),
        ({"RELEASE_COMMAND": "1", "FLY_APP_NAME": ""}, "unknown", 10, 20),
    ],
)
def test_it_decides_what_time_there_is(environment: dict[str, str], name: str, minutes: int, grace_s: float) -> None:
    found = platform_of(environment)
    assert (found.name, found.budget_s, found.grace_s) == (name, minutes * 60, grace_s)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DYNO": "release.1"}, "heroku run:detached -- gate release --budget 8h"),
        (
            {"DYNO": "release.1", "HEROKU_APP_NAME": "shop"},
            "heroku run:detached --app shop -- gate release --budget 8h",
        ),
        (
            {**FLY, "FLY_IMAGE_REF": "registry.example.com/shop:deployment-01@sha256:ab"},
            (
                "fly machine run registry.example.com/shop:deployment-01@sha256:ab --app shop --restart no --rm "
                "--detach -- gate release --budget 8h"
            ),
        ),
        (
            {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
            (
                "gate release --budget 8h, in a Kubernetes Job of its own: same image and environment, "
                "no activeDeadlineSeconds below that"
            ),
        ),
        ({}, "gate release --budget 8h"),
    ],
)
def test_a_long_release_is_run_beside_the_deploy(environment: dict[str, str], said: str) -> None:
    assert platform_of(environment).detached() == said


def test_the_budget_is_the_one_that_is_needed() -> None:
    assert UNKNOWN.detached("20h") == "gate release --budget 20h"


def test_nothing_that_a_shell_would_take_for_more_than_a_name_gets_into_a_command() -> None:
    odd = {"DYNO": "release.1", "HEROKU_APP_NAME": "shop; rm -rf /"}
    assert platform_of(odd).detached() == "heroku run:detached -- gate release --budget 8h"
    assert "$(" not in platform_of({"FLY_APP_NAME": "$(x)", "FLY_IMAGE_REF": "a b"}).detached()
