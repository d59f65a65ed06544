"""`gate wait`: whether the schema has arrived where code needs it, and how long it is still worth waiting.

Nothing here compares ids: whether one is applied is what the tool's bookkeeping says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from gate.model.errors import Exit
from gate.model.run import HookRun

LATEST = "latest"
"""Stands for all migrations of the directory."""
TELL_EVERY_S = 10.0
FAILED_JOB_STANDS_S = 10.0
"""A Job that failed is believed once it has stood for that long: one of an earlier deploy is about to be replaced."""


@dataclass(frozen=True, kw_only=True)
class JobSeen:
    """The Job that is to bring the schema. `said` is how it stands, a sentence for people; `uid` tells it from a later
    one of that name. `is_known` is False where the cluster could not be asked.
    """

    name: str
    said: str
    uid: str = ""
    has_failed: bool = False
    is_known: bool = True


@dataclass(frozen=True, kw_only=True)
class Look:
    """The state at one moment. `missing` are wanted ids that are not applied; none of them: it is there.

    `absent` says why nothing is there to be asked: no bookkeeping yet, or no server (`is_reached`). `unknown` says what
    may hide an id that is missing. `failed` is what the tool has as begun and not finished, `at_work` who may bring it.
    """

    at_s: float
    missing: tuple[str, ...] = ()
    absent: str = ""
    is_reached: bool = True
    unknown: str = ""
    failed: tuple[str, ...] = ()
    at_work: tuple[str, ...] = ()
    job: JobSeen | None = None

    @property
    def is_there(self) -> bool:
        return not self.missing and not self.absent

    @property
    def state(self) -> tuple[object, ...]:
        """What is worth a line of its own when it changes."""
        return (bool(self.absent), self.missing, self.failed, self.job and self.job.said)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`until_s` is monotonic."""

    until_s: float
    tell_every_s: float = TELL_EVERY_S
    failed_job_stands_s: float = FAILED_JOB_STANDS_S


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What was said last, and when; since when the Job of that uid has failed."""

    said_s: float | None = None
    said: tuple[object, ...] = ()
    failed_since_s: float | None = None
    failed_uid: str = ""

    def is_due(self, limits: Limits, at_s: float) -> bool:
        """Whether a line is due even if nothing has changed."""
        return self.said_s is None or at_s - self.said_s >= limits.tell_every_s


class Step(Enum):
    """What to do after a look."""

    ARRIVED = "arrived"
    WAIT = "wait"
    TELL = "tell"
    JOB_FAILED = "job failed"
    TIMED_OUT = "timed out"


def advance(limits: Limits, progress: Progress, look: Look) -> tuple[Step, Progress]:
    """`look.job` is as it was before the schema was looked at: a Job that ended well has written its rows by then."""
    if look.is_there:
        return Step.ARRIVED, progress
    progress = _with_job(progress, look)
    since_s = progress.failed_since_s
    if since_s is not None and look.at_s - since_s >= limits.failed_job_stands_s:
        return Step.JOB_FAILED, progress
    if look.at_s >= limits.until_s:
        return Step.TIMED_OUT, progress
    if progress.is_due(limits, look.at_s) or look.state != progress.said:
        return Step.TELL, replace(progress, said_s=look.at_s, said=look.state)
    return Step.WAIT, progress


def _with_job(progress: Progress, look: Look) -> Progress:
    job = look.job
    if job is None or not job.has_failed:
        return replace(progress, failed_since_s=None, failed_uid="")
    if progress.failed_since_s is not None and progress.failed_uid == job.uid:
        return progress
    return replace(progress, failed_since_s=look.at_s, failed_uid=job.uid)


class Arrival(Enum):
    """How a wait ended, each with its exit code."""

    ARRIVED = "done"
    TIMED_OUT = "stopped"
    JOB_FAILED = "failed"

    @property
    def exit(self) -> Exit:
        return {
            Arrival.ARRIVED: Exit.DONE,
            Arrival.TIMED_OUT: Exit.STOPPED_RESUMABLE,
            Arrival.JOB_FAILED: Exit.MIGRATION_FAILED,
        }[self]


@dataclass(frozen=True, kw_only=True)
class Waited:
    """How `gate wait` ended. `wanted` is as it was asked for; `run` is the same for every replica that waits for the
    same thing, so that people are told once.
    """

    run: str
    gate: str
    database: str
    wanted: str
    source: str
    started_at: str
    seconds: float
    arrival: Arrival
    look: Look
    problem: str = ""
    remedy: str = ""
    hooks: tuple[HookRun, ...] = ()


def wait_document(waited: Waited) -> dict[str, Any]:
    """For programs and hooks; the keys that it shares with a release's document mean the same."""
    look = waited.look
    return {
        "schema": 1,
        "gate": waited.gate,
        "command": "wait",
        "run": waited.run,
        "dedupe": waited.run,
        "database": waited.database or None,
        "source": waited.source,
        "started_at": waited.started_at,
        "seconds": round(waited.seconds, 3),
        "outcome": waited.arrival.value,
        "exit_code": int(waited.arrival.exit),
        "problem": waited.problem or None,
        "remedy": waited.remedy or None,
        "schema_at_least": waited.wanted,
        "migrations": [],
        "left": list(look.missing),
        "absent": look.absent or None,
        "unknown": look.unknown or None,
        "failed": list(look.failed),
        "at_work": list(look.at_work),
        "job": None if look.job is None else _job(look.job),
        "hooks": [
            {
                "event": hook.event,
                "name": hook.name,
                "seconds": round(hook.seconds, 3),
                "problem": hook.problem or None,
                "output": hook.output or None,
            }
            for hook in waited.hooks
        ],
    }


def _job(job: JobSeen) -> dict[str, Any]:
    return {
        "name": job.name,
        "uid": job.uid or None,
        "failed": job.has_failed if job.is_known else None,
        "said": job.said,
    }
