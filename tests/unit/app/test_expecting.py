"""`--expect`: a plan held against the one that was reviewed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gate.app.expecting import differences, reviewed
from gate.app.plan_sql import plan_sql
from gate.model.document import document
from gate.model.errors import UsageError
from gate.model.plan import MigrationPlan, Plan, Verdict
from gate.model.steps import Step
from tests.golden import samples
from tests.servers import Database


def stored(plan: Plan) -> dict[str, Any]:
    """As it comes back from a file."""
    found: dict[str, Any] = json.loads(plan.to_json())
    return found


def plan_of(*migrations: MigrationPlan) -> Plan:
    return replace(samples.PASSED, migrations=migrations)


def migration(key: str, *sql: str, **more: Any) -> MigrationPlan:
    statements = tuple(
        replace(samples.ADD_COLUMN, line=number, sql=text, **more) for number, text in enumerate(sql, start=2)
    )
    return MigrationPlan(id=key, path=f"db/{key}.sql", is_transactional=True, statements=statements)


ONE, TWO = migration("1", "SELECT 1"), migration("2", "SELECT 2", "SELECT 3")


@pytest.mark.parametrize("name", samples.ALL)
def test_every_plan_is_like_itself(name: str) -> None:
    assert differences(stored(samples.ALL[name]), samples.ALL[name]) == ()


def test_sizes_times_and_words_do_not_count() -> None:
    old = stored(samples.SPLIT)
    text = json.dumps(old)
    for key in ("seconds", "rows", "bytes", "problem", "remedy", "why", "taken_at", "scans_per_s", "path", "line"):
        assert f'"{key}"' in text

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: _other(key, item) or changed(item) for key, item in value.items()}
        return [changed(item) for item in value] if isinstance(value, list) else value

    def _other(key: str, item: Any) -> Any:
        if key in (
            "rows",
            "bytes",
            "disk_bytes",
            "wal_bytes",
            "scans_per_s",
            "writes_per_s",
            "line",
            "free_disk_bytes",
        ):
            return 7
        if key == "seconds":
            return {"low": 1, "likely": 2, "high": 3}
        return "else" if key in ("problem", "remedy", "why", "taken_at", "path", "database") else None

    assert changed(old) != old
    assert differences(changed(old), samples.SPLIT) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (plan_of(ONE), plan_of(ONE, TWO), ["db/2.sql is pending, and was not reviewed"]),
        (plan_of(ONE, TWO), plan_of(ONE), ["db/2.sql was reviewed, and is not pending"]),
        (plan_of(ONE, TWO), plan_of(TWO, ONE), ["the order was 1, 2, and is 2, 1"]),
        (
            plan_of(TWO),
            plan_of(migration("2", "SELECT 2")),
            ["db/2.sql, line 3 when reviewed: `SELECT 3` is not there"],
        ),
        (plan_of(migration("2", "SELECT 2")), plan_of(TWO), ["db/2.sql, line 3: `SELECT 3` was not reviewed"]),
        (plan_of(ONE), plan_of(migration("1", "SELECT 9")), ["db/1.sql, line 2: was `SELECT 1`, and is `SELECT 9`"]),
        (
            plan_of(migration("1", "SELECT  1")),
            plan_of(ONE),
            ["db/1.sql, line 2: `SELECT 1` has other white space"],
        ),
        (
            plan_of(replace(ONE, is_transactional=False)),
            plan_of(ONE),
            ["db/1.sql was to run without a transaction, and now in one transaction"],
        ),
        (
            plan_of(ONE),
            plan_of(migration("1", "SELECT 1", verdict=Verdict.REFUSE)),
            ["db/1.sql, line 2: the verdict was pass, and is refuse: `SELECT 1`"],
        ),
        (plan_of(ONE), replace(plan_of(ONE), source="goose"), ["the reviewed migrations are dbmate's, and these are"]),
    ],
    ids=range(10),
)
def test_what_differs_is_said(old: Plan, new: Plan, said: list[str]) -> None:
    found = differences(stored(old), new)
    assert len(found) == len(said)
    for one, other in zip(found, said, strict=True):
        assert one.startswith(other)


def test_of_a_long_statement_the_place_is_shown() -> None:
    head = "CREATE TABLE a (" + ", ".join(f"column_{number} bigint" for number in range(50))
    (said,) = differences(
        stored(plan_of(migration("1", head + ", x integer)"))), plan_of(migration("1", head + ", x bigint)"))
    )
    assert said == "db/1.sql, line 2: was `...n_49 bigint, x integer)`, and is `...n_49 bigint, x bigint)`"


def test_nothing_in_a_difference_can_steer_a_terminal() -> None:
    (said,) = differences(stored(plan_of(migration("1", "SELECT '\x1b[2J\u202e'"))), plan_of(ONE))
    assert said.isprintable()


def with_steps(*steps: Step) -> Plan:
    return plan_of(migration("1", "SELECT 1", verdict=Verdict.SPLIT, steps=steps))


STEP = Step(sql="SELECT 7", why="because")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ((STEP,), (STEP, STEP), "step 2: `SELECT 7` was not reviewed"),
        ((STEP, STEP), (STEP,), "step 2: `SELECT 7` was reviewed, and is not planned"),
        ((STEP,), (replace(STEP, sql="SELECT 8"),), "step 1: was `SELECT 7`, and is `SELECT 8`"),
        ((STEP,), (replace(STEP, undo="DROP TABLE a"),), "step 1: undo was `null`, and is `DROP TABLE a`"),
        ((STEP,), (replace(STEP, is_final=True),), "step 1: final was `false`, and is `true`"),
    ],
    ids=range(5),
)
def test_a_step_that_differs_is_said(old: tuple[Step, ...], new: tuple[Step, ...], said: str) -> None:
    assert differences(stored(with_steps(*old)), with_steps(*new)) == (f"db/1.sql, line 2, {said}",)


def test_why_a_step_is_done_does_not_count() -> None:
    assert differences(stored(with_steps(STEP)), with_steps(replace(STEP, why="else"))) == ()


def test_what_the_bookkeeping_refuses_now_is_said() -> None:
    clean = replace(samples.DIRTY, findings=())
    (said,) = differences(stored(clean), samples.DIRTY)
    assert said.startswith("refused now, and not when it was reviewed: ")
    assert differences(stored(samples.DIRTY), samples.DIRTY) == ()


def test_what_is_done_since_or_taken_up_needs_no_comparing() -> None:
    assert differences(stored(plan_of(ONE, TWO)), plan_of(TWO), settled={"1"}) == ()
    begun = plan_of(migration("1", "SELECT 8"), TWO)
    assert differences(stored(plan_of(ONE, TWO)), begun, settled={"1"}) == ()


# --- what is not shown ------------------------------------------------------------------------------------------------


@pytest.mark.majors(newest=True)
def test_another_password_is_another_statement_and_is_not_shown(database: Database) -> None:
    database.execute("CREATE ROLE expected_one; CREATE TABLE a (b int)")
    conninfo = database.conninfo
    try:
        sql = "ALTER TABLE a ADD COLUMN c int; ALTER ROLE expected_one PASSWORD '{}'"
        old = plan_sql(sql.format("one"), conninfo)
        assert differences(stored(old), plan_sql(sql.format("one"), conninfo)) == ()
        (said,) = differences(stored(old), plan_sql(sql.format("another"), conninfo))
        assert "what *** stands for may not be what was reviewed: `ALTER ROLE expected_one PASSWORD '***'`" in said
    finally:
        database.execute("DROP ROLE expected_one")


# --- the file ---------------------------------------------------------------------------------------------------------


def test_a_plan_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("\ufeff" + samples.SPLIT.to_json(), encoding="utf-8")
    assert reviewed(str(path)) == stored(samples.SPLIT)


def test_of_several_databases_one_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plans = [{"name": name, **document(plan)} for name, plan in (("shop", samples.SPLIT), ("billing", samples.DATA))]
    path.write_text(json.dumps({"schema": 1, "databases": plans}), encoding="utf-8")
    assert differences(reviewed(str(path), "billing"), samples.DATA) == ()
    for database in (None, "other"):
        with pytest.raises(UsageError, match=r"several databases \(shop, billing\)"):
            reviewed(str(path), database)


WRONG = {
    "not json": ("{", "is not JSON"),
    "a list": ("[]", "is not a plan"),
    "no schema": ("{}", "is not a plan"),
    "off": ('{"schema": 1, "gate": "0.1.0", "mode": "off"}', "was written while gate was off"),
    "a run": ('{"schema": 1, "run": "x", "plan": null}', "is the document of a run"),
    "another schema": ('{"schema": 2}', "is a plan of schema 2, and this gate writes and reads schema 1"),
    "no migrations": ('{"schema": 1, "findings": []}', "is not a whole plan"),
    "odd migrations": ('{"schema": 1, "findings": [], "migrations": [3]}', "is not a whole plan"),
    "odd statements": (
        (
            '{"schema": 1, "findings": [], "migrations": [{"id": [], "transactional": true, "verdict": "pass", '
            '"statements": []}]}'
        ),
        "is not a whole plan",
    ),
    "odd steps": (
        (
            '{"schema": 1, "findings": [], "migrations": [{"id": "1", "transactional": true, "verdict": "pass", '
            '"statements": [{"sql": "x", "line": 1, "verdict": "pass", "steps": [{}]}]}]}'
        ),
        "is not a whole plan",
    ),
    "not text": ("\udcff", "is not JSON"),
}


@pytest.mark.parametrize("case", WRONG)
def test_anything_else_is_refused(case: str, tmp_path: Path) -> None:
    text, problem = WRONG[case]
    path = tmp_path / "plan.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match="--expect ") as caught:
        reviewed(str(path))
    assert problem in caught.value.problem
    assert caught.value.remedy


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read --expect"):
        reviewed(str(tmp_path / "none.json"))
