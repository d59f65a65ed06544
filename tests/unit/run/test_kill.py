"""What `gate kill` ends: blockers that are asked for, and never a victim."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from gate.model.errors import Exit
from gate.model.locks import LockMode
from gate.model.run import Backend
from gate.policy.policy import KillFilter
from gate.run.blocking_tree import Forest, grown
from gate.run.kill import Killed, StandingRun, Wish, chosen, refusals
from gate.run.queues import Lock, Party, Queues
from gate.run.sample import Other

AS, AX = LockMode.ACCESS_SHARE, LockMode.ACCESS_EXCLUSIVE


def lock(party: Party, mode: LockMode, on: str = "t", waited_s: float | None = None) -> Lock:
    return Lock(
        party=party,
        transaction=f"{party}/1",
        mode=mode,
        is_granted=waited_s is None,
        kind="relation",
        target=("relation", on),
        relation=7,
        waited_s=waited_s,
    )


def session(pid: int, **more: object) -> Other:
    made = Other(backend=Backend(pid=pid, started_at="2026-01-02T03:04:05.000000Z"), state="active")
    return replace(made, **more)  # type: ignore[arg-type]  # names of its fields


def forest(locks: Iterable[Lock], *others: Other, here: Iterable[Party] = (1, 2, 3, 4, 5)) -> Forest:
    known = {other.backend.pid: other for other in others}
    queues = Queues.of(locks)

    def other(party: Party) -> Other:
        if isinstance(party, str):
            return Other(backend=Backend(pid=0, started_at=""), kind="prepared transaction", application="gid")
        waits_for = tuple(each.party if isinstance(each.party, int) else 0 for each in queues.blockers_of(party))
        return replace(known.get(party, session(party)), waits_for=waits_for)

    return grown(queues, other, lambda _: "public.t", here)


def shape(found: Forest) -> list[object]:
    def of(node: object) -> object:
        return (node.other.backend.pid, [of(below) for below in node.below])  # type: ignore[attr-defined]

    return [of(root) for root in found.roots]


QUEUE = [lock(1, AS), lock(2, AX, waited_s=3.0), lock(3, AS, waited_s=2.0), lock(4, AS, waited_s=1.0)]


def pids(found: Forest, wish: Wish) -> list[int]:
    return [item.node.other.backend.pid for item in chosen(found, wish)]


def test_a_tree() -> None:
    found = forest(QUEUE)
    assert shape(found) == [(1, [(2, [(3, []), (4, [])])])]
    assert [node.other.backend.pid for node in found.blockers] == [1, 2]
    assert [node.other.backend.pid for node in found.waiting] == [2, 3, 4]


def test_who_waits_for_several_stands_below_the_oldest() -> None:
    found = forest(
        [lock(1, AS), lock(2, AS), lock(3, AX, waited_s=1.0)],
        session(1, transaction_age_s=5.0),
        session(2, transaction_age_s=60.0),
    )
    assert shape(found) == [(2, [(3, [])]), (1, [])]
    (waiting,) = found.waiting
    assert waiting.also_waits_for == (1,)
    assert [node.also_blocks for node in found.roots] == [(), (3,)]
    assert pids(found, Wish(pids=(1, 2))) == [2, 1]


def test_a_circle_is_shown_once() -> None:
    locks = [lock(1, AX, "t"), lock(2, AX, "u"), lock(1, AS, "u", 2.0), lock(2, AS, "t", 1.0), lock(3, AS, "t", 0.5)]
    found = forest(locks)
    assert sorted(node.other.backend.pid for node in found.walk()) == [1, 2, 3]


def test_other_databases_are_left_out() -> None:
    assert shape(forest(QUEUE, here=())) == []
    assert shape(forest(QUEUE, here=(4,))) == shape(forest(QUEUE))


def test_only_whom_somebody_named_and_from_the_root() -> None:
    found = forest(QUEUE)
    assert pids(found, Wish()) == []
    assert pids(found, Wish(pids=(1,))) == [1]
    assert pids(found, Wish(pids=(2,))) == [2]
    assert pids(found, Wish(pids=(1, 2))) == [1]


def test_victims_are_never_ended() -> None:
    found = forest(QUEUE)
    wish = Wish(pids=(3, 4, 99))
    assert pids(found, wish) == []
    assert refusals(found, wish) == (
        "pid 3 waits itself and keeps nobody waiting: it is a victim",
        "pid 4 waits itself and keeps nobody waiting: it is a victim",
        "pid 99 keeps nobody waiting",
    )
    everybody = Wish(filter=KillFilter(application="*"))
    named = [session(pid, application="puma") for pid in (1, 2, 3, 4)]
    assert pids(forest(QUEUE, *named), everybody) == [1]


def test_a_filter_needs_all_that_it_gives() -> None:
    idle = session(1, application="psql", user="ann", state="idle in transaction", state_age_s=60.0)
    found = forest(QUEUE, idle)
    assert pids(found, Wish(filter=KillFilter(application="psql", idle_in_transaction_s=30.0))) == [1]
    assert pids(found, Wish(filter=KillFilter(application="psql", idle_in_transaction_s=90.0))) == []
    assert pids(found, Wish(filter=KillFilter(application="p*", user="bob"))) == []


@pytest.mark.parametrize(
    "other",
    [
        session(1, kind="walsender"),
        session(1, kind="logical replication worker"),
        session(1, kind="autovacuum worker", prevents_wraparound=True),
    ],
)
def test_replication_and_what_prevents_wraparound_are_never_ended(other: Other) -> None:
    found = forest(QUEUE, other)
    assert pids(found, Wish(pids=(1,))) == []
    (said,) = refusals(found, Wish(pids=(1,)))
    assert said.startswith("pid 1 is a")
    assert pids(forest(QUEUE, session(1, kind="autovacuum worker")), Wish(pids=(1,))) == [1]


def test_a_prepared_transaction_has_no_session() -> None:
    found = forest([lock("-1/7", AS), lock(2, AX, waited_s=1.0)])
    assert pids(found, Wish(pids=(0,), filter=KillFilter(application="*"))) == []


NOTHING = Killed(database="shop", before=Forest())
RUN = StandingRun(run="1f3a91c2", is_alive=True)


@pytest.mark.parametrize(
    ("killed", "code"),
    [
        (NOTHING, Exit.DONE),
        (replace(NOTHING, runs=(RUN,)), Exit.DONE),
        (replace(NOTHING, runs=(RUN,), wish=Wish(ends_stuck=True)), Exit.ANOTHER_GATE),
        (replace(NOTHING, runs=(replace(RUN, is_stuck=True),)), Exit.STOPPED_NEEDS_PERSON),
        (replace(NOTHING, runs=(replace(RUN, is_stuck=True),), wish=Wish(ends_stuck=True)), Exit.DONE),
        (replace(NOTHING, runs=(replace(RUN, is_stuck=True),), wish=Wish(is_dry_run=True)), Exit.DONE),
        (replace(NOTHING, alive=(session(1),)), Exit.STOPPED_NEEDS_PERSON),
        (replace(NOTHING, alive=(session(1),), is_permitted=False), Exit.MISSING_PRIVILEGE),
        (replace(NOTHING, refused=("pid 3 keeps nobody waiting",)), Exit.REFUSED),
        (replace(NOTHING, is_stopped=True), Exit.STOPPED_RESUMABLE),
    ],
)
def test_exit_codes(killed: Killed, code: Exit) -> None:
    assert killed.exit is code
