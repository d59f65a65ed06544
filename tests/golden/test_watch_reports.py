"""Every word of how gate wait and gate watch end, and the exit code that goes with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from gate.model.errors import Exit
from gate.model.run import HookRun, Outcome
from gate.report import Look
from gate.report.prose.words import columns
from gate.report.wait import render as render_wait
from gate.report.watch import render as render_watch
from gate.run.arriving import Arrival, JobSeen, Waited
from gate.run.arriving import Look as Schema
from gate.run.holding import Progress, Reading, Seen, Watched

Golden = Callable[[str, str], None]

THERE = Waited(
    run="wait-0f5e8c1d5d1e4c3a",
    gate="0.1.0",
    database="shop",
    wanted="20260103000000",
    source="dbmate",
    started_at="2026-01-02T03:04:05.000000Z",
    seconds=10.2,
    arrival=Arrival.ARRIVED,
    look=Schema(at_s=10.2),
)
JOB = JobSeen(
    name="shop-migrate",
    said="Job shop-migrate does not start: pod shop-migrate-x7k2p: ImagePullBackOff: Back-off pulling image",
    uid="7c1e",
)
LATE = replace(
    THERE,
    arrival=Arrival.TIMED_OUT,
    seconds=600.1,
    look=Schema(at_s=600.1, missing=("20260103000000",), job=JOB),
    problem=f"{JOB.said}; 20260103000000 is not applied to shop yet, after 10 min",
    remedy="kubectl describe job/shop-migrate and its pods tell what they wait for",
    hooks=(HookRun(event="on_failure", name="slack", seconds=0.2, output="answered 200 ok"),),
)
WAITED = {
    "wait-there": THERE,
    "wait-there-at-once": replace(THERE, seconds=0.03, wanted="latest"),
    "wait-late": LATE,
    "wait-job-failed": replace(
        LATE,
        arrival=Arrival.JOB_FAILED,
        look=replace(LATE.look, job=replace(JOB, has_failed=True)),
        problem="Job shop-migrate has failed: BackoffLimitExceeded; 20260103000000 is not applied to shop yet",
        hooks=(HookRun(event="on_failure", name="slack", seconds=10.0, problem="no answer within 10 s"),),
    ),
}
HELD = Watched(
    run="0f5e8c1d5d1e4c3a",
    gate="0.1.0",
    release="v42",
    where="a CI step (GitHub Actions)",
    database="shop",
    started_at="2026-01-02T03:04:05.000000Z",
    seconds=600.3,
    outcome=Outcome.DONE,
    progress=Progress(began_s=0.0, taken=121, bad=1),
    readings=(Reading(probe="health", seen=Seen.GOOD, said="answered 200"),),
    problem="release v42 held for 10 min: 121 samples, 1 of them bad",
)
FAILED = replace(
    HELD,
    seconds=25.1,
    outcome=Outcome.FAILED,
    progress=Progress(began_s=0.0, taken=6, bad=3),
    readings=(Reading(probe="health", seen=Seen.BAD, said="answered 503"),),
    problem="health: answered 503: 3 bad samples in a row, release v42 fails after 25 s",
    notes=("health is bad from the first sample that counts: it may have been so before the deploy",),
    hooks=(
        HookRun(
            event="on_watch_failure",
            name="heroku.rollback",
            seconds=4.2,
            output="shop is rolled back from v42 to v41, as v43. To undo: heroku rollback v42 --app shop",
        ),
    ),
)
WATCHED = {
    "watch-held": HELD,
    "watch-failed": FAILED,
    "watch-person": replace(
        FAILED,
        outcome=Outcome.NEEDS_PERSON,
        remedy="heroku.rollback did not work: roll back by hand, or see why",
        hooks=(HookRun(event="on_watch_failure", name="heroku.rollback", seconds=0.3, problem="v43 has failed"),),
    ),
    "watch-stopped": replace(
        HELD,
        outcome=Outcome.STOPPED,
        problem="stopped by SIGTERM after 12 s: how release v42 does is not known, and nothing was rolled back",
        remedy="watch again",
    ),
    "watch-unknown": replace(
        HELD,
        outcome=Outcome.UNREACHABLE,
        readings=(Reading(probe="health", seen=Seen.UNKNOWN, said="no connection to shop.example"),),
        problem="after 10 min it is not known how release v42 does: health not known: no connection to shop.example",
        remedy="nothing was rolled back; look at the app, and watch again from where it can be reached",
    ),
}
EXITS = {
    "watch-held": Exit.DONE,
    "watch-failed": Exit.MIGRATION_FAILED,
    "watch-person": Exit.STOPPED_NEEDS_PERSON,
    "watch-stopped": Exit.STOPPED_RESUMABLE,
    "watch-unknown": Exit.UNREACHABLE,
}


@pytest.mark.parametrize("name", WAITED)
def test_how_a_wait_ends(name: str, golden: Golden) -> None:
    golden(f"{name}.txt", render_wait("text", WAITED[name], Look(width=80)))


@pytest.mark.parametrize("name", WATCHED)
def test_how_a_watch_ends(name: str, golden: Golden) -> None:
    golden(f"{name}.txt", render_watch("text", WATCHED[name], Look(width=80)))
    assert json.loads(render_watch("json", WATCHED[name], Look()))["exit_code"] == EXITS[name]


def test_documents(golden: Golden) -> None:
    golden("wait-late.json", render_wait("json", LATE, Look()))
    golden("watch-failed.json", render_watch("json", FAILED, Look()))


@pytest.mark.parametrize("width", [40, 60, 100, 300])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    texts = [
        *(render_wait("text", one, Look(width=width)) for one in WAITED.values()),
        *(render_watch("text", one, Look(width=width)) for one in WATCHED.values()),
    ]
    widest = max(60, min(width, 120))
    assert [line for text in texts for line in text.splitlines() if columns(line) > widest] == []
