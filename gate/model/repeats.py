"""Whether two runs ended for the same reason: a platform that tries again is told the same refusal again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

_DIGITS = 32
# How long something took or would take, which backend it was, and when: other each time, and no other reason.
_PASSING = re.compile(
    r"\bpid \d+|\b\d{4}-\d\d-\d\d[T ][\d:.]+Z?|\b\d[\d.,]*\s?(?:ms|s|min|h|d|days?|weeks?|years?|kB|MB|GB|TB)\b"
)


def dedupe_key(*, database: str | None, fingerprint: str | None, outcome: str, problem: str | None) -> str:
    """The same for the same end of the same work on the same database; 32 hexadecimal digits."""
    told = "\0".join((database or "", fingerprint or "", outcome, _PASSING.sub("#", problem or "")))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def dedupe_of(document: Mapping[str, Any]) -> str:
    """That of a run's document, and of one like it, as `gate watch` gives them."""
    own = document.get("dedupe")
    if isinstance(own, str) and own:
        return own
    plan = document.get("plan")
    return dedupe_key(
        database=document.get("database"),
        fingerprint=plan.get("fingerprint") if isinstance(plan, Mapping) else None,
        outcome=str(document.get("outcome")),
        problem=document.get("problem"),
    )
