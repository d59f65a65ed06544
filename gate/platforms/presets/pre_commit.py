"""pre-commit: a hook that judges a commit against a catalog that was stored."""

from __future__ import annotations

from gate.platforms.preset import File, Preset, Wish


def _files(wish: Wish) -> tuple[File, ...]:
    from gate.platforms.manifests import ci

    return ci.pre_commit(wish)


PRESET = Preset(
    key="pre-commit",
    name="pre-commit",
    files=_files,
    about="a hook: the plan before each commit, against a stored catalog",
    takes=frozenset(),
    options={"repo": "the address of the repository that has the hook", "rev": "its tag"},
)
