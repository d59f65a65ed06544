"""How long locks live: from the statement that takes one to the commit, and who queues meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.effects import Effect
from gate.model.plan import Hold, MigrationPlan, StatementPlan
from gate.report.prose import times


@dataclass(frozen=True, kw_only=True)
class Held:
    """A lock that others wait for; `to_line` is the last statement before the commit.

    `is_replaced`: a statement of the transaction is split, so this is what would be if it ran as it is written.
    `queue` says how many queries would wait at which traffic; it is empty where that is not known, or nobody would.
    """

    hold: Hold
    to_line: int
    is_replaced: bool
    queue: str


def held(migration: MigrationPlan) -> list[Held]:
    """What shuts somebody out for longer than a moment, or while a later statement of its transaction runs."""
    found = []
    for transaction in migration.transactions:
        members = [migration.statements[place] for place in transaction.statements]
        for hold in transaction.holds:
            effects = _effects(hold, members)
            to_line = hold.to_line or members[-1].line
            matters = hold.from_line < to_line or not times.is_momentary(hold.seconds)
            if hold.shuts_out and matters and not any(effect.is_new for effect in effects):
                replaced = any(member.steps for member in members)
                found.append(Held(hold=hold, to_line=to_line, is_replaced=replaced, queue=_queue(hold, effects)))
    return found


def _effects(hold: Hold, members: list[StatementPlan]) -> list[Effect]:
    """What the transaction does to the relation, the strongest lock first."""
    found = [effect for member in members for effect in member.effects if effect.relation == hold.relation]
    return sorted(found, key=lambda effect: -effect.lock.strength)


def _queue(hold: Hold, effects: list[Effect]) -> str:
    busy = next(map(times.traffic, effects), "")
    queued = times.queue(hold.queued)
    return f"at {busy} {queued}" if busy and queued else queued


def sentence(item: Held) -> str:
    """`public.orders is locked ACCESS EXCLUSIVE from line 2 to the commit after line 4, for about 9 s: ...`."""
    hold = item.hold
    after = f"line {item.to_line}" if item.to_line > hold.from_line else "it"
    return (
        f"{'as written, ' if item.is_replaced else ''}{hold.relation} is locked {hold.lock.value} from line "
        f"{hold.from_line} to the commit after {after}, for {times.duration(hold.seconds)}: "
        f"{times.waits(hold.shuts_out)}{'; ' + item.queue if item.queue else ''}"
    )
