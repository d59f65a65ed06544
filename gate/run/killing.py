"""Which blockers the policy lets a release end, and how; without a filter that matches, none."""

from __future__ import annotations

from collections.abc import Iterable

from gate.policy.policy import KillFilter
from gate.policy.present import fits
from gate.run.sample import Holder, Other
from gate.run.site import Site

_NEVER = ("walsender", "walreceiver", "startup", "logical replication", "slotsync")
"""How the kinds of processes begin that replicate; those of logical replication have other names since 17."""
_AGAIN_S = 10.0
_NEVER_AGAIN_S = float("inf")


def granted(holders: Iterable[Holder]) -> tuple[Other, ...]:
    """The sessions among them that have what we want, and do not only await it before us."""
    here = (holder for holder in holders if holder.is_granted and not holder.is_on_standby)
    return tuple(holder.other for holder in here if holder.other is not None)


def to_end(blockers: Iterable[Other], filters: Iterable[KillFilter]) -> tuple[tuple[Other, KillFilter], ...]:
    """Those among the blockers that a filter names, each with the first one that does; once a session."""
    listed = tuple(item for item in filters if _says_who(item))
    found: dict[int, tuple[Other, KillFilter]] = {}
    for other in blockers:
        if other.prevents_wraparound or other.kind.startswith(_NEVER) or not other.backend.pid:
            continue
        meant = next((item for item in listed if matches(item, other)), None)
        if meant is not None:
            found.setdefault(other.backend.pid, (other, meant))
    return tuple(found.values())


def end_blockers(site: Site, blockers: Iterable[Other]) -> None:
    """As the policy has it; who is still there is told again after a while, who may not be ended never again."""
    for other, meant in to_end(blockers, site.release.kill):
        now = site.clock.now()
        if now < site.not_again_before_s.get(other.backend, now):
            continue
        who = " ".join(filter(None, (other.user, other.application)))
        has_worked = site.end(other.backend, meant.how, who=who, why=in_words(meant), is_own=False)
        site.not_again_before_s[other.backend] = now + (_AGAIN_S if has_worked else _NEVER_AGAIN_S)


def _says_who(wanted: KillFilter) -> bool:
    """Age alone is no reason: whoever works for long may be in the middle of what matters most."""
    return any((wanted.application, wanted.user, wanted.idle_in_transaction_s))


def matches(wanted: KillFilter, other: Other) -> bool:
    """All that the filter gives must fit; what cannot be seen of the session does not."""
    if not other.backend.started_at:
        return False
    patterns = ((wanted.application, other.application), (wanted.user, other.user))
    if not all(pattern is None or fits(pattern, value) for pattern, value in patterns):
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
