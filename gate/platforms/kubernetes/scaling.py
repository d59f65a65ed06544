"""The size of a Deployment or a StatefulSet, and the autoscalers that have a say in it.

Source: https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/ ("implicit maintenance-mode
deactivation": a target that is set to 0 is left alone by an autoscaler whose minReplicas is not 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.model.errors import GateError
from gate.platforms.kubernetes.client import AUTOSCALERS, DEPLOYMENTS, STATEFULSETS, Api, Object, Resource
from gate.platforms.kubernetes.errors import ApiError

KINDS = {"deployment": ("Deployment", DEPLOYMENTS), "statefulset": ("StatefulSet", STATEFULSETS)}
"""By the option that names one."""


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """What is to be scaled: `option` is a key of `KINDS`."""

    option: str
    name: str

    @property
    def kind(self) -> str:
        """As objects name it: `Deployment`."""
        return KINDS[self.option][0]

    @property
    def resource(self) -> Resource:
        """As paths name it."""
        return KINDS[self.option][1]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def size_of(item: Mapping[str, Any]) -> int:
    """How many pods it is to have; one where nothing is told."""
    told = item["spec"].get("replicas")
    return 1 if told is None else int(told)


def scale(api: Api, target: Scaled, replicas: int) -> None:
    """Sends it, once."""
    api.patch(target.resource, target.name, {"spec": {"replicas": replicas}}, "merge-patch", sub="scale")


def autoscaler_note(api: Api, target: Scaled, replicas: int) -> str:
    """What is to be said of an autoscaler that leaves this size alone, or that is not known. Changes nothing.

    Raises GateError where one would scale back what is set.
    """
    try:
        found = api.list(AUTOSCALERS)
    except ApiError as error:
        if error.is_missing:
            return ""
        if error.code == 403:
            return f"whether an autoscaler has a say in it is not known: {error.problem}"
        raise
    for item in found:
        if _is_of(item, target):
            return _note(item, target, replicas)
    return ""


def _is_of(item: Object, target: Scaled) -> bool:
    ref = item["spec"]["scaleTargetRef"]
    group = str(ref.get("apiVersion") or "").partition("/")[0]
    return (ref.get("kind"), ref.get("name")) == (target.kind, target.name) and group in ("", "apps")


def _note(item: Object, target: Scaled, replicas: int) -> str:
    metadata, least = item["metadata"], item["spec"].get("minReplicas")
    if owner := (metadata.get("labels") or {}).get("scaledobject.keda.sh/name"):
        raise GateError(
            f"{target} is scaled by KEDA (ScaledObject {owner}), which would set its size again",
            remedy=f'annotate it instead: autoscaling.keda.sh/paused-replicas: "{replicas}"',
        )
    named = f"HorizontalPodAutoscaler {metadata['name']}"
    if replicas == 0 and least != 0:
        return f"{named} leaves it alone while it is at 0"
    raise GateError(
        f"{target} is scaled by {named} ({1 if least is None else least} to {item['spec']['maxReplicas']}), "
        f"which would not leave it at {replicas}",
        remedy="scale to 0, which an autoscaler with minReplicas above 0 leaves alone, or change the autoscaler",
    )
