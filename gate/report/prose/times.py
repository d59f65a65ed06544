"""How long, who waits, and how many: the words for what a lock does to others."""

from __future__ import annotations

from collections.abc import Iterable

from gate.model.costs import Seconds
from gate.model.effects import Effect
from gate.model.units import lasting, rate, size
from gate.model.work import Work

_MOMENT_S = 0.05
_LARGE_BYTES = 100 * 1024 * 1024
_NOUNS = {"reads": "scans", "writes": "writes"}


def duration(seconds: Seconds | None) -> str:
    """`a moment`, `about 9 s (4 to 20 s)`, `a time that is not known`; the range where it says something."""
    if seconds is None:
        return "a time that is not known"
    if seconds.high < _MOMENT_S:
        return "a moment"
    low, likely, high = lasting(seconds.low), lasting(seconds.likely), lasting(seconds.high)
    if low == high:
        return f"about {likely}"
    (number, unit), high_unit = low.split(" "), high.split(" ")[1]
    return f"about {likely} ({number if unit == high_unit else low} to {high})"


def is_momentary(seconds: Seconds | None) -> bool:
    """Known, and too short for anybody to notice."""
    return seconds is not None and seconds.high < _MOMENT_S


def waits(shuts_out: Iterable[str]) -> str:
    """`reads and writes wait`, `writes wait`, `nobody waits`."""
    return f"{' and '.join(shuts_out) or 'nobody'} wait{'' if any(shuts_out) else 's'}"


def traffic(effect: Effect) -> str:
    """What would wait, by its rate: `310 scans and 120 writes a second`; nothing where it was not watched."""
    rates = {"reads": effect.scans_per_s, "writes": effect.writes_per_s}
    parts = [
        f"{rate(number).removesuffix('/s')} {_NOUNS[kind]}"
        for kind, number in rates.items()
        if kind in effect.shuts_out and number
    ]
    return f"{' and '.join(parts)} a second" if parts else ""


def queue(queued: float | None) -> str:
    """`about 1,100 queries would queue`; nothing where it is not known, or less than one."""
    if queued is None or queued < 1:
        return ""
    number = float(f"{queued:.2g}")
    return f"about {number:,.0f} {'query' if number == 1 else 'queries'} would queue"


def needs(effects: Iterable[Effect]) -> str:
    """`1.2 GB of disk and 2 GB of WAL`, where it is much; nothing else."""
    found = tuple(effects)
    sums = (
        (sum(effect.disk_bytes or 0 for effect in found), "disk"),
        (sum(effect.wal_bytes or 0 for effect in found), "WAL"),
    )
    return " and ".join(f"{size(amount)} of {what}" for amount, what in sums if amount >= _LARGE_BYTES)


def works(effects: Iterable[Effect]) -> bool:
    """Whether any rows are touched."""
    return any(kind is not Work.CATALOG_ONLY for effect in effects for kind in effect.work)
