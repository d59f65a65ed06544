"""The Job that is to bring the schema, as the cluster has it; who may not ask says which rule is missing."""

from __future__ import annotations

import time
from collections.abc import Mapping

from gate.model.errors import GateError
from gate.platforms.kubernetes.client import Api
from gate.platforms.kubernetes.jobs import job_of
from gate.platforms.kubernetes.reach import reach
from gate.platforms.secrets import Secrets
from gate.policy.policy import Policy
from gate.run.arriving import JobSeen

_ASKS_FOR_S = 5.0


def job_now(name: str, policy: Policy, environment: Mapping[str, str]) -> JobSeen:
    """Asked once, for a few seconds at most: nobody waits for the API server who waits for a schema."""
    secrets, until_s = Secrets(), time.monotonic() + _ASKS_FOR_S
    try:
        where = reach(environment, policy.platforms.get("kubernetes", {}), secrets)
        job = job_of(Api(reach=where, left_s=lambda: until_s - time.monotonic()), name)
    except GateError as error:
        said = secrets.masked(f"Job {name} cannot be looked at: {error.problem}; {error.remedy}".rstrip("; "))
        return JobSeen(name=name, said=said, is_known=False)
    if job is None:
        said = f"there is no Job {name} in namespace {where.namespace}: it was never made, or is deleted already"
        return JobSeen(name=name, said=said)
    said = job.told() + (f" (not known: {job.unknown})" if job.unknown else "")
    return JobSeen(name=name, said=said, uid=job.uid, has_failed=job.has_failed)
