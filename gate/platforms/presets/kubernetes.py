"""Kubernetes: a Job before the new pods, plain or as a hook of Helm or Argo CD.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/: SIGTERM to PID 1 of each container, SIGKILL
after terminationGracePeriodSeconds, 30 s unless told.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.manifests.kubernetes.options import BUDGET_S, DEPLOYMENT_OPTIONS, FLEET_OPTIONS, OPTIONS
from gate.platforms.preset import File, Limits, Platform, Preset, Wish


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    if not environment.get("KUBERNETES_SERVICE_HOST"):
        return None
    return Platform(
        key="kubernetes",
        name="Kubernetes",
        place_name="pod",
        restart="kubectl rollout restart deployment/NAME",
        around=", in a Kubernetes Job of its own: same image and environment, no activeDeadlineSeconds below that",
    )


def _files(wish: Wish) -> tuple[File, ...]:
    from gate.platforms.manifests.kubernetes import plain

    return plain.files(wish)


PRESET = Preset(
    key="kubernetes",
    name="Kubernetes",
    order=30,
    recognise=_recognise,
    files=_files,
    about="a Job before the Deployment, for kubectl",
    directory="kubernetes",
    takes=frozenset({"budget", "image", "namespace", "fleet"}),
    options={**OPTIONS, **DEPLOYMENT_OPTIONS, **FLEET_OPTIONS},
    budget_s=BUDGET_S,
    limits=Limits(
        hook="a Job before the Deployment; a hook of Helm or Argo CD",
        failure="the Job has failed, and what waits for it does not go on",
        ends_after="`activeDeadlineSeconds`, none unless told; Helm waits 5 minutes unless told",
        signals="SIGTERM to PID 1; SIGKILL after `terminationGracePeriodSeconds`, 30 s",
        marks="`KUBERNETES_SERVICE_HOST`",
        has_shell=None,
        notes="the same program may be started twice",
        source="kubernetes.io/docs/concepts/workloads/controllers/job",
    ),
)
