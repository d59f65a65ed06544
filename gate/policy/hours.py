"""The hours at which a release may run, by the clock on a wall in one time zone.

Wall clocks are what people keep, so daylight saving time moves the hours with them: on the day that has 02:30 twice a
window that holds 02:30 is open both times, and one that begins in the hour that is left out begins when it is over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_MINUTES = 24 * 60
_WINDOW = re.compile(r"\s*(?P<days>[A-Za-z][A-Za-z,\s-]*?)?\s*(?P<begin>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})\s*")
_EVERY = ("daily", "every day", "always")


@dataclass(frozen=True, kw_only=True)
class Window:
    """Some days of the week (0 is Monday), from one minute to another; what ends before it begins ends the next day."""

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, local: datetime) -> bool:
        """Whether a wall clock that shows this is within it."""
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        return (day in self.days and minute >= self.begin) or ((day - 1) % 7 in self.days and minute < self.end)

    def __str__(self) -> str:
        return f"{_named(sorted(self.days))} {_clock(self.begin)}-{_clock(self.end)}"


@dataclass(frozen=True, kw_only=True)
class AllowedHours:
    """Several windows in one zone; `zone_name` is as the policy writes it."""

    windows: tuple[Window, ...]
    zone: tzinfo
    zone_name: str

    def is_open(self, at: datetime) -> bool:
        """Whether a release may run at this moment (an aware one)."""
        local = at.astimezone(self.zone)
        return any(window.holds(local) for window in self.windows)

    def next_opening(self, after: datetime) -> datetime:
        """The first moment after this one at which a window begins, in UTC; each begins once a week at least."""
        return min(at for at in self._openings(after) if at > after)

    def _openings(self, after: datetime) -> Iterator[datetime]:
        """Where windows begin in the next days, in UTC: the zone's own moments do not compare across a change."""
        today = after.astimezone(self.zone).date()
        for window in self.windows:
            for ahead in range(-1, 15):
                day = today + timedelta(days=ahead)
                if day.weekday() in window.days:
                    local = datetime.combine(day, time(*divmod(window.begin, 60)))
                    yield from self._moments(window, local)

    def _moments(self, window: Window, local: datetime) -> Iterator[datetime]:
        for fold in (0, 1):
            moment = local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
            if moment.astimezone(self.zone).replace(tzinfo=None) == local:
                yield moment
        # A beginning that no clock shows: the window begins with the first minute that there is, if it is still open.
        first = local.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        if first.astimezone(self.zone).replace(tzinfo=None) == local:
            return
        minutes = (first + timedelta(minutes=number) for number in range(_DAY_MINUTES + 1))
        shown = ((minute, minute.astimezone(self.zone).replace(tzinfo=None)) for minute in minutes)
        begun = next(((minute, wall) for minute, wall in shown if wall >= local), None)
        if begun is not None and window.holds(begun[1]):
            yield begun[0]

    def __str__(self) -> str:
        return f"{'; '.join(map(str, self.windows))} ({self.zone_name})"


def allowed_hours(windows: Iterable[Window], zone_name: str) -> AllowedHours:
    """All of them in that zone. Raises ValueError for one that is not known."""
    return AllowedHours(windows=tuple(windows), zone=zone(zone_name), zone_name=zone_name)


def zone(name: str) -> tzinfo:
    """The IANA zone of that name, such as `Europe/Berlin`. Raises ValueError."""
    if name.upper() in ("UTC", "ETC/UTC"):
        return UTC
    # Only who writes hours down pays for it.
    import zoneinfo
    from difflib import get_close_matches

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
    if not known:
        raise ValueError("this machine has no time zones: install its package tzdata, or use UTC")
    places = {item.rpartition("/")[2].lower(): item for item in sorted(known)}
    near = get_close_matches(name, known, n=1, cutoff=0.7) or [
        places[place]
        for place in get_close_matches(name.rpartition("/")[2].lower().replace(" ", "_"), places, n=1, cutoff=0.7)
    ]
    hint = f": did you mean {near[0]}?" if near else ": names are such as Europe/Berlin"
    raise ValueError(f"no time zone is called {name}{hint}")


def window(text: str) -> Window:
    """From `Mon-Fri 09:00-17:00`, `Sat,Sun 10:00-12:00`, `22:00-04:00` (daily). Raises ValueError."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not such as Mon-Fri 09:00-17:00")
    return window_of(found.group("days") or "daily", found.group("begin"), found.group("end"))


def window_of(days: str, begin: str, end: str) -> Window:
    """From its parts. Raises ValueError."""
    first, last = _minute(begin), _minute(end)
    if first == _DAY_MINUTES:
        raise ValueError("24:00 can only be an end")
    if first == last:
        raise ValueError(f"{begin}-{end} never opens: the whole day is 00:00-24:00")
    return Window(days=days_of(days), begin=first, end=last)


def days_of(text: str) -> frozenset[int]:
    """From `Mon-Fri`, `Sat,Sun`, `Fri-Mon`, `daily`. Raises ValueError."""
    if text.strip().lower() in _EVERY:
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, is_range, last = part.partition("-")
        begin = _day(first)
        found.update((begin + ahead) % 7 for ahead in range((_day(last) - begin) % 7 + 1 if is_range else 1))
    return frozenset(found)


def _day(text: str) -> int:
    word = text.strip().lower()
    matching = [number for number, name in enumerate(_FULL) if len(word) >= 3 and name.startswith(word)]
    if not matching:
        raise ValueError(f"{text.strip()!r} is no day: they are {', '.join(DAYS)}, or daily")
    return matching[0]


def _minute(text: str) -> int:
    hour, _, minute = text.strip().partition(":")
    if not (hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()):
        raise ValueError(f"{text!r} is no time of day: write it as 09:00")
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > _DAY_MINUTES:
        raise ValueError(f"{text!r} is no time of day: they go from 00:00 to 24:00")
    return found


def _named(days: list[int]) -> str:
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return "daily" if len(days) == 7 else f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    return ",".join(DAYS[day] for day in days)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
