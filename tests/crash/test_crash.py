"""A few rounds of the crash sweep; `bin/bench crash` plays hundreds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.embedded import available
from tests.crash.accident import QUICK, Accident
from tests.crash.cases import CASES
from tests.crash.playing import Stage, Turn
from tests.crash.proxy import Phase, Statement
from tests.crash.server import restartable
from tests.crash.sweep import run

_ROUNDS = 2
_SEED = 1
NEWEST = pytest.mark.majors(newest=True)


def test_after_an_accident_the_next_release_ends_as_if_nothing_had_happened(major: int) -> None:
    told: list[str] = []
    result = run(_ROUNDS, seed=_SEED + major, majors=[major], progress=told.append, what=QUICK)
    assert result.failed == (), "\n\n".join(result.failed)
    assert result.rounds == len(told) == _ROUNDS


@pytest.fixture(scope="module")
def stage(major: int) -> Iterator[Stage]:
    with (
        restartable(available()[major]) as server,
        tempfile.TemporaryDirectory(prefix="gate-crash-") as folder,
        Stage(server, Path(folder)) as made,
    ):
        yield made


@NEWEST
@pytest.mark.parametrize("what", ["kill", "drop"])
@pytest.mark.parametrize("name", ["backfill that is not repeatable", "three migrations of golang-migrate"])
def test_the_answer_to_a_commit_is_lost(what: str, name: str, stage: Stage) -> None:
    seen = [item for item in stage.known(CASES[name]).seen if item.role == "hands" and item.sql == "COMMIT"]
    assert _played(stage, name, what, seen[len(seen) // 2], Phase.ANSWERED) == ""


@NEWEST
@pytest.mark.parametrize("what", ["kill", "term", "terminate", "restart-fast", "crash"])
def test_in_the_midst_of_an_index_build(what: str, stage: Stage) -> None:
    seen = stage.known(CASES["index"]).seen
    build = next(item for item in seen if item.sql.startswith("CREATE INDEX CONCURRENTLY"))
    assert _played(stage, "index", what, build, Phase.SENT, delay_s=0.2) == ""


@NEWEST
@pytest.mark.parametrize("afterwards", ["removed", "changed"])
def test_the_file_is_gone_or_another_one(afterwards: str, stage: Stage) -> None:
    name = "foreign key"
    validation = next(item for item in stage.known(CASES[name]).seen if "VALIDATE CONSTRAINT" in item.sql)
    assert _played(stage, name, "kill", validation, Phase.BEFORE, afterwards=afterwards) == ""


@NEWEST
def test_what_differs_is_found_and_can_be_played_again(stage: Stage) -> None:
    name = "set not null"
    known = stage.known(CASES[name])
    stage.known_cases[name] = replace(known, end=stage.known(CASES["foreign key"]).end)
    try:
        said = _played(stage, name, "kill", known.seen[-1], Phase.BEFORE)
    finally:
        stage.known_cases[name] = known
    assert "orders_customer_fk" in said
    assert "python -m tests.crash.sweep --majors" in said


def _played(
    stage: Stage,
    name: str,
    what: str,
    statement: Statement,
    phase: Phase,
    *,
    delay_s: float = 0.0,
    afterwards: str = "again",
) -> str:
    accident = Accident(what=what, role=statement.role, number=statement.number, phase=phase, delay_s=delay_s)
    turn = Turn(case=CASES[name], accidents=(accident,), major=stage.server.major, afterwards=afterwards)
    problem = stage.play(turn)
    assert turn.happened == 1, "nothing happened"
    return problem
