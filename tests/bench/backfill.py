"""`bin/bench backfill`: how fast gate's backfill is beside one plain UPDATE, and what a load feels meanwhile."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from gate.embedded import Server, available, serve
from tests.bench.load import Felt, felt, running
from tests.bench.stall import AS_SHIPPED
from tests.bench.stall.cases import ORDERS
from tests.bench.stall.running import Sizes, copy, make
from tests.bench.stall.ways import GATE

SHARE, TIMES, MORE_S = 0.7, 2.0, 0.005
_UPDATE = "UPDATE orders SET legacy = 'kept'"
_WARM_S = 3.0
_CONTROL_S = 15.0

Work = Callable[[str, Path], float]
"""Does it on the database of this conninfo; returns rows a second."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Rows a second, and what the load felt; None without one."""

    rows_per_s: float
    felt: Felt | None

    def line(self, what: str) -> str:
        """A line of the table; nothing but the load has no rows."""
        rows = f"{self.rows_per_s:12,.0f}" if self.rows_per_s else f"{'':12}"
        felt = self.felt
        times = f"{felt.p50_s * 1000:8.1f} {felt.p99_s * 1000:8.1f} {felt.worst_s * 1000:9.0f}" if felt else ""
        return f"  {what:<32} {rows} {times} {f'{felt.failures:7}' if felt else ''}"


def main(arguments: Sequence[str] = ()) -> int:
    """Prints the figures; 1 if a goal is missed."""
    told = _parser().parse_args(arguments)
    sizes = Sizes(rows=told.rows, large_rows=told.rows, rate=told.rate)
    with (
        serve(available()[told.major] if told.major else None, settings=AS_SHIPPED) as server,
        tempfile.TemporaryDirectory(prefix="gate-bench-") as folder,
    ):
        print(f"PostgreSQL {server.binaries.version}, its settings as they are shipped, with fsync; {_UPDATE}")
        took_s = make(server, ORDERS, sizes)
        print(f"{told.rows:,} rows, made in {took_s:.0f} s; load: {told.rate:.0f} transactions a second\n")
        print(f"  {'':<32} {'rows/s':>12} {'p50 ms':>8} {'p99 ms':>8} {'worst ms':>9} {'failed':>7}")

        found = [_round(server, sizes, Path(folder) / str(number)) for number in range(told.rounds)]
    return _verdict({what: _median([one[what] for one in found]) for what in _WHATS})


def _round(server: Server, sizes: Sizes, folder: Path) -> Mapping[str, Measured]:
    """Each once, by turns, so that whatever else the machine does meets them all alike."""
    found = {}
    for number, (what, (work, has_load)) in enumerate(_WHATS.items()):
        place = folder / str(number)
        place.mkdir(parents=True)
        found[what] = _measured(server, work, sizes, place, with_load=has_load)
        print(found[what].line(what), flush=True)
    print()
    return found


def _median(rounds: Sequence[Measured]) -> Measured:
    """The one whose rate is in the middle, with the p99 that is in the middle."""
    middle = sorted(rounds, key=lambda one: one.rows_per_s)[len(rounds) // 2]
    if middle.felt is None:
        return middle
    felts = [one.felt for one in rounds if one.felt is not None]
    p99_s = statistics.median(one.p99_s for one in felts)
    failed = sum((Counter(one.failed) for one in felts), Counter[str]())
    return replace(middle, felt=replace(middle.felt, p99_s=p99_s, failed=failed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench backfill", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="of the table")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--rate", type=float, default=400.0, help="transactions a second")
    parser.add_argument("--major", type=int, help="of the server; the newest at hand unless told")
    return parser


def _measured(server: Server, work: Work, sizes: Sizes, place: Path, *, with_load: bool) -> Measured:
    with copy(server, ORDERS) as conninfo:
        if not with_load:
            return Measured(rows_per_s=work(conninfo, place), felt=None)
        with running(conninfo, ORDERS.load(sizes.rows, rate=sizes.rate)) as clients:
            time.sleep(_WARM_S)
            begun = time.monotonic()
            rows_per_s = work(conninfo, place)
            ended = time.monotonic()
            done = clients.stop()
    return Measured(rows_per_s=rows_per_s, felt=felt(done, begun, ended))


def _nothing(conninfo: str, place: Path) -> float:
    time.sleep(_CONTROL_S)
    return 0.0


def _plain(conninfo: str, place: Path) -> float:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        begun = time.monotonic()
        rows = connection.execute(_UPDATE.encode()).rowcount
        return rows / (time.monotonic() - begun)


def _by_gate(conninfo: str, place: Path) -> float:
    """As its report has it: the rows and the time of the backfill, without judging and connecting."""
    migrations = place / "db" / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "20260101000000_case.sql").write_text(f"-- migrate:up\n{_UPDATE};\n\n-- migrate:down\n")
    done = subprocess.run(
        [*GATE, "release", "--budget", "8h", "--format", "json"],
        cwd=place,
        env={**os.environ, "GATE_DATABASE_URL": conninfo},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"gate release ended with {done.returncode}:\n{done.stderr[-3000:]}")
    (unit,) = (unit for unit in json.loads(done.stdout)["units"] if unit["kind"] == "backfill")
    return float(unit["rows_done"] / unit["seconds"])


_WHATS: Mapping[str, tuple[Work, bool]] = {
    "load alone": (_nothing, True),
    "one UPDATE, quiet": (_plain, False),
    "gate, quiet": (_by_gate, False),
    "one UPDATE, with load": (_plain, True),
    "gate, with load": (_by_gate, True),
}
"""What is measured: how, and whether with the load."""


def _verdict(found: Mapping[str, Measured]) -> int:
    """The UPDATE makes the load's writers wait, and so has more of the machine than a backfill that does not."""
    control, own = found["load alone"].felt, found["gate, with load"].felt
    assert control is not None
    assert own is not None
    quiet = found["gate, quiet"].rows_per_s / found["one UPDATE, quiet"].rows_per_s
    loaded = found["gate, with load"].rows_per_s / found["one UPDATE, with load"].rows_per_s
    limit_s = max(TIMES * control.p99_s, control.p99_s + MORE_S)
    goals = (
        (f"at least {SHARE:.0%} of one UPDATE, both quiet: {quiet:.0%}", quiet >= SHARE),
        (f"at least {SHARE:.0%} of one UPDATE, both with load: {loaded:.0%}", loaded >= SHARE),
        (f"the load's p99 at most {limit_s * 1000:.1f} ms: {own.p99_s * 1000:.1f} ms", own.p99_s <= limit_s),
        (f"no query failed: {own.failures}", own.failures == 0),
    )
    print("goals, by the medians of all rounds")
    for what, is_met in goals:
        print(f"  {'met   ' if is_met else 'MISSED'}  {what}")
    return 0 if all(is_met for _, is_met in goals) else 1
