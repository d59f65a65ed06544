"""What a release says while it lasts: when, and what becomes of it when nobody reads."""

from __future__ import annotations

import io
import os
import re
import threading
from dataclasses import replace

import pytest

from gate.cli.live import LogLines, Telling, teller
from gate.cli.live_terminal import LiveLines
from gate.run.telling import Event, MigrationEnded, Progressed, Said, UnitEnded
from tests.golden import runs

RESTS = replace(runs.FILLING, paused_for="a replica lags 14 s, more than 10 s")


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Log:
    """`hear(at_s, event)` gives the lines that follow."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.lines: list[str] = []
        self.says = LogLines(self.lines.append, self.clock)

    def hear(self, at_s: float, event: Event) -> list[str]:
        self.clock.now_s = at_s
        self.lines.clear()
        self.says(event)
        return list(self.lines)


def test_long_work_says_a_line_every_thirty_seconds() -> None:
    log = Log()
    assert len(log.hear(0, runs.BEGAN)) == 1
    said = [at_s for at_s in range(1, 121) if log.hear(at_s, runs.FILLING)]
    assert len(said) == 4
    assert all(29 <= later - earlier <= 31 for earlier, later in zip([0, *said], said, strict=False))


def test_what_comes_every_thirty_seconds_is_never_left_out() -> None:
    log = Log()
    log.hear(0, runs.BEGAN)
    assert all(log.hear(30 * number - 0.2 * (number % 2), runs.FILLING) for number in range(1, 6))


def test_a_rest_is_told_sooner_but_not_each_time() -> None:
    log = Log()
    log.hear(0, runs.BEGAN)
    log.hear(30, runs.FILLING)
    assert not log.hear(31, RESTS)
    assert "rests, for a replica lags" in log.hear(41, RESTS)[0]
    assert not log.hear(52, RESTS)
    assert not log.hear(55, runs.FILLING)
    assert log.hear(71, runs.FILLING)


def test_waiting_is_told_whenever_it_is_heard() -> None:
    log = Log()
    assert all(log.hear(at_s, runs.WAITING) for at_s in (0, 10, 20))


def test_a_migration_of_one_step_ends_once() -> None:
    log = Log()
    ended = MigrationEnded(migration=runs.ADD_COLUMN, seconds=0.03)
    assert log.hear(0, UnitEnded(unit=runs.COLUMN, of=1))
    assert not log.hear(0, ended)
    assert log.hear(0, UnitEnded(unit=runs.COLUMN, of=2))
    assert log.hear(0, ended)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_a_bar_moves_and_is_gone_when_the_unit_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = _Terminal()
    says = LiveLines(terminal, width=80)
    says(runs.FILLING)
    drawn = len(terminal.getvalue())
    assert "42%, 2.4 min left, 2.1M rows, 20k/s: fills" in SEQUENCE.sub("", terminal.getvalue())
    says(replace(runs.FILLING, done=0.5))
    assert "50%" in terminal.getvalue()[drawn:]
    says(runs.WAITING)
    assert "pg_terminate_backend(4711)" in terminal.getvalue()
    says(UnitEnded(unit=runs.COLUMN, of=1))
    text = terminal.getvalue()
    assert text.index("\x1b[2K", text.rindex("50%")) < text.rindex("gate: 20260101000000 1/1: done")
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


def test_a_bar_of_an_unknown_share_stays_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = _Terminal()
    says = LiveLines(terminal, width=60)
    says(Progressed(migration="1", at=1, what="building index: " + "scanning table " * 20))
    assert terminal.getvalue().count("\n") == 0
    says.close()


def test_without_a_terminal_there_are_plain_lines(capfd: pytest.CaptureFixture[str]) -> None:
    with Telling(teller()) as tell:
        tell(runs.EVENTS["waiting"])
        tell(Said(text="done"))
    out, err = capfd.readouterr()
    assert out == ""
    assert [line[:6] for line in err.splitlines()] == ["gate: ", "gate: "]


class _Stuck:
    """A pipe that nobody reads."""

    def __init__(self) -> None:
        self.reads = threading.Event()

    def __call__(self, _: Event) -> None:
        self.reads.wait()

    def close(self) -> None:
        """Nothing is open."""


def test_whoever_tells_does_not_wait_for_whoever_reads() -> None:
    stuck = _Stuck()
    tell = Telling(stuck)
    tell.__enter__()
    for _ in range(1000):
        tell(runs.BEGAN)
    stuck.reads.set()
    tell.__exit__(None, None, None)


def test_a_log_that_has_gone_stops_nothing() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with Telling(LogLines(lambda line: _ignored(os.write(writes, line.encode())))) as tell:
        for event in runs.EVENTS.values():
            tell(event)
    os.close(writes)


def _ignored(_: int) -> None:
    return
