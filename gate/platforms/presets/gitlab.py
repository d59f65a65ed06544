"""GitLab CI: a job that is included, with the plan as a comment on the merge request and in its Code Quality report."""

from __future__ import annotations

from gate.platforms.preset import File, Preset, Wish


def _files(wish: Wish) -> tuple[File, ...]:
    from gate.platforms.manifests import ci

    return ci.gitlab(wish)


PRESET = Preset(
    key="gitlab",
    name="GitLab CI",
    files=_files,
    about="a job to be included: the plan as a comment on the merge request",
    takes=frozenset({"image"}),
)
