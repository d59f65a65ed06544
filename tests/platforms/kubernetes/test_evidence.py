"""Who still runs older code where the first look does not tell: short histories, StatefulSets, strangers."""

from __future__ import annotations

from typing import Any

import pytest

from gate.model.errors import UsageError
from gate.model.evidence import OldCode
from gate.platforms.kubernetes import old_code
from tests.platforms.kubernetes.hooks import Hooks
from tests.platforms.kubernetes.objects import NAMESPACE, Object, pod, replica_set, template, uid


def looked(hooks: Hooks, **table: Any) -> OldCode:
    hooks.table.update(table or {"deployments": ["web"]})
    found = old_code(hooks.around, hooks.clock.left)
    assert found is not None
    return found


def owned(found: Object, kind: str, name: str, number: int) -> Object:
    found["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid(number), "controller": True}
    ]
    return found


@pytest.mark.parametrize("is_owned", [True, False])
def test_a_pod_whose_replica_set_is_gone_runs_older_code(hooks: Hooks, *, is_owned: bool) -> None:
    """With `revisionHistoryLimit = 0` that is every pod of a rollout that has just ended."""
    ending = pod("web-hash0-z", {"app": "web", "pod-template-hash": "hash0"}, image="shop:0")
    ending["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z"
    hooks.cluster.add(owned(ending, "ReplicaSet", "web-hash0", 77) if is_owned else ending)
    found = looked(hooks)
    assert found.is_running
    assert found.who == ("pod web-hash0-z runs a revision that Deployment web does not keep any more, and is ending",)


def test_a_pod_of_another_deployment_with_the_same_labels_is_not_ours(hooks: Hooks) -> None:
    other = pod("mail-hash9-a", {"app": "web", "pod-template-hash": "hash9"}, image="mail:4")
    hooks.cluster.add(owned(other, "ReplicaSet", "mail-hash9", 78))
    assert looked(hooks).is_running is False


def test_a_pod_that_nobody_controls_is_not_known(hooks: Hooks) -> None:
    hooks.cluster.add(pod("debug", {"app": "web"}, image="shop:0"))
    found = looked(hooks)
    assert found.is_running is None
    assert found.unknown == ("pod debug has the labels of Deployment web, and was not made by it",)


def test_an_older_replica_set_is_enough_where_pods_may_not_be_read(hooks: Hooks) -> None:
    web = hooks.cluster.get("deployments", "web")
    hooks.cluster.add(replica_set(web, image="shop:1", revision=1, replicas=2, number=1))
    hooks.cluster.forbidden = {"list pods"}
    found = looked(hooks)
    assert (found.is_running, found.who) == (True, ("ReplicaSet web-hash1 has 2 of revision 1 (shop:1)",))
    assert 'resources: ["pods"]' in found.unknown[0]


def stateful(newest: str = "db-2") -> Object:
    labels = {"app": "db"}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": NAMESPACE, "uid": uid(300), "generation": 2},
        "spec": {"serviceName": "db", "selector": {"matchLabels": labels}, "template": template("db:2", labels)},
        "status": {"observedGeneration": 2, "replicas": 2, "currentRevision": "db-1", "updateRevision": newest},
    }


def of_set(name: str, mark: str) -> Object:
    return owned(pod(name, {"app": "db", "controller-revision-hash": mark}), "StatefulSet", "db", 300)


def test_a_pod_of_a_stateful_set_keeps_its_revision_until_it_is_replaced(hooks: Hooks) -> None:
    hooks.cluster.add(stateful(), of_set("db-0", "db-1"), of_set("db-1", "db-2"))
    found = looked(hooks, statefulsets=["db"])
    assert (found.is_running, found.current, found.who) == (True, "db at db-2 (db:2)", ("pod db-0 runs db-1",))
    hooks.cluster.add(of_set("db-0", "db-2"))
    assert looked(hooks).is_running is False


def test_a_stateful_set_that_its_controller_has_not_seen_is_not_known(hooks: Hooks) -> None:
    found = stateful()
    found["metadata"]["generation"] = 3
    hooks.cluster.add(found)
    assert looked(hooks, statefulsets=["db"]).is_running is None


def test_names_are_a_list(hooks: Hooks) -> None:
    with pytest.raises(UsageError, match="statefulsets is no list of names"):
        looked(hooks, statefulsets="db")
