"""Who waits, and for how long: a lock lives from the statement that takes it to the commit, so all that is done between
counts, on whatever relation.

A statement is to blame when it works, for longer than the policy allows or on a busy relation, while its transaction
holds a lock that shuts others out of a relation in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gate.model.costs import Seconds, spread, total
from gate.model.effects import Effect
from gate.model.plan import Finding, Hold, Severity
from gate.model.units import about, size
from gate.model.work import LONG, Work
from gate.policy.policy import Limits, Policy

_WORKS = LONG | {Work.WRITE, Work.READ}
_WORDS = {
    Work.VALIDATION_SCAN: "reads every row of",
    Work.INDEX_BUILD: "builds an index on",
    Work.REWRITE: "rewrites",
    Work.WRITE: "changes rows of",
    Work.READ: "reads",
}
_MOST_NAMED = 4
# A relation that was not touched while it was watched, and hardly ever before, is cold: work on it harms nobody.
_COLD_SCANS = 100


@dataclass(frozen=True, kw_only=True)
class Priced:
    """A statement of a transaction with its costed effects; `place` is its index in the migration."""

    place: int
    line: int
    effects: tuple[Effect, ...]
    is_understood: bool = True

    @property
    def seconds(self) -> Seconds | None:
        """All of its work together; None as soon as a part is unknown."""
        return total(effect.seconds for effect in self.effects) if self.is_understood else None


def holds(members: Sequence[Priced]) -> tuple[Hold, ...]:
    """Every lock of one transaction, the strongest first, from the statement that takes it to the last one."""
    taken: dict[str, tuple[Effect, Priced]] = {}
    for member in members:
        for effect in member.effects:
            known = taken.get(effect.relation)
            if known is None or effect.lock > known[0].lock:
                taken[effect.relation] = (effect, member)
    ordered = sorted(taken.items(), key=lambda item: (-item[1][0].lock.strength, item[0]))
    return tuple(_hold(effect, since, members) for _, (effect, since) in ordered)


def _hold(effect: Effect, since: Priced, members: Sequence[Priced]) -> Hold:
    seconds = held_for(since, members)
    return Hold(
        relation=effect.relation,
        lock=effect.lock,
        from_line=since.line,
        to_line=members[-1].line,
        shuts_out=effect.shuts_out,
        seconds=seconds,
        queued=queued(effect, seconds),
    )


def held_for(since: Priced, members: Sequence[Priced]) -> Seconds | None:
    """From the statement that takes a lock to the commit."""
    return total(member.seconds for member in members if member.place >= since.place)


def queued(effect: Effect, seconds: Seconds | None) -> float | None:
    """How many queries would wait by the likely time, at the traffic that was watched; None where one is unknown."""
    rate = rate_shut_out(effect)
    return None if rate is None or seconds is None else rate * seconds.likely


def rate_shut_out(effect: Effect) -> float | None:
    """Queries a second that the effect's lock keeps waiting; None where nobody watched."""
    if effect.scans_per_s is None or effect.writes_per_s is None:
        return None
    reads = effect.scans_per_s if "reads" in effect.shuts_out else 0.0
    writes = effect.writes_per_s if "writes" in effect.shuts_out else 0.0
    return reads + writes


def blocked(members: Sequence[Priced], policy: Policy) -> dict[int, list[Finding]]:
    """The findings of one transaction by the place of the statement that is to blame."""
    found: dict[int, list[Finding]] = {}
    held: dict[int, tuple[Effect, Priced]] = {}
    for member in members:
        for effect in member.effects:
            known = held.get(effect.oid)
            if effect.keeps_others_out and (known is None or effect.lock > known[0].lock):
                held[effect.oid] = (effect, member)
        findings = [
            *_own(member, held, members, policy),
            *_others(member, held, members, policy),
            *_awaits(member, held),
        ]
        if findings:
            found[member.place] = findings
    return found


@dataclass(frozen=True, kw_only=True)
class _Worked:
    """A relation that is worked on under a lock: `holder` is the effect that took it, in the statement `since`."""

    effect: Effect
    holder: Effect
    since: Priced
    severity: Severity


def _own(
    member: Priced, held: dict[int, tuple[Effect, Priced]], members: Sequence[Priced], policy: Policy
) -> Iterable[Finding]:
    """Work on relations while they are themselves locked, by this statement or an earlier one."""
    found: list[_Worked] = []
    for effect in member.effects:
        limits = policy.limits_of(effect.relation)
        if not set(effect.work) & LONG or effect.oid not in held or _is_harmless(effect, limits):
            continue
        holder, since = held[effect.oid]
        severity = _severity(member, holder, since, members, limits)
        if severity is not None:
            found.append(_Worked(effect=effect, holder=holder, since=since, severity=severity))
    if found:
        yield _works(found, member, members)


def _works(found: list[_Worked], member: Priced, members: Sequence[Priced]) -> Finding:
    """One finding, however many relations: the worst of them stands for the lock and the time."""
    order = list(Severity)
    worst = max(found, key=lambda item: (order.index(item.severity), item.holder.lock))
    holder, since = worst.holder, worst.since
    earlier = "" if since.place == member.place else f", held since line {since.line}"
    shut = tuple(dict.fromkeys(who for item in found for who in (*item.holder.shuts_out, *item.effect.shuts_out)))
    works = _all_works([(_doing(item.effect, LONG), item.effect) for item in found])
    return Finding(
        rule="works-under-blocking-lock",
        severity=worst.severity,
        problem=f"{works} under {holder.lock.value}{earlier}, which shuts out {' and '.join(shut)}"
        f"{_for(holder, since, members)}",
        remedy=_COMMIT if earlier else _WINDOW,
        relation=worst.effect.relation,
        is_cured_by_split=True,
    )


def _doing(effect: Effect, kinds: frozenset[Work]) -> str:
    return " and ".join(_WORDS[kind] for kind in effect.work if kind in kinds)


_COMMIT = "commit before this statement: put it in a migration of its own"
_WINDOW = "run it at a quiet hour, or copy the rows to a new column or table beside it in batches and switch over"


def _others(
    member: Priced, held: dict[int, tuple[Effect, Priced]], members: Sequence[Priced], policy: Policy
) -> Iterable[Finding]:
    """Work on whatever, while an earlier statement's lock keeps others out of a relation."""
    works = [effect for effect in member.effects if set(effect.work) & _WORKS]
    if not works and member.is_understood:
        return
    own = {effect.oid for effect in works if set(effect.work) & LONG}
    to_blame: list[tuple[Effect, Priced, Severity]] = []
    for oid, (holder, since) in held.items():
        limits = policy.limits_of(holder.relation)
        if since.place == member.place or oid in own or _is_harmless(holder, limits):
            continue
        severity = _severity(member, holder, since, members, limits)
        if severity is not None:
            to_blame.append((holder, since, severity))
    if to_blame:
        yield _held_through(works, to_blame, members)


def _held_through(
    works: list[Effect], to_blame: list[tuple[Effect, Priced, Severity]], members: Sequence[Priced]
) -> Finding:
    what = _all_works([(_doing(effect, _WORKS), effect) for effect in works])
    # The earliest lock lasts the longest.
    to_blame = sorted(to_blame, key=lambda item: item[1].place)
    first, since, _ = to_blame[0]
    locks = " and ".join(f"{holder.lock.value} on {holder.relation}" for holder, _, _ in to_blame)
    shut = dict.fromkeys(who for holder, _, _ in to_blame for who in holder.shuts_out)
    refuses = any(severity is Severity.REFUSE for _, _, severity in to_blame)
    return Finding(
        rule="lock-held-through-work",
        severity=Severity.REFUSE if refuses else Severity.WARN,
        problem=f"{what or 'does what gate cannot tell'} while {locks} {'is' if len(to_blame) == 1 else 'are'} held "
        f"since line {since.line}, which shuts out {' and '.join(shut)}{_for(first, since, members)}",
        remedy=_COMMIT,
        relation=first.relation,
        is_cured_by_split=True,
    )


def _awaits(member: Priced, held: dict[int, tuple[Effect, Priced]]) -> Iterable[Finding]:
    """A second lock is asked for while a first one is held: who waits for the first waits for both."""
    wanted = [effect for effect in member.effects if held.get(effect.oid, (None, None))[1] is member]
    wanted = [effect for effect in wanted if not (effect.is_new or _is_quiet(effect))]
    earlier = [
        (holder, since)
        for holder, since in held.values()
        if since is not member and not (holder.is_unused or _is_quiet(holder))
    ]
    if wanted and earlier:
        holder, since = max(earlier, key=lambda item: item[0].lock)
        yield Finding(
            rule="waits-while-holding",
            severity=Severity.WARN,
            problem=f"asks for {wanted[0].lock.value} on {wanted[0].relation} while {holder.lock.value} on "
            f"{holder.relation} is held since line {since.line}: for as long as it has to wait, "
            f"{' and '.join(holder.shuts_out)} of {holder.relation} wait too",
            remedy="commit in between: put it in a migration of its own",
            relation=holder.relation,
            is_cured_by_split=True,
        )


def _is_quiet(effect: Effect) -> bool:
    """Nobody touched it while it was watched."""
    return effect.scans_per_s == 0 and effect.writes_per_s == 0


# --- how bad ----------------------------------------------------------------------------------------------------------


def _is_harmless(effect: Effect, limits: Limits) -> bool:
    """Nobody is there to be harmed, or there are no rows to work on."""
    return effect.is_new or (effect.is_known_empty and not _is_busy(effect, limits))


def _is_busy(effect: Effect, limits: Limits) -> bool:
    rate = rate_shut_out(effect)
    return rate is not None and rate >= limits.hot_per_s


def _severity(
    member: Priced, holder: Effect, since: Priced, members: Sequence[Priced], limits: Limits
) -> Severity | None:
    """Refuse what exceeds a limit, or cannot be known; warn of work on a busy or a cold relation; None for a trifle.

    A trifle on a relation that nobody watched is worth a note: where it can be split at no cost, it is.
    """
    held = held_for(since, members)
    if _exceeds(held, holder, limits) and _is_a_part(member.seconds, held):
        return Severity.WARN if _is_cold(holder) else Severity.REFUSE
    if _is_busy(holder, limits):
        return Severity.WARN
    is_own = since.place == member.place
    return Severity.NOTE if is_own and rate_shut_out(holder) is None and not holder.is_known_empty else None


def _exceeds(seconds: Seconds | None, holder: Effect, limits: Limits) -> bool:
    if seconds is None:
        return True
    longest = {"reads": limits.blocked_reads_s, "writes": limits.blocked_writes_s}
    is_long = any(seconds.high > longest[who] for who in holder.shuts_out)
    return is_long or (queued(holder, seconds) or 0.0) > limits.queued


def _is_a_part(own: Seconds | None, held: Seconds | None) -> bool:
    """Whether the statement takes a tenth of that time at least: else another one is to blame."""
    return own is None or held is None or own.high >= held.high / 10


def _is_cold(effect: Effect) -> bool:
    return _is_quiet(effect) and effect.scans is not None and effect.scans <= _COLD_SCANS


# --- words ------------------------------------------------------------------------------------------------------------


def _for(holder: Effect, since: Priced, members: Sequence[Priced]) -> str:
    """How long that lasts, to the commit, and who queues meanwhile."""
    seconds = held_for(since, members)
    if seconds is None:
        return ", for a time that is not known"
    waiting = queued(holder, seconds)
    behind = f": about {about(waiting)} queries would queue" if waiting is not None and waiting >= 1 else ""
    return f", for about {spread(seconds)}{behind}"


def _all_works(works: list[tuple[str, Effect]]) -> str:
    """`reads every row of a (34 MB) and b (5 MB), rewrites c`: what is done, and to which relations; the first few."""
    by_doing: dict[str, list[Effect]] = {}
    for doing, effect in works:
        by_doing.setdefault(doing, []).append(effect)
    return ", ".join(f"{doing} {_named(effects)}" for doing, effects in by_doing.items())


def _named(effects: list[Effect]) -> str:
    named = [f"{effect.relation}{_size(effect)}" for effect in effects]
    if len(named) > _MOST_NAMED:
        named = [*named[: _MOST_NAMED - 1], f"{len(named) - _MOST_NAMED + 1:,} more"]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _size(effect: Effect) -> str:
    parts = []
    if effect.size_bytes is not None:
        parts.append(size(effect.size_bytes))
    if effect.rows is not None:
        parts.append(f"about {about(effect.rows)} rows")
    return f" ({', '.join(parts)})" if parts else ""
