"""What a piece of work takes, before the rates' own uncertainty is put around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """`low_s` and `high_s` differ from `likely_s` only by what is not known of the work itself, such as a selectivity.

    `kept_bytes` are on disk until the statement's end, `passing_bytes` only while a part of it runs (sorts on disk).
    """

    likely_s: float = 0.0
    low_s: float = 0.0
    high_s: float = 0.0
    kept_bytes: float = 0.0
    passing_bytes: float = 0.0
    wal_bytes: float = 0.0

    def __add__(self, more: Amount) -> Amount:
        """One after the other: what passes does so at different times."""
        return Amount(
            likely_s=self.likely_s + more.likely_s,
            low_s=self.low_s + more.low_s,
            high_s=self.high_s + more.high_s,
            kept_bytes=self.kept_bytes + more.kept_bytes,
            passing_bytes=max(self.passing_bytes, more.passing_bytes),
            wal_bytes=self.wal_bytes + more.wal_bytes,
        )

    def times(self, number: float) -> Amount:
        """The same so many times, one after the other."""
        return Amount(
            likely_s=self.likely_s * number,
            low_s=self.low_s * number,
            high_s=self.high_s * number,
            kept_bytes=self.kept_bytes * number,
            passing_bytes=self.passing_bytes,
            wal_bytes=self.wal_bytes * number,
        )

    def widened(self, low: float, high: float) -> Amount:
        """With its range widened by these factors."""
        return Amount(
            likely_s=self.likely_s,
            low_s=self.low_s * low,
            high_s=self.high_s * high,
            kept_bytes=self.kept_bytes,
            passing_bytes=self.passing_bytes,
            wal_bytes=self.wal_bytes,
        )

    @property
    def disk_bytes(self) -> float:
        """At the peak."""
        return self.kept_bytes + self.passing_bytes


NOTHING = Amount()


def spending(ns: float, *, kept: float = 0.0, passing: float = 0.0, wal: float = 0.0) -> Amount:
    """So many nanoseconds, known as well as the rates are."""
    seconds = ns / 1e9
    return Amount(
        likely_s=seconds, low_s=seconds, high_s=seconds, kept_bytes=kept, passing_bytes=passing, wal_bytes=wal
    )


def summed(parts: Iterable[Amount]) -> Amount:
    """All of them, one after the other."""
    return sum(parts, NOTHING)
