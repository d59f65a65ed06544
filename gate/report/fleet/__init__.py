"""What many databases have in common is told once: the plan of a fleet (`planned`), and its release (`released`)."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_NAMES = 12


def listed(names: Sequence[str], most: int = _MOST_NAMES) -> str:
    """`acme, beta`, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
