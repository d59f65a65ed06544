"""Railway: the pre-deploy command of a service.

Source: https://docs.railway.com/guides/pre-deploy-command: a container of its own between build and deploy, not tried
again. How long it may take, and what it gets when it is stopped, stands nowhere: the grace is the shortest of all.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import File, Limits, Platform, Preset, Wish, word

_MARKS = ("RAILWAY_PROJECT_NAME", "RAILWAY_ENVIRONMENT_NAME", "RAILWAY_SERVICE_NAME", "RAILWAY_DEPLOYMENT_ID")
_GRACE_S = 4.0
_THEN = """\
Next:
  put preDeployCommand into railway.json, and remove it
  of the services that share the database only one should have it\
"""


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    if not any(environment.get(name) for name in _MARKS):
        return None
    return Platform(
        key="railway",
        name="Railway",
        place_name="pre-deploy command or service",
        grace_s=_GRACE_S,
        around=", as the start command of a service of its own that is not restarted",
        app=word(environment, "RAILWAY_SERVICE_NAME") or None,
    )


def _files(wish: Wish) -> tuple[File, ...]:
    import json

    from gate.platforms.manifests import commands

    document = {
        "$schema": "https://railway.com/railway.schema.json",
        "deploy": {"preDeployCommand": [commands.line(commands.with_budget(wish))]},
    }
    return (File(path="railway.gate.json", text=json.dumps(document, indent=2) + "\n", then=_THEN),)


PRESET = Preset(
    key="railway",
    name="Railway",
    order=20,
    recognise=_recognise,
    files=_files,
    about="the preDeployCommand for railway.json",
    limits=Limits(
        hook="`preDeployCommand` in railway.json",
        failure="not tried again, the deployment does not proceed",
        ends_after="not documented; it occupies a build slot",
        signals="not documented for it: gate takes 4 s",
        marks="`RAILWAY_PROJECT_NAME`, `RAILWAY_SERVICE_NAME`, `RAILWAY_DEPLOYMENT_ID`",
        has_shell=None,
        notes="one for each service: two that share a database run at once, and the second waits for the first",
        source="docs.railway.com/guides/pre-deploy-command",
    ),
)
