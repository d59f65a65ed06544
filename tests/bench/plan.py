"""What `gate plan` costs."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gate.embedded import Server, serve
from tests.bench import databases, migrations, peers
from tests.bench.measuring import Command, Run, median, medians, once

GATE = (sys.executable, "-P", "-m", "gate")
_HEAVY = ("postgast", "httpx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table; `limit` in the figure's own unit, None where there is no goal."""

    what: str
    value: float
    unit: str
    goal: str = ""
    limit: float | None = None

    def line(self) -> str:
        """The figure, its goal, and whether it is met."""
        verdict = "" if self.limit is None else ("  met" if self.value < self.limit else "  MISSED")
        goal = f"   goal: {self.goal}{verdict}" if self.goal else ""
        return f"  {self.what:<58} {self.value:8.2f} {self.unit:<3}{goal}"


def main(arguments: Sequence[str] = ()) -> int:
    """Prints every figure; 1 if a goal was missed."""
    argparse.ArgumentParser(prog="bench plan", description=__doc__).parse_args(arguments)
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}; medians of 7 runs after one")
    missed = 0
    with serve() as server, tempfile.TemporaryDirectory(prefix="gate-bench-") as folder:
        print(f"PostgreSQL {server.binaries.version} on a unix socket\n")
        for heading, figures in _parts(server, Path(folder)):
            print(heading)
            for figure in figures:
                print(figure.line(), flush=True)
                missed += figure.limit is not None and figure.value >= figure.limit
            print()
    return 1 if missed else 0


def _parts(server: Server, folder: Path) -> Iterator[tuple[str, Iterator[Figure]]]:
    yield "the command itself", _start(folder)
    yield "100 SQL migrations against a database of 200 tables", _hundred(server, folder)
    yield "a database of 10,000 tables with 50,000 indexes", _large(server, folder)


def _start(folder: Path) -> Iterator[Figure]:
    run = median(Command(arguments=[*GATE, "--version"], cwd=folder, environment={}))
    yield Figure(what="gate --version", value=run.seconds, unit="s", goal="under 0.1 s", limit=0.1)


def _hundred(server: Server, folder: Path) -> Iterator[Figure]:
    directory = migrations.write(folder / "hundred", 100, tables=200)
    conninfo = databases.make(server, "hundred", 200, rows=200)
    rivals = [peers.squawk(), peers.pgfence()]
    at_hand = [peer for peer in rivals if not peer.missing]
    own_command = _gate(folder / "hundred", conninfo, "plan", "--sample", "0")
    own, *theirs = medians([own_command, *(_rival(peer, directory) for peer in at_hand)])
    times = {peer.name: run.seconds for peer, run in zip(at_hand, theirs, strict=True)}
    yield _against_pgfence(own, times.get("pgfence"))
    for peer in rivals:
        if peer.missing:
            print(f"  {peer.name}: missing: {peer.missing}")
            continue
        yield Figure(what=f"{peer.name} {peer.version}, the same files", value=times[peer.name], unit="s")
        yield Figure(what=f"  gate : {peer.name}", value=own.seconds / times[peer.name], unit="x")
    yield from _nothing_pending(directory, conninfo)


def _against_pgfence(own: Run, fence_s: float | None) -> Figure:
    what = "gate plan --sample 0, cold"
    if fence_s is None:
        return Figure(what=what, value=own.seconds, unit="s")
    return Figure(what=what, value=own.seconds, unit="s", goal="no slower than pgfence", limit=fence_s)


def _rival(peer: peers.Peer, directory: Path) -> Command:
    files = [str(path) for path in sorted(directory.iterdir())]
    return Command(arguments=[*peer.command, *files], cwd=directory, environment={}, expected=frozenset({0, 1}))


def _nothing_pending(directory: Path, conninfo: str) -> Iterator[Figure]:
    databases.mark(conninfo, migrations.ids(directory))
    command = _gate(directory, conninfo, "plan", ".")
    run = median(command)
    yield Figure(what="gate plan, nothing pending", value=run.seconds, unit="s", goal="under 0.4 s", limit=0.4)
    traced = Command(
        arguments=[sys.executable, "-P", "-X", "importtime", *GATE[2:], "plan", "."],
        cwd=directory,
        environment=command.environment,
    )
    imported = {line.rpartition("|")[2].strip() for line in once(traced).output.splitlines()}
    heavy = sum(name in imported for name in _HEAVY)
    what = f"  of {', '.join(_HEAVY)} it imports"
    yield Figure(what=what, value=heavy, unit="", goal="none", limit=0.5)


def _large(server: Server, folder: Path) -> Iterator[Figure]:
    migrations.write(folder / "large", 10, tables=10000, statements=10)
    conninfo = databases.make(server, "large", 10000)
    plan = median(_gate(folder / "large", conninfo, "plan", "--sample", "0"), runs=5)
    yield Figure(what="gate plan of ten statements, cold", value=plan.seconds, unit="s", goal="under 1 s", limit=1.0)
    yield Figure(what="  its peak memory", value=plan.peak_mb, unit="MB", goal="under 150 MB", limit=150)
    stored = str(folder / "large.json")
    run = median(_gate(folder, conninfo, "snapshot", "-o", stored), runs=3)
    yield Figure(what="gate snapshot of all", value=run.seconds, unit="s", goal="under 6 s", limit=6.0)
    yield Figure(what="  its peak memory", value=run.peak_mb, unit="MB")
    offline = median(_gate(folder / "large", conninfo, "plan", "--snapshot", stored), runs=3)
    yield Figure(what="gate plan --snapshot of that file", value=offline.seconds, unit="s")


def _gate(cwd: Path, conninfo: str, *arguments: str) -> Command:
    return Command(arguments=[*GATE, *arguments], cwd=cwd, environment={"GATE_DATABASE_URL": conninfo})
