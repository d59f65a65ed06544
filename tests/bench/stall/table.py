"""The figures as lines, and whether the goals are met."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from tests.bench.stall.running import Measured

HEAD = (
    f"  {'':<8} {'ended':<8} {'took s':>8} {'worst ms':>9} {'p50 ms':>7} {'p99 ms':>8} {'blocked s':>9} "
    f"{'failed':>7} {'0A000':>6} {'late ms':>8}"
)
GATE, CONTROL = "gate", "nothing"
WORST_MS, MEDIAN_MS, SHARE = 250.0, 50.0, 0.2

Ways = Mapping[str, Measured]
"""What was measured of one migration, by the way it was run."""


def lines(way: str, found: Measured) -> Iterator[str]:
    """One way of one migration; below it, what failed, and the last thing that was said where it was not done."""
    felt = found.felt
    yield (
        f"  {way:<8} {found.end.how:<8} {found.seconds:8.1f} {felt.worst_s * 1000:9.0f} {felt.p50_s * 1000:7.1f} "
        f"{felt.p99_s * 1000:8.1f} {felt.blocked_s:9.2f} {felt.failures:7} {felt.stale_plans:6} "
        f"{felt.late_s * 1000:8.1f}"
    )
    if felt.failed:
        yield f"           failed: {', '.join(f'{count} by {state}' for state, count in felt.failed.items())}"
    said = [text.strip() for text in found.end.said.splitlines() if text.strip()]
    if found.end.how != "done" and said:
        yield f"           {said[-1][:150]}"


def summary(measured: Mapping[str, Ways]) -> Iterator[str]:
    """Over all migrations, each way's worst and median stall, what failed, and how long all took."""
    yield "over all migrations"
    yield f"  {'':<8} {'done':>8} {'worst ms':>9} {'median ms':>10} {'blocked s':>10} {'failed':>7} {'took s':>8}"
    for way in dict.fromkeys(way for ways in measured.values() for way in ways):
        found = [ways[way] for ways in measured.values() if way in ways]
        worst_ms = [one.felt.worst_s * 1000 for one in found]
        is_done = sum(one.end.how == "done" for one in found)
        yield (
            f"  {way:<8} {f'{is_done} of {len(found)}':>8} {max(worst_ms):9.0f} {statistics.median(worst_ms):10.0f} "
            f"{sum(one.felt.blocked_s for one in found):10.2f} {sum(one.felt.failures for one in found):7} "
            f"{sum(one.seconds for one in found):8.1f}"
        )


def goals(measured: Mapping[str, Ways]) -> Sequence[tuple[str, bool]]:
    """Each goal in words, with what was found, and whether it is met."""
    own = [ways[GATE] for ways in measured.values() if GATE in ways]
    worst_ms = max(one.felt.worst_s for one in own) * 1000
    median_ms = statistics.median(one.felt.worst_s for one in own) * 1000
    failures = sum(one.felt.failures for one in own)
    undone = [name for name, ways in measured.items() if GATE in ways and ways[GATE].end.how != "done"]
    found = [
        (f"gate's worst stall under {WORST_MS:.0f} ms: {worst_ms:.0f} ms", worst_ms < WORST_MS),
        (f"its median under {MEDIAN_MS:.0f} ms: {median_ms:.0f} ms", median_ms < MEDIAN_MS),
        (f"no query failed: {failures}", failures == 0),
        (f"every migration done: {', '.join(undone) or 'all'}", not undone),
    ]
    return [*found, *_against_others(measured)]


def _against_others(measured: Mapping[str, Ways]) -> Iterator[tuple[str, bool]]:
    """The worst of gate against each other's, over the migrations that both ran; the best other decides."""
    others = {way for ways in measured.values() for way in ways} - {GATE, CONTROL}
    shares = []
    for other in sorted(others):
        both = [ways for ways in measured.values() if other in ways and GATE in ways]
        theirs = max(ways[other].felt.worst_s for ways in both)
        shares.append((theirs, max(ways[GATE].felt.worst_s for ways in both) / theirs, other))
    if shares:
        theirs, share, other = min(shares)
        yield (
            f"at most a fifth of the best other's worst stall ({other}, {theirs * 1000:.0f} ms): {share:.2f}",
            share <= SHARE,
        )
