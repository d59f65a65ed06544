"""GitHub Actions: a workflow that runs the action of this repository on every pull request."""

from __future__ import annotations

from gate.platforms.preset import File, Preset, Wish


def _files(wish: Wish) -> tuple[File, ...]:
    from gate.platforms.manifests import ci

    return ci.github(wish)


PRESET = Preset(
    key="github",
    name="GitHub Actions",
    files=_files,
    about="a workflow: the plan as a comment on the pull request",
    takes=frozenset(),
    options={
        "action": "OWNER/NAME@REF of the repository that has the action",
        "snapshot": "a catalog to judge by, where the database cannot be reached, and for pull requests from forks",
    },
)
