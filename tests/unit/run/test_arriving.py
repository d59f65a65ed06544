"""When a wait says something, and when it is given up."""

from __future__ import annotations

import pytest

from gate.model.errors import Exit
from gate.run.arriving import Arrival, JobSeen, Limits, Look, Progress, Step, advance

LIMITS = Limits(until_s=100.0)
MISSING = ("20260102",)
FAILED = JobSeen(name="migrate", said="Job migrate has failed", uid="1", has_failed=True)


def steps(*looks: Look, limits: Limits = LIMITS) -> list[Step]:
    progress, found = Progress(), []
    for look in looks:
        step, progress = advance(limits, progress, look)
        found.append(step)
    return found


def at(at_s: float, **more: object) -> Look:
    return Look(at_s=at_s, **{"missing": MISSING, **more})  # type: ignore[arg-type]  # names of its fields


def test_what_is_there_is_there() -> None:
    assert steps(Look(at_s=500.0)) == [Step.ARRIVED]
    assert steps(at(0.0), Look(at_s=2.0)) == [Step.TELL, Step.ARRIVED]
    assert not at(0.0, missing=(), absent="no server").is_there


def test_it_is_said_at_once_then_every_ten_seconds_and_whenever_something_changes() -> None:
    looks = [at(float(second)) for second in (0, 2, 8, 10, 12)]
    assert steps(*looks) == [Step.TELL, Step.WAIT, Step.WAIT, Step.TELL, Step.WAIT]
    changes = [at(0.0, absent="refused"), at(2.0), at(4.0, failed=("dirty",)), at(6.0, failed=("dirty",))]
    assert steps(*changes) == [Step.TELL, Step.TELL, Step.TELL, Step.WAIT]


def test_the_end_of_the_time() -> None:
    assert steps(at(99.0), at(100.0)) == [Step.TELL, Step.TIMED_OUT]


def test_a_job_that_failed_is_believed_once_it_has_stood_for_a_while() -> None:
    assert steps(*(at(float(second), job=FAILED) for second in (0, 4, 10)))[-1] is Step.JOB_FAILED
    assert steps(*(at(float(second), job=FAILED) for second in (0, 9)))[-1] is not Step.JOB_FAILED


def test_one_of_an_earlier_deploy_is_replaced_in_time() -> None:
    again = JobSeen(name="migrate", said="Job migrate has failed", uid="2", has_failed=True)
    running = JobSeen(name="migrate", said="Job migrate is running", uid="2")
    assert Step.JOB_FAILED not in steps(
        at(0.0, job=FAILED), at(8.0, job=running), at(12.0, job=again), at(20.0, job=again)
    )
    assert Step.JOB_FAILED not in steps(at(0.0, job=FAILED), at(8.0, job=again), at(12.0, job=again))


def test_the_schema_goes_before_the_job() -> None:
    assert steps(at(0.0, job=FAILED), Look(at_s=20.0, job=FAILED))[-1] is Step.ARRIVED


@pytest.mark.parametrize(
    ("arrival", "code"),
    [
        (Arrival.ARRIVED, Exit.DONE),
        (Arrival.TIMED_OUT, Exit.STOPPED_RESUMABLE),
        (Arrival.JOB_FAILED, Exit.MIGRATION_FAILED),
    ],
)
def test_each_end_has_its_exit_code(arrival: Arrival, code: Exit) -> None:
    assert arrival.exit is code
