"""Who gate is for the API server: a service account of its own, and a Role with what its requests need, no more.

What a hook needs is what it asks about itself at the start of a release (`rules`): the two cannot differ.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from gate.platforms.kubernetes.calling import Deed
from gate.platforms.kubernetes.client import DEPLOYMENTS, PODS, REPLICASETS, STATEFULSETS
from gate.platforms.kubernetes.errors import Rule
from gate.platforms.kubernetes.pausing import Pause
from gate.platforms.kubernetes.scaling import KINDS, Scaled
from gate.platforms.kubernetes.sizes import Scale
from gate.platforms.kubernetes.stopping import Stop
from gate.platforms.kubernetes.undoing import Undo
from gate.platforms.manifests.kubernetes.told import Told
from gate.platforms.manifests.yaml import Raw, Scalar, Value, Why

_RBAC = "rbac.authorization.k8s.io"
READING = (DEPLOYMENTS.rule("get"), STATEFULSETS.rule("get"), REPLICASETS.rule("list"), PODS.rule("list"))
"""What `gate.platforms.kubernetes.evidence` asks for."""
# Which object is meant makes no difference to what has to be allowed.
_DEEDS: Mapping[str, Sequence[Deed]] = {
    "rollout_undo": [Undo(deployment="", to_revision=0, failed="")],
    "scale": [Scale(target=Scaled(option=kind, name=""), replicas=0) for kind in KINDS],
    "pause": [Pause(deployment="")],
    "delete_job": [Stop(job="", deletes=True)],
    "suspend_job": [Stop(job="", deletes=False)],
}


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
        "rules": _rules(told),
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
                _rule("batch", "jobs", ["get"]),
                "For gate wait in the app's own pods: has the Job failed, or does its pod not start?",
            ),
            _rule("", "pods", ["list"]),
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


def _rules(told: Told) -> list[Value]:
    """By resource. Without resourceNames: a hook asks at the start whether it may, and does not name what."""
    wanted: dict[Rule, list[str]] = {}
    for why, rules in _needs(told.hooks):
        for rule in rules:
            wanted.setdefault(rule, []).append(why)
    found: list[Value] = []
    for (group, resource), same in groupby(sorted(wanted), key=lambda rule: (rule.group, rule.resource)):
        rules = list(same)
        reasons = dict.fromkeys(why for rule in rules for why in wanted[rule])
        found.append(Why(_rule(group, resource, [rule.verb for rule in rules]), f"For {', '.join(reasons)}."))
    return found


def _needs(hooks: Sequence[str]) -> Iterator[tuple[str, Sequence[Rule]]]:
    yield "the question whether old code is still running", READING
    for hook in hooks:
        for deed in _DEEDS[hook]:
            yield f"kubernetes.{hook}", deed.rules()


def _rule(group: str, resource: str, verbs: Sequence[str]) -> dict[str, Value]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
