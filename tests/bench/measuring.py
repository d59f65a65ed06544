"""Cold runs of a command: wall time and peak memory, as the median of several."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, or the median of several: `peak_mb` is the largest resident size of the process itself."""

    seconds: float
    cpu_s: float
    peak_mb: float
    code: int
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is run: its arguments, where, and with which variables beside ours."""

    arguments: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    expected: frozenset[int] = frozenset({0, 10})


def median(command: Command, *, runs: int = 7) -> Run:
    """The first run warms the disk's cache and is not counted."""
    return medians([command], runs=runs)[0]


def medians(commands: Sequence[Command], *, runs: int = 7) -> list[Run]:
    """Several commands by turns, so that whatever else the machine does meets them all alike."""
    rounds = [[once(command) for command in commands] for _ in range(runs + 1)][1:]
    return [_median(own) for own in zip(*rounds, strict=True)]


def _median(runs: Sequence[Run]) -> Run:
    return Run(
        seconds=statistics.median(run.seconds for run in runs),
        cpu_s=statistics.median(run.cpu_s for run in runs),
        peak_mb=statistics.median(run.peak_mb for run in runs),
        code=runs[-1].code,
        output=runs[-1].output,
    )


def once(command: Command) -> Run:
    """One run; whatever ends with another code than expected is no measurement."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        list(command.arguments),
        cwd=command.cwd,
        env={**os.environ, **command.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    with process.stdout as stream:
        output = stream.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.expected:
        raise RuntimeError(f"{' '.join(command.arguments)[:200]} ended with {process.returncode}:\n{output[-2000:]}")
    return Run(
        seconds=seconds,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / 1024,
        code=process.returncode,
        output=output,
    )
