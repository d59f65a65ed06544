"""What gate status can find: one for each thing that it has to say."""

from __future__ import annotations

from dataclasses import replace

from gate.model.changes import Change, KeptChange, Until
from gate.model.program import Program, Unit, UnitKind
from gate.model.run import Backend, Leftover, Outcome, State
from gate.run.journalling import Kept, KnownRun, Mark, ProgramState, Standing
from gate.run.stock import Holder, Stock

PLACE = "schema gate of shop"
AT = "2026-01-02T03:04:05.678Z"

DONE_RUN = KnownRun(
    id="3f2a9c01d4e5b677",
    gate="0.1.0",
    source="dbmate",
    started_at="2026-01-01T02:00:00.000Z",
    outcome=Outcome.DONE,
    ended_at="2026-01-01T02:00:04.200Z",
    document={"seconds": 4.2, "migrations": ["20260101000000", "20260102000000"], "problem": None, "leftovers": []},
)
STOPPED_RUN = KnownRun(
    id="77b0aa12c3d4e5f6",
    gate="0.1.0",
    source="dbmate",
    started_at=AT,
    outcome=Outcome.STOPPED,
    ended_at="2026-01-02T03:14:05.678Z",
    took_up="3f2a9c01d4e5b677",
    document={
        "seconds": 600.0,
        "migrations": [],
        "problem": "stopped by SIGTERM",
        "remedy": "run gate release again",
        "leftovers": [],
    },
)
ALIVE_RUN = KnownRun(
    id="0c0ffee0c0ffee00",
    gate="0.1.0",
    source="dbmate",
    started_at=AT,
    outcome=Outcome.RUNNING,
    heartbeat_at="2026-01-02T03:09:05.678Z",
    heartbeat_age_s=4.2,
    backend=Backend(pid=4711, started_at=AT),
)
HOLDER = Holder(backend=Backend(pid=4711, started_at=AT), application="gate/0c0ffee0/runner")

UNITS = (
    Unit(ordinal=1, kind=UnitKind.TRANSACTION, line=1, why="adds the column status_new to public.orders"),
    Unit(ordinal=2, kind=UnitKind.BACKFILL, line=1, why="fills status_new of public.orders in batches"),
    Unit(ordinal=3, kind=UnitKind.STATEMENT, line=2, why="builds orders_status_idx on public.orders beside its users"),
    Unit(ordinal=4, kind=UnitKind.TRANSACTION, writes_bookkeeping=True, why="writes the bookkeeping of dbmate"),
)
KEPT = Kept(
    key=1,
    source="dbmate",
    migration="20260103000000",
    path="db/migrations/20260103000000_status.sql",
    fingerprint="sha256:1",
    state=ProgramState.UNFINISHED,
    run="77b0aa12c3d4e5f6",
    kept_at=AT,
    program=Program(source="dbmate", migration="20260103000000", path=None, fingerprint="sha256:1", units=UNITS),
    marks=(
        Mark(ordinal=1, state=State.DONE),
        Mark(ordinal=2, state=State.BEGUN, cursor=("48000",), rows_done=48000),
        Mark(ordinal=3, state=State.WAITING),
        Mark(ordinal=4, state=State.WAITING),
    ),
)
FAILED = replace(
    KEPT,
    key=2,
    migration="7",
    path="db/migrations/20260104000000_unique_number.sql",
    marks=(
        Mark(ordinal=1, state=State.DONE),
        Mark(ordinal=2, state=State.DONE),
        Mark(
            ordinal=3,
            state=State.FAILED,
            error='could not create unique index "orders_number_key"\nKey is duplicated.',
            sqlstate="23505",
        ),
    ),
)
UNKNOWN = replace(KEPT, key=3, migration="20260105000000", path=None, program=None, marks=())
INVALID = Leftover(
    what="the index public.orders_status_idx is invalid: every write keeps it up, and no query uses it",
    sql="DROP INDEX CONCURRENTLY IF EXISTS public.orders_status_idx",
)
STAYS = Leftover(
    what="the column public.orders.status_old could not be dropped: a view depends on it",
    sql="ALTER TABLE public.orders DROP COLUMN status_old",
    needs_person=True,
)

MAINTENANCE = KeptChange(
    key="1",
    run="00000000000000aa",
    made_at="2026-11-20T03:04:05.000Z",
    change=Change(
        kind="heroku.maintenance",
        target="shop",
        what="maintenance of shop was switched on",
        before={"maintenance": False},
        after={"maintenance": True},
        until=Until.RUN_ENDS,
    ),
)
WORKERS = KeptChange(
    key="2",
    run="00000000000000aa",
    made_at="2026-11-20T03:05:06.000Z",
    change=Change(
        kind="kubernetes.scale",
        target="deployment/worker in shop",
        what="deployment/worker in shop was scaled from 3 to 0",
        before={"replicas": 3},
        after={"replicas": 0},
        until=Until.SUCCESS,
    ),
)


def stock(*runs: KnownRun, kept: tuple[Kept, ...] = (), **more: object) -> Stock:
    standing = Standing(place=PLACE, version=1, made_by="0.1.0", unfinished=kept, runs=runs)
    return replace(Stock(database="shop", standing=standing), **more)  # type: ignore[arg-type]


UNFINISHED = stock(STOPPED_RUN, DONE_RUN, kept=(KEPT,), leftovers=(INVALID,))

ALL = {
    "status-no-journal": Stock(database="shop", standing=Standing(place=PLACE)),
    "status-done": stock(DONE_RUN),
    "status-unfinished": UNFINISHED,
    "status-failed": stock(replace(STOPPED_RUN, outcome=Outcome.FAILED), DONE_RUN, kept=(KEPT, FAILED)),
    "status-running": stock(ALIVE_RUN, DONE_RUN, kept=(KEPT,), holder=HOLDER),
    "status-starting": stock(DONE_RUN, holder=HOLDER),
    "status-dead": stock(ALIVE_RUN, DONE_RUN, kept=(KEPT,)),
    "status-person": stock(
        replace(STOPPED_RUN, outcome=Outcome.NEEDS_PERSON), DONE_RUN, kept=(KEPT,), left=(STAYS,), leftovers=(INVALID,)
    ),
    "status-changed": replace(
        stock(replace(STOPPED_RUN, outcome=Outcome.ABANDONED), DONE_RUN),
        standing=replace(stock(DONE_RUN).standing, changes=(MAINTENANCE, WORKERS)),
    ),
    "status-stuck": stock(replace(STOPPED_RUN, outcome=Outcome.NEEDS_PERSON), kept=(KEPT,)),
    "status-unknown": stock(replace(DONE_RUN, outcome=None), kept=(UNKNOWN,)),
    "status-newer": replace(
        UNFINISHED,
        standing=replace(UNFINISHED.standing, version=9, made_by="9.0.0", is_newer=True),
    ),
    "status-many": stock(
        *(replace(DONE_RUN, id=f"{number:016}") for number in range(14)),
        kept=tuple(replace(KEPT, key=number, path=None, migration=f"v{number}") for number in range(17)),
    ),
}
