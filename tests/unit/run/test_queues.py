"""Who waits behind whom, from the conflict table and the order of the queue."""

from __future__ import annotations

from gate.model.locks import LockMode
from gate.run.queues import Lock, Party, Queues

AS, RX, SUX, S, AX = (
    LockMode.ACCESS_SHARE,
    LockMode.ROW_EXCLUSIVE,
    LockMode.SHARE_UPDATE_EXCLUSIVE,
    LockMode.SHARE,
    LockMode.ACCESS_EXCLUSIVE,
)


def held(party: Party, mode: LockMode, on: str = "t", kind: str = "relation") -> Lock:
    return Lock(party=party, transaction=f"{party}/1", mode=mode, is_granted=True, kind=kind, target=(kind, on))


def awaited(party: Party, mode: LockMode, waited_s: float | None, on: str = "t", kind: str = "relation") -> Lock:
    return Lock(
        party=party,
        transaction=f"{party}/1",
        mode=mode,
        is_granted=False,
        kind=kind,
        target=(kind, on),
        waited_s=waited_s,
    )


def behind(queues: Queues, party: Party) -> dict[Party, bool]:
    return {item.lock.party: item.waits_anyway for item in queues.behind(party)}


def blockers(queues: Queues, party: Party) -> list[Party]:
    return [lock.party for lock in queues.blockers_of(party)]


def test_the_queue_counts_from_the_longest_wait() -> None:
    queues = Queues.of(
        [held(1, AS), awaited(4, AS, 1.0), awaited(3, AX, 2.0), awaited(5, RX, None), awaited(2, AS, 3.0)]
    )
    assert blockers(queues, 3) == [1, 2]
    assert blockers(queues, 4) == [3]
    assert blockers(queues, 2) == []
    assert behind(queues, 3) == {4: False, 5: False}
    assert behind(queues, 1) == {3: True, 4: False, 5: False}


def test_modes_that_go_together_do_not_wait_for_each_other() -> None:
    queues = Queues.of([held(1, SUX), held(2, RX), awaited(3, SUX, 1.0), awaited(4, RX, 0.5)])
    assert blockers(queues, 3) == [1]
    assert blockers(queues, 4) == []
    assert behind(queues, 1) == {3: False}


def test_an_upgrade_does_not_wait_for_itself() -> None:
    queues = Queues.of([held(1, AS), held(2, SUX), awaited(2, AX, 1.0)])
    assert blockers(queues, 2) == [1]
    assert behind(queues, 1) == {2: False}


def test_a_chain_goes_over_any_kind_of_lock() -> None:
    queues = Queues.of(
        [
            held(1, AX, "767", "transactionid"),
            awaited(2, S, 3.0, "767", "transactionid"),
            held(2, AX, "t/0/1", "tuple"),
            awaited(3, AX, 2.0, "t/0/1", "tuple"),
            held(3, RX, "u"),
            awaited(4, AX, 1.0, "u"),
            awaited(5, AS, 0.5, "u"),
        ]
    )
    assert behind(queues, 1) == {2: False, 3: False, 4: False, 5: False}
    assert {item.lock.party for item in queues.behind(1) if item.lock.is_for_rows} == {2, 3, 5}


def test_who_would_wait_for_others_as_well() -> None:
    queues = Queues.of([held(9, AX), awaited(1, AX, 2.0), awaited(2, AS, 1.0)])
    assert behind(queues, 1) == {2: True}
    assert behind(queues, 9) == {1: False, 2: False}


def test_two_who_wait_for_each_other() -> None:
    queues = Queues.of([held(1, AX, "t"), held(2, AX, "u"), awaited(1, AS, 1.0, "u"), awaited(2, AS, 0.5, "t")])
    assert behind(queues, 1) == {2: False}
    assert behind(queues, 2) == {1: False}
    assert blockers(queues, 1) == [2]


def test_a_prepared_transaction_is_a_party() -> None:
    queues = Queues.of([held("-1/767", RX), awaited(2, AX, 1.0)])
    assert blockers(queues, 2) == ["-1/767"]


def test_who_holds_what_another_waits_for_goes_before_it() -> None:
    queues = Queues.of([held(1, AS), held(2, RX), awaited(3, AX, 2.0), awaited(1, S, 1.0)])
    assert blockers(queues, 1) == [2]
    assert set(blockers(queues, 3)) == {1, 2}
    assert behind(queues, 3) == {}
