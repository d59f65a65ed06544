"""Numbers as people read them: sizes, counts, ages, rates. Sizes follow `pg_size_pretty`: powers of 1024."""

from __future__ import annotations


def size(size_bytes: int) -> str:
    """`512 bytes`, `8 kB`, `430 MB`, `1.2 GB`: three figures at most."""
    amount = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{_short(amount)} {unit}"
        amount /= 1024
    return f"{_short(amount)} TB"


def count(number: float) -> str:
    """`0`, `950`, `20,000`: whole, with separators."""
    return f"{round(number):,}"


def about(number: float) -> str:
    """`950`, `20k`, `5.2M`, `1.1G`: short enough for a table."""
    amount = float(number)
    for unit in ("", "k", "M"):
        if round(amount) < 1000:
            return f"{_short(amount)}{unit}" if unit else f"{round(amount)}"
        amount /= 1000
    return f"{_short(amount)}G"


def age(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min`, `5 h`, `12 days`."""
    for limit, length, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{_short(seconds / length)} {unit}"
    return f"{round(seconds / 86400)} days"


def lasting(seconds: float) -> str:
    """`3 ms`, `0.4 s`, `12 s`, `3 min`, `1.5 h`: how long something takes."""
    if seconds < 0.1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 120:
        return f"{_short(seconds)} s"
    return f"{_short(seconds / 60)} min" if seconds < 7200 else f"{_short(seconds / 3600)} h"


def rate(per_second: float) -> str:
    """`0/s`, `0.4/s`, `120/s`, `5.2k/s`."""
    return f"{_short(per_second) if per_second < 1000 else about(per_second)}/s"


def plural(number: int, noun: str, many: str = "") -> str:
    """`1 statement`, `2 statements`, `1,000 statements`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def _short(amount: float) -> str:
    rounded = round(amount, 1)
    return f"{rounded:.1f}" if rounded < 10 and rounded != int(rounded) else f"{round(amount)}"
