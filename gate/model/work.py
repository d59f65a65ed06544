"""What a statement does to the rows of a relation."""

from __future__ import annotations

from enum import Enum


class Work(Enum):
    """Kinds of work; `CATALOG_ONLY` stands alone, the others can combine."""

    CATALOG_ONLY = "catalog only"
    VALIDATION_SCAN = "validation scan"
    INDEX_BUILD = "index build"
    REWRITE = "rewrite"
    READ = "read"
    WRITE = "write"

    def __hash__(self) -> int:
        return hash(self.value)


ORDER = tuple(Work)

LONG = frozenset({Work.VALIDATION_SCAN, Work.INDEX_BUILD, Work.REWRITE})
"""Work on every row of a relation."""


def combined(kinds: frozenset[Work]) -> tuple[Work, ...]:
    """The kinds in fixed order; a rewrite implies its scan's and its indexes' builds, no work is `catalog only`."""
    left = kinds - {Work.CATALOG_ONLY}
    return tuple(kind for kind in ORDER if kind in left) or (Work.CATALOG_ONLY,)
