"""Units, wrapping, tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.model import units
from gate.model.costs import Seconds
from gate.model.plan import Finding, Severity
from gate.model.steps import StatementStep, Step
from gate.report import formats
from gate.report.prose import table, times
from gate.report.prose.findings import way_out
from gate.report.prose.said import Said
from gate.report.prose.words import clean, columns, shortened, wrapped
from tests.golden import samples


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (8192, "8 kB"), (430_000_000, "410 MB"), (1_300_000_000, "1.2 GB")],
)
def test_sizes(size_bytes: int, text: str) -> None:
    assert units.size(size_bytes) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (999.6, "1k"), (5_200_000, "5.2M"), (120_000, "120k"), (2e9, "2G")],
)
def test_short_numbers(number: float, text: str) -> None:
    assert units.about(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0.4 s"), (100, "100 s"), (754, "13 min"), (7300, "2 h"), (300_000, "3 days")],
)
def test_ages(seconds: float, text: str) -> None:
    assert units.age(seconds) == text


def test_formats_are_the_files_of_the_room() -> None:
    assert formats() == ("github", "gitlab", "json", "markdown", "sarif", "text")


def test_shortened_counts_wide_characters_twice() -> None:
    assert shortened("\u9867\u5ba2" * 10, 11) == "\u9867\u5ba2\u9867\u5ba2..."


def test_clean_disarms_escapes_and_overrides() -> None:
    assert clean("a\x1b[2Jb\u202ec\u2028") == "a?[2Jb?c?"


def test_wrapped_keeps_the_indentation_of_code() -> None:
    assert wrapped("try this:\n  SELECT 1", 40, "  ", "    ") == ["  try this:", "      SELECT 1"]


def test_a_cell_that_is_too_wide_folds_at_its_joints() -> None:
    assert table.lines(["order_lines_archive", "x"], [10, 1]) == ["order_      x", "lines_", "archive"]


def test_columns_that_give_way_fold_first() -> None:
    assert table.fitted([["public.orders", "SHARE ROW EXCLUSIVE"]], 26, gives=[1]) == [13, 11]


def test_every_line_fits() -> None:
    row = ["a" * 50, "b" * 50]
    widths = table.fitted([row], 40)
    assert all(columns(line) <= 40 for line in table.lines(row, widths))


@pytest.mark.parametrize(
    ("remedy", "lines"),
    [
        ("1. this; 2. next; 3. after", ["1. this", "2. next", "3. after"]),
        ("in phases: 1. this; 2. next", ["in phases:", "1. this", "2. next"]),
        ("version 1. is old: 1. is not a phase", ["version 1. is old: 1. is not a phase"]),
    ],
)
def test_numbered_phases_stand_on_lines_of_their_own(remedy: str, lines: list[str]) -> None:
    finding = Finding(rule="renames-column", severity=Severity.REFUSE, problem="", remedy=remedy)
    assert way_out(Said(finding=finding)).splitlines() == lines


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "a time that is not known"),
        (Seconds(0.001, 0.01, 0.04), "a moment"),
        (Seconds(4.1, 9.2, 20.3), "about 9.2 s (4.1 to 20 s)"),
        (Seconds(0.02, 0.2, 130.0), "about 0.2 s (20 ms to 2.2 min)"),
        (Seconds(9.98, 10.0, 10.02), "about 10 s"),
    ],
)
def test_durations(seconds: Seconds | None, words: str) -> None:
    assert times.duration(seconds) == words


@pytest.mark.parametrize(
    ("queued", "words"),
    [
        (None, ""),
        (0.4, ""),
        (1.0, "about 1 query would queue"),
        (1104.0, "about 1,100 queries would queue"),
    ],
)
def test_queues(queued: float | None, words: str) -> None:
    assert times.queue(queued) == words


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((StatementStep(sql="VACUUM t", why=""),), "in a transaction of its own, as below"),
        ((StatementStep(sql="VACUUM", why=""),), "run what stands below instead"),
        ((samples.VOLATILE_DEFAULT.steps[1],), "in batches, as below"),
        (samples.VOLATILE_DEFAULT.steps, "the 4 steps below"),
    ],
)
def test_the_way_out_of_what_is_split_is_its_steps(steps: tuple[Step, ...], words: str) -> None:
    statement = replace(samples.VOLATILE_DEFAULT, sql="VACUUM t", steps=steps)
    assert way_out(Said(finding=statement.findings[0], statement=statement)).startswith(words)
