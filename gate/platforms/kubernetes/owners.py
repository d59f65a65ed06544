"""Who else decides what an object is: a GitOps controller puts back what was changed beside it.

Source: argo-cd.readthedocs.io (resource tracking), fluxcd.io (labels of Kustomization and HelmRelease), helm.sh
(`meta.helm.sh/release-name`), keda.sh (`scaledobject.keda.sh/name`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FLUX = (("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease"))


def warning_of(item: Mapping[str, Any]) -> str:
    """One sentence on what will become of a change; empty where nobody else is known to decide."""
    labels, annotations = (item["metadata"].get(key) or {} for key in ("labels", "annotations"))
    if tracked := annotations.get("argocd.argoproj.io/tracking-id"):
        return _argo(str(tracked).partition(":")[0])
    if instance := labels.get("argocd.argoproj.io/instance"):
        return _argo(str(instance))
    for group, kind in _FLUX:
        if found := labels.get(f"{group}/name"):
            return f"Flux ({kind} {found}) will revert this when it reconciles: suspend it, or change what is in Git"
    if labels.get("app.kubernetes.io/managed-by") == "Helm":
        release = annotations.get("meta.helm.sh/release-name", "")
        return (
            f"Helm (release {release or 'unknown'}) does not know of this: its next upgrade may revert it, "
            f"`helm rollback {release}".rstrip()
            + "` keeps both in step"
        )
    return ""


def _argo(application: str) -> str:
    return (
        f"Argo CD (application {application}) will revert this where selfHeal is on, and at its next sync: "
        "change what is in Git too"
    )
