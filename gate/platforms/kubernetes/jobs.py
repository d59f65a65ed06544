"""Jobs: how they ended, or why they do not begin; and how a stuck one is stopped.

For others: `job_of` is the status of one by its name, `failed_jobs` those that have failed or cannot start, by name or
by label. Both need `get` and `list` on jobs.batch and `list` on pods; without the latter they say less, in `unknown`.

    api = Api(reach=reach(environment, tables.get("kubernetes", {}), secrets), left_s=left_s)
    for job in failed_jobs(api, label="app=shop"):
        job.told()          # Job migrate has failed: BackoffLimitExceeded: ...

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/ and pod-v1, 1.25 to 1.37.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gate.platforms.kubernetes.client import JOBS, PODS, Api, Object
from gate.platforms.kubernetes.errors import ApiError
from gate.platforms.kubernetes.selecting import selector_text

# A container that waits for these reasons is on its way; for any other it stays where it is until somebody acts.
_ON_THE_WAY = frozenset({"", "ContainerCreating", "PodInitializing"})


class JobState(Enum):
    """What became of a Job. `FAILED` from the moment on at which that is decided, its last pods may still be ending."""

    RUNNING = "is running"
    SUSPENDED = "is suspended"
    COMPLETE = "is complete"
    FAILED = "has failed"


@dataclass(frozen=True, kw_only=True)
class JobPod:
    """One pod of a Job. `waiting` is why it does not start, as `ImagePullBackOff: Back-off pulling image ...`, empty
    where nothing keeps it; `ended` how it ended, `Error, exit code 40`; `message` its termination message. `host_name`
    is empty where it is the pod's name; `node` is that where it runs, and the host name of one in the host's network.
    """

    name: str
    phase: str
    waiting: str = ""
    ended: str = ""
    message: str = ""
    host_name: str = ""
    node: str = ""
    is_terminating: bool = False


@dataclass(frozen=True, kw_only=True)
class Job:
    """`reason` and `message` are the server's own: BackoffLimitExceeded, DeadlineExceeded, PodFailurePolicy.

    `made_at` is its creationTimestamp, `active` how many pods it has that are not over. `pods` are the newest first;
    those that a failed Job has deleted are not among them. `unknown` says what could not be read.
    """

    name: str
    uid: str
    state: JobState
    made_at: str
    reason: str = ""
    message: str = ""
    active: int = 0
    failed: int = 0
    pods: tuple[JobPod, ...] = ()
    unknown: str = ""

    @property
    def has_failed(self) -> bool:
        """For good: a Job that has failed is not begun again."""
        return self.state is JobState.FAILED

    @property
    def is_over(self) -> bool:
        """Nothing of it runs any more, or will."""
        return self.state in (JobState.FAILED, JobState.COMPLETE)

    @property
    def never_starts(self) -> bool:
        """It is running by its status, and each of its pods waits for something that does not come by itself."""
        return self.state is JobState.RUNNING and bool(self.pods) and all(pod.waiting for pod in self.pods)

    def told(self) -> str:
        """One sentence: the Job, what is wrong, and what its pod has said."""
        if self.never_starts:
            return f"Job {self.name} does not start: pod {self.pods[0].name}: {self.pods[0].waiting}"
        why = ": ".join(part for part in (self.reason, self.message) if part)
        said = "; ".join(_said(pod) for pod in self.pods[:1] if pod.ended)
        words = f"Job {self.name} {self.state.value}" + (f": {why}" if why else "")
        return words + (f"; {said}" if said else "")


def job_of(api: Api, name: str) -> Job | None:
    """The Job of that name; None where there is none (never made, or deleted after its TTL)."""
    found = api.find(JOBS, name)
    return None if found is None else _with_pods(api, found)


def failed_jobs(api: Api, *, name: str | None = None, label: str | None = None) -> tuple[Job, ...]:
    """Those of that name or with that label (a label selector) that have failed or do not start; newest first.

    With a label a failure that a later Job has made good is left out: only what is newer than the last complete one.
    """
    if name is not None:
        jobs = [] if (found := job_of(api, name)) is None else [found]
    else:
        jobs = [_with_pods(api, found) for found in api.list(JOBS, label or "")]
    newest = sorted(jobs, key=lambda job: job.made_at, reverse=True)
    complete = max((job.made_at for job in newest if job.state is JobState.COMPLETE), default="")
    return tuple(job for job in newest if (job.has_failed or job.never_starts) and job.made_at >= complete)


def _with_pods(api: Api, found: Object) -> Job:
    job = job_from(found)
    if job.state is JobState.COMPLETE:
        return job
    try:
        pods = api.list(PODS, selector_text(found["spec"].get("selector") or {}))
    except ApiError as error:
        return job_from(found, unknown=f"its pods: {error.problem}; {error.remedy}".rstrip("; "))
    return job_from(found, pods)


# --- from objects ----------------------------------------------------------------------------------------------------


def job_from(found: Object, pods: Sequence[Object] = (), unknown: str = "") -> Job:
    """From the Job and its pods, as the API server has them."""
    metadata, status = found["metadata"], found.get("status") or {}
    state, reason, message = _state(found)
    newest = sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True)
    return Job(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        state=state,
        made_at=metadata.get("creationTimestamp") or "",
        reason=reason,
        message=message,
        active=status.get("active") or 0,
        failed=status.get("failed") or 0,
        pods=tuple(map(_pod, newest)),
        unknown=unknown,
    )


def _state(found: Object) -> tuple[JobState, str, str]:
    """Since 1.31 a Job is `Failed` only when its last pod is gone: `FailureTarget` says so at once."""
    met = {
        item["type"]: item for item in (found.get("status") or {}).get("conditions") or () if item["status"] == "True"
    }
    for kind, state in (
        ("Complete", JobState.COMPLETE),
        ("Failed", JobState.FAILED),
        ("FailureTarget", JobState.FAILED),
        ("SuccessCriteriaMet", JobState.COMPLETE),
    ):
        if kind in met:
            return state, met[kind].get("reason") or "", met[kind].get("message") or ""
    if found["spec"].get("suspend"):
        return JobState.SUSPENDED, "", ""
    return JobState.RUNNING, "", ""


def _pod(found: Object) -> JobPod:
    status = found.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    ended = [state for item in containers if (state := (item.get("state") or {}).get("terminated"))]
    # Of several the one that failed: a sidecar that ended well explains nothing.
    last = next((state for state in ended if state.get("exitCode")), ended[-1] if ended else None)
    return JobPod(
        name=found["metadata"]["name"],
        phase=status.get("phase") or "",
        waiting=_waiting(status, containers),
        ended="" if last is None else f"{last.get('reason') or 'ended'}, exit code {last.get('exitCode')}",
        message="" if last is None else (last.get("message") or "").strip(),
        host_name=found["spec"].get("hostname") or "",
        node=(found["spec"].get("nodeName") or "") if found["spec"].get("hostNetwork") else "",
        is_terminating="deletionTimestamp" in found["metadata"],
    )


def _waiting(status: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]) -> str:
    for item in containers:
        waiting = (item.get("state") or {}).get("waiting") or {}
        if (reason := waiting.get("reason") or "") not in _ON_THE_WAY:
            return ": ".join(part for part in (reason, waiting.get("message") or "") if part)
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return ": ".join(part for part in (condition.get("reason") or "", condition.get("message") or "") if part)
    return ""


def _said(pod: JobPod) -> str:
    return f"pod {pod.name}: {pod.ended}" + (f": {summary}" if (summary := _summary(pod.message)) else "")


def _summary(message: str) -> str:
    """Of gate's own termination message the problem, of any other its last line: that is where errors stand."""
    try:
        told = json.loads(message)
    except ValueError:
        return message.splitlines()[-1] if message else ""
    problem = told.get("problem") if isinstance(told, dict) else None
    return str(problem) if problem else message


# --- stopping one -----------------------------------------------------------------------------------------------------


def is_ours(api: Api, job: Job) -> bool | None:
    """Whether we run in a pod of it; None where that cannot be told. Asks for its pods only within a cluster."""
    pod = api.reach.pod
    if not pod:
        return None if api.reach.is_in_cluster else False
    if job.unknown:
        return None
    # The host name of a pod is cut off after 63 characters, and that of an Indexed Job is one of its own.
    return any(pod in (item.name, item.name[:63].rstrip("-."), item.host_name, item.node) for item in job.pods)


def suspend(api: Api, name: str, *, is_suspended: bool) -> None:
    """Its pods are ended, with their grace period; resumed it makes new ones. Sends it, once."""
    api.patch(JOBS, name, {"spec": {"suspend": is_suspended}}, "merge-patch", manager="kubectl-patch")


def delete(api: Api, job: Job) -> None:
    """That very Job and its pods: SIGTERM, then their grace period. Sends it, once."""
    api.delete(JOBS, job.name, uid=job.uid)
