"""How backends are ended, with a server that does as it is told, or does not."""

from __future__ import annotations

from dataclasses import dataclass, field

from gate.model.run import Backend
from gate.run.ending import Ending, Look, Over, Signal, Target, advance, end_run

ONE, OTHER = (Backend(pid=pid, started_at="2026-01-02T03:04:05.000000Z") for pid in (1, 2))


def test_cancel_then_terminate_after_the_grace() -> None:
    ending = Ending(begun_s=0.0, grace_s=1.0, limit_s=9.0)
    action, ending = advance(ending, [ONE], now_s=0.0)
    assert action == Signal(backend=ONE, how="cancel")
    action, ending = advance(ending, [ONE], now_s=0.5)
    assert isinstance(action, Look)
    action, ending = advance(ending, [ONE], now_s=1.0)
    assert action == Signal(backend=ONE, how="terminate")
    action, ending = advance(ending, [ONE], now_s=1.5)
    assert isinstance(action, Look)
    action, ending = advance(ending, [ONE], now_s=2.0)
    assert action == Signal(backend=ONE, how="terminate")
    action, _ = advance(ending, [], now_s=2.1)
    assert action == Over()


def test_without_a_grace_nothing_is_cancelled() -> None:
    action, _ = advance(Ending(begun_s=0.0, grace_s=0.0, limit_s=9.0), [ONE], now_s=0.0)
    assert action == Signal(backend=ONE, how="terminate")


def test_it_ends_in_time() -> None:
    ending = Ending(begun_s=0.0, grace_s=1.0, limit_s=3.0)
    assert advance(ending, [ONE], now_s=3.0)[0] == Over()


@dataclass
class Fake:
    """Eyes and clock in one: `dies_of` is what ends a backend, `refuses` whose end is not permitted."""

    dies_of: dict[int, str]
    refuses: frozenset[int] = frozenset()
    now_s: float = 0.0
    gone: set[int] = field(default_factory=set)
    stop: str | None = None

    def now(self) -> float:
        return self.now_s

    def utc(self) -> str:
        return f"t+{self.now_s:.2f}"

    def rest(self, seconds: float) -> None:
        self.now_s += seconds

    def chance(self) -> float:
        return 0.5

    def end(self, backend: Backend, how: str) -> bool:
        if backend.pid in self.refuses or backend.pid in self.gone:
            return False
        if self.dies_of.get(backend.pid) == how:
            self.gone.add(backend.pid)
        return True

    def is_gone(self, backend: Backend) -> bool:
        return backend.pid in self.gone


def targets(*backends: Backend) -> list[Target]:
    return [Target(backend=backend, who=f"pid {backend.pid}", why="test") for backend in backends]


def ended(fake: Fake, *backends: Backend, grace_s: float = 0.5) -> tuple[list[tuple[int, str, bool]], list[int]]:
    done = end_run(fake, fake, targets(*backends), grace_s=grace_s, limit_s=3.0)  # type: ignore[arg-type]  # less than Eyes
    acts = [(act.backend.pid, act.how, act.has_worked) for act in done.acts]
    return acts, [backend.pid for backend in done.alive]


def test_each_gets_what_it_needs() -> None:
    acts, alive = ended(Fake(dies_of={1: "cancel", 2: "terminate"}), ONE, OTHER)
    assert acts == [(1, "cancel", True), (2, "cancel", True), (2, "terminate", True)]
    assert alive == []


def test_who_may_not_be_ended_is_tried_once_and_said() -> None:
    acts, alive = ended(Fake(dies_of={2: "cancel"}, refuses=frozenset({1})), ONE, OTHER)
    assert acts == [(1, "cancel", False), (2, "cancel", True)]
    assert alive == [1]


def test_who_has_ended_already_is_no_act() -> None:
    assert ended(Fake(dies_of={}, gone={1}), ONE) == ([], [])


def test_who_does_not_die_is_named() -> None:
    acts, alive = ended(Fake(dies_of={}), ONE)
    assert [how for _, how, _ in acts] == ["cancel", "terminate", "terminate", "terminate"]
    assert alive == [1]


def test_what_counts_as_over_may_be_told() -> None:
    fake = Fake(dies_of={})
    done = end_run(fake, fake, targets(ONE), grace_s=1.0, is_over=lambda _: fake.now_s > 0.2)  # type: ignore[arg-type]
    assert [act.how for act in done.acts] == ["cancel"]
    assert done.alive == ()
