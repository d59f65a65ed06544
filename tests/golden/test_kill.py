"""Every word of `gate kill`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gate.model.locks import LockMode
from gate.model.run import Act, Backend
from gate.report import Look
from gate.report.kill import render
from gate.report.prose.words import columns
from gate.run.blocking_tree import Forest, grown
from gate.run.kill import Killed, StandingRun, Wish
from gate.run.queues import Lock, Party, Queues
from gate.run.sample import Other

Golden = Callable[[str, str], None]
STARTED = "2026-01-02T03:04:05.000000Z"


def session(pid: int, application: str, **more: object) -> Other:
    made = Other(
        backend=Backend(pid=pid, started_at=STARTED),
        user="shop",
        application=application,
        state="active",
        transaction_age_s=12.0,
        state_age_s=12.0,
    )
    return replace(made, **more)  # type: ignore[arg-type]  # names of its fields


PSQL = session(
    4711,
    "psql",
    user="ann",
    state="idle in transaction",
    transaction_age_s=780.0,
    state_age_s=720.0,
    query="UPDATE orders SET status = $1 WHERE id = $2",
)
LEFT = session(4712, "gate/1f3a91c2/3", user="deploy", query="ALTER TABLE orders ADD COLUMN note text", is_waiting=True)
PUMA = session(
    4713,
    "puma: cluster worker 2",
    query="SELECT orders.id, orders.customer_id, orders.status FROM orders WHERE customer_id = $1 ORDER BY id LIMIT $2",
    is_waiting=True,
)
JOB = session(4714, "sidekiq 7 shop\x1b[31m", query="UPDATE orders SET n = $1", is_waiting=True)
VACUUM = session(4720, "", kind="autovacuum worker", user=None, prevents_wraparound=True, query="autovacuum: VACUUM")
HIDDEN = Other(backend=Backend(pid=4730, started_at=""), user="rds", application="backup")
GONE = Other(backend=Backend(pid=0, started_at=""), kind="prepared transaction", application="it's later", user="ann")
MANY = [session(pid, "puma", is_waiting=True) for pid in range(1, 31)]
KNOWN = {other.backend.pid: other for other in (PSQL, LEFT, PUMA, JOB, VACUUM, HIDDEN, *MANY)}
NAMES = {1: "public.orders", 2: "public.customers"}


def lock(
    party: Party, mode: LockMode, relation: int = 1, waited_s: float | None = None, kind: str = "relation"
) -> Lock:
    return Lock(
        party=party,
        transaction=f"{party}/1",
        mode=mode,
        is_granted=waited_s is None,
        kind=kind,
        target=(kind, str(relation)),
        relation=relation if kind == "relation" else None,
        waited_s=waited_s,
    )


def forest(*locks: Lock) -> Forest:
    queues = Queues.of(locks)

    def other(party: Party) -> Other:
        known = replace(GONE, transaction_age_s=86400.0 * 3) if isinstance(party, str) else KNOWN[party]
        waits_for = tuple(each.party if isinstance(each.party, int) else 0 for each in queues.blockers_of(party))
        return replace(known, waits_for=waits_for)

    return grown(queues, other, lambda each: NAMES.get(each.relation or 0, ""), {each.party for each in locks})


RX, AS, AX, SUX = (
    LockMode.ROW_EXCLUSIVE,
    LockMode.ACCESS_SHARE,
    LockMode.ACCESS_EXCLUSIVE,
    LockMode.SHARE_UPDATE_EXCLUSIVE,
)
QUEUE = (lock(4711, RX), lock(4712, AX, waited_s=12.0), lock(4713, AS, waited_s=8.0), lock(4714, RX, waited_s=3.2))
OTHERS = (
    lock(4720, SUX, 2),
    lock(4730, AS, 2),
    lock("-1/7", RX, 2),
    lock(4712, AX, 2, 12.0),
    lock(4713, LockMode.SHARE, 9, 8.0, "transactionid"),
    lock(4712, AX, 9, kind="transactionid"),
)
DEAD = StandingRun(run="1f3a91c2", is_alive=False, left=(LEFT,))
ALIVE = StandingRun(run="77aa01b3", is_alive=True, silent_s=2.0)
STUCK = StandingRun(run="77aa01b3", is_alive=True, is_stuck=True, silent_s=95.0)
WAITING = StandingRun(run="5500aa11", is_alive=False, others=(PUMA,))
WHY = "left at work by run 1f3a91c2, which is dead"
ACT = Act(
    at="2026-01-02T03:04:17.000000Z", how="terminate", backend=LEFT.backend, who='deploy "gate/1f3a91c2/3"', why=WHY
)
REFUSED = "may not terminate pid 4711: permission denied to terminate process; GRANT pg_signal_backend to the role"
QUIET = Killed(database="shop", before=Forest())

SAMPLES = {
    "nothing": QUIET,
    "alive": replace(QUIET, runs=(ALIVE, WAITING)),
    "dry-run": replace(
        QUIET, before=forest(*QUEUE), runs=(DEAD,), would_end=((LEFT, WHY),), wish=Wish(is_dry_run=True)
    ),
    "ended": replace(QUIET, before=forest(*QUEUE), runs=(DEAD,), acts=(ACT,), after=Forest()),
    "still-blocked": replace(
        QUIET, before=forest(*QUEUE), runs=(DEAD, STUCK), acts=(ACT,), after=forest(*OTHERS), waited_s=5.2
    ),
    "let-be": replace(
        QUIET,
        before=forest(*QUEUE),
        refused=("pid 4713 waits itself and keeps nobody waiting: it is a victim",),
        unseen=("what other sessions do, and since when: GRANT pg_monitor TO shop would show it",),
    ),
    "not-permitted": replace(
        QUIET,
        before=forest(*QUEUE),
        acts=(replace(ACT, backend=PSQL.backend, who='ann "psql"', why="asked for with --pid", has_worked=False),),
        after=forest(*QUEUE),
        alive=(PSQL,),
        unseen=(REFUSED,),
        is_permitted=False,
        waited_s=5.0,
    ),
    "many": replace(QUIET, before=forest(lock(4711, AX), *(lock(pid, AS, waited_s=1.0) for pid in range(1, 31)))),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_text_at_80_columns(name: str, golden: Golden) -> None:
    golden(f"kill-{name}.txt", render("text", SAMPLES[name], Look(width=80)))


def test_json(golden: Golden) -> None:
    golden("kill-still-blocked.json", render("json", SAMPLES["still-blocked"], Look()))


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("width", [40, 80, 300])
def test_no_line_is_wider_than_the_terminal_or_120_columns(name: str, width: int) -> None:
    lines = render("text", SAMPLES[name], Look(width=width)).splitlines()
    assert max(map(columns, lines)) <= max(60, min(width, 120))


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_can_steer_the_terminal(name: str) -> None:
    assert "\x1b" not in render("text", SAMPLES[name], Look())
