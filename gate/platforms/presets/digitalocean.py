"""DigitalOcean App Platform: a job before the deploy.

Source: https://docs.digitalocean.com/products/app-platform/reference/app-spec/ and how-to/configure-termination. No
variable is there by itself: the job that `gate init digitalocean` writes binds two, and these mark it.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import File, Limits, Place, Platform, Preset, Wish

_KIND = "DIGITALOCEAN_JOB_KIND"
_KILLED_AFTER_S = 30
_THEN = """\
Next:
  put its job into the app spec (.do/app.yaml), with what your service is built from: image, or github and source_dir
  doctl apps update APP --spec .do/app.yaml\
"""


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    if not (environment.get("DIGITALOCEAN_APP_ID") or environment.get(_KIND)):
        return None
    kind = environment.get(_KIND, "")
    return Platform(
        key="digitalocean",
        name="DigitalOcean App Platform",
        place=Place.BEFORE if kind == "PRE_DEPLOY" else Place.UNKNOWN,
        place_name=f"{kind} job" if kind == "PRE_DEPLOY" else "component",
        around=", from a machine that reaches the database: a job here belongs to a deploy",
    )


def _files(wish: Wish) -> tuple[File, ...]:
    import json

    from gate.platforms.manifests import commands

    text = f"""\
# A job for the app spec. It needs what the service is built from, too: image, or github and source_dir.
jobs:
  - name: {json.dumps(f"{wish.name}-gate")}
    kind: PRE_DEPLOY
    run_command: {json.dumps(commands.line(commands.with_budget(wish)))}
    instance_count: 1
    termination:
      grace_period_seconds: {_KILLED_AFTER_S}
    envs:
      - key: {_KIND}
        value: PRE_DEPLOY
      - key: DIGITALOCEAN_APP_ID
        value: ${{APP_ID}}
"""
    return (File(path=".do/app.gate.yaml", text=text, then=_THEN),)


PRESET = Preset(
    key="digitalocean",
    name="DigitalOcean App Platform",
    order=20,
    recognise=_recognise,
    files=_files,
    about="a PRE_DEPLOY job for the app spec",
    limits=Limits(
        hook="a job of `kind: PRE_DEPLOY` in the app spec",
        failure="the deployment fails, the one before stays",
        ends_after="not documented",
        signals="SIGTERM; SIGKILL after `termination.grace_period_seconds`, which `gate init` sets to 30 s",
        marks="none by itself; `gate init` binds `DIGITALOCEAN_APP_ID` and `DIGITALOCEAN_JOB_KIND`",
        has_shell=None,
        notes="a job of `kind: FAILED_DEPLOY` is the place for cleaning up",
        source="docs.digitalocean.com/products/app-platform/reference/app-spec",
    ),
)
