"""Allowed hours, by the wall clock of a place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gate.policy.hours import AllowedHours, allowed_hours, window, zone


def hours(*windows: str, at: str = "Europe/Berlin") -> AllowedHours:
    return allowed_hours([window(text) for text in windows], at)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "at", "is_open"),
    [
        ("Mon-Fri 09:00-17:00", "2026-11-23 08:00", True),  # 09:00 in Berlin in winter
        ("Mon-Fri 09:00-17:00", "2026-11-23 07:59", False),
        ("Mon-Fri 09:00-17:00", "2026-11-23 16:00", False),  # the end is not in it
        ("Mon-Fri 09:00-17:00", "2026-07-06 07:00", True),  # 09:00 in Berlin in summer
        ("Mon-Fri 09:00-17:00", "2026-11-22 10:00", False),  # a Sunday
        ("Sat,Sun 10:00-12:00", "2026-11-22 10:00", True),
        ("Fri 22:00-04:00", "2026-11-20 21:00", True),
        ("Fri 22:00-04:00", "2026-11-21 02:59", True),  # Saturday, still Friday's window
        ("Fri 22:00-04:00", "2026-11-21 03:00", False),
        ("Fri 22:00-04:00", "2026-11-20 02:00", False),  # Friday morning belongs to Thursday's, which there is none
        ("22:00-04:00", "2026-11-20 02:00", True),
        ("Sat-Mon 00:00-24:00", "2026-11-23 22:59", True),
        ("Sat-Mon 00:00-24:00", "2026-11-23 23:00", False),  # Tuesday in Berlin
    ],
)
def test_a_moment_is_in_or_out(windows: str, at: str, is_open: bool) -> None:  # noqa: FBT001
    assert hours(windows).is_open(utc(at)) is is_open


@pytest.mark.parametrize(
    ("windows", "after", "opening"),
    [
        ("Mon-Fri 09:00-17:00", "2026-11-22 12:00", "2026-11-23 08:00"),
        ("Mon-Fri 09:00-17:00", "2026-11-27 16:00", "2026-11-30 08:00"),
        ("Sun 02:30-05:00", "2026-03-28 12:00", "2026-03-29 01:00"),  # 02:30 is left out: at 03:00 it is past
        ("Sun 02:10-02:40", "2026-03-28 12:00", "2026-04-05 00:10"),  # all of it is left out that day
        ("Sun 02:10-02:40", "2026-10-24 12:00", "2026-10-25 00:10"),  # twice that day: the first
        ("Sun 02:10-02:40", "2026-10-25 00:45", "2026-10-25 01:10"),  # and the second
    ],
)
def test_the_next_opening(windows: str, after: str, opening: str) -> None:
    assert hours(windows).next_opening(utc(after)) == utc(opening)


@pytest.mark.parametrize("windows", ["Mon-Fri 09:00-17:00", "Sun 02:30-05:00", "Sun 02:10-02:40", "23:30-00:30"])
def test_it_opens_when_it_says_and_not_before(windows: str) -> None:
    meant = hours(windows)
    for day in range(0, 366, 3):
        at = utc("2026-01-01 12:00") + timedelta(days=day)
        if not meant.is_open(at):
            opening = meant.next_opening(at)
            assert meant.is_open(opening)
            assert not meant.is_open(opening - timedelta(minutes=1))


def test_they_are_printed_as_they_are_written() -> None:
    assert str(hours("Mon-Fri 09:00-17:00", "Sat,Sun 10:00-12:00", "22:00-04:00")) == (
        "Mon-Fri 09:00-17:00; Sat,Sun 10:00-12:00; daily 22:00-04:00 (Europe/Berlin)"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Mom 09:00-10:00", "is no day"),
        ("9-5", "is not such as Mon-Fri 09:00-17:00"),
        ("Mon 25:00-26:00", "is no time of day"),
        ("Mon 09:60-10:00", "is no time of day"),
        ("Mon 09:00-09:00", "never opens"),
        ("Mon 24:00-02:00", "24:00 can only be an end"),
        ("Mo 09:00-10:00", "is no day"),
    ],
)
def test_a_window_that_cannot_be_meant(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        window(text)


@pytest.mark.parametrize(
    ("name", "meant"), [("Europe/Berln", "Europe/Berlin"), ("new york", "America/New_York"), ("../etc/passwd", "")]
)
def test_an_unknown_zone_is_an_error_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"no time zone is called .*{meant}"):
        zone(name)
