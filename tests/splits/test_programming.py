"""From a file to its program: what is one transaction, what stands alone, and where the bookkeeping is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gate.app import pending
from gate.app.clock import Clock
from gate.app.judging import judge_live
from gate.app.opening import open_source
from gate.app.request import Request
from gate.app.settings import load
from gate.db.connect import connect
from gate.model.locks import LockMode
from gate.model.program import Program, Unit, UnitKind
from gate.model.steps import StepKind
from gate.run.programming import BOOKKEEPING, ToRun, programs
from tests.contention.scene import ADDS, BUILDS, SHOP, Scene, scene_of
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)

NO_BLOCK = " transaction:false"
FOREIGN_KEY = "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (customer_id) REFERENCES customers"
TRANSACTION, STATEMENT, GATHER = UnitKind.TRANSACTION, UnitKind.STATEMENT, UnitKind.GATHER


@pytest.fixture
def scene(clone: Callable[[str], Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.chdir(tmp_path)
    with scene_of(clone(SHOP), tmp_path) as made:
        yield made


def programmed(scene: Scene, *statements: str, options: str = "") -> Program:
    """Of a file with these, as a release would run it now."""
    scene.migration(*statements, options=options)
    settings = load(Request(), {})
    source = open_source(settings)
    with connect(scene.database.conninfo) as connection:
        answer = pending.read(connection, source)
        judged = judge_live(connection, source, answer, settings, Clock(print), is_release=True)
    pairs = zip(judged.plan.migrations, judged.migrations, strict=True)
    to_run = [ToRun(plan=plan, read=read) for plan, read in pairs]
    (program,) = programs(to_run, source=source.name, stall_s=0.2)
    assert [unit.ordinal for unit in program.units] == list(range(1, len(program.units) + 1))
    assert sum(unit.writes_bookkeeping for unit in program.units) == 1
    return program


def places(unit: Unit) -> list[int | None]:
    return [command.place for command in unit.commands]


def test_what_passes_is_one_transaction_with_the_bookkeeping_in_it(scene: Scene) -> None:
    program = programmed(scene, "CREATE TABLE a ()", ADDS, "CREATE TABLE b ()")
    (unit,) = program.units
    assert program.is_whole
    assert (unit.kind, unit.limits, unit.writes_bookkeeping) == (TRANSACTION, StepKind.CATALOG, True)
    assert places(unit) == [0, 1, 2]
    # What shuts nobody out is done before the first lock.
    assert unit.locked_from == 1
    assert [(lock.relation, lock.mode) for lock in unit.locks] == [("public.orders", LockMode.ACCESS_EXCLUSIVE)]


def test_what_is_split_is_run_step_by_step_and_the_bookkeeping_comes_last(scene: Scene) -> None:
    scene.database.execute("INSERT INTO orders SELECT n FROM generate_series(5001, 300000) n; ANALYZE orders")
    program = programmed(scene, "SET search_path = public", FOREIGN_KEY, "CREATE TABLE a ()", BUILDS)
    assert not program.is_whole
    *steps, last = program.units
    assert (last.why, last.writes_bookkeeping, last.commands) == (BOOKKEEPING, True, ())
    assert {unit.settings for unit in steps} == {(0,)}
    assert [unit.line for unit in steps] == sorted(unit.line or 0 for unit in steps)
    build = next(unit for unit in steps if unit.kind is STATEMENT)
    assert (build.builds, build.limits) == (("public", "orders_customer"), StepKind.CONCURRENT)
    own = next(unit for unit in steps if places(unit) == [2])
    assert own.kind is TRANSACTION


def test_what_no_block_may_hold_stands_alone(scene: Scene) -> None:
    program = programmed(scene, "CREATE INDEX CONCURRENTLY a ON orders (total)", options=NO_BLOCK)
    build, last = program.units
    assert not program.is_whole
    assert (build.kind, build.builds, build.locks, build.writes_bookkeeping) == (STATEMENT, ("public", "a"), (), False)
    assert last.why == BOOKKEEPING


def test_a_file_with_blocks_of_its_own_is_run_as_the_tool_would(scene: Scene) -> None:
    """The tool sends it as one message: what stands before BEGIN is in that block too."""
    program = programmed(
        scene,
        "SET lock_timeout = '1h'",
        "BEGIN",
        "CREATE TABLE b ()",
        "SET LOCAL search_path = b",
        "SET statement_timeout = 0",
        "COMMIT",
        "CREATE TABLE c ()",
        options=NO_BLOCK,
    )
    together, alone, last = program.units
    # Its BEGIN and COMMIT are the unit's own; a SET that is not LOCAL outlives it.
    assert (together.kind, places(together), together.settings) == (TRANSACTION, [0, 2, 3, 4], ())
    assert (places(alone), alone.settings) == ([6], (0, 4))
    assert last.why == BOOKKEEPING


def test_what_is_rolled_back_is_not_run(scene: Scene) -> None:
    program = programmed(scene, "BEGIN", "CREATE TABLE a ()", "ROLLBACK", "CREATE TABLE b ()", options=NO_BLOCK)
    assert [places(unit) for unit in program.units] == [[3]]
    assert program.is_whole


def test_statistics_that_are_lost_are_gathered_when_all_is_done(scene: Scene) -> None:
    scene.database.execute(
        "ALTER TABLE orders ADD COLUMN code varchar(10); UPDATE orders SET code = id; ANALYZE orders"
    )
    program = programmed(scene, "ALTER TABLE orders ALTER COLUMN code TYPE text")
    whole, gather = program.units
    assert whole.writes_bookkeeping
    assert (gather.kind, gather.relation, gather.columns) == (GATHER, "public.orders", ("code",))
    assert program.is_whole


def test_the_fingerprint_is_that_of_what_is_run(scene: Scene) -> None:
    """A comment changes nothing; another statement does, and so does another way of running them."""
    first = programmed(scene, ADDS)
    (path,) = (scene.at / "db" / "migrations").iterdir()

    def again(*statements: str, options: str = "") -> str:
        scene.written = 0
        path.unlink()
        return programmed(scene, *statements, options=options).fingerprint

    assert again(f"-- a comment\n{ADDS}") == first.fingerprint
    assert again(ADDS, options=NO_BLOCK) != first.fingerprint
    assert again(f"{ADDS} DEFAULT 'x'") != first.fingerprint
