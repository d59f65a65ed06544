"""The tool's own way back after a release that failed, on real servers: as a release goes it, step by step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from gate.app import pending
from gate.app.clock import Clock
from gate.app.ground import Ground
from gate.app.judging import judge_live
from gate.app.opening import open_connection
from gate.app.release import Releasing
from gate.app.request import Request
from gate.app.settings import Settings
from gate.app.way_back import UNMARKS, WayBack, unmarked_first
from gate.model.program import Command, Program, Unit, UnitKind
from gate.model.run import Leftover, Outcome
from gate.platforms.preset import UNKNOWN
from gate.run.deadlines import Deadlines
from gate.run.halting import Halt
from gate.run.journalling import Start
from gate.run.programming import ToRun, programs
from gate.run.site import Site
from gate.run.supervising import Job, Supervisor
from gate.run.undoing import Undo
from gate.sources import find_source
from gate.sources.tool import Source
from tests.servers import Database

# What it is made of runs on every major elsewhere; two here do.
pytestmark = pytest.mark.majors(newest=True)
ACCOUNT = (
    "-- migrate:up\nCREATE TABLE account (id bigint PRIMARY KEY, email text);\n-- migrate:down\nDROP TABLE account;\n"
)
PURCHASE = "-- migrate:up\nCREATE TABLE purchase (id bigint);\n-- migrate:down\nDROP TABLE purchase;\n"
FAILS = "-- migrate:up\nCREATE TABLE half (id bigint);\nSELECT 1 / 0;\n-- migrate:down\nDROP TABLE half;\n"
GOOSE_ACCOUNT = ACCOUNT.replace("migrate:up", "+goose Up").replace("migrate:down", "+goose Down")
IN_PARTS = (
    "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE half (id bigint);\nSELECT 1 / 0;\n"
    "-- +goose Down\nDROP INDEX CONCURRENTLY IF EXISTS half_id;\nDROP TABLE {table};\n"
)
MADE = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') ORDER BY 1"
VERSIONS = "SELECT version FROM schema_migrations ORDER BY 1"
BEFORE = [("schema_migrations",), ("schema_migrations_pkey",)]


@dataclass
class Release:
    """One that is under way, as `gate release` has it."""

    reader: psycopg.Connection
    source: Source
    settings: Settings
    ground: Ground
    site: Site
    done: list[str]
    job: Job | None = None

    def run(self) -> None:
        """To its failure."""
        answer = pending.read(self.reader, self.source)
        judged = judge_live(self.reader, self.source, answer, self.settings, Clock(lambda _: None))
        pairs = zip(judged.plan.migrations, judged.migrations, strict=True)
        to_run = [ToRun(plan=plan, read=read) for plan, read in pairs]
        made = programs(to_run, source=self.source.name, stall_s=0.2)
        supervisor = Supervisor(site=self.site, done=self.done)
        for program, read in zip(made, judged.migrations, strict=True):
            place, new = pending.where(self.reader, self.source)
            creates = self.source.creates_bookkeeping(new) if place is None else ()
            self.job = Job(
                program=program,
                texts=read.migration.statements,
                bookkeeping=(*creates, *self.source.marks(read.migration, place or new)),
                key=self.ground.journal.keep(program, run=self.site.run),
            )
            try:
                supervisor.run(self.job)
            except Halt as halt:
                assert halt.outcome is Outcome.FAILED  # noqa: PT017 - how it ended is what the others build on
                return
        pytest.fail("no statement failed")

    def back(self) -> list[Leftover]:
        """First by its own steps."""
        assert self.job is not None
        undo = Undo(site=self.site, job=self.job)
        kept = self.ground.journal.standing().unfinished_of(self.job.program.source, self.job.program.migration)
        if kept is not None:
            undo.run({mark.ordinal: mark for mark in kept.marks})
        way = WayBack(reader=self.reader, source=self.source, settings=self.settings, site=self.site, done=self.done)
        return way.go(self.job, undo.left)

    @property
    def unfinished(self) -> list[str]:
        return [kept.migration for kept in self.ground.journal.standing().unfinished]


@contextmanager
def begun(database: Database, directory: Path, tool: str = "dbmate") -> Iterator[Release]:
    settings = Settings(sample=0.0)
    request = Request(database_url=database.conninfo)
    source = find_source(directory, told=tool)
    deadlines = Deadlines(began_s=time.monotonic(), budget_s=300, grace_s=20, lock_wait_s=5, runner_wait_s=5)
    releasing = Releasing(
        request=request,
        settings=settings,
        source=source,
        tell=lambda _: None,
        deadlines=deadlines,
        platform=UNKNOWN,
        began_at="2026-01-01T00:00:00Z",
        id=os.urandom(8).hex(),
    )
    with open_connection(request, settings, name="gate/test") as reader, ExitStack() as stack:
        ground = Ground(releasing, stack)
        assert ground.runner.lock(5)
        ground.journal.prepare()
        site = ground.open(1.0)
        start = Start(id=releasing.id, gate="0", source=source.name, database=database.name, server_version="0")
        ground.journal.begin_run(start)
        yield Release(reader=reader, source=source, settings=settings, ground=ground, site=site, done=[])


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    def written(*texts: str) -> Path:
        for number, text in enumerate(texts, start=1):
            (tmp_path / f"{number}_a.sql").write_text(text, encoding="utf-8")
        return tmp_path

    return written


@pytest.mark.majors
def test_what_the_release_has_finished_is_taken_back_newest_first(
    project: Callable[..., Path], database: Database
) -> None:
    with begun(database, project(ACCOUNT, PURCHASE, FAILS)) as release:
        release.run()
        assert release.done == ["1", "2"]
        assert release.back() == []
        assert (release.done, release.unfinished) == ([], [])
    assert (database.fetch(MADE), database.fetch(VERSIONS)) == (BEFORE, [])


@pytest.mark.majors
def test_one_that_failed_half_way_is_taken_back_by_its_own_part(
    project: Callable[..., Path], database: Database
) -> None:
    """Its table is there, the statement after it fails, and no step of gate's own takes a table back."""
    with begun(database, project(GOOSE_ACCOUNT, IN_PARTS.format(table="half")), "goose") as release:
        release.run()
        assert ("half",) in database.fetch(MADE)
        assert release.unfinished == ["2"]
        assert release.back() == []
        assert (release.done, release.unfinished) == ([], [])
    assert database.fetch(MADE) == [("goose_db_version",), ("goose_db_version_pkey",)]
    assert database.fetch("SELECT version_id FROM goose_db_version") == [(0,)]


def test_a_way_back_that_would_fail_is_not_gone(project: Callable[..., Path], database: Database) -> None:
    """The server would reject it: what stays is named with its SQL, and what came before it stays too."""
    with begun(database, project(GOOSE_ACCOUNT, IN_PARTS.format(table="no_such_table")), "goose") as release:
        release.run()
        *_, last = release.back()
        assert last.what.startswith("2 stays as far as it came: its way back would be refused; ")
        assert last.sql == "DROP INDEX CONCURRENTLY IF EXISTS half_id;\nDROP TABLE no_such_table"
        assert last.needs_person
        assert release.done == ["1"]
        assert release.unfinished == ["2"]
    assert ("half",) in database.fetch(MADE)
    assert database.fetch("SELECT version_id FROM goose_db_version ORDER BY 1") == [(0,), (1,)]


def test_a_way_back_that_fails_is_told_and_leaves_nothing_for_the_next_run_to_take_up(
    project: Callable[..., Path], database: Database
) -> None:
    with begun(database, project(ACCOUNT, PURCHASE.replace("DROP", "SELECT 1 / 0; DROP"), FAILS)) as release:
        release.run()
        (left,) = release.back()
        assert left.what.startswith("2 stays applied: ")
        assert "division by zero" in left.what
        assert not left.needs_person
        assert (release.done, release.unfinished) == (["1", "2"], [])
    assert ("purchase",) in database.fetch(MADE)
    assert database.fetch(VERSIONS) == [("1",), ("2",)]


def test_one_without_a_way_back_stays_with_all_before_it(project: Callable[..., Path], database: Database) -> None:
    with begun(database, project(ACCOUNT, PURCHASE.partition("-- migrate:down")[0], FAILS)) as release:
        release.run()
        (left,) = release.back()
        assert left.what == "2 stays applied: dbmate has no way back for it"
        assert release.done == ["1", "2"]


def test_somebody_in_the_way_is_not_kept_waiting(project: Callable[..., Path], database: Database) -> None:
    """The way back wants its locks as any step does, and gives up as any step does."""
    with begun(database, project(ACCOUNT, FAILS)) as release:
        release.site.release = replace(release.site.release, lock_wait_s=1.0)
        release.run()
        with database.connect(autocommit=False) as other:
            other.execute("SELECT FROM account")
            (left,) = release.back()
        assert left.what.startswith("1 stays applied: could not get ACCESS EXCLUSIVE on public.account within ")
    assert database.fetch(VERSIONS) == [("1",)]


def test_after_it_all_can_be_released_again(project: Callable[..., Path], database: Database) -> None:
    directory = project(ACCOUNT, PURCHASE, FAILS)
    for _ in range(2):
        with begun(database, directory) as release:
            release.run()
            assert release.back() == []
    assert database.fetch(MADE) == BEFORE


# --- its order --------------------------------------------------------------------------------------------------------


def unit(ordinal: int, kind: UnitKind, sql: str = "", *, is_marked: bool = False) -> Unit:
    commands = (Command(sql=sql),) if sql else ()
    return Unit(ordinal=ordinal, kind=kind, commands=commands, writes_bookkeeping=is_marked)


def program(*units: Unit) -> Program:
    return Program(source="dbmate", migration="1", path=None, fingerprint="", units=units)


def test_one_transaction_stays_one() -> None:
    whole = program(unit(1, UnitKind.TRANSACTION, "DROP TABLE a", is_marked=True))
    assert unmarked_first(whole) is whole


def test_of_several_steps_the_bookkeeping_is_the_first() -> None:
    """Cut off in the middle the migration is pending, and judged against what is there."""
    found = unmarked_first(
        program(
            unit(1, UnitKind.STATEMENT, "DROP INDEX CONCURRENTLY a"),
            unit(2, UnitKind.TRANSACTION, "DROP TABLE b"),
            unit(3, UnitKind.TRANSACTION, is_marked=True),
        )
    )
    assert [(one.ordinal, one.kind, one.writes_bookkeeping) for one in found.units] == [
        (1, UnitKind.TRANSACTION, True),
        (2, UnitKind.STATEMENT, False),
        (3, UnitKind.TRANSACTION, False),
    ]
    assert (found.units[0].why, found.units[0].commands) == (UNMARKS, ())
