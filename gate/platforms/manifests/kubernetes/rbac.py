"""Who gate is for the API server: a service account of its own, and a Role with what its requests need, no more.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/: a list cannot be limited to names, a get and a
patch can.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.manifests.kubernetes.told import Told
from gate.platforms.manifests.yaml import Raw, Scalar, Value, Why

_RBAC = "rbac.authorization.k8s.io"


def account(told: Told, annotations: Mapping[str, Value]) -> dict[str, Value]:
    """Its token is mounted only where a pod asks for it."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(told, annotations),
        "automountServiceAccountToken": Why(False, "Only a pod that says so gets the token."),
    }


def role(told: Told, annotations: Mapping[str, Value]) -> dict[str, Value]:
    """What the release needs."""
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "Role",
        "metadata": metadata(told, annotations),
        "rules": [*_reading(), *_changing(told)],
    }


def binding(told: Told, annotations: Mapping[str, Value]) -> dict[str, Value]:
    """The Role for the account."""
    return _binding(told, annotations, told.job, told.job)


def for_waiting(told: Told, annotations: Mapping[str, Value]) -> list[dict[str, Value]]:
    """What `gate wait` in the app's own pods needs to name a Job that has failed."""
    name = suffixed(told.job, "-wait")
    found: dict[str, Value] = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "Role",
        "metadata": {**metadata(told, annotations), "name": name},
        "rules": [
            Why(
                _rule("batch", ["jobs"], ["get", "list"]),
                "For gate wait in the app's own pods: has the Job failed, or does its pod not start?",
            ),
            _rule("", ["pods"], ["list"]),
        ],
    }
    return [found, _binding(told, {**annotations}, name, told.app_account)]


def metadata(told: Told, annotations: Mapping[str, Value]) -> dict[str, Value]:
    """The same name for all that belongs to it."""
    found: dict[str, Value] = {"name": told.job, "namespace": told.namespace, "labels": labels(told)}
    return {**found, "annotations": annotations} if annotations else found


def labels(told: Told) -> dict[str, Value]:
    """None that a Service of the app selects by: the pod of the Job must not get requests."""
    return {"app.kubernetes.io/name": told.job, "app.kubernetes.io/component": "migrations"}


def suffixed(name: Scalar, suffix: str) -> Scalar:
    """The name with something behind it, inside the quotes of an expression too."""
    return Raw(f'{name.text[:-1]}{suffix}"') if isinstance(name, Raw) else f"{name}{suffix}"


def _binding(told: Told, annotations: Mapping[str, Value], name: Scalar, whose: Scalar) -> dict[str, Value]:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {**metadata(told, annotations), "name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": whose, "namespace": told.namespace}],
    }


def _reading() -> list[Value]:
    return [
        Why(
            _rule("apps", ["deployments", "statefulsets", "replicasets"], ["get", "list"]),
            "Is old code still running? Pods that are ending run it too.",
        ),
        _rule("", ["pods"], ["get", "list"]),
        Why(_rule("batch", ["jobs"], ["get", "list"]), "What has become of the Job."),
    ]


def _changing(told: Told) -> list[Value]:
    names = list(told.deployments)
    found: list[Value] = []
    if "rollout_undo" in told.hooks or "pause" in told.hooks:
        rule = _rule("apps", ["deployments"], ["patch"], names)
        found.append(Why(rule, "For kubernetes.rollout_undo and kubernetes.pause, of these alone."))
    if "scale" in told.hooks:
        rule = _rule("apps", ["deployments/scale"], ["get", "patch"], names)
        found.append(Why(rule, "For kubernetes.scale; an autoscaler would undo it, so gate looks for one."))
        found.append(_rule("autoscaling", ["horizontalpodautoscalers"], ["list"]))
    if "kill" in told.hooks:
        rule = _rule("batch", ["jobs"], ["patch", "delete"], [told.job])
        found.append(Why(rule, "For stopping this Job when it is stuck."))
    return found


def _rule(group: str, resources: list[str], verbs: list[str], names: list[Scalar] | list[str] | None = None) -> Value:
    rule: dict[str, Value] = {"apiGroups": [group], "resources": resources}
    return {**rule, **({"resourceNames": names} if names else {}), "verbs": verbs}
