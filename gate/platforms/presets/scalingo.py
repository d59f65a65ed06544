"""Scalingo: the postdeploy hook.

Source: https://doc.scalingo.com/platform/app/postdeploy-hook: 20 minutes, then the container is stopped; it runs after
the new containers have started and before requests go to them.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import File, Limits, Place, Platform, Preset, Wish, word

_LIMIT_S = 20 * 60.0
_BUDGET_S = 15 * 60.0
_THEN = """\
Next:
  commit the Procfile, and deploy
  when it runs the new containers have started already, on the schema as it was: the new code has to start on that one\
"""


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    """APP and CONTAINER are words that anybody may use: they tell more, and mark nothing."""
    if not environment.get("SCALINGO_APPLICATION_ID"):
        return None
    app = word(environment, "APP")
    is_hook = environment.get("CONTAINER", "").startswith("postdeploy-")
    return Platform(
        key="scalingo",
        name="Scalingo",
        place=Place.BEFORE if is_hook else Place.UNKNOWN,
        place_name="postdeploy hook" if is_hook else "container",
        budget_s=_BUDGET_S,
        apart=f"scalingo --app {app or 'APP'} run --detached ",
        app=app or None,
    )


def _files(wish: Wish) -> tuple[File, ...]:
    from gate.platforms.manifests import commands, procfile
    from gate.platforms.manifests.around import within

    within(wish, "Scalingo", _LIMIT_S)
    return (procfile.process("postdeploy", commands.line(commands.with_budget(wish)), then=_THEN),)


PRESET = Preset(
    key="scalingo",
    name="Scalingo",
    order=20,
    recognise=_recognise,
    files=_files,
    about="a line in the Procfile: the postdeploy hook",
    budget_s=_BUDGET_S,
    limits=Limits(
        hook="`postdeploy: gate release` in the Procfile",
        failure="status `hook-error`, the version before stays",
        ends_after="20 minutes, then status -128",
        signals="SIGTERM; SIGKILL after 30 s",
        marks="`SCALINGO_APPLICATION_ID`; `CONTAINER=postdeploy-N` in the hook",
        has_shell=None,
        notes="**the new code has started already, on the old schema**",
        source="doc.scalingo.com/platform/app/postdeploy-hook",
    ),
)
