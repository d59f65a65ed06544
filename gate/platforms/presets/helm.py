"""Helm: the Job as a hook of a chart, before an upgrade."""

from __future__ import annotations

from gate.platforms.manifests.kubernetes.options import BUDGET_S, FLEET_OPTIONS, HELM_OPTIONS, OPTIONS
from gate.platforms.preset import File, Preset, Wish


def _files(wish: Wish) -> tuple[File, ...]:
    from gate.platforms.manifests.kubernetes import helm

    return helm.files(wish)


PRESET = Preset(
    key="helm",
    name="Helm",
    files=_files,
    about="a hook of your chart, before each upgrade",
    directory="chart",
    takes=frozenset({"budget", "image", "fleet"}),
    options={**OPTIONS, **HELM_OPTIONS, **FLEET_OPTIONS},
    budget_s=BUDGET_S,
)
