"""Which platform a release runs on, what time it gives, and how a release that takes longer is run beside a deploy.

Source: the environments that Heroku, Fly.io and Kubernetes give a process, and the limits that they document: an hour
for Heroku's release phase, five minutes and then five seconds for Fly.io's release_command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_GRACE_S = 20.0
LONG_BUDGET = "8h"
_MINUTE_S = 60.0
_RELEASE_DYNO = re.compile(r"release[.-]")
# What a shell takes as one word; anything else in a variable is left out of a command that is to be pasted.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Platform:
    """`name` is for people. `budget_s` and `grace_s` hold where nothing else is told.

    `apart` is the command line before `gate release` where that is run beside a deploy, `around` what else to know.
    """

    name: str
    budget_s: float = 10 * _MINUTE_S
    grace_s: float = DEFAULT_GRACE_S
    apart: str = ""
    around: str = ""

    def detached(self, budget: str = LONG_BUDGET) -> str:
        """How to run a release that takes longer than a deploy may, in words that can be pasted."""
        return f"{self.apart}gate release --budget {budget}{self.around}"


UNKNOWN = Platform(name="unknown")


def platform_of(environment: Mapping[str, str]) -> Platform:
    """By what the environment names; a one-off dyno has no release phase's limit, and is unknown."""
    if _RELEASE_DYNO.match(environment.get("DYNO", "")):
        return _heroku(environment)
    if environment.get("FLY_APP_NAME") or environment.get("FLY_MACHINE_ID"):
        return _fly(environment)
    if environment.get("KUBERNETES_SERVICE_HOST"):
        around = ", in a Kubernetes Job of its own: same image and environment, no activeDeadlineSeconds below that"
        return Platform(name="Kubernetes", around=around)
    return UNKNOWN


def _heroku(environment: Mapping[str, str]) -> Platform:
    app = _word(environment, "HEROKU_APP_NAME")
    return Platform(
        name="Heroku",
        budget_s=50 * _MINUTE_S,
        apart=f"heroku run:detached {f'--app {app} ' if app else ''}-- ",
    )


def _fly(environment: Mapping[str, str]) -> Platform:
    app = _word(environment, "FLY_APP_NAME") or "APP"
    image = _word(environment, "FLY_IMAGE_REF") or "IMAGE"
    return Platform(
        name="Fly.io",
        budget_s=4 * _MINUTE_S,
        grace_s=4.0,
        apart=f"fly machine run {image} --app {app} --restart no --rm --detach -- ",
    )


def _word(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    return value if _WORD.fullmatch(value) else ""
