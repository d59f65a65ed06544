"""What both reports of a plan of a fleet say: the verdict of all, and of each group."""

from __future__ import annotations

from gate.model.fleet import FleetPlan, Group, Range, Touched
from gate.model.plan import Mode, Verdict
from gate.model.units import lasting, plural, size

_WORDS = {Verdict.PASS: "PASS", Verdict.SPLIT: "SPLIT", Verdict.REFUSE: "REFUSED"}
_TOLD = {Verdict.REFUSE: "refused", Verdict.SPLIT: "to be split", Verdict.PASS: "pass"}


def databases(number: int) -> str:
    """`1 database`, `412 databases`."""
    return plural(number, "database")


def word(fleet: FleetPlan) -> str:
    """`REFUSED`, `UNKNOWN`, `SPLIT`, `PASS`: what could not be looked at is never fine."""
    if fleet.unplanned and not any(group.is_refused for group in fleet.groups):
        return "UNKNOWN"
    return _WORDS[fleet.verdict] if fleet.verdict is not None else "UNKNOWN"


def word_of(group: Group) -> str:
    """The verdict of a group."""
    if group.verdict is Verdict.REFUSE and group.example.mode is Mode.OBSERVE:
        return "OBSERVE"
    return _WORDS[group.verdict]


def headline(fleet: FleetPlan) -> str:
    """`417 databases: 3 refused, 412 to be split, 1 with nothing pending, 1 not looked at`."""
    counted = [
        (sum(len(group.names) for group in fleet.groups if group.verdict is verdict and not group.is_quiet), told)
        for verdict, told in _TOLD.items()
    ]
    quiet = sum(len(group.names) for group in fleet.groups if group.is_quiet)
    counted += [(quiet, "with nothing pending"), (len(fleet.unplanned), "not looked at")]
    told = ", ".join(f"{number:,} {what}" for number, what in counted if number)
    share = f" (shard {fleet.shard.index} of {fleet.shard.of})" if fleet.shard is not None else ""
    return f"{databases(fleet.number)}{share}" + (f": {told}" if told else "")


def numbers(item: Touched) -> str:
    """`8 kB to 1.2 GB, 3 ms to 4 s (acme)`: as far as they are known."""
    parts = [_sizes(item.size_bytes), _times(item.seconds)]
    unknown = max(item.size_bytes.unknown, item.seconds.unknown)
    known = ", ".join(part for part in parts if part)
    if unknown and known:
        return f"{known}; unknown of {unknown:,}"
    return known or "unknown"


def _sizes(sizes: Range) -> str:
    if sizes.least is None or sizes.most is None:
        return ""
    if size(round(sizes.least)) == size(round(sizes.most)):
        return size(round(sizes.most))
    return f"{size(round(sizes.least))} to {size(round(sizes.most))} ({sizes.most_on})"


def _times(times: Range) -> str:
    if times.least is None or times.most is None or times.most <= 0:
        return ""
    low, high = lasting(times.least), lasting(times.most)
    return high if low == high else f"{low} to {high}"
