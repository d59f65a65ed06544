"""Objects as an API server has them, each valid by the schema of its kind."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from typing import Any
from uuid import UUID

import kubernetes_validate  # type: ignore[import-untyped]

Object = dict[str, Any]
NAMESPACE = "shop"
VERSIONS = ("1.25", "1.29", "1.32")
"""What every object that the fake takes or gives has to be valid for."""
REVISION = "deployment.kubernetes.io/revision"


def check(found: Object) -> None:
    """Raises for an object that the schemas of Kubernetes do not allow, or for a field that they do not know."""
    _check_text(json.dumps(_written(found), sort_keys=True))


@cache
def _check_text(text: str) -> None:
    """Once for each text: the schemas are large files, which are read anew each time."""
    for version in VERSIONS:
        kubernetes_validate.validate(json.loads(text), version, strict=True)


def _written(found: Any) -> Any:
    """As it would be written in a file: Go's empty times stand for nothing."""
    if isinstance(found, dict):
        return {key: _written(value) for key, value in found.items() if value is not None}
    return [_written(item) for item in found] if isinstance(found, list) else found


def uid(number: int) -> str:
    return str(UUID(int=number, version=4))


def template(image: str, labels: dict[str, str], mark: str = "") -> Object:
    marked = {**labels, "pod-template-hash": mark} if mark else labels
    return {"metadata": {"labels": marked}, "spec": {"containers": [{"name": "web", "image": image}]}}


def deployment(name: str = "web", *, image: str = "shop:2", revision: int = 2, replicas: int = 3) -> Object:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": uid(1),
            "generation": 2,
            "resourceVersion": "7",
            "annotations": {REVISION: str(revision), "team": "shop"},
        },
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template(image, labels)},
        "status": {"observedGeneration": 2, "replicas": replicas, "updatedReplicas": replicas},
    }


def replica_set(owner: Object, *, image: str, revision: int, replicas: int, number: int) -> Object:
    name, labels = owner["metadata"]["name"], owner["spec"]["selector"]["matchLabels"]
    mark = f"hash{number}"
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name}-{mark}",
            "namespace": NAMESPACE,
            "uid": uid(100 + number),
            "creationTimestamp": f"2026-01-0{number}T00:00:00Z",
            "labels": {**labels, "pod-template-hash": mark},
            "annotations": {REVISION: str(revision), "change": f"of {image}"},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": name,
                    "uid": owner["metadata"]["uid"],
                    "controller": True,
                }
            ],
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {**labels, "pod-template-hash": mark}},
            "template": template(image, labels, mark),
        },
        "status": {"replicas": replicas},
    }


def pod(name: str, labels: dict[str, str], *, image: str = "shop:2", phase: str = "Running") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": uid(abs(hash(name)) % 10**9), "labels": labels},
        "spec": {"containers": [{"name": "web", "image": image}]},
        "status": {"phase": phase},
    }


def job(name: str = "migrate", *, number: int = 500) -> Object:
    labels = {"batch.kubernetes.io/job-name": name}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": uid(number), "resourceVersion": "9"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "gate", "image": "shop:2"}]},
            },
        },
        "status": {"active": 1},
    }


def autoscaler(target: str, *, least: int = 2, most: int = 9) -> Object:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": f"{target}-load", "namespace": NAMESPACE},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "minReplicas": least,
            "maxReplicas": most,
        },
    }


def copied(found: Object) -> Object:
    return deepcopy(found)
