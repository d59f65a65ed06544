"""Heroku: the release phase, and one-off dynos.

Source: https://devcenter.heroku.com/articles/release-phase (2024-12) and dyno-shutdown-behavior (2024-12): an hour that
cannot be extended; SIGTERM goes to every process of the dyno, perhaps more than once, and SIGKILL follows after 30 s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gate.platforms.preset import Limits, Place, Platform, Preset, word

_RELEASE_DYNO = re.compile(r"release[.-]")
_BUDGET_S = 50 * 60.0


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    """A one-off dyno has no release phase's limit, and is none that gate knows."""
    if not _RELEASE_DYNO.match(environment.get("DYNO", "")):
        return None
    app = word(environment, "HEROKU_APP_NAME")
    return Platform(
        key="heroku",
        name="Heroku",
        place=Place.BEFORE,
        place_name="release phase",
        budget_s=_BUDGET_S,
        apart=f"heroku run:detached {f'--app {app} ' if app else ''}-- ",
        app=app or None,
    )


PRESET = Preset(
    key="heroku",
    name="Heroku",
    order=10,
    recognise=_recognise,
    limits=Limits(
        hook="`release: gate release` in the Procfile",
        failure="the release is not deployed, the current one stays",
        ends_after="1 hour, cannot be extended",
        signals="SIGTERM to every process, perhaps several times; SIGKILL after 30 s",
        marks="`DYNO=release.N`",
        has_shell=True,
        notes="config changes, rollbacks and new add-ons run it too",
        source="devcenter.heroku.com/articles/release-phase",
    ),
)
