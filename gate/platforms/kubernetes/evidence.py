"""Whether code of an earlier revision is still running: by ReplicaSets, and by pods, those that are ending included.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gate.model.errors import GateError, UsageError
from gate.model.evidence import OldCode
from gate.platforms.kubernetes.calling import in_words
from gate.platforms.kubernetes.client import PODS, Api, Object
from gate.platforms.kubernetes.reach import KEY, name, reach
from gate.platforms.kubernetes.rollouts import HASH, Rollout, named, rollout_of
from gate.platforms.kubernetes.selecting import selector_text
from gate.platforms.making import Around
from gate.run.hooking import Left

_DEPLOYMENTS = "deployments"
_OVER = ("Succeeded", "Failed")


@dataclass
class _Found:
    """`is_sure` is False where something could not be read."""

    current: list[str] = field(default_factory=list)
    who: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def old_code(around: Around, left_s: Left) -> OldCode | None:
    """None where `[platform.kubernetes]` names no Deployment."""
    table = around.tables.get(KEY, {})
    names = _names(table.get(_DEPLOYMENTS, ()))
    if not names:
        return None
    api = Api(reach=reach(around.environment, table, around.secrets), left_s=left_s)
    found = _Found()
    for each in names:
        try:
            _look(api, each, found)
        except GateError as error:
            found.unknown.append(f"Deployment {each}: {in_words(error)}")
    is_running = True if found.who else None if found.unknown else False
    return OldCode(
        is_running=is_running,
        current="; ".join(found.current),
        who=tuple(found.who),
        unknown=tuple(found.unknown),
    )


def _names(told: object) -> tuple[str, ...]:
    if isinstance(told, str) or not isinstance(told, Sequence) or not all(isinstance(each, str) for each in told):
        raise UsageError(
            "platform.kubernetes.deployments is no list of names", remedy='write deployments = ["web", "worker"]'
        )
    return tuple(name(each, "a Deployment") for each in told)


def _look(api: Api, deployment: str, found: _Found) -> None:
    rollout = rollout_of(api, deployment)
    current = rollout.current
    if current is None or not rollout.is_seen:
        found.unknown.append(f"Deployment {deployment} is being changed at this moment")
        return
    found.current.append(f"{deployment} at {named(current)}")
    pods = api.list(PODS, selector_text(rollout.deployment["spec"]["selector"]))
    found.who += _older(rollout, current, pods)


def _older(rollout: Rollout, current: Object, pods: Iterable[Object]) -> Iterator[str]:
    """Each pod of a ReplicaSet that is not the current one; one whose pods are only on their way counts too."""
    by_hash = {(item["metadata"].get("labels") or {}).get(HASH): item for item in rollout.replica_sets}
    seen = set()
    for pod in pods:
        mark = (pod["metadata"].get("labels") or {}).get(HASH)
        item = by_hash.get(mark)
        if item is None or item is current or (pod.get("status") or {}).get("phase") in _OVER:
            continue
        seen.add(mark)
        ending = ", and is ending" if "deletionTimestamp" in pod["metadata"] else ""
        yield f"pod {pod['metadata']['name']} runs {named(item)}{ending}"
    for mark, item in by_hash.items():
        count = int((item.get("status") or {}).get("replicas") or 0)
        if item is not current and count and mark not in seen:
            yield f"ReplicaSet {item['metadata']['name']} has {count} of {named(item)}"
