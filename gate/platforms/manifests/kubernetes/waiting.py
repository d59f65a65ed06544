"""`gate wait` in the app's own pods: no new code runs before the schema is as far as that code needs it.

A hook may be skipped, a Job forgotten, a pod started by an autoscaler in the middle of a deploy; this looks at the
database itself. It only reads.
"""

from __future__ import annotations

from gate.platforms.manifests.commands import written
from gate.platforms.manifests.kubernetes.job import database, downward
from gate.platforms.manifests.kubernetes.told import Told
from gate.platforms.manifests.yaml import Scalar, Value, Why

CONTAINER = "gate-wait"


def container(told: Told, image: Scalar | None = None) -> dict[str, Value]:
    """For `initContainers`, as the first of them."""
    command: list[Value] = ["gate", "wait", "--schema-at-least", "latest", "--job", told.job]
    command += ["--timeout", written(told.deadlines.patience_s)]
    user: dict[str, Value] = {} if told.user is None else {"runAsUser": told.user, "runAsGroup": told.user}
    return {
        "name": CONTAINER,
        "image": Why(image or told.image, "The app's own, of this deploy: `latest` is the newest migration in it."),
        "command": Why(
            [*command, *told.source],
            "Only reads. After this time, or when the Job has failed, it says so, calls the hooks of a failed release, "
            "and the kubelet starts it again. The Deployment's progressDeadlineSeconds should be as long.",
        ),
        "env": [database(told), *downward()],
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {
            "runAsNonRoot": True,
            **user,
            "seccompProfile": {"type": "RuntimeDefault"},
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def pod_spec(told: Told) -> dict[str, Value]:
    """What is added to a Deployment, as a strategic merge has it."""
    containers: list[Value] = [container(told)]
    return {"spec": {"template": {"spec": {"initContainers": containers}}}}
