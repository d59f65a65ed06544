"""Fly.io: the release_command of a deploy.

Source: github.com/superfly/docs and flyctl: five minutes, then SIGINT (`kill_signal`) and five seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import Limits, Place, Platform, Preset, word


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
        budget_s=4 * 60.0,
        grace_s=4.0,
        apart=f"fly machine run {image} --app {app or 'APP'} --restart no --rm --detach -- ",
        app=app or None,
    )


PRESET = Preset(
    key="fly",
    name="Fly.io",
    order=20,
    recognise=_recognise,
    limits=Limits(
        hook="`release_command` of `[deploy]` in fly.toml",
        failure="the deploy is aborted, the machines stay",
        ends_after="5 minutes (`release_command_timeout`)",
        signals="SIGINT; SIGKILL after 5 s (`kill_timeout`, 300 s at most)",
        marks="`RELEASE_COMMAND=1`, `FLY_APP_NAME`, `FLY_MACHINE_ID`",
        has_shell=False,
        source="fly.io/docs/reference/configuration",
    ),
)
