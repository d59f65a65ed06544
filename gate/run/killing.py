"""Which blockers the policy lets a release end; without a filter that matches, none."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gate.policy.policy import KillFilter
from gate.run.sample import Holder, Other

_NEVER = frozenset({"walsender", "walreceiver", "startup", "logical replication worker", "checkpointer"})


def to_end(holders: Iterable[Holder], filters: Iterable[KillFilter]) -> tuple[tuple[Other, KillFilter], ...]:
    """Those among the holders that a filter names, each with the first one that does; once a session."""
    listed = tuple(filters)
    found: dict[int, tuple[Other, KillFilter]] = {}
    for holder in holders:
        other = holder.other
        if other is None or not holder.is_granted or other.prevents_wraparound or other.kind in _NEVER:
            continue
        meant = next((item for item in listed if matches(item, other)), None)
        if meant is not None:
            found.setdefault(other.backend.pid, (other, meant))
    return tuple(found.values())


def matches(wanted: KillFilter, other: Other) -> bool:
    """All that the filter gives must fit; what cannot be seen of the session does not."""
    if not other.backend.started_at:
        return False
    patterns = ((wanted.application, other.application), (wanted.user, other.user))
    if not all(pattern is None or _fits(pattern, value) for pattern, value in patterns):
        return False
    if (other.transaction_age_s or 0.0) < wanted.older_than_s:
        return False
    if wanted.idle_in_transaction_s is None:
        return True
    return other.is_idle_in_transaction and (other.state_age_s or 0.0) >= wanted.idle_in_transaction_s


def in_words(wanted: KillFilter) -> str:
    """The filter, as the report names it."""
    parts = [
        f'application "{wanted.application}"' if wanted.application else "",
        f"user {wanted.user}" if wanted.user else "",
        f"idle in transaction for {wanted.idle_in_transaction_s:g} s"
        if wanted.idle_in_transaction_s is not None
        else "",
        f"older than {wanted.older_than_s:g} s" if wanted.older_than_s else "",
    ]
    named = ", ".join(part for part in parts if part) or "any blocker"
    return f"the policy ends blockers: {named}" + (f" ({wanted.reason})" if wanted.reason else "")


def _fits(pattern: str, value: str | None) -> bool:
    anything = ".*".join(re.escape(part) for part in pattern.split("*"))
    return value is not None and re.fullmatch(anything, value, re.DOTALL) is not None
