"""kustomize: the Job as a kustomization, and a component for the app's Deployment."""

from __future__ import annotations

from gate.platforms.manifests.kubernetes.options import BUDGET_S, DEPLOYMENT_OPTIONS, FLEET_OPTIONS, OPTIONS
from gate.platforms.preset import File, Preset, Wish


def _files(wish: Wish) -> tuple[File, ...]:
    from gate.platforms.manifests.kubernetes import kustomize

    return kustomize.files(wish)


PRESET = Preset(
    key="kustomize",
    name="kustomize",
    files=_files,
    about="the Job as a kustomization, and a component for the app's Deployment",
    directory="kustomize",
    takes=frozenset({"budget", "image", "namespace", "fleet"}),
    options={**OPTIONS, **DEPLOYMENT_OPTIONS, **FLEET_OPTIONS},
    budget_s=BUDGET_S,
)
