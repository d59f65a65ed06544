"""Argo CD: a PreSync hook of your application, and one for a sync that has failed."""

from __future__ import annotations

from gate.platforms.manifests.kubernetes.options import BUDGET_S, FLEET_OPTIONS, OPTIONS
from gate.platforms.preset import File, Preset, Wish


def _files(wish: Wish) -> tuple[File, ...]:
    from gate.platforms.manifests.kubernetes import argocd

    return argocd.files(wish)


PRESET = Preset(
    key="argocd",
    name="Argo CD",
    files=_files,
    about="a PreSync hook of your application, and one for a sync that has failed",
    directory="argocd",
    takes=frozenset({"budget", "image", "namespace", "fleet"}),
    options={**OPTIONS, **FLEET_OPTIONS},
    budget_s=BUDGET_S,
)
