"""The bench of stalls: its scenes work, its migrations run, its goals are judged as they are written down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.bench.load import Felt
from tests.bench.stall import table
from tests.bench.stall.cases import CASES, SCENES, Case, Scene
from tests.bench.stall.running import Measured, Sizes, copy, make, run
from tests.bench.stall.ways import End, plain
from tests.servers import LiveServer

SIZES = Sizes(rows=2000, large_rows=2000, rate=50.0)


@pytest.fixture(scope="module")
def scenes(server: LiveServer) -> Iterator[LiveServer]:
    for scene in SCENES:
        make(server.running, scene, SIZES)
    yield server
    for scene in SCENES:
        server.admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(scene.database)))


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_every_query_of_a_load_can_be_run(scenes: LiveServer, scene: Scene, tmp_path: Path) -> None:
    case = Case(name="nothing", sql="SELECT", scene=scene)
    found = run(scenes.running, case, plain, SIZES, tmp_path)
    assert found.end == End(how="done")
    assert found.felt.transactions > 0
    assert (found.felt.failures, found.felt.stale_plans) == (0, 0)


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_migration_runs_plain(scenes: LiveServer, case: Case, tmp_path: Path) -> None:
    with copy(scenes.running, case.scene) as conninfo:
        assert plain(case, conninfo, tmp_path) == End(how="done")
        with psycopg.connect(conninfo) as connection:
            assert connection.execute("SELECT version FROM schema_migrations").fetchall() == [("20260101000000",)]


def measured(worst_s: float, how: str = "done", failures: int = 0) -> Measured:
    felt = Felt(
        transactions=100,
        worst_s=worst_s,
        p50_s=0.001,
        p99_s=worst_s,
        blocked_s=0.0,
        late_s=0.0,
        failed={"40P01": failures} if failures else {},
        stale_plans=0,
    )
    return Measured(end=End(how=how), seconds=1.0, felt=felt)


def missed(found: dict[str, dict[str, Measured]]) -> list[str]:
    return [what for what, is_met in table.goals(found) if not is_met]


def test_goals_that_are_met() -> None:
    good = {"gate": measured(0.03), "plain": measured(5.0), "django": measured(0.2), "nothing": measured(0.01)}
    assert missed({"one": good, "other": good}) == []


def test_each_goal_can_be_missed() -> None:
    others = {"plain": measured(5.0)}
    assert missed({"one": {"gate": measured(0.3), **others}}) == [
        "gate's worst stall under 250 ms: 300 ms",
        "its median under 50 ms: 300 ms",
    ]
    assert missed({"one": {"gate": measured(0.03, failures=2), **others}}) == ["no query failed: 2"]
    assert missed({"one": {"gate": measured(0.03, "refused"), **others}}) == ["every migration done: one"]


def test_the_best_other_is_the_one_that_gate_is_held_against() -> None:
    ways = {"gate": measured(0.04), "plain": measured(5.0), "django": measured(0.1)}
    assert missed({"one": ways}) == ["at most a fifth of the best other's worst stall (django, 100 ms): 0.40"]
    without = {"gate": measured(0.04), "plain": measured(5.0)}
    assert missed({"one": {**ways, "gate": measured(0.02)}, "two": without}) == []
