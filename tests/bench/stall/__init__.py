"""`bin/bench stall`: what clients feel of risky migrations, run plain, by gate, by another tool, and of none at all."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gate.embedded import Server, available, serve
from tests.bench import peers
from tests.bench.stall import table
from tests.bench.stall.cases import CASES, SCENES, Case
from tests.bench.stall.running import Sizes, make, run
from tests.bench.stall.ways import Way, by_django, by_gate, plain, without

AS_SHIPPED = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""What an embedded server is otherwise started without: here every commit reaches the disk, as it does for users."""

_WAYS = ("plain", "django", table.GATE)


def main(arguments: Sequence[str] = ()) -> int:
    """Prints every figure; 1 if a goal is missed."""
    told = _parser().parse_args(arguments)
    cases = [case for case in CASES if not told.only or any(word in case.name for word in told.only)]
    sizes = Sizes(rows=told.rows, large_rows=told.large_rows or 4 * told.rows, rate=told.rate)
    with (
        serve(available()[told.major] if told.major else None, settings=AS_SHIPPED) as server,
        tempfile.TemporaryDirectory(prefix="gate-bench-") as folder,
    ):
        print(
            f"PostgreSQL {server.binaries.version} on a unix socket, its settings as they are shipped, with fsync; "
            f"{sizes.rate:.0f} transactions a second, open loop\n"
            "a stall is the longest that any transaction took from when it was due; blocked: some transaction was "
            "waiting for 50 ms or more;\n0A000: the one error that each client's prepared statement gives when its "
            "result changes; late: the generator itself, at most\n"
        )
        measured = dict(_measured(server, cases, _ways(told), sizes, Path(folder)))
    print("\n".join(table.summary(measured)))
    return _verdict(measured)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench stall", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="of the table under change")
    parser.add_argument("--large-rows", type=int, help="of the table for concurrent builds; four times --rows")
    parser.add_argument("--rate", type=float, default=400.0, help="transactions a second")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="migrations whose name holds one of them")
    parser.add_argument("--ways", nargs="+", choices=_WAYS, default=_WAYS, help="beside the control")
    parser.add_argument("--major", type=int, help="of the server; the newest at hand unless told")
    parser.add_argument("--control", type=float, default=10.0, metavar="SECONDS", help="how long nothing is run")
    return parser


def _ways(told: argparse.Namespace) -> Mapping[str, Way]:
    found: dict[str, Way] = {table.CONTROL: without(told.control)}
    if "plain" in told.ways:
        found["plain"] = plain
    if "django" in told.ways:
        peer = peers.django()
        print(f"django: {peer.name} {peer.missing or peer.version}\n")
        if not peer.missing:
            found["django"] = by_django(peer)
    if table.GATE in told.ways:
        found[table.GATE] = by_gate
    return found


def _measured(
    server: Server, cases: Sequence[Case], ways: Mapping[str, Way], sizes: Sizes, folder: Path
) -> Iterator[tuple[str, table.Ways]]:
    """Scene by scene, so that one copy of each is made; the control once a scene."""
    for scene in SCENES:
        own = [case for case in cases if case.scene is scene]
        if not own:
            continue
        took_s = make(server, scene, sizes)
        print(f"{scene.name}: {sizes.of(scene):,} rows, made in {took_s:.0f} s\n{table.HEAD}")
        for number, case in enumerate(own):
            print(case.name)
            found = {}
            for name, way in ways.items():
                if number if name == table.CONTROL else name == "django" and not case.operations:
                    continue
                place = folder / f"{scene.name}-{number}-{name}"
                place.mkdir()
                found[name] = run(server, case, way, sizes, place)
                print("\n".join(table.lines(name, found[name])), flush=True)
            yield case.name, found
        print()


def _verdict(measured: Mapping[str, table.Ways]) -> int:
    if not any(table.GATE in ways for ways in measured.values()):
        return 0
    print("\ngoals")
    met = table.goals(measured)
    for what, is_met in met:
        print(f"  {'met   ' if is_met else 'MISSED'}  {what}")
    return 0 if all(is_met for _, is_met in met) else 1
