"""Deployments and their ReplicaSets: which revision is current, and which one an undo goes back to.

What is sent is what kubectl sends; what it does without looking (an undo while another is on its way, of a template
that has no ReplicaSet yet, back to what was just left) is refused here.

Source: k8s.io/kubectl/pkg/polymorphichelpers/rollback.go and k8s.io/kubectl/pkg/util/deployment, 1.27 to 1.33.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from gate.model.errors import GateError
from gate.platforms.kubernetes.client import DEPLOYMENTS, REPLICASETS, Api, Object
from gate.platforms.kubernetes.selecting import selector_text

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
HASH = "pod-template-hash"
_KEPT = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)
"""Annotations that an undo leaves as the Deployment has them; all others become those of the ReplicaSet."""
MANAGER = "kubectl-rollout"


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """A Deployment, and the ReplicaSets that it controls, of the highest revision first."""

    deployment: Object
    replica_sets: tuple[Object, ...]

    @property
    def name(self) -> str:
        """`web`."""
        return str(self.deployment["metadata"]["name"])

    @property
    def is_paused(self) -> bool:
        """Its template may be changed, and nothing comes of it until it is resumed."""
        return bool(self.deployment["spec"].get("paused"))

    @property
    def is_seen(self) -> bool:
        """Whether its controller has seen what it is to be now."""
        status, metadata = self.deployment.get("status") or {}, self.deployment["metadata"]
        return bool(int(status.get("observedGeneration") or 0) >= int(metadata.get("generation") or 0))

    @property
    def template(self) -> Object:
        """That of its pods, as it is to be now."""
        return plain(self.deployment["spec"]["template"])

    @property
    def current(self) -> Object | None:
        """The ReplicaSet of that template; None where none has been made yet."""
        return self.with_template(self.template)

    def with_template(self, template: Object) -> Object | None:
        """The oldest of it, as the controller takes it."""
        found = [item for item in self.replica_sets if plain(item["spec"]["template"]) == template]
        return min(found, key=lambda item: item["metadata"].get("creationTimestamp") or "", default=None)


def rollout_of(api: Api, name: str) -> Rollout:
    """As they are now."""
    deployment = api.get(DEPLOYMENTS, name)
    found = api.list(REPLICASETS, selector_text(deployment["spec"]["selector"]))
    mine = [item for item in found if is_controlled(item, deployment)]
    return Rollout(deployment=deployment, replica_sets=tuple(sorted(mine, key=revision_of, reverse=True)))


def is_controlled(item: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """By that very object, not by one of the same name."""
    return bool(controller_of(item).get("uid") == owner["metadata"]["uid"])


def controller_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reference to whoever controls it; empty where nobody does."""
    owners = item["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), {})


def revision_of(item: Mapping[str, Any]) -> int:
    """0 where it has none."""
    told = str((item["metadata"].get("annotations") or {}).get(REVISION, ""))
    return int(told) if told.isascii() and told.isdigit() else 0


def images_of(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Of the containers in its pods' template, in their order."""
    return tuple(str(container.get("image", "")) for container in item["spec"]["template"]["spec"]["containers"])


def named(item: Mapping[str, Any]) -> str:
    """`revision 7 (shop:1.8)`."""
    return f"revision {revision_of(item)} ({', '.join(images_of(item))})"


def plain(template: Mapping[str, Any]) -> Object:
    """Without the label that tells ReplicaSets apart, and with the two empty fields that Go's types always write."""
    found = deepcopy(dict(template))
    metadata = found["metadata"] = found.get("metadata") or {}
    metadata.setdefault("creationTimestamp", None)
    labels = metadata.get("labels") or {}
    labels.pop(HASH, None)
    for kind in ("containers", "initContainers"):
        for container in found["spec"].get(kind) or ():
            container.setdefault("resources", {})
    return found


# --- undo -------------------------------------------------------------------------------------------------------------


def goal_of(rollout: Rollout, to_revision: int) -> Object:
    """The ReplicaSet to go back to: of that revision, or with 0 the one before the current.

    Raises GateError where there is none, or where that cannot be said.
    """
    if rollout.is_paused:
        raise GateError(
            f"Deployment {rollout.name} is paused: an undo would change nothing",
            remedy=f"kubectl rollout resume deployment/{rollout.name}, and try again",
        )
    if to_revision:
        found = next((item for item in rollout.replica_sets if revision_of(item) == to_revision), None)
        if found is None:
            raise GateError(
                f"Deployment {rollout.name} has no revision {to_revision} in its history any more",
                remedy=f"it has {_revisions(rollout)}",
            )
        return found
    current, newest = rollout.current, next(iter(rollout.replica_sets), None)
    if current is None or current is not newest or not rollout.is_seen:
        # The highest revision is then not the current one, and the one before it not the one that ran before.
        raise GateError(
            f"Deployment {rollout.name} is being changed: its controller has not yet given its template a revision",
            remedy=f"kubectl rollout status deployment/{rollout.name}, and try again",
        )
    if HISTORY in (current["metadata"].get("annotations") or {}):
        raise GateError(
            f"Deployment {rollout.name}: its current {named(current)} is itself a return to an earlier one: "
            "the one before it is what was left then",
            remedy="name the revision to go to: to_revision",
        )
    if len(rollout.replica_sets) == 1 or not revision_of(rollout.replica_sets[1]):
        raise GateError(f"Deployment {rollout.name} has no earlier revision to go back to")
    return rollout.replica_sets[1]


def _revisions(rollout: Rollout) -> str:
    return ", ".join(named(item) for item in reversed(rollout.replica_sets)) or "none"


def undo_patch(rollout: Rollout, goal: Object) -> list[Object]:
    """The JSON patch: the template of then, with the annotations of then."""
    own, then = (item["metadata"].get("annotations") or {} for item in (rollout.deployment, goal))
    annotations = {key: own[key] for key in _KEPT if key in own}
    annotations |= {key: value for key, value in then.items() if key not in _KEPT}
    return [
        {"op": "replace", "path": "/spec/template", "value": plain(goal["spec"]["template"])},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]


def undo(api: Api, rollout: Rollout, goal: Object) -> None:
    """Sends it, once: who does not know whether it was done has to read the Deployment again."""
    api.patch(DEPLOYMENTS, rollout.name, undo_patch(rollout, goal), "json-patch")


# --- pause ------------------------------------------------------------------------------------------------------------


def pause(api: Api, name: str, *, is_paused: bool) -> None:
    """Pauses a rollout, or goes on with it."""
    body = {"spec": {"paused": True if is_paused else None}}
    api.patch(DEPLOYMENTS, name, body, "strategic-merge-patch", manager=MANAGER)
