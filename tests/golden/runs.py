"""Runs to be told: one for each way in which a release can end."""

from __future__ import annotations

from dataclasses import replace

from gate.model.costs import Seconds
from gate.model.run import Act, Backend, HookRun, InTheWay, Leftover, Outcome, Run, State, UnitRun
from gate.run.telling import (
    Acted,
    Event,
    Judged,
    MigrationEnded,
    Progressed,
    Said,
    TookUp,
    Undoing,
    UnitBegan,
    UnitEnded,
    Waiting,
)
from tests.golden import samples

ADD_COLUMN = "20260101000000"
ADD_KEY = "20260102000000"
ADD_INDEX = "20260103000000"
FOLDER = "db/migrations/"

IDLE = InTheWay(
    relation="public.orders",
    held="ROW EXCLUSIVE",
    backend=Backend(pid=4711, started_at="2026-01-02T02:40:00.123Z"),
    user="shop",
    application="puma: cluster worker 2",
    state="idle in transaction",
    age_s=754.2,
    query="UPDATE orders SET status = $1 WHERE id = $2",
)
BACKUP = InTheWay(
    relation="public.orders",
    held="ACCESS SHARE",
    backend=Backend(pid=5120, started_at="2026-01-02T01:00:00Z"),
    user="backup",
    application="pg_dump",
    state="active",
    age_s=7391.0,
    query="COPY public.orders (id, customer_id, total) TO stdout",
)
HEROKU_BACKUP = replace(
    BACKUP, user="u8r4kq1lhb", application="Heroku Postgres Backups", backend=Backend(pid=5122, started_at="")
)
HIDDEN = InTheWay(
    relation="public.orders", held="ACCESS SHARE", backend=Backend(pid=5121, started_at=""), user=None, state=None
)
PREPARED = InTheWay(
    relation="public.orders", held="ROW EXCLUSIVE", user="billing", age_s=93_000.0, gid="billing-2026-01-01 o'clock"
)
WRAPAROUND = InTheWay(
    relation="public.orders",
    held="SHARE UPDATE EXCLUSIVE",
    backend=Backend(pid=5333, started_at="2026-01-02T01:30:00Z"),
    state="active",
    age_s=4100.0,
    query="autovacuum: VACUUM public.orders (to prevent wraparound)",
    kind="autovacuum worker",
    prevents_wraparound=True,
)
WAITER = InTheWay(
    relation="public.orders",
    held="ACCESS SHARE",
    backend=Backend(pid=6001, started_at="2026-01-02T03:00:00Z"),
    user="shop",
    application="puma: cluster worker 1",
    state="active",
    age_s=41.0,
    query="SELECT * FROM orders WHERE id = $1",
    waits_for=(4711,),
)

COLUMN = UnitRun(
    migration=ADD_COLUMN,
    path=f"{FOLDER}{ADD_COLUMN}_add_placed_at.sql",
    line=2,
    ordinal=1,
    kind="transaction",
    why="the whole migration, with its bookkeeping",
    sql="ALTER TABLE orders ADD COLUMN placed_at timestamptz NOT NULL DEFAULT now()",
    state=State.DONE,
    attempts=3,
    seconds=0.021,
    waited_s=4.318,
    blocked_s=0.0123,
    planned=Seconds(0.001, 0.002, 0.01),
    in_the_way=(BACKUP,),
)
_KEY = UnitRun(
    migration=ADD_KEY,
    path=f"{FOLDER}{ADD_KEY}_add_customer_fk.sql",
    line=4,
    ordinal=1,
    kind="transaction",
    why="adds the foreign key, for new rows only",
    sql="ALTER TABLE orders ADD CONSTRAINT orders_customer_fk\n"
    "  FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID",
    state=State.DONE,
    attempts=1,
    seconds=0.034,
    blocked_s=0.031,
    planned=Seconds(0.001, 0.002, 0.01),
)
_VALIDATE = replace(
    _KEY,
    ordinal=2,
    why="holds the old rows against it, while rows are read and written",
    sql="ALTER TABLE orders VALIDATE CONSTRAINT orders_customer_fk",
    seconds=8.74,
    blocked_s=0.0,
    planned=Seconds(4.0, 9.0, 20.0),
)
_BOOKKEEPING = UnitRun(
    migration=ADD_KEY,
    path=_KEY.path,
    ordinal=3,
    kind="transaction",
    why="the tool's bookkeeping",
    sql="",
    state=State.DONE,
    attempts=1,
    seconds=0.004,
)
_INDEX = UnitRun(
    migration=ADD_INDEX,
    path=f"{FOLDER}{ADD_INDEX}_index_orders.sql",
    line=1,
    ordinal=1,
    kind="statement",
    why="builds the index while rows are read and written",
    sql="CREATE INDEX CONCURRENTLY orders_placed_at ON orders (placed_at)",
    state=State.DONE,
    attempts=1,
    seconds=212.0,
    planned=Seconds(120.0, 200.0, 400.0),
)

PLAN = replace(
    samples.SPLIT,
    migrations=tuple(
        replace(
            samples.SPLIT.migrations[0],
            id=name,
            path=f"{FOLDER}{name}_{what}.sql",
            statements=(statement,),
            transactions=(),
        )
        for name, what, statement in (
            (ADD_COLUMN, "add_placed_at", samples.ADD_COLUMN),
            (ADD_KEY, "add_customer_fk", samples.SPLIT_FOREIGN_KEY),
        )
    ),
)

NOTHING_PENDING = Run(
    id="0193c2f1",
    gate="0.1.0",
    database="shop",
    server_version="15.18",
    source="dbmate",
    started_at="2026-01-02T03:04:05Z",
    seconds=0.212,
    outcome=Outcome.NOTHING_PENDING,
    plan=samples.NOTHING_PENDING,
    budget_s=3000.0,
)
DONE = replace(
    NOTHING_PENDING,
    seconds=225.4,
    outcome=Outcome.DONE,
    plan=PLAN,
    migrations=(ADD_COLUMN, ADD_KEY),
    units=(COLUMN, _KEY, _VALIDATE, _BOOKKEEPING),
)
FULL = replace(
    DONE,
    plan=None,
    took_up="0193c2a0",
    migrations=(ADD_KEY, ADD_INDEX),
    units=(
        replace(_KEY, note="done by run 0193c2a0"),
        _VALIDATE,
        _BOOKKEEPING,
        replace(
            _INDEX,
            note="an invalid index of that name was there, left by a run that was killed: dropped and built anew",
        ),
    ),
    acts=(
        Act(
            at="2026-01-02T03:04:06Z",
            how="terminate",
            backend=Backend(pid=3999, started_at="2026-01-02T02:00:00Z"),
            who="the hands of run 0193c2a0",
            why="it was left by a run that is dead",
        ),
        Act(
            at="2026-01-02T03:05:09Z",
            how="terminate",
            backend=Backend(pid=4711, started_at="2026-01-02T02:40:00.123Z"),
            who='shop "puma: cluster worker 2", idle in transaction for 12 min',
            why="it held ROW EXCLUSIVE on public.orders; release.kill[0]: idle in transaction for more than 5 min",
            is_own=False,
        ),
        Act(
            at="2026-01-02T03:06:00Z",
            how="cancel",
            backend=Backend(pid=4000, started_at="2026-01-02T03:04:05Z"),
            who="our own statement",
            why="4 sessions had waited behind it for 0.2 s",
            has_worked=False,
        ),
    ),
    hooks=(HookRun(event="on_success", name="notify", seconds=1.2),),
    notes=("the statistics of public.orders are 1% of what they were",),
)
REFUSED = replace(
    NOTHING_PENDING,
    outcome=Outcome.REFUSED,
    plan=samples.REFUSED,
    problem="2 statements are refused",
    remedy="",
    seconds=2.1,
    hooks=(
        HookRun(
            event="on_refused",
            name="bin/notify",
            seconds=30.0,
            problem="it did not end within 30 s, and was killed",
            output="Connecting to hooks.example.com ...",
        ),
    ),
)
NO_BUDGET = replace(
    REFUSED,
    plan=PLAN,
    problem="building orders_placed_at takes up to 3 h, and 42 min are left of the budget of 50 min",
    remedy="run it detached, the next release finds it done: heroku run:detached gate release --budget 8h",
    hooks=(),
)
LOCK = replace(
    NOTHING_PENDING,
    seconds=309.0,
    outcome=Outcome.LOCK_NOT_ACQUIRED,
    plan=PLAN,
    migrations=(ADD_COLUMN,),
    units=(
        COLUMN,
        replace(
            _KEY,
            state=State.WAITING,
            attempts=41,
            seconds=None,
            waited_s=300.0,
            blocked_s=0.198,
            in_the_way=(IDLE, BACKUP),
        ),
        replace(_VALIDATE, state=State.WAITING, attempts=0, seconds=None, blocked_s=None),
        replace(_BOOKKEEPING, state=State.WAITING, attempts=0, seconds=None),
    ),
    in_the_way=(IDLE, BACKUP, HIDDEN, PREPARED, WRAPAROUND),
    problem="SHARE ROW EXCLUSIVE on public.orders was not to be had within 300 s",
    remedy="",
)
ANOTHER = replace(
    NOTHING_PENDING,
    outcome=Outcome.ANOTHER_GATE,
    plan=None,
    seconds=60.3,
    problem="run 0193c2e9 is at work on this database since 2026-01-02T02:58:11Z (pid 4400, web-1)",
    remedy="wait for it; gate status shows where it is, and gate kill ends it if it is stuck",
)
STOPPED = replace(
    NOTHING_PENDING,
    outcome=Outcome.STOPPED,
    seconds=24.0,
    plan=PLAN,
    migrations=(ADD_COLUMN,),
    units=(
        COLUMN,
        _KEY,
        replace(_VALIDATE, state=State.WAITING, error="canceling statement due to user request", sqlstate="57014"),
        replace(_BOOKKEEPING, state=State.WAITING, attempts=0, seconds=None),
        replace(
            _INDEX,
            state=State.WAITING,
            attempts=0,
            seconds=None,
        ),
    ),
    problem="SIGTERM asked to stop",
    leftovers=(
        Leftover(
            what="the foreign key orders_customer_fk of public.orders is there, and not validated",
            sql="ALTER TABLE orders DROP CONSTRAINT orders_customer_fk;",
        ),
    ),
)
PERSON = replace(
    NOTHING_PENDING,
    outcome=Outcome.NEEDS_PERSON,
    seconds=3001.0,
    plan=None,
    migrations=(),
    units=(
        replace(
            _INDEX,
            state=State.FAILED,
            seconds=2900.0,
            error="could not read the catalog: the connection was lost",
            note="",
        ),
    ),
    problem="the file of 20260103000000 has changed since run 0193c2a0 began it, and what it did cannot be undone",
    remedy="restore the file as it was, or take away what is left, and release again",
    leftovers=(
        Leftover(
            what="the invalid index orders_placed_at of public.orders",
            sql="DROP INDEX CONCURRENTLY public.orders_placed_at;",
            needs_person=True,
        ),
        Leftover(what="the trigger gate_fill_total on public.orders keeps total_new right"),
    ),
    still_waiting=(WAITER,),
)
FAILED = replace(
    NOTHING_PENDING,
    outcome=Outcome.FAILED,
    seconds=12.0,
    plan=PLAN,
    migrations=(ADD_COLUMN,),
    units=(
        COLUMN,
        replace(_KEY, state=State.UNDONE),
        replace(
            _VALIDATE,
            state=State.FAILED,
            error='insert or update on table "orders" violates foreign key constraint "orders_customer_fk"',
            detail='Key (customer_id)=(90210) is not present in table "customers".',
            sqlstate="23503",
        ),
        replace(_BOOKKEEPING, state=State.WAITING, attempts=0, seconds=None),
    ),
    problem='insert or update on table "orders" violates foreign key constraint "orders_customer_fk"',
    remedy="delete the rows that refer to nothing, or set them to NULL, and release again",
    hooks=(
        HookRun(event="on_failure", name="bin/notify", seconds=0.4),
        HookRun(
            event="on_failure",
            name="dbmate down",
            seconds=0.2,
            problem="it ended with 1",
            output="Error: no such migration\n\x1b[31mdown\x1b[0m\n",
        ),
    ),
)
UNREACHABLE = replace(
    NOTHING_PENDING,
    database="",
    server_version="",
    source="",
    outcome=Outcome.UNREACHABLE,
    seconds=30.4,
    plan=None,
    problem="the server at db.example.com:5432 does not answer: connection refused (tried for 30 s)",
    remedy="check that it is up, and that this machine may reach it",
)
ALL = {
    "run-nothing-pending": NOTHING_PENDING,
    "run-done": DONE,
    "run-full": FULL,
    "run-refused": REFUSED,
    "run-no-budget": NO_BUDGET,
    "run-lock": LOCK,
    "run-another": ANOTHER,
    "run-stopped": STOPPED,
    "run-person": PERSON,
    "run-failed": FAILED,
    "run-unreachable": UNREACHABLE,
}

WAITING = Waiting(
    migration=ADD_KEY,
    at=1,
    what="SHARE ROW EXCLUSIVE on public.orders",
    in_the_way=(IDLE, BACKUP),
    waited_s=0.0,
    left_s=300.0,
)
BEGAN = UnitBegan(
    migration=ADD_KEY,
    path=_KEY.path,
    at=2,
    of=3,
    why=_VALIDATE.why,
    sql=_VALIDATE.sql,
    line=4,
    seconds=_VALIDATE.planned,
)
FILLING = Progressed(
    migration=ADD_INDEX,
    at=3,
    what="fills total_new of public.orders",
    done=0.424,
    rows=2_120_000,
    rows_per_s=20_400.0,
    left_s=141.0,
)
EVENTS: dict[str, Event] = {
    "said": Said(text="cannot connect yet: connection refused; trying for 28 s more"),
    "judged": Judged(plan=PLAN, budget_s=3000.0),
    "judged, refused": Judged(plan=samples.REFUSED, budget_s=None),
    "judged, observed": Judged(plan=samples.OBSERVED, budget_s=600.0),
    "judged, with warnings": Judged(plan=samples.DATA, budget_s=600.0),
    "took up": TookUp(migration=ADD_KEY, run="0193c2a0", at=2, of=3),
    "began, whole": UnitBegan(
        migration=ADD_COLUMN,
        path=COLUMN.path,
        at=1,
        of=1,
        why=COLUMN.why,
        sql=COLUMN.sql,
        line=2,
        seconds=COLUMN.planned,
    ),
    "began": BEGAN,
    "began, bookkeeping": UnitBegan(
        migration=ADD_KEY, path=None, at=3, of=3, why="the tool's bookkeeping", sql="", line=None, seconds=None
    ),
    "waiting": WAITING,
    "waiting for ten seconds": replace(WAITING, waited_s=10.0, left_s=290.0, in_the_way=(IDLE,)),
    "waiting for a prepared transaction": replace(WAITING, in_the_way=(PREPARED,), left_s=None),
    "waiting for a backup": replace(WAITING, in_the_way=(BACKUP,)),
    "waiting for the platform's backup": replace(WAITING, in_the_way=(HEROKU_BACKUP,)),
    "waiting for an autovacuum": replace(WAITING, in_the_way=(WRAPAROUND,)),
    "waiting for one who waits": replace(
        WAITING, in_the_way=(replace(WAITER, held="awaits ROW EXCLUSIVE"), replace(HIDDEN, kind="walsender"))
    ),
    "waiting for older transactions": replace(
        WAITING,
        what="older transactions to end",
        in_the_way=(replace(BACKUP, relation="", held="an older transaction"),),
    ),
    "waiting for a standby": replace(
        WAITING, what="no synchronous standby is connected: a commit would wait for one", in_the_way=()
    ),
    "progressed": FILLING,
    "progressed, rests": replace(FILLING, paused_for="a replica lags 14 s, more than 10 s", left_s=None),
    "progressed, unknown": Progressed(migration=ADD_INDEX, at=1, what="building index: scanning table"),
    "ended": UnitEnded(unit=_VALIDATE, of=3),
    "ended, waited": UnitEnded(unit=COLUMN, of=1),
    "ended, adopted": UnitEnded(
        unit=replace(_INDEX, seconds=None, note="adopted: a valid index of the same definition is there"), of=1
    ),
    "ended, failed": UnitEnded(unit=FAILED.units[2], of=3),
    "ended, stopped": UnitEnded(unit=STOPPED.units[2], of=3),
    "ended, undone": UnitEnded(unit=FAILED.units[1], of=3),
    "migration ended": MigrationEnded(migration=ADD_KEY, seconds=8.8),
    "acted on our own": Acted(act=FULL.acts[0]),
    "acted on another": Acted(act=FULL.acts[1]),
    "acted in vain": Acted(act=FULL.acts[2]),
    "undoing": Undoing(migration=ADD_KEY, at=1, sql="ALTER TABLE orders DROP CONSTRAINT orders_customer_fk"),
}
