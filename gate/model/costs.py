"""What work costs: seconds as a range, never as one number; bytes of disk and WAL beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gate.model.units import lasting


@dataclass(frozen=True)
class Seconds:
    """An estimate: `low` and `high` are where nine of ten runs should lie, `likely` the best single guess."""

    low: float
    likely: float
    high: float

    def __add__(self, more: Seconds) -> Seconds:
        return Seconds(self.low + more.low, self.likely + more.likely, self.high + more.high)

    def scaled(self, factor: float) -> Seconds:
        """All three times `factor`."""
        return Seconds(self.low * factor, self.likely * factor, self.high * factor)


NO_TIME = Seconds(0.0, 0.0, 0.0)


def total(parts: Iterable[Seconds | None]) -> Seconds | None:
    """Their sum; None as soon as one of them is unknown."""
    found = NO_TIME
    for part in parts:
        if part is None:
            return None
        found += part
    return found


def spread(seconds: Seconds) -> str:
    """The likely time with its range: `9 s (4 s to 20 s)`."""
    return f"{lasting(seconds.likely)} ({lasting(seconds.low)} to {lasting(seconds.high)})"
