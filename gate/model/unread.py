"""What could not be read, beside the catalog's nouns: a plan tells it without needing them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Something that could not be read: `what`, `why`, and what would make it known."""

    what: str
    why: str
    remedy: str = ""
