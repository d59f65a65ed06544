"""`kubernetes.delete_job` and `kubernetes.suspend_job`: a Job that is stuck is stopped, and its pods with it.

Its pods get SIGTERM, and SIGKILL after their grace period. A deleted Job is gone for whoever waits for it; a suspended
one stays to be looked at, but Argo CD takes it for done.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.errors import UsageError
from gate.platforms.deeds import Said
from gate.platforms.kubernetes.calling import Call, KubernetesHook, options
from gate.platforms.kubernetes.client import JOBS, PODS
from gate.platforms.kubernetes.errors import Lost, Rule
from gate.platforms.kubernetes.jobs import Job, JobState, delete, is_ours, job_of, suspend
from gate.platforms.making import Around
from gate.policy.policy import HookSetting


@dataclass(frozen=True, kw_only=True)
class Stop:
    """`deletes` it, or suspends it."""

    job: str
    deletes: bool

    def rules(self) -> tuple[Rule, ...]:
        return (JOBS.rule("get"), PODS.rule("list"), JOBS.rule("delete" if self.deletes else "patch"))

    def object_name(self) -> str:
        return self.job

    def problem(self, call: Call) -> str:  # noqa: ARG002 - that it does not exist yet is no problem beforehand
        return ""

    def do(self, call: Call) -> Said:
        found = job_of(call.api, self.job)
        if found is None:
            return Said(output=f"there is no Job {self.job} in {call.api.namespace}: it has ended, or was deleted")
        if found.is_over:
            return Said(output=f"Job {self.job} {found.state.value} already: nothing of it runs")
        _check_not_ours(call, found)
        return self._deleted(call, found) if self.deletes else self._suspended(call, found)

    def _deleted(self, call: Call, found: Job) -> Said:
        try:
            delete(call.api, found)
        except Lost:
            # A look tells; the uid keeps a second try from a Job that was made meanwhile.
            left = job_of(call.api, self.job)
            if left is not None and left.uid == found.uid:
                raise
        return Said(output=f"Job {self.job} is deleted; its pods get SIGTERM, and SIGKILL after their grace period")

    def _suspended(self, call: Call, found: Job) -> Said:
        if found.state is JobState.SUSPENDED:
            return Said(output=f"Job {self.job} is suspended already")
        suspend(call.api, self.job, is_suspended=True)
        return Said(output=f"Job {self.job} is suspended; its pods get SIGTERM, and SIGKILL after their grace period")


def made_to_delete(setting: HookSetting, around: Around) -> KubernetesHook:
    return _made(setting, around, deletes=True)


def made_to_suspend(setting: HookSetting, around: Around) -> KubernetesHook:
    return _made(setting, around, deletes=False)


def _made(setting: HookSetting, around: Around, *, deletes: bool) -> KubernetesHook:
    told = options(setting)
    told.known("job")
    return KubernetesHook(setting=setting, around=around, deed=Stop(job=told.named("job"), deletes=deletes))


def _check_not_ours(call: Call, found: Job) -> None:
    is_own = is_ours(call.api, found)
    if is_own:
        raise UsageError(f"gate itself runs in Job {found.name}", remedy="its exit code is what ends that Job")
    if is_own is None:
        raise UsageError(
            f"whether gate itself runs in Job {found.name} cannot be told: {found.unknown or 'POD_NAME is not set'}",
            remedy="give the pod its name: POD_NAME from metadata.name",
        )
