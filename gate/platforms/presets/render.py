"""Render: the pre-deploy command of a service.

Source: https://render.com/docs/deploys and /docs/environment-variables: RENDER=true in every process, which does not
tell a pre-deploy command from the service itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import File, Limits, Platform, Preset, Wish, word

_THEN = """\
Next:
  put its line into a service of render.yaml, and remove it
  of the services that share the database only one should have it\
"""


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    if environment.get("RENDER") != "true":
        return None
    return Platform(
        key="render",
        name="Render",
        place_name="pre-deploy command or service",
        around=", as a one-off job of this service (in Render's API: Create job)",
        app=word(environment, "RENDER_SERVICE_NAME") or None,
    )


def _files(wish: Wish) -> tuple[File, ...]:
    import json

    from gate.platforms.manifests import commands

    text = f"""\
# A line for one service of render.yaml: of those that share the database, only one. No shell reads the command.
preDeployCommand: {json.dumps(commands.line(commands.with_budget(wish)))}
"""
    return (File(path="render.gate.yaml", text=text, then=_THEN),)


PRESET = Preset(
    key="render",
    name="Render",
    order=20,
    recognise=_recognise,
    files=_files,
    about="the preDeployCommand for render.yaml",
    limits=Limits(
        hook="`preDeployCommand` of a service in render.yaml",
        failure="the deploy fails, the version before stays",
        ends_after="has a limit, which is not relied on here: the budget is 10 minutes",
        signals="SIGTERM; SIGKILL after 30 s (`maxShutdownDelaySeconds` of a service, 300 at most)",
        marks="`RENDER=true`",
        has_shell=False,
        notes="nothing tells the pre-deploy command from the service; `&&` becomes an argument",
        source="render.com/docs/deploys",
    ),
)
