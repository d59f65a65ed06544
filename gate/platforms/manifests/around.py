"""The platform's own deadline around gate's budget."""

from __future__ import annotations

import math

from gate.model.errors import UsageError
from gate.platforms.manifests.commands import written
from gate.platforms.preset import Wish

_MINUTE_S = 60
STARTING_S = 60.0
"""For a machine to start and to end, beside the budget."""


def around_s(wish: Wish) -> int:
    """What the platform has to allow, in whole minutes."""
    return math.ceil((wish.budget_s + STARTING_S) / _MINUTE_S) * _MINUTE_S


def within(wish: Wish, platform: str, limit_s: float) -> None:
    """Raises UsageError for a budget that the platform's own limit does not hold."""
    longest_s = limit_s - STARTING_S
    if wish.budget_s > longest_s:
        raise UsageError(
            f"--budget {written(wish.budget_s)} is too long: {platform} ends it after {written(limit_s)}",
            remedy=f"{written(longest_s)} at most; longer work goes beside a deploy",
        )
