"""A steady load of short transactions, and what it felt: open loop, from a process of its own.

Transactions are due at fixed times, whether or not earlier ones are done, and their time counts from when they were
due: whoever is kept waiting delays nobody's schedule, so that a stall is counted for all whom it would have met.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCKED_S = 0.05
"""Whoever waits for longer counts as blocked: on a busy machine shorter waits come without anybody's doing."""

STALE = "stale plan"
UNFINISHED = "unfinished"
_DRAIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """SQL with `$1` places, prepared once by every client; each parameter is an integer drawn between two bounds."""

    sql: str
    parameters: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """Statements by name, in one transaction block if there are several; `weight` of all weights is its share."""

    weight: int
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is run: `rate` transactions a second on `clients` connections; the same seed draws the same keys."""

    statements: Mapping[str, Statement]
    transactions: Sequence[Transaction]
    rate: float = 400.0
    clients: int = 60
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One transaction, in seconds of the monotonic clock: when it was due, noticed and done.

    `state` is empty if it succeeded, else an SQLSTATE, STALE for the one error that a prepared statement whose result
    changes gives each client, or UNFINISHED.
    """

    due_s: float
    noticed_s: float
    done_s: float
    state: str = ""

    @property
    def took_s(self) -> float:
        """From when it was due."""
        return self.done_s - self.due_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """What the clients felt; `late_s` is how late the generator itself was, at most."""

    transactions: int
    worst_s: float
    p50_s: float
    p99_s: float
    blocked_s: float
    late_s: float
    failed: Mapping[str, int]
    stale_plans: int

    @property
    def failures(self) -> int:
        """All of them."""
        return sum(self.failed.values())


@dataclass(slots=True, kw_only=True)
class Running:
    """A load that runs; `done` is filled when it has ended."""

    process: subprocess.Popen[str]
    done: Sequence[Done] = ()

    def stop(self) -> Sequence[Done]:
        """No more transactions; waits for those that are under way."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        told = json.loads(self.process.stdout.read())
        self.process.wait()
        self.done = [Done(due_s=due, noticed_s=noticed, done_s=done, state=state) for due, noticed, done, state in told]
        return self.done


@contextmanager
def running(conninfo: str, load: Load) -> Iterator[Running]:
    """The load, from when all its clients are connected to the end of the block, if it was not stopped before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.generator"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            orders = {"conninfo": conninfo, "drain_s": _DRAIN_S, "load": asdict(load)}
            process.stdin.write(json.dumps(orders) + "\n")
            process.stdin.flush()
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"the load did not begin: the generator ended with {process.wait()}")
            found = Running(process=process)
            yield found
            if not found.done:
                found.stop()
        finally:
            if process.poll() is None:
                process.kill()


def felt(done: Iterable[Done], since_s: float, until_s: float) -> Felt:
    """What was felt by all who were under way at any time between the two."""
    met = [one for one in done if one.done_s >= since_s and one.due_s <= until_s]
    if not met:
        raise ValueError("nobody was under way")
    times = sorted(one.took_s for one in met)
    failed = Counter(one.state for one in met if one.state)
    stale_plans = failed.pop(STALE, 0)
    return Felt(
        transactions=len(met),
        worst_s=times[-1],
        p50_s=_percentile(times, 0.5),
        p99_s=_percentile(times, 0.99),
        blocked_s=_covered((one.due_s, one.done_s) for one in met if one.took_s >= BLOCKED_S),
        late_s=max(one.noticed_s - one.due_s for one in met),
        failed=failed,
        stale_plans=stale_plans,
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _covered(spans: Iterable[tuple[float, float]]) -> float:
    """How much time lies in at least one of them."""
    total = end = 0.0
    for begun, ended in sorted(spans):
        total += max(0.0, ended - max(begun, end))
        end = max(end, ended)
    return total
