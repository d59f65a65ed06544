"""All deadlines from one budget: whoever is inside ends before whoever is outside loses patience.

gate's budget < the Job's activeDeadlineSeconds < the patience of Helm or `kubectl wait`; gate's grace < the pod's. A
Job that reaches its deadline loses its pod, and with it the log and the termination message; Helm that gives up says
`context deadline exceeded`, and leaves the Job running. Neither is to happen before gate itself has told what is wrong.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/ (the deadline of a Job is for all its pods
together, and goes before backoffLimit) and helm/helm pkg/action/hooks.go (`--timeout` is for each operation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

GRACE_S = 50
"""gate's own, after SIGTERM: for undo, and for hooks."""
POD_GRACE_S = 60
_START_S = 60
_TELL_S = 120


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """`budget_s` is for one release, `job_s` for the Job with all its pods, `patience_s` for who waits for the Job.

    A pod that is tried again has what is left of `job_s`. In a fleet `rounds` is how many pods follow each other, and
    `in_a_row` how many releases within one of them.
    """

    budget_s: int
    rounds: int = 1
    in_a_row: int = 1
    grace_s: int = GRACE_S
    pod_grace_s: int = POD_GRACE_S

    @property
    def job_s(self) -> int:
        """A pod's start (scheduling, pulling the image), the budget, and the end after SIGTERM, for each round."""
        return self.rounds * (_START_S + self.in_a_row * self.budget_s + self.pod_grace_s)

    @property
    def patience_s(self) -> int:
        """The Job has failed when its last pod has ended, which has its grace after the Job's deadline."""
        return self.job_s + self.pod_grace_s + _TELL_S


def deadlines(budget_s: float, rounds: int = 1, in_a_row: int = 1) -> Deadlines:
    """In whole seconds, as Kubernetes counts."""
    return Deadlines(budget_s=math.ceil(budget_s), rounds=rounds, in_a_row=in_a_row)


def go_duration(seconds: int) -> str:
    """As `kubectl wait --timeout` and `helm --timeout` take it: `20m`, `1205s`."""
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"
