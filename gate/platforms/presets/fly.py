"""Fly.io: the release_command of a deploy.

Source: github.com/superfly/docs and flyctl: five minutes, then SIGINT (`kill_signal`) and five seconds; the command is
parted into words without a shell.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import File, Limits, Place, Platform, Preset, Wish, word

_BUDGET_S = 4 * 60.0
_GRACE_S = 4.0
_THEN = """\
Next:
  put its lines into fly.toml, and remove it
  fly secrets set GATE_DATABASE_URL=...
                                  the direct address: what Managed Postgres gives as DATABASE_URL is a pooler's\
"""


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    if not (environment.get("FLY_APP_NAME") or environment.get("FLY_MACHINE_ID")):
        return None
    app, image = word(environment, "FLY_APP_NAME"), word(environment, "FLY_IMAGE_REF") or "IMAGE"
    is_release = bool(environment.get("RELEASE_COMMAND"))
    return Platform(
        key="fly",
        name="Fly.io",
        place=Place.BEFORE if is_release else Place.UNKNOWN,
        place_name="release command" if is_release else "machine",
        budget_s=_BUDGET_S,
        grace_s=_GRACE_S,
        apart=f"fly machine run {image} --app {app or 'APP'} --restart no --rm --detach -- ",
        app=app or None,
        restart=f"fly apps restart {app or 'APP'}",
    )


def _files(wish: Wish) -> tuple[File, ...]:
    import json

    from gate.platforms.manifests import commands
    from gate.platforms.manifests.around import around_s

    text = f"""\
# The [deploy] section of fly.toml. No shell reads the command. After SIGINT there are 5 s (kill_timeout): gate takes 4.
[deploy]
  release_command = {json.dumps(commands.line(commands.with_budget(wish)))}
  release_command_timeout = "{around_s(wish) // 60}m"
"""
    return (File(path="fly.gate.toml", text=text, then=_THEN),)


PRESET = Preset(
    key="fly",
    name="Fly.io",
    order=20,
    recognise=_recognise,
    files=_files,
    about="the [deploy] section for fly.toml",
    budget_s=_BUDGET_S,
    limits=Limits(
        hook="`release_command` of `[deploy]` in fly.toml",
        failure="the deploy is aborted, the machines stay",
        ends_after="5 minutes (`release_command_timeout`)",
        signals="SIGINT; SIGKILL after 5 s (`kill_timeout`, 300 s at most)",
        marks="`FLY_APP_NAME`, `FLY_MACHINE_ID`; `RELEASE_COMMAND=1` in the release command",
        has_shell=False,
        notes="Managed Postgres gives a pooler's address: set `GATE_DATABASE_URL` to the direct one",
        source="fly.io/docs/reference/configuration",
    ),
)
