"""How a run ends before its time: one exception, which the loop that began the run turns into its outcome."""

from __future__ import annotations

from gate.model.run import InTheWay, Outcome


class Halt(Exception):
    """`outcome` says how; `problem` and `remedy` are for people; `in_the_way` are whoever was waited for.

    `is_in_doubt`: something that no run can settle by itself was left; then a person is needed.
    """

    def __init__(
        self,
        outcome: Outcome,
        problem: str,
        *,
        remedy: str = "",
        in_the_way: tuple[InTheWay, ...] = (),
        sqlstate: str = "",
    ) -> None:
        super().__init__(problem)
        self.outcome = outcome
        self.problem = problem
        self.remedy = remedy
        self.in_the_way = in_the_way
        self.sqlstate = sqlstate


def failed(problem: str, *, remedy: str = "", sqlstate: str = "") -> Halt:
    """A statement that the server rejects."""
    return Halt(Outcome.FAILED, problem, remedy=remedy, sqlstate=sqlstate)


def stopped(why: str) -> Halt:
    """A signal, or the deadline."""
    return Halt(
        Outcome.STOPPED,
        why,
        remedy="the next run takes up what is left",
    )
