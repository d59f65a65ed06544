"""The crash sweep: releases that are killed, cut off and restarted at every moment, and run again until they are done.

`python -m tests.crash.sweep --rounds 100 --seed 1` sweeps; a failure names what runs the same round again alone.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from gate.embedded import available
from tests.crash.accident import WHAT, Accident, drawn, parse
from tests.crash.case import CrashCase
from tests.crash.cases import CASES, laws
from tests.crash.playing import AFTERWARDS, Refused, Stage, Turn, Wrong
from tests.crash.proxy import Statement
from tests.crash.server import restartable
from tests.servers import MAJORS

_LAWS_EVERY = 4
"""Of so many rounds one is of a law's case."""
_MOST_ACCIDENTS = 3


@dataclass(frozen=True, kw_only=True)
class Result:
    """How many rounds were played, in how many of them an accident came to pass, and what went wrong in each failed."""

    rounds: int
    happened: int
    failed: tuple[str, ...] = ()


def _print(line: str) -> None:
    print(line, flush=True)


def run(
    rounds: int,
    *,
    seed: int,
    majors: Sequence[int] = MAJORS,
    progress: Callable[[str], object] = _print,
    cases: Mapping[str, CrashCase] | None = None,
    first: int = 1,
    what: Mapping[str, int] = WHAT,
) -> Result:
    """So many rounds, over the majors at hand by turns; each is drawn from `seed` and its number, from `first` on.

    `what` are the kinds of accidents with their weights; QUICK are those that need not be waited for.
    """
    sweep = _Sweep(seed=seed, majors=[major for major in majors if major in available()], cases=cases, what=what)
    with sweep.stack:
        return sweep.run(range(first, first + rounds), progress)


@dataclass
class _Sweep:
    seed: int
    majors: Sequence[int]
    cases: Mapping[str, CrashCase] | None = None
    what: Mapping[str, int] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)
    stages: dict[int, Stage] = field(default_factory=dict)

    def run(self, numbers: Sequence[int], progress: Callable[[str], object]) -> Result:
        failed, happened = [], 0
        for number in numbers:
            begun_s = time.monotonic()
            turn, problem = self._round(number)
            happened += turn.happened > 0
            progress(f"{number:4} {turn} {time.monotonic() - begun_s:.1f} s{'  FAILED' if problem else ''}")
            if problem:
                progress(problem)
                failed.append(f"seed {self.seed}, round {number}: {problem}")
        return Result(rounds=len(numbers), happened=happened, failed=tuple(failed))

    def _round(self, number: int) -> tuple[Turn, str]:
        chance = random.Random(f"{self.seed}:{number}")
        major = self.majors[number % len(self.majors)]
        stage = self.stage(major)
        while True:
            case = self._case(chance, major)
            try:
                seen = stage.known(case).seen
                break
            except Refused as refused:
                # What a policy refuses is refused although it could be split.
                if case.name in CASES:
                    return Turn(case=case, accidents=(), major=major), f"{case} is refused: {refused}"
            except Wrong as wrong:
                return Turn(case=case, accidents=(), major=major), str(wrong)
        accidents = tuple(drawn(chance, seen, self.what) for _ in range(chance.randint(1, _MOST_ACCIDENTS)))
        afterwards = chance.choice(AFTERWARDS) if chance.random() < 0.25 else "again"
        return self.play(Turn(case=case, accidents=accidents, afterwards=afterwards, major=major))

    def _case(self, chance: random.Random, major: int) -> CrashCase:
        known = self.cases or (laws() if chance.randrange(_LAWS_EVERY) == 0 else CASES)
        return known[chance.choice(sorted(name for name, case in known.items() if major in case))]

    def play(self, turn: Turn) -> tuple[Turn, str]:
        """The turn, with what happened; and what went wrong."""
        problem = self.stage(turn.major).play(turn)
        return turn, problem

    def stage(self, major: int) -> Stage:
        """The server of that major with what stands around it, made now unless it was before."""
        if major not in self.stages:
            server = self.stack.enter_context(restartable(available()[major]))
            folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="gate-crash-")))
            self.stages[major] = self.stack.enter_context(Stage(server, folder))
        return self.stages[major]


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if a round failed."""
    told = _parser().parse_args(arguments)
    if told.case is None:
        cases = {name: case for name, case in CASES.items() if told.only in name} if told.only else None
        result = run(
            told.rounds,
            seed=told.seed,
            majors=told.majors or MAJORS,
            cases=cases,
            first=told.first,
            what={name: WHAT[name] for name in told.what},
        )
    else:
        result = _replay(told)
    print(f"{result.rounds} rounds, {result.happened} with an accident, {len(result.failed)} failed")
    return 1 if result.failed else 0


def _replay(told: argparse.Namespace) -> Result:
    case = {**CASES, **laws()}[told.case]
    accidents = tuple(_parsed(told.accident))
    major = (told.majors or list(available())[-1:])[0]
    sweep = _Sweep(seed=0, majors=[major])
    with sweep.stack:
        turn, problem = sweep.play(Turn(case=case, accidents=accidents, afterwards=told.afterwards, major=major))
        if told.seen:
            print("\n".join(map(_line, sweep.stage(major).known(case).seen)))
    print(problem or f"{turn}: as it should be")
    return Result(rounds=1, happened=int(turn.happened > 0), failed=(problem,) if problem else ())


def _line(item: Statement) -> str:
    return f"{item.role} {item.number} {item.seconds or 0.0:.3f} s {' '.join(item.sql.split())[:160]}"


def _parsed(written: Sequence[str]) -> Iterator[Accident]:
    for text in written:
        yield parse(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.sweep", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--majors", type=int, nargs="*", help="of the servers; all at hand unless told")
    parser.add_argument("--first", type=int, default=1, help="the number of the first round")
    parser.add_argument("--only", help="cases whose names have this in them")
    parser.add_argument("--what", nargs="+", choices=WHAT, default=list(WHAT), help="these accidents alone")
    parser.add_argument("--case", help="one round of this case alone")
    parser.add_argument("--accident", nargs="*", default=[], help="WHAT@ROLE:NUMBER:PHASE+SECONDS, one a release")
    parser.add_argument("--afterwards", choices=AFTERWARDS, default="again")
    parser.add_argument("--seen", action="store_true", help="print the statements of an undisturbed release")
    return parser


if __name__ == "__main__":
    sys.exit(main())
