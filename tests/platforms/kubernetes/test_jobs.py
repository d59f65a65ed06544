"""What is said of a Job: how it failed, and why it does not begin."""

from __future__ import annotations

from typing import Any

import pytest

from gate.platforms.kubernetes.client import Api
from gate.platforms.kubernetes.jobs import Job, JobState, failed_jobs, is_ours, job_of
from gate.platforms.kubernetes.reach import KEY, reach
from tests.platforms.kubernetes.hooks import Hooks
from tests.platforms.kubernetes.objects import Object, job, pod

LABELS = {"batch.kubernetes.io/job-name": "migrate"}


def api(hooks: Hooks) -> Api:
    around = hooks.around
    where = reach(hooks.environment, around.tables[KEY], around.secrets)
    return Api(reach=where, left_s=hooks.clock.left, pause=hooks.clock.pause)


def migrate(hooks: Hooks) -> Job:
    found = job_of(api(hooks), "migrate")
    assert found is not None
    return found


def condition(kind: str, reason: str, message: str = "") -> Object:
    return {"type": kind, "status": "True", "reason": reason, "message": message}


def set_status(hooks: Hooks, *conditions: Object) -> None:
    found = hooks.cluster.get("jobs", "migrate")
    hooks.cluster.add({**found, "status": {"failed": 1, "conditions": list(conditions)}})


def add_pod(hooks: Hooks, state: Object, name: str = "migrate-x7", **status: Any) -> None:
    found = pod(name, LABELS, phase="Pending")
    container = {"name": "gate", "image": "shop:2", "imageID": "", "ready": False, "restartCount": 0, "state": state}
    found["status"] = {"phase": "Pending", "containerStatuses": [container] if state else [], **status}
    hooks.cluster.add(found)


def waiting(reason: str, message: str = "") -> Object:
    return {"waiting": {"reason": reason, "message": message}}


def terminated(exit_code: int, message: str) -> Object:
    return {"terminated": {"exitCode": exit_code, "reason": "Error", "message": message}}


@pytest.mark.parametrize("kind", ["Failed", "FailureTarget"])
@pytest.mark.parametrize("reason", ["BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy"])
def test_a_failed_job_is_told_with_the_servers_reason(kind: str, reason: str, hooks: Hooks) -> None:
    set_status(hooks, condition(kind, reason, "Job has gone wrong"))
    (found,) = failed_jobs(api(hooks), name="migrate")
    assert (found.state, found.reason, found.is_over) == (JobState.FAILED, reason, True)
    assert found.told() == f"Job migrate has failed: {reason}: Job has gone wrong"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('{"exit_code": 40, "problem": "duplicate key"}', "duplicate key"),
        ("Traceback\n  line\nValueError: no", "ValueError: no"),
    ],
)
def test_what_its_pod_has_said_is_told_too(message: str, said: str, hooks: Hooks) -> None:
    set_status(hooks, condition("Failed", "PodFailurePolicy"))
    add_pod(hooks, terminated(40, message))
    assert migrate(hooks).told() == (
        f"Job migrate has failed: PodFailurePolicy; pod migrate-x7: Error, exit code 40: {said}"
    )


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError"])
def test_a_job_whose_pod_never_starts_gives_no_other_sign(reason: str, hooks: Hooks) -> None:
    add_pod(hooks, waiting(reason, "why"))
    (found,) = failed_jobs(api(hooks), name="migrate")
    assert found.told() == f"Job migrate does not start: pod migrate-x7: {reason}: why"


def test_a_pod_that_no_node_has_room_for_does_not_start(hooks: Hooks) -> None:
    told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes available"}
    add_pod(hooks, {}, conditions=[told])
    assert "Unschedulable: 0/3 nodes available" in migrate(hooks).told()


@pytest.mark.parametrize("state", [waiting("ContainerCreating"), {"running": {}}])
def test_a_pod_on_its_way_is_no_failure(state: Object, hooks: Hooks) -> None:
    add_pod(hooks, state)
    assert failed_jobs(api(hooks), name="migrate") == ()
    assert migrate(hooks).told() == "Job migrate is running"


def test_by_label_a_failure_that_was_made_good_is_left_out(hooks: Hooks) -> None:
    def made(name: str, number: int, kind: str) -> Object:
        found = job(name, number=number)
        found["metadata"] |= {"labels": {"app": "shop"}, "creationTimestamp": f"2026-01-0{number}T00:00:00Z"}
        return {**found, "status": {"conditions": [condition(kind, "BackoffLimitExceeded")]}}

    hooks.cluster.add(made("one", 1, "Failed"), made("two", 2, "Complete"), made("three", 3, "Failed"))
    assert [found.name for found in failed_jobs(api(hooks), label="app=shop")] == ["three"]
    hooks.cluster.add(made("four", 4, "Complete"))
    assert failed_jobs(api(hooks), label="app=shop") == ()


def test_a_job_that_is_not_there_has_not_failed(hooks: Hooks) -> None:
    assert (job_of(api(hooks), "none"), failed_jobs(api(hooks), name="none")) == (None, ())


def test_pods_that_may_not_be_read_are_said_to_be_unknown(hooks: Hooks) -> None:
    hooks.cluster.forbidden = {"list pods"}
    assert 'resources: ["pods"], verbs: ["list"]' in migrate(hooks).unknown


@pytest.mark.parametrize(
    ("pod_name", "changes", "is_own"),
    [
        ("migrate-x7", {}, True),
        ("migrate-y8", {}, False),
        ("migrate-0", {"hostname": "migrate-0"}, True),
        ("node-3", {"hostNetwork": True, "nodeName": "node-3"}, True),
        ("node-3", {"nodeName": "node-3"}, False),
        ("", {}, None),
    ],
)
def test_the_job_that_gate_runs_in_is_known_by_its_pods(
    pod_name: str,
    changes: Object,
    is_own: bool | None,  # noqa: FBT001 - a case
    hooks: Hooks,
) -> None:
    found = pod("migrate-x7", LABELS)
    found["spec"] |= changes
    hooks.cluster.add(found)
    hooks.environment = {"POD_NAME": pod_name, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert is_ours(api(hooks), migrate(hooks)) is is_own
