"""The command that a platform is to run, as a list of words: no shell need be there."""

from __future__ import annotations

import math
import shlex

from gate.model.errors import UsageError
from gate.platforms.preset import Wish


def release(wish: Wish, *more: str) -> tuple[str, ...]:
    """`gate release` with its source. Raises UsageError for a source that would be taken for an option."""
    return ("gate", "release", *more, *_source(wish))


def with_budget(wish: Wish, *more: str) -> tuple[str, ...]:
    """The same with its budget; where the platform's own default is wanted it need not be said."""
    return release(wish, "--budget", written(wish.budget_s), *more)


def line(words: tuple[str, ...]) -> str:
    """As a shell reads it; what needs no quotes has none, so that it can be read without a shell too."""
    return shlex.join(words)


def written(seconds: float) -> str:
    """A time as it is given to gate, rounded up: `90s`, `15min`, `8h`."""
    whole = math.ceil(seconds)
    for length, unit in ((3600, "h"), (60, "min")):
        if whole % length == 0:
            return f"{whole // length}{unit}"
    return f"{whole}s"


def _source(wish: Wish) -> tuple[str, ...]:
    if wish.source is None:
        return ()
    if not wish.source or wish.source.startswith("-") or not wish.source.isprintable():
        raise UsageError(f"--source {wish.source!r} is no directory", remedy="such as --source db/migrations")
    return (wish.source,)
