"""Heroku: the release phase, and one-off dynos.

Source: https://devcenter.heroku.com/articles/release-phase (2024-12) and dyno-shutdown-behavior (2024-12): an hour that
cannot be extended; SIGTERM goes to every process of the dyno, perhaps more than once, and SIGKILL follows after 30 s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gate.model.errors import UsageError
from gate.platforms.preset import File, Limits, Place, Platform, Preset, Wish, word

_RELEASE_DYNO = re.compile(r"release[.-]")
_BUDGET_S = 50 * 60.0
# The hour has to hold the dyno's start, and the time after the budget in which gate cleans up.
_LONGEST_S = 55 * 60.0
_THEN = """\
Next:
  commit the Procfile, and deploy; the log of the release phase begins with the verdict
  gate has to be on the dyno's path: `pip install deploy-gate` in a Python app, else its buildpack, before your own
  heroku releases:output          reads that log again
  heroku labs:enable runtime-dyno-metadata
                                  lets gate know the app's name, for hooks that ask the Platform API
  A review app runs the release phase on an empty database, and then scripts.postdeploy of its app.json: load the schema
  by migrations, seeds by postdeploy.\
"""


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
        restart=f"heroku ps:restart{f' --app {app}' if app else ''}",
    )


def _files(wish: Wish) -> tuple[File, ...]:
    """One line. The budget that gate takes in a release phase need not be said."""
    from gate.platforms.manifests import commands, procfile

    if wish.budget_s > _LONGEST_S:
        raise UsageError(
            f"--budget {commands.written(wish.budget_s)} is too long: Heroku ends a release phase after one hour",
            remedy="55min at most; longer work goes beside a deploy: heroku run:detached -- gate release --budget 8h",
        )
    words = commands.release(wish) if wish.budget_s == _BUDGET_S else commands.with_budget(wish)
    return (procfile.process("release", commands.line(words), then=_THEN),)


PRESET = Preset(
    key="heroku",
    name="Heroku",
    order=10,
    recognise=_recognise,
    files=_files,
    about="a line in the Procfile: the release phase",
    budget_s=_BUDGET_S,
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
