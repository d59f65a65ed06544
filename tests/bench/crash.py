"""`bin/bench crash`: the crash sweep in its long form; every round has to end as it would have without an accident."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from gate.embedded import available
from tests.crash import sweep
from tests.servers import MAJORS


def main(arguments: Sequence[str] = ()) -> int:
    """Prints every round; 1 if one failed."""
    told = _parser().parse_args(arguments)
    majors = [major for major in told.majors if major in available()]
    print(f"PostgreSQL {', '.join(available()[major].version for major in majors)}; seed {told.seed}")
    result = sweep.run(told.rounds, seed=told.seed, majors=majors, first=told.first)
    failed = len(result.failed)
    print(
        f"\n{result.rounds - failed} of {result.rounds} rounds ended as they should, "
        f"in {result.happened} of them something had been killed, cut or restarted; "
        f"goal: all of them  {'MISSED' if failed else 'met'}"
    )
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1, help="from which every round is drawn")
    parser.add_argument("--first", type=int, default=1, help="the number of the first round")
    parser.add_argument("--majors", type=int, nargs="+", default=MAJORS, help="by turns; all at hand unless told")
    return parser
