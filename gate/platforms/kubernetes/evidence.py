"""Whether code of an earlier revision is still running: by ReplicaSets, and by pods, those that are ending included.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gate.model.errors import GateError, UsageError
from gate.model.evidence import OldCode
from gate.platforms.deeds import in_words
from gate.platforms.kubernetes.client import PODS, STATEFULSETS, Api, Object
from gate.platforms.kubernetes.reach import KEY, name, reach
from gate.platforms.kubernetes.rollouts import (
    HASH,
    Rollout,
    controller_of,
    images_of,
    is_controlled,
    named,
    rollout_of,
)
from gate.platforms.kubernetes.selecting import selector_text
from gate.platforms.making import Around
from gate.run.hooking import Left

_DEPLOYMENTS, _STATEFULSETS = "deployments", "statefulsets"
_OVER = ("Succeeded", "Failed")
_OF_SET = "controller-revision-hash"


@dataclass
class _Found:
    """What was seen so far; `unknown` is not empty where something could not be read."""

    current: list[str] = field(default_factory=list)
    who: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def old_code(around: Around, left_s: Left) -> OldCode | None:
    """None where `[platform.kubernetes]` names neither a Deployment nor a StatefulSet."""
    table = around.tables.get(KEY, {})
    names = {key: _names(table.get(key, ()), key) for key in (_DEPLOYMENTS, _STATEFULSETS)}
    if not any(names.values()):
        return None
    api = Api(reach=reach(around.environment, table, around.secrets), left_s=left_s)
    found = _Found()
    for key, look, kind in ((_DEPLOYMENTS, _look, "Deployment"), (_STATEFULSETS, _look_at_set, "StatefulSet")):
        for each in names[key]:
            try:
                look(api, each, found)
            except GateError as error:
                found.unknown.append(f"{kind} {each}: {in_words(error)}")
    is_running = True if found.who else None if found.unknown else False
    return OldCode(
        is_running=is_running,
        current="; ".join(found.current),
        who=tuple(found.who),
        unknown=tuple(found.unknown),
    )


def _names(told: object, key: str) -> tuple[str, ...]:
    if isinstance(told, str) or not isinstance(told, Sequence) or not all(isinstance(each, str) for each in told):
        raise UsageError(f"platform.kubernetes.{key} is no list of names", remedy=f'write {key} = ["web", "worker"]')
    return tuple(name(each, f"one of platform.kubernetes.{key}") for each in told)


def _running(api: Api, item: Object) -> list[Object]:
    """The pods that its selector finds and that are not over; those that are ending still run."""
    pods = api.list(PODS, selector_text(item["spec"]["selector"]))
    return [pod for pod in pods if (pod.get("status") or {}).get("phase") not in _OVER]


# --- Deployments ------------------------------------------------------------------------------------------------------


def _look(api: Api, deployment: str, found: _Found) -> None:
    rollout = rollout_of(api, deployment)
    current = rollout.current
    if current is None or not rollout.is_seen:
        found.unknown.append(f"Deployment {deployment} is being changed at this moment")
        return
    found.current.append(f"{deployment} at {named(current)}")
    pods: list[Object] = []
    try:
        pods = _running(api, rollout.deployment)
    finally:
        # A ReplicaSet that has pods is evidence enough where they may not be read, or are only on their way.
        seen = {_mark(pod) for pod in (*pods, current)}
        for item in rollout.replica_sets:
            count = (item.get("status") or {}).get("replicas")
            if count and _mark(item) not in seen:
                found.who.append(f"ReplicaSet {item['metadata']['name']} has {count} of {named(item)}")
    for pod in pods:
        _judge(rollout, current, pod, found)


def _judge(rollout: Rollout, current: Object, pod: Object, found: _Found) -> None:
    """A pod whose ReplicaSet is gone, as `revisionHistoryLimit` has it, may still be ending: it runs older code."""
    mark, owner = _mark(pod), controller_of(pod)
    if mark == _mark(current) and mark:
        return
    by_mark = {_mark(item): item for item in rollout.replica_sets}
    said = f"pod {pod['metadata']['name']}"
    if mark in by_mark and mark:
        found.who.append(f"{said} runs {named(by_mark[mark])}{_ending(pod)}")
    elif mark and owner.get("name", f"{rollout.name}-{mark}") == f"{rollout.name}-{mark}":
        found.who.append(f"{said} runs a revision that Deployment {rollout.name} does not keep any more{_ending(pod)}")
    elif not owner:
        found.unknown.append(f"{said} has the labels of Deployment {rollout.name}, and was not made by it")


def _mark(item: Object) -> str:
    """What tells one ReplicaSet and its pods from those of another."""
    return str((item["metadata"].get("labels") or {}).get(HASH, ""))


def _ending(pod: Object) -> str:
    return ", and is ending" if "deletionTimestamp" in pod["metadata"] else ""


# --- StatefulSets -----------------------------------------------------------------------------------------------------


def _look_at_set(api: Api, stateful: str, found: _Found) -> None:
    """With `OnDelete` or a partition a pod keeps older code for as long as nobody deletes it."""
    item = api.get(STATEFULSETS, stateful)
    status = item.get("status") or {}
    newest = status.get("updateRevision")
    if not newest or int(status.get("observedGeneration") or 0) < int(item["metadata"].get("generation") or 0):
        found.unknown.append(f"StatefulSet {stateful} is being changed at this moment")
        return
    found.current.append(f"{stateful} at {newest} ({', '.join(images_of(item))})")
    for pod in _running(api, item):
        mark = (pod["metadata"].get("labels") or {}).get(_OF_SET)
        if is_controlled(pod, item) and mark != newest:
            found.who.append(f"pod {pod['metadata']['name']} runs {mark}{_ending(pod)}")
