"""Dokku: the release task of a deploy.

Source: github.com/dokku/dokku, plugins/app-json/functions.go (the task's command is read by a shell, unless the image
has an entrypoint; no DYNO is set) and plugins/scheduler-docker-local/scheduler-run (`DYNO=run.N` in a container of
`dokku run`). An app's containers have what Dokku keeps among its settings, DOKKU_APP_TYPE and DOKKU_APP_RESTORE.

Tasks before and after a deploy look alike from inside: nothing is told of the place.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import File, Limits, Platform, Preset, Wish

_MARKS = ("DOKKU_APP_TYPE", "DOKKU_APP_RESTORE")
_THEN = """\
Next:
  commit the Procfile, and deploy
  an image with an ENTRYPOINT of its own is started without a shell: leave out `exec` there\
"""


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    """GIT_REV and DYNO alone are not enough: an app on Heroku may have both."""
    if not any(environment.get(name) for name in _MARKS):
        return None
    return Platform(
        key="dokku",
        name="Dokku",
        place_name="container" if environment.get("DYNO") else "deployment task",
        apart="dokku run:detached APP ",
    )


def _files(wish: Wish) -> tuple[File, ...]:
    from gate.platforms.manifests import commands, procfile

    # A shell as process 1 passes no signal on. Where the image has an entrypoint there is no shell, and no exec.
    command = f"exec {commands.line(commands.with_budget(wish))}"
    return (procfile.process("release", command, then=_THEN),)


PRESET = Preset(
    key="dokku",
    name="Dokku",
    order=5,
    recognise=_recognise,
    files=_files,
    about="a line in the Procfile: the release task",
    limits=Limits(
        hook="`release: exec gate release` in the Procfile",
        failure="the deploy fails, the running containers are not touched",
        ends_after="none documented",
        signals="SIGTERM to process 1, a shell unless `exec` is written; SIGKILL after 30 s (`stop-timeout-seconds`)",
        marks="`DOKKU_APP_TYPE`, `DOKKU_APP_RESTORE`",
        has_shell=True,
        notes="no shell where the image has an ENTRYPOINT; old containers go on for 60 s after the deploy",
        source="dokku.com/docs/advanced-usage/deployment-tasks",
    ),
)
